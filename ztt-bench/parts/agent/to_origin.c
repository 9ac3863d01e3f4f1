#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-bench/parts/agent/proxy.h"

#define HEAD_BYTES (2 * ZTT_CONNECT_MAX_BYTES)

/* A head under construction; `over` once it did not fit, or held what would end
 * its place. */
struct text {
	char *at;
	size_t len, cap;
	bool over;
};

static void put_bytes(struct text *text, const char *at, size_t len)
{
	if (text->over || len > text->cap - text->len) {
		text->over = true;
		return;
	}
	if (len)
		memcpy(text->at + text->len, at, len);
	text->len += len;
}

static void put(struct text *text, const char *word)
{
	put_bytes(text, word, strlen(word));
}

static void put_clean(struct text *text, struct ztt_slice slice)
{
	for (size_t i = 0; i < slice.len_bytes; i++)
		if ((unsigned char)slice.at[i] < ' ' && slice.at[i] != '\t')
			text->over = true;
	put_bytes(text, slice.at, slice.len_bytes);
}

static void put_token(struct text *text, struct ztt_slice slice)
{
	text->over |= !ztt_relay_is_token(slice);
	put_bytes(text, slice.at, slice.len_bytes);
}

static void put_target(struct text *text, struct ztt_slice slice)
{
	for (size_t i = 0; i < slice.len_bytes; i++)
		if ((unsigned char)slice.at[i] <= ' ' || slice.at[i] == 0x7f)
			text->over = true;
	put_bytes(text, slice.at, slice.len_bytes);
}

static struct ztt_slice find(const struct ztt_connect_request *request,
			     const char *key)
{
	for (size_t i = 0; i < request->meta_count; i++)
		if (ztt_slice_is(request->meta[i].key, key))
			return request->meta[i].value;
	return (struct ztt_slice){NULL, 0};
}

/* "http://host/path?q" -> "/path?q" */
static struct ztt_slice path_of(struct ztt_slice url)
{
	const char *end, *at;

	if (!url.len_bytes)
		return (struct ztt_slice){"/", 1};
	end = url.at + url.len_bytes;
	at = memmem(url.at, url.len_bytes, "://", 3);
	if (at)
		at = memchr(at + 3, '/', (size_t)(end - at - 3));
	else if (url.at[0] == '/')
		at = url.at;
	if (!at)
		return (struct ztt_slice){"/", 1};
	return (struct ztt_slice){at, (size_t)(end - at)};
}

static bool is_dropped(struct ztt_slice name)
{
	return ztt_slice_is(name, "Connection") ||
	       ztt_slice_is(name, "Keep-Alive") || ztt_slice_is(name, "Host") ||
	       ztt_slice_is(name, "Upgrade") || ztt_slice_is(name, "TE") ||
	       ztt_slice_is(name, "Content-Length") ||
	       ztt_slice_is(name, "Transfer-Encoding");
}

static void put_headers(struct text *text,
			const struct ztt_connect_request *request)
{
	for (size_t i = 0; i < request->meta_count; i++) {
		const struct ztt_slice name =
			ztt_connect_header_name(request->meta[i].key);

		if (!name.at || is_dropped(name))
			continue;
		put_token(text, name);
		put(text, ": ");
		put_clean(text, request->meta[i].value);
		put(text, "\r\n");
	}
}

static uint64_t number_of(struct ztt_slice text)
{
	uint64_t number = 0;

	if (!text.len_bytes || text.len_bytes > 18)
		return ZTT_HTTP1_LENGTH_UNKNOWN;
	for (size_t i = 0; i < text.len_bytes; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return ZTT_HTTP1_LENGTH_UNKNOWN;
		number = number * 10 + (uint64_t)(text.at[i] - '0');
	}
	return number;
}

/* As cloudflared: without one of the two headers there is no body. */
static enum ztt_body body_of(const struct ztt_connect_request *request,
			     uint64_t *ret_bytes)
{
	*ret_bytes = number_of(find(request, "HttpHeader:Content-Length"));
	if (*ret_bytes != ZTT_HTTP1_LENGTH_UNKNOWN)
		return *ret_bytes ? ZTT_BODY_LENGTH : ZTT_BODY_NONE;
	return ztt_slice_is(find(request, "HttpHeader:Transfer-Encoding"),
			    "chunked")
		       ? ZTT_BODY_CHUNKED
		       : ZTT_BODY_NONE;
}

static void write_head(struct ztt_proxied *proxied,
		       const struct ztt_connect_request *request,
		       enum ztt_body body, uint64_t body_bytes,
		       struct text *text)
{
	const struct ztt_agent *agent = proxied->link->worker->agent;
	struct ztt_slice host = find(request, ZTT_META_HOST);
	char line[64];

	put_token(text, find(request, ZTT_META_METHOD));
	put(text, " ");
	put_target(text, path_of(request->dest));
	put(text, " HTTP/1.1\r\nHost: ");
	if (host.at)
		put_clean(text, host);
	else
		put(text, agent->origin_host);
	put(text, "\r\n");
	put_headers(text, request);
	if (proxied->type == ZTT_CONNECT_WEBSOCKET) {
		put(text, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
	} else if (body == ZTT_BODY_CHUNKED) {
		put(text, "Transfer-Encoding: chunked\r\n");
	} else if (body_bytes != ZTT_HTTP1_LENGTH_UNKNOWN) {
		snprintf(line, sizeof(line), "Content-Length: %llu\r\n",
			 (unsigned long long)body_bytes);
		put(text, line);
	}
	put(text, "\r\n");
}

static void keep_request(struct ztt_proxied *proxied, const struct text *text)
{
	if (!proxied->conn->reused)
		return;
	proxied->request = ztt_alloc(text->len);
	memcpy(proxied->request, text->at, text->len);
	proxied->request_len = text->len;
}

static void begin_http(struct ztt_proxied *proxied,
		       const struct ztt_connect_request *request)
{
	struct ztt_agent_worker *worker = proxied->link->worker;
	struct text text = {worker->keys, 0, HEAD_BYTES, false};
	const struct ztt_slice method = find(request, ZTT_META_METHOD);
	uint64_t body_bytes;
	enum ztt_body body = body_of(request, &body_bytes);
	struct ztt_err err;

	proxied->head_request = method.at && ztt_slice_is(method, "HEAD");
	if (proxied->type == ZTT_CONNECT_WEBSOCKET)
		body = ZTT_BODY_RAW;
	write_head(proxied, request, body, body_bytes, &text);
	if (text.over) {
		ztt_proxy_fail(proxied, "the request is malformed");
		return;
	}
	if (ztt_origin_take(worker, &worker->agent->origin,
			    body != ZTT_BODY_NONE &&
				    proxied->type != ZTT_CONNECT_HTTP,
			    &proxied->conn, &err) < 0) {
		ztt_proxy_fail(proxied, err.text);
		return;
	}
	if (body == ZTT_BODY_NONE)
		keep_request(proxied, &text);
	ztt_chain_append(&proxied->conn->tcp.out, text.at, text.len);
	ztt_relay_attach(&proxied->relay, &proxied->conn->tcp);
	ztt_relay_open_out(&proxied->relay, body, body_bytes);
	ztt_tcp_flush(&proxied->conn->tcp);
	ztt_proxy_await(proxied);
}

static void on_tcp_connected(struct ztt_tcp *tcp)
{
	const struct ztt_connect_response response = {.meta_count = 0};
	struct ztt_proxied *proxied =
		ZTT_CONTAINER(tcp->owner, struct ztt_proxied, relay);

	ztt_proxy_answer(proxied, &response);
	ztt_relay_open_in(&proxied->relay, ZTT_BODY_RAW, 0);
}

static void begin_tcp(struct ztt_proxied *proxied,
		      const struct ztt_connect_request *request)
{
	struct ztt_agent_worker *worker = proxied->link->worker;
	struct ztt_address address;
	char text[ZTT_ADDRESS_LEN];
	struct ztt_err err;

	if (!worker->agent->tcp_allowed) {
		ztt_proxy_fail(proxied, "TCP is not allowed by this connector; "
					"start it with --tcp");
		return;
	}
	snprintf(text, sizeof(text), "%.*s", (int)request->dest.len_bytes,
		 request->dest.at);
	if (ztt_address_parse_numeric(text, &address, &err) < 0 ||
	    ztt_origin_take(worker, &address, true, &proxied->conn, &err) < 0) {
		ztt_proxy_fail(proxied, err.text);
		return;
	}
	ztt_relay_attach(&proxied->relay, &proxied->conn->tcp);
	ztt_relay_open_out(&proxied->relay, ZTT_BODY_RAW, 0);
	proxied->conn->tcp.connected = on_tcp_connected;
}

void ztt_proxy_begin(struct ztt_proxied *proxied,
		     const struct ztt_connect_request *request)
{
	proxied->type = request->type;
	if (request->type == ZTT_CONNECT_TCP)
		begin_tcp(proxied, request);
	else
		begin_http(proxied, request);
}
