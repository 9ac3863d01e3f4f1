/* HTTP/1.1 message heads and chunked bodies (RFC 9112), read in place. */
#ifndef ZTT_HTTP1_H
#define ZTT_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes inside the caller's buffer; not NUL-terminated. */
struct ztt_slice {
	const char *at;
	size_t len_bytes;
};

struct ztt_http1_header {
	struct ztt_slice name, value;
};

#define ZTT_HTTP1_HEADERS_MAX 100
#define ZTT_HTTP1_HEAD_MAX_BYTES 32768
#define ZTT_HTTP1_LINE_MAX_BYTES 4096 /* of a chunk's size and extensions */
#define ZTT_HTTP1_LENGTH_UNKNOWN UINT64_MAX

struct ztt_http1_head {
	struct ztt_slice method, target; /* request only */
	unsigned status;                 /* response only: 100..599 */
	struct ztt_http1_header headers[ZTT_HTTP1_HEADERS_MAX];
	size_t header_count;
	/* From the headers: Content-Length or ZTT_HTTP1_LENGTH_UNKNOWN. */
	uint64_t content_length;
	bool chunked;
	bool keep_alive; /* by version and Connection */
	bool upgrade;    /* Upgrade present and named by Connection; not 1.0 */
	bool expect_continue;  /* nor this */
	struct ztt_slice host; /* at NULL: none */
};

/* Reads a head from the start of `data`. Returns its length in bytes with the
 * empty line, 0 when more bytes are needed, -EPROTO when it is malformed (bad
 * characters, a line that ends in a bare LF, both Content-Length and
 * Transfer-Encoding, repeated differing Content-Length, a second Host, chunked
 * but not last, Transfer-Encoding in HTTP/1.0 or, in a request, without
 * chunked, obs-fold, HTTP/2), -EMSGSIZE past ZTT_HTTP1_HEAD_MAX_BYTES or
 * ZTT_HTTP1_HEADERS_MAX. Slices point into `data`. */
ssize_t ztt_http1_request(const char *data, size_t len_bytes,
			  struct ztt_http1_head *ret_head);
ssize_t ztt_http1_response(const char *data, size_t len_bytes,
			   struct ztt_http1_head *ret_head);

/* The value of a header by name (any case), or a slice with `at` NULL. */
struct ztt_slice ztt_http1_find(const struct ztt_http1_head *head,
				const char *name);

/* Equality without regard to ASCII case. */
bool ztt_slice_is(struct ztt_slice slice, const char *text);

/* Decoder of a chunked body; starts zeroed. */
struct ztt_http1_chunks {
	uint64_t left_bytes;
	unsigned state;
	size_t line_bytes;
};

/* Decodes from `data`, pointing `ret_body` at the next run of body bytes
 * within it (possibly empty) and setting `ret_end` at the end of the body
 * (trailers are skipped), which may come with the last run. Returns the bytes
 * consumed, framing included; call again with the rest until 0. -EPROTO:
 * malformed, or a size line above ZTT_HTTP1_LINE_MAX_BYTES, or trailers above
 * ZTT_HTTP1_HEAD_MAX_BYTES. In http1_chunk.c. */
ssize_t ztt_http1_chunk(struct ztt_http1_chunks *chunks, const char *data,
			size_t len_bytes, struct ztt_slice *ret_body,
			bool *ret_end);

#endif
