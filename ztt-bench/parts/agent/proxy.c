#include "ztt-bench/parts/agent/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

static struct ztt_proxied *proxied_of(struct ztt_quic_stream *stream)
{
	return ZTT_CONTAINER(stream, struct ztt_proxied, relay.stream);
}

static struct ztt_slice slice_of(const char *text)
{
	return (struct ztt_slice){text, strlen(text)};
}

static void let_go(struct ztt_proxied *proxied, bool keep)
{
	struct ztt_origin_conn *conn = proxied->conn;

	if (!conn)
		return;
	ztt_relay_detach(&proxied->relay);
	proxied->conn = NULL;
	if (keep)
		ztt_origin_keep(conn);
	else
		ztt_origin_close(conn);
}

static void on_finished(struct ztt_relay *relay)
{
	struct ztt_proxied *proxied =
		ZTT_CONTAINER(relay, struct ztt_proxied, relay);

	let_go(proxied, proxied->reusable);
}

static void on_failed(struct ztt_relay *relay, const char *why)
{
	ztt_proxy_fail(ZTT_CONTAINER(relay, struct ztt_proxied, relay), why);
}

/* cloudflared answers an unreachable origin with 502 as an HTTP answer, and a
 * TCP destination with the error of the ConnectResponse. */
static void answer_failure(struct ztt_proxied *proxied, const char *why)
{
	struct ztt_connect_response response = {.meta_count = 0};

	if (proxied->connected && proxied->type == ZTT_CONNECT_TCP) {
		response.error = slice_of(why);
	} else {
		response.meta_count = 2;
		response.meta[0].key = slice_of(ZTT_META_STATUS);
		response.meta[0].value = slice_of("502");
		response.meta[1].key =
			slice_of(ZTT_META_HEADER ":Content-Type");
		response.meta[1].value = slice_of("text/plain");
	}
	ztt_proxy_answer(proxied, &response);
	if (response.meta_count)
		ztt_quic_write(&proxied->relay.stream, why, strlen(why));
	ztt_quic_finish(&proxied->relay.stream);
}

void ztt_proxy_fail(struct ztt_proxied *proxied, const char *why)
{
	ztt_agent_say(proxied->link->worker->agent, "request: %s", why);
	if (proxied->answered) {
		ztt_quic_reset(&proxied->relay.stream, 0);
	} else {
		proxied->answered = true; /* an oversized answer stops here */
		answer_failure(proxied, why);
	}
	proxied->relay.out_done = true;
	proxied->relay.in_done = true;
	let_go(proxied, false);
}

struct ztt_quic_stream *ztt_proxy_opened(struct ztt_link *link)
{
	struct ztt_proxied *proxied;

	if (link->draining)
		return NULL;
	proxied = ztt_calloc(1, sizeof(*proxied));
	proxied->link = link;
	proxied->relay.finished = on_finished;
	proxied->relay.failed = on_failed;
	link->stream_count++;
	return &proxied->relay.stream;
}

static void keep_head(struct ztt_proxied *proxied, const uint8_t *data,
		      size_t len)
{
	proxied->head = ztt_realloc(proxied->head, proxied->head_len + len + 1);
	memcpy(proxied->head + proxied->head_len, data, len);
	proxied->head_len += len;
}

/* The head comes in one packet as a rule; only a split one is copied, and its
 * bytes count as held until it is whole: unfinished heads stay within the
 * connection's window. */
static void head_data(struct ztt_proxied *proxied, const uint8_t *data,
		      size_t len, bool fin)
{
	const size_t before = proxied->head_len;
	struct ztt_connect_request request;
	ssize_t n;

	if (before)
		keep_head(proxied, data, len);
	n = before ? ztt_connect_request_decode(proxied->head,
						proxied->head_len, &request)
		   : ztt_connect_request_decode(data, len, &request);
	if (n == 0 && !fin && proxied->head_len <= ZTT_CONNECT_MAX_BYTES) {
		if (!before)
			keep_head(proxied, data, len);
		return;
	}
	if (n <= 0) {
		ztt_quic_consumed(&proxied->relay.stream, before + len);
		ztt_proxy_fail(proxied, "the edge's request is malformed");
		return;
	}
	proxied->connected = true;
	ztt_proxy_begin(proxied, &request);
	free(proxied->head);
	proxied->head = NULL;
	proxied->head_len = 0;
	ztt_quic_consumed(&proxied->relay.stream, (size_t)n);
	ztt_relay_body(&proxied->relay, data + ((size_t)n - before),
		       len - ((size_t)n - before), fin);
}

void ztt_proxy_data(struct ztt_quic_stream *stream, const uint8_t *data,
		    size_t len_bytes, bool fin)
{
	struct ztt_proxied *proxied = proxied_of(stream);

	if (proxied->connected || proxied->answered)
		ztt_relay_body(&proxied->relay, data, len_bytes, fin);
	else
		head_data(proxied, data, len_bytes, fin);
}

void ztt_proxy_writable(struct ztt_quic_stream *stream)
{
	ztt_relay_pump(&proxied_of(stream)->relay);
}

static void abandon(struct ztt_quic_stream *stream)
{
	struct ztt_proxied *proxied = proxied_of(stream);

	ztt_quic_reset(stream, 0);
	proxied->relay.in_done = proxied->relay.out_done = true;
	proxied->answered = true;
	let_go(proxied, false);
}

void ztt_proxy_reset(struct ztt_quic_stream *stream, uint64_t code)
{
	(void)code;
	abandon(stream);
}

void ztt_proxy_stopped(struct ztt_quic_stream *stream)
{
	abandon(stream);
}

void ztt_proxy_closed(struct ztt_quic_stream *stream)
{
	struct ztt_proxied *proxied = proxied_of(stream);
	struct ztt_link *link = proxied->link;

	let_go(proxied, false);
	free(proxied->head);
	free(proxied->request);
	free(proxied);
	ztt_link_stream_ended(link);
}
