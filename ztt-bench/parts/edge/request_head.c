#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ztt-bench/parts/edge/eyeball.h"

static struct ztt_slice slice_of(const char *text)
{
	return (struct ztt_slice){text, strlen(text)};
}

enum ztt_connect_type ztt_request_type(const struct ztt_http1_head *head)
{
	if (ztt_slice_is(head->method, "CONNECT"))
		return ZTT_CONNECT_TCP;
	if (head->upgrade &&
	    ztt_slice_is(ztt_http1_find(head, "Upgrade"), "websocket"))
		return ZTT_CONNECT_WEBSOCKET;
	return ZTT_CONNECT_HTTP;
}

/* Headers that speak of this hop alone (RFC 9110, section 7.6.1); of the body's
 * framing, cloudflared must see Transfer-Encoding to read a body at all. */
static bool is_of_this_hop(struct ztt_slice name)
{
	static const char *const names[] = {
		"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Upgrade",
		"Expect",     "Host"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ztt_slice_is(name, names[i]))
			return true;
	return false;
}

static int add(struct ztt_connect_request *request, const char *key,
	       struct ztt_slice value)
{
	if (request->meta_count == ZTT_CONNECT_META_MAX)
		return -EMSGSIZE;
	request->meta[request->meta_count++] =
		(struct ztt_connect_meta){slice_of(key), value};
	return 0;
}

static int add_headers(struct ztt_connect_request *request,
		       const struct ztt_http1_head *head, char *keys)
{
	static const char prefix[] = ZTT_META_HEADER ":";
	char *at = keys;
	int rc = 0;

	for (size_t i = 0; i < head->header_count && rc == 0; i++) {
		const struct ztt_slice name = head->headers[i].name;
		struct ztt_slice key = {at,
					sizeof(prefix) - 1 + name.len_bytes};

		if (is_of_this_hop(name))
			continue;
		if (request->meta_count == ZTT_CONNECT_META_MAX)
			return -EMSGSIZE;
		memcpy(at, prefix, sizeof(prefix) - 1);
		memcpy(at + sizeof(prefix) - 1, name.at, name.len_bytes);
		at += key.len_bytes;
		request->meta[request->meta_count++] =
			(struct ztt_connect_meta){key, head->headers[i].value};
	}
	return rc;
}

/* The head is at most ZTT_HTTP1_HEAD_MAX_BYTES, and so all of this fits into
 * `keys` of ZTT_CONNECT_MAX_BYTES: a name with its prefix takes less than twice
 * the line it came from, or the count of headers ends it. */
ssize_t ztt_request_encode(const struct ztt_http1_head *head,
			   enum ztt_connect_type type, char *keys, uint8_t *out)
{
	struct ztt_connect_request request;
	struct ztt_slice host = head->host;
	int len = 0;

	request.type = type;
	request.meta_count = 0;
	request.dest = head->target;
	if (!host.at || !host.len_bytes)
		host = slice_of("localhost");
	if (type != ZTT_CONNECT_TCP && head->target.len_bytes &&
	    head->target.at[0] == '/') {
		len = snprintf(keys, ZTT_HTTP1_HEAD_MAX_BYTES * 2,
			       "http://%.*s%.*s", (int)host.len_bytes, host.at,
			       (int)head->target.len_bytes, head->target.at);
		request.dest = (struct ztt_slice){keys, (size_t)len};
	}
	if (type != ZTT_CONNECT_TCP &&
	    (add(&request, ZTT_META_METHOD, head->method) < 0 ||
	     add(&request, ZTT_META_HOST, host) < 0 ||
	     add_headers(&request, head, keys + len) < 0))
		return -EMSGSIZE;
	return ztt_connect_request_encode(&request, out, ZTT_CONNECT_MAX_BYTES);
}
