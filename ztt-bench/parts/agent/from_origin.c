#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-bench/parts/agent/proxy.h"

static struct ztt_slice slice_of(const char *text)
{
	return (struct ztt_slice){text, strlen(text)};
}

void ztt_proxy_answer(struct ztt_proxied *proxied,
		      const struct ztt_connect_response *response)
{
	struct ztt_agent_worker *worker = proxied->link->worker;
	const ssize_t len =
		ztt_connect_response_encode(response, worker->scratch,
					    ZTT_CONNECT_MAX_BYTES);

	if (len < 0) {
		ztt_proxy_fail(proxied, "the origin's answer has too large a "
					"head for the tunnel");
		return;
	}
	proxied->answered = true;
	ztt_quic_write(&proxied->relay.stream, worker->scratch, (size_t)len);
}

static bool is_of_this_hop(struct ztt_slice name)
{
	return ztt_slice_is(name, "Connection") ||
	       ztt_slice_is(name, "Keep-Alive") ||
	       ztt_slice_is(name, "Transfer-Encoding") ||
	       ztt_slice_is(name, "Upgrade");
}

/* Names are built in `keys`, of twice the size of any head. */
static int fill_response(const struct ztt_http1_head *head, char *keys,
			 char *status, struct ztt_connect_response *response)
{
	static const char prefix[] = ZTT_META_HEADER ":";
	const size_t prefix_len = sizeof(prefix) - 1;

	response->error = (struct ztt_slice){"", 0};
	response->meta_count = 1;
	response->meta[0].key = slice_of(ZTT_META_STATUS);
	snprintf(status, 4, "%u", head->status);
	response->meta[0].value = slice_of(status);
	for (size_t i = 0; i < head->header_count; i++) {
		const struct ztt_slice name = head->headers[i].name;
		struct ztt_connect_meta *meta;

		if (is_of_this_hop(name))
			continue;
		if (response->meta_count == ZTT_CONNECT_META_MAX)
			return -EMSGSIZE;
		meta = &response->meta[response->meta_count++];
		memcpy(keys, prefix, prefix_len);
		memcpy(keys + prefix_len, name.at, name.len_bytes);
		meta->key =
			(struct ztt_slice){keys, prefix_len + name.len_bytes};
		meta->value = head->headers[i].value;
		keys += meta->key.len_bytes;
	}
	return 0;
}

static void pass_on(struct ztt_proxied *proxied,
		    const struct ztt_http1_head *head, size_t head_len)
{
	struct ztt_agent_worker *worker = proxied->link->worker;
	struct ztt_tcp *tcp = &proxied->conn->tcp;
	struct ztt_connect_response response;
	enum ztt_body body;
	char status[4];

	if (fill_response(head, worker->keys, status, &response) < 0) {
		ztt_proxy_fail(proxied, "the origin's answer has too many "
					"headers");
		return;
	}
	ztt_proxy_answer(proxied, &response);
	if (!proxied->answered)
		return;
	body = ztt_relay_response_body(head, proxied->head_request);
	if (head->status == 101)
		body = ZTT_BODY_RAW;
	proxied->reusable = head->keep_alive && body != ZTT_BODY_RAW;
	free(proxied->request);
	proxied->request = NULL;
	ztt_tcp_used(tcp, head_len);
	ztt_relay_attach(&proxied->relay, tcp);
	ztt_relay_open_in(&proxied->relay, body, head->content_length);
}

/* A kept connection may have been closed while the request was on its way: a
 * request without a body is sent again on a new one (RFC 9110, 9.2.2). */
static bool try_again(struct ztt_proxied *proxied)
{
	struct ztt_agent_worker *worker = proxied->link->worker;
	struct ztt_err err;

	if (!proxied->request || !proxied->conn->reused)
		return false;
	ztt_relay_detach(&proxied->relay);
	ztt_origin_close(proxied->conn);
	proxied->conn = NULL;
	if (ztt_origin_take(worker, &worker->agent->origin, true,
			    &proxied->conn, &err) < 0) {
		ztt_proxy_fail(proxied, err.text);
		return true;
	}
	ztt_chain_append(&proxied->conn->tcp.out, proxied->request,
			 proxied->request_len);
	ztt_relay_attach(&proxied->relay, &proxied->conn->tcp);
	ztt_tcp_flush(&proxied->conn->tcp);
	ztt_proxy_await(proxied);
	return true;
}

static void broke_off(struct ztt_proxied *proxied, const struct ztt_tcp *tcp)
{
	char why[160];

	if (!tcp->ahead_len && try_again(proxied))
		return;
	snprintf(why, sizeof(why), "the origin %s: %s",
		 proxied->conn->tcp.writable || !tcp->error
			 ? "broke off before it answered"
			 : "cannot be reached",
		 tcp->error ? strerror(-tcp->error) : "connection closed");
	ztt_proxy_fail(proxied, why);
}

/* The next head that is not interim: its length, or as ztt_http1_response. */
static ssize_t next_head(struct ztt_tcp *tcp, struct ztt_http1_head *head)
{
	ssize_t n;

	for (;;) {
		n = ztt_http1_response(ztt_tcp_ahead(tcp),
				       tcp->ahead_len - tcp->ahead_at, head);
		if (n <= 0 || head->status >= 200 || head->status == 101)
			return n;
		ztt_tcp_used(tcp, (size_t)n);
	}
}

static void on_ready(struct ztt_tcp *tcp)
{
	struct ztt_proxied *proxied =
		ZTT_CONTAINER(tcp->owner, struct ztt_proxied, relay);
	struct ztt_http1_head head;
	ssize_t n;

	while ((n = next_head(tcp, &head)) == 0) {
		n = ztt_tcp_read_ahead(tcp, ZTT_HTTP1_HEAD_MAX_BYTES);
		if (n == -EAGAIN)
			return;
		if (n == -EMSGSIZE)
			break;
		if (n <= 0) {
			broke_off(proxied, tcp);
			return;
		}
	}
	if (n < 0)
		ztt_proxy_fail(proxied, "the origin's answer is malformed");
	else
		pass_on(proxied, &head, (size_t)n);
}

void ztt_proxy_await(struct ztt_proxied *proxied)
{
	proxied->conn->tcp.ready = on_ready;
}
