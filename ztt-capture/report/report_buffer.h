/* Text that is put together piece by piece without stdio: one line, one event.
 * Grows as needed; keeps its memory when emptied. */
#ifndef ZTT_CAPTURE_REPORT_BUFFER_H
#define ZTT_CAPTURE_REPORT_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Begin with {0}; free(data) at the end. Not NUL-terminated. */
struct ztt_buffer {
	char *data;
	size_t len_bytes, cap_bytes;
};

void ztt_buffer_grow(struct ztt_buffer *buffer, size_t len_bytes);

/* Room for `len_bytes` more, at the end. */
static inline char *ztt_buffer_room(struct ztt_buffer *buffer, size_t len_bytes)
{
	if (buffer->cap_bytes - buffer->len_bytes < len_bytes)
		ztt_buffer_grow(buffer, len_bytes);
	return buffer->data + buffer->len_bytes;
}

static inline void ztt_buffer_put(struct ztt_buffer *buffer, const void *bytes,
				  size_t len_bytes)
{
	char *to = ztt_buffer_room(buffer, len_bytes);

	if (len_bytes)
		memcpy(to, bytes, len_bytes);
	buffer->len_bytes += len_bytes;
}

/* Text of our own: as it is. */
static inline void ztt_buffer_text(struct ztt_buffer *buffer, const char *text)
{
	ztt_buffer_put(buffer, text, strlen(text));
}

static inline void ztt_buffer_char(struct ztt_buffer *buffer, char letter)
{
	*ztt_buffer_room(buffer, 1) = letter;
	buffer->len_bytes++;
}

void ztt_buffer_uint(struct ztt_buffer *buffer, uint64_t value);
/* Sets what was put since `start` flush right in a column of `width`. */
void ztt_buffer_right(struct ztt_buffer *buffer, size_t start, size_t width);
/* Blanks after what was put since `start`, up to `width`; at least one. Both
 * count bytes: for ASCII. */
void ztt_buffer_left(struct ztt_buffer *buffer, size_t start, size_t width);
/* value / 10^digits with `digits` decimals, at most 9: 1500, 3 -> "1.500". */
void ztt_buffer_fixed(struct ztt_buffer *buffer, int64_t value,
		      unsigned digits);
/* "0x1c", as few digits as it takes. */
void ztt_buffer_hex_uint(struct ztt_buffer *buffer, uint64_t value);
void ztt_buffer_hex(struct ztt_buffer *buffer, const uint8_t *bytes,
		    size_t len_bytes);
/* Text from the wire for a terminal: what is no UTF-8 and control characters
 * become '?'; at most 1000 bytes of it. */
void ztt_buffer_plain(struct ztt_buffer *buffer, const void *bytes,
		      size_t len_bytes);
/* Text from the wire as a JSON string with its quotes: control characters
 * escaped, what is no UTF-8 and NUL become
 * U+FFFD; at most 1000 bytes of it. */
void ztt_buffer_json(struct ztt_buffer *buffer, const void *bytes,
		     size_t len_bytes);

#endif
