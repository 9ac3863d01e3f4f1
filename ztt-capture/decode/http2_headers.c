#define _GNU_SOURCE
#include "ztt-capture/decode/http2_frame.h"

#include <errno.h>
#include <string.h>

#define TABLE_BYTES_MAX 65536

void ztt_http2_headers_init(struct ztt_http2_headers *headers)
{
	memset(headers, 0, sizeof(*headers));
	if (nghttp2_hd_inflate_new(&headers->inflater))
		headers->inflater = NULL;
}

void ztt_http2_headers_lose(struct ztt_http2_headers *headers)
{
	if (headers->inflater)
		nghttp2_hd_inflate_del(headers->inflater);
	headers->inflater = NULL;
}

void ztt_http2_headers_begin(struct ztt_http2_headers *headers,
			     const struct ztt_http2_frame *frame)
{
	headers->stream_id = frame->stream_id;
	headers->end_stream = frame->flags & ZTT_HTTP2_END_STREAM;
	headers->open = true;
	headers->method[0] = headers->scheme[0] = headers->status[0] = '\0';
	headers->authority[0] = headers->path[0] = headers->upgrade[0] = '\0';
}

/* The fields that are kept, and where. */
static char *place_of(struct ztt_http2_headers *headers,
		      const nghttp2_nv *field, size_t *ret_cap)
{
	struct {
		const char *name;
		char *at;
		size_t cap_bytes;
	} places[] = {
		{":method", headers->method, sizeof(headers->method)},
		{":scheme", headers->scheme, sizeof(headers->scheme)},
		{":status", headers->status, sizeof(headers->status)},
		{":path", headers->path, sizeof(headers->path)},
		{":authority", headers->authority, sizeof(headers->authority)},
		{"cf-cloudflared-proxy-connection-upgrade", headers->upgrade,
		 sizeof(headers->upgrade)},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (strlen(places[i].name) != field->namelen ||
		    memcmp(places[i].name, field->name, field->namelen) != 0)
			continue;
		*ret_cap = places[i].cap_bytes;
		return places[i].at;
	}
	return NULL;
}

static void keep(struct ztt_http2_headers *headers, const nghttp2_nv *field)
{
	size_t cap, len = field->valuelen;
	char *at;

	if (field->namelen == 0 ||
	    (field->name[0] != ':' && field->name[0] != 'c'))
		return;
	at = place_of(headers, field, &cap);
	if (!at)
		return;
	if (len > cap - 1)
		len = cap - 1;
	memcpy(at, field->value, len);
	at[len] = '\0';
}

int ztt_http2_headers_fragment(struct ztt_http2_headers *headers,
			       const uint8_t *data, size_t len_bytes, bool last)
{
	nghttp2_nv field;
	int flags;
	ssize_t taken;

	if (!headers->inflater)
		return -EPROTO;
	do {
		flags = NGHTTP2_HD_INFLATE_NONE;
		taken = nghttp2_hd_inflate_hd2(headers->inflater, &field,
					       &flags, data, len_bytes, last);
		if (taken < 0) {
			ztt_http2_headers_lose(headers);
			return -EPROTO;
		}
		data += taken;
		len_bytes -= (size_t)taken;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			keep(headers, &field);
	} while (!(flags & NGHTTP2_HD_INFLATE_FINAL) &&
		 (flags & NGHTTP2_HD_INFLATE_EMIT || len_bytes));
	if (last)
		nghttp2_hd_inflate_end_headers(headers->inflater);
	return 0;
}

void ztt_http2_headers_limit(struct ztt_http2_headers *headers,
			     uint32_t table_bytes)
{
	if (table_bytes > TABLE_BYTES_MAX)
		table_bytes = TABLE_BYTES_MAX;
	if (headers->inflater &&
	    nghttp2_hd_inflate_change_table_size(headers->inflater,
						 table_bytes) != 0)
		ztt_http2_headers_lose(headers);
}

static struct ztt_slice slice(const char *text)
{
	return (struct ztt_slice){text, strlen(text)};
}

void ztt_http2_headers_say(const struct ztt_http2_headers *headers,
			   struct ztt_line *line)
{
	ztt_line_add(line, "HEADERS %u ", headers->stream_id);
	if (!headers->inflater) {
		ztt_line_add(line, "(not readable)");
	} else if (headers->method[0]) {
		ztt_line_slice(line, slice(headers->method));
		ztt_line_add(line, " ");
		ztt_line_slice(line, slice(headers->scheme));
		ztt_line_add(line, headers->scheme[0] ? "://" : "");
		ztt_line_url(line, slice(headers->authority));
		ztt_line_url(line, slice(headers->path));
		if (headers->upgrade[0])
			ztt_line_add(line, " ");
		ztt_line_slice(line, slice(headers->upgrade));
	} else if (headers->status[0]) {
		ztt_line_slice(line, slice(headers->status));
	} else {
		ztt_line_add(line, "trailers");
	}
	if (headers->end_stream)
		ztt_line_add(line, " end");
}
