/* Within decode/http2*.c: one direction, its frame and its header block. */
#ifndef ZTT_CAPTURE_HTTP2_FRAME_H
#define ZTT_CAPTURE_HTTP2_FRAME_H

#include <nghttp2/nghttp2.h>

#include "ztt-capture/decode/http2.h"

#define ZTT_HTTP2_HEAD_BYTES 9
#define ZTT_HTTP2_SMALL_BYTES 512

enum {
	ZTT_HTTP2_END_STREAM = 0x1, /* DATA, HEADERS */
	ZTT_HTTP2_ACK = 0x1,        /* SETTINGS, PING */
	ZTT_HTTP2_END_HEADERS = 0x4,
	ZTT_HTTP2_PADDED = 0x8,
	ZTT_HTTP2_PRIORITY = 0x20,
};

struct ztt_http2_frame {
	uint32_t length, stream_id;
	uint8_t type, flags;
	uint32_t left;            /* of the payload */
	uint32_t padding, prefix; /* bytes after and before what it carries */
};

/* From ZTT_HTTP2_HEAD_BYTES. */
struct ztt_http2_frame ztt_http2_frame_parse(const uint8_t *head);
/* Whether length, type and stream ID go together. */
bool ztt_http2_frame_is_plausible(const struct ztt_http2_frame *frame);
/* HEADERS, PUSH_PROMISE or CONTINUATION. */
bool ztt_http2_frame_has_headers(const struct ztt_http2_frame *frame);

/* A header block, from HEADERS to its last CONTINUATION. */
struct ztt_http2_headers {
	nghttp2_hd_inflater *inflater; /* NULL: the table is lost */
	uint32_t stream_id;
	bool open, end_stream;
	char method[16], scheme[8], status[4];
	char authority[256], path[512], upgrade[32];
};

void ztt_http2_headers_init(struct ztt_http2_headers *headers);
void ztt_http2_headers_lose(struct ztt_http2_headers *headers);
void ztt_http2_headers_begin(struct ztt_http2_headers *headers,
			     const struct ztt_http2_frame *frame);
/* A fragment; `last` also when it is empty. 0; -EPROTO: the table is lost. */
int ztt_http2_headers_fragment(struct ztt_http2_headers *headers,
			       const uint8_t *data, size_t len_bytes,
			       bool last);
/* What the other side allows for the table (SETTINGS_HEADER_TABLE_SIZE). */
void ztt_http2_headers_limit(struct ztt_http2_headers *headers,
			     uint32_t table_bytes);
void ztt_http2_headers_say(const struct ztt_http2_headers *headers,
			   struct ztt_line *line);

/* Of frames that are read as a whole, all but DATA and headers; `payload` is
 * its beginning, at most ZTT_HTTP2_SMALL_BYTES. */
void ztt_http2_frame_say(const struct ztt_http2_frame *frame,
			 const uint8_t *payload, size_t payload_bytes,
			 struct ztt_line *line);

#endif
