/* One line of text that is added to piece by piece, without allocating: what a
 * packet holds, in words. */
#ifndef ZTT_CAPTURE_TUNNEL_LINE_H
#define ZTT_CAPTURE_TUNNEL_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "common/http1.h"

/* In the caller's `cap_bytes` at `at` (at least 1); always ends in a NUL. What
 * does not fit is left out, at a whole character. Every function takes NULL for
 * a line that nobody reads. */
struct ztt_line {
	char *at;
	size_t cap_bytes, len_bytes;
};

struct ztt_line ztt_line_of(char *at, size_t cap_bytes);

/* Begins another item: "; " unless the line is empty. */
void ztt_line_next(struct ztt_line *line);
void ztt_line_add(struct ztt_line *line, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Bytes from outside: what is no UTF-8 and control characters become '?', and
 * at most 256 bytes of them are shown. */
void ztt_line_slice(struct ztt_line *line, struct ztt_slice text);
/* A URL or a path without what may be a secret in it: user information and
 * query are "(redacted)". */
void ztt_line_url(struct ztt_line *line, struct ztt_slice url);
/* Sixteen bytes as "00010203-0405-0607-0809-0a0b0c0d0e0f". */
void ztt_line_uuid(struct ztt_line *line, const uint8_t id[16]);
/* An IP address of 4 or 16 bytes (IPv4 also mapped); others as "?". */
void ztt_line_ip(struct ztt_line *line, const uint8_t *address,
		 size_t len_bytes);

#endif
