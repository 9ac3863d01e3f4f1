/* HTTP/2 (RFC 9113, RFC 7541) as its bytes come in order, both directions of
 * one connection: which frames, which requests, and within the stream that
 * cloudflared's control stream is, its RPC. Between cloudflared and the edge,
 * the edge is the HTTP/2 client: who sent the preface is. Of headers only
 * method, scheme, authority, path (without its query) and status are shown. */
#ifndef ZTT_CAPTURE_HTTP2_H
#define ZTT_CAPTURE_HTTP2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/decode/tunnel.h"

struct ztt_http2; /* opaque; memory does not grow with what comes: the two
		     header tables, as large as SETTINGS allow and at most
		     64 KiB each */

struct ztt_http2_facts {
	bool seen; /* it is HTTP/2 */
	bool control_stream;
	uint64_t frames, streams;
	uint64_t requests;       /* without those that configure the tunnel */
	uint64_t unread_headers; /* the header table was lost */
	uint64_t malformed;
	bool going_away; /* GOAWAY, and its code */
	uint64_t going_away_code;
};

/* `tunnel` (NULL: none) is asked once, when there is a control stream, for what
 * reads it, which is borrowed; it may return NULL. */
struct ztt_http2 *ztt_http2_new(struct ztt_tunnel *(*tunnel)(void *owner),
				void *owner);
void ztt_http2_free(struct ztt_http2 *http2);
const struct ztt_http2_facts *ztt_http2_facts(const struct ztt_http2 *http2);

/* Bytes in order, `up` from the TCP client. Adds an item to `line` (NULL:
 * nobody reads it) for each frame at its end, for DATA at its beginning. What
 * is no HTTP/2 is passed over. */
void ztt_http2_data(struct ztt_http2 *http2, bool up, const uint8_t *data,
		    size_t len_bytes, struct ztt_line *line);
/* Bytes are missing, `len_bytes` of them, or an unknown number when 0: within
 * DATA, the frames after it are found all the same. Otherwise they are looked
 * for where the next bytes begin, and headers cannot be read any more. */
void ztt_http2_gap(struct ztt_http2 *http2, bool up, uint64_t len_bytes);

/* "DATA", or "type 0x1f". */
#define ZTT_HTTP2_NAME_LEN 16
const char *ztt_http2_type_name(uint8_t type, char out[ZTT_HTTP2_NAME_LEN]);

#endif
