#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ztt-bench/parts/edge/eyeball.h"

static void put(struct ztt_chain *out, const char *text)
{
	ztt_chain_append(out, text, strlen(text));
}

static void put_slice(struct ztt_chain *out, struct ztt_slice slice)
{
	ztt_chain_append(out, slice.at, slice.len_bytes);
}

static const char *phrase_of(unsigned status)
{
	switch (status) {
	case 101:
		return "Switching Protocols";
	case 200:
		return "OK";
	case 204:
		return "No Content";
	case 304:
		return "Not Modified";
	case 404:
		return "Not Found";
	case 502:
		return "Bad Gateway";
	default:
		return "-";
	}
}

static int read_number(struct ztt_slice text, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!text.len_bytes || text.len_bytes > 18)
		return -EPROTO;
	for (size_t i = 0; i < text.len_bytes; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return -EPROTO;
		number = number * 10 + (uint64_t)(text.at[i] - '0');
	}
	*ret_number = number;
	return 0;
}

static int find_status(const struct ztt_connect_response *response,
		       unsigned *ret_status)
{
	uint64_t status;

	for (size_t i = 0; i < response->meta_count; i++) {
		if (!ztt_slice_is(response->meta[i].key, ZTT_META_STATUS))
			continue;
		if (read_number(response->meta[i].value, &status) < 0 ||
		    status < 100 || status > 599)
			return -EPROTO;
		*ret_status = (unsigned)status;
		return 0;
	}
	return -EPROTO;
}

static bool is_of_this_hop(struct ztt_slice name)
{
	return ztt_slice_is(name, "Connection") ||
	       ztt_slice_is(name, "Keep-Alive") ||
	       ztt_slice_is(name, "Transfer-Encoding");
}

/* A header with a line break in it would be another header. */
static bool is_clean(struct ztt_slice text)
{
	for (size_t i = 0; i < text.len_bytes; i++)
		if ((unsigned char)text.at[i] < ' ' && text.at[i] != '\t')
			return false;
	return true;
}

/* The first length counts: two would be read differently by different
 * clients. */
static bool take_length(struct ztt_slice value, uint64_t *length)
{
	return *length == ZTT_HTTP1_LENGTH_UNKNOWN &&
	       read_number(value, length) == 0;
}

static void put_headers(const struct ztt_connect_response *response,
			struct ztt_chain *out, uint64_t *length)
{
	for (size_t i = 0; i < response->meta_count; i++) {
		const struct ztt_slice value = response->meta[i].value;
		const struct ztt_slice name =
			ztt_connect_header_name(response->meta[i].key);

		if (!name.at || is_of_this_hop(name) ||
		    !ztt_relay_is_token(name) || !is_clean(value))
			continue;
		if (ztt_slice_is(name, "Content-Length") &&
		    !take_length(value, length))
			continue;
		put_slice(out, name);
		put(out, ": ");
		put_slice(out, value);
		put(out, "\r\n");
	}
}

int ztt_response_write(const struct ztt_connect_response *response,
		       const struct ztt_request *request, bool keep_alive,
		       struct ztt_chain *out, enum ztt_body *ret_body,
		       uint64_t *ret_body_bytes)
{
	struct ztt_http1_head like = {.content_length =
					      ZTT_HTTP1_LENGTH_UNKNOWN};
	char line[64];

	if (find_status(response, &like.status) < 0)
		return -EPROTO;
	if (like.status < 200 &&
	    (like.status != 101 || request->type != ZTT_CONNECT_WEBSOCKET))
		return -EPROTO;
	snprintf(line, sizeof(line), "HTTP/1.1 %u %s\r\n", like.status,
		 phrase_of(like.status));
	put(out, line);
	put_headers(response, out, &like.content_length);
	if (like.status == 101) {
		put(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
		*ret_body = ZTT_BODY_RAW;
		return 101;
	}
	like.chunked = like.content_length == ZTT_HTTP1_LENGTH_UNKNOWN;
	*ret_body = ztt_relay_response_body(&like, request->head_request);
	*ret_body_bytes = like.content_length;
	if (*ret_body == ZTT_BODY_CHUNKED)
		put(out, "Transfer-Encoding: chunked\r\n");
	put(out, keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
	return (int)like.status;
}

void ztt_response_refuse(struct ztt_chain *out, unsigned status,
			 const char *phrase, const char *text)
{
	char head[256];

	snprintf(head, sizeof(head),
		 "HTTP/1.1 %u %s\r\nContent-Type: text/plain\r\n"
		 "Content-Length: %zu\r\n\r\n",
		 status, phrase, strlen(text) + 1);
	put(out, head);
	put(out, text);
	put(out, "\n");
}
