#include "ztt-capture/report/report_buffer.h"

#include "common/err.h"
#include "common/text.h"

#define WIRE_TEXT_MAX 1000
#define DIGITS_MAX 20

void ztt_buffer_grow(struct ztt_buffer *buffer, size_t len_bytes)
{
	buffer->cap_bytes = 2 * (buffer->len_bytes + len_bytes) + 256;
	buffer->data = ztt_realloc(buffer->data, buffer->cap_bytes);
}

/* Digits at the end of `out`; returns where they begin. */
static char *digits_of(uint64_t value, char out[DIGITS_MAX])
{
	char *at = out + DIGITS_MAX;

	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return at;
}

void ztt_buffer_uint(struct ztt_buffer *buffer, uint64_t value)
{
	char digits[DIGITS_MAX];
	char *at = digits_of(value, digits);

	ztt_buffer_put(buffer, at, (size_t)(digits + DIGITS_MAX - at));
}

void ztt_buffer_right(struct ztt_buffer *buffer, size_t start, size_t width)
{
	size_t len = buffer->len_bytes - start;
	char *at;

	if (len >= width)
		return;
	at = ztt_buffer_room(buffer, width - len) - len;
	memmove(at + width - len, at, len);
	memset(at, ' ', width - len);
	buffer->len_bytes = start + width;
}

void ztt_buffer_left(struct ztt_buffer *buffer, size_t start, size_t width)
{
	do
		ztt_buffer_char(buffer, ' ');
	while (buffer->len_bytes < start + width);
}

void ztt_buffer_fixed(struct ztt_buffer *buffer, int64_t value, unsigned digits)
{
	uint64_t size =
		value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
	uint64_t unit = 1;

	for (unsigned i = 0; i < digits; i++)
		unit *= 10;
	if (value < 0)
		ztt_buffer_char(buffer, '-');
	ztt_buffer_uint(buffer, size / unit);
	if (digits)
		ztt_buffer_char(buffer, '.');
	for (size %= unit; digits > 0; digits--) {
		unit /= 10;
		ztt_buffer_char(buffer, (char)('0' + size / unit));
		size %= unit;
	}
}

static const char hex_digits[] = "0123456789abcdef";

void ztt_buffer_hex_uint(struct ztt_buffer *buffer, uint64_t value)
{
	unsigned shift = 60;

	while (shift && !(value >> shift))
		shift -= 4;
	ztt_buffer_text(buffer, "0x");
	for (;; shift -= 4) {
		ztt_buffer_char(buffer, hex_digits[value >> shift & 15]);
		if (!shift)
			break;
	}
}

void ztt_buffer_hex(struct ztt_buffer *buffer, const uint8_t *bytes,
		    size_t len_bytes)
{
	char *to = ztt_buffer_room(buffer, 2 * len_bytes);

	for (size_t i = 0; i < len_bytes; i++) {
		*to++ = hex_digits[bytes[i] >> 4];
		*to++ = hex_digits[bytes[i] & 15];
	}
	buffer->len_bytes += 2 * len_bytes;
}

/* NUL is a control character like the others. */
static size_t copy_of(const void *bytes, size_t len_bytes,
		      char out[WIRE_TEXT_MAX + 1])
{
	size_t len = len_bytes < WIRE_TEXT_MAX ? len_bytes : WIRE_TEXT_MAX;

	if (len)
		memcpy(out, bytes, len);
	for (size_t i = 0; i < len; i++)
		out[i] = out[i] ? out[i] : '\x01';
	out[len] = '\0';
	return len;
}

void ztt_buffer_plain(struct ztt_buffer *buffer, const void *bytes,
		      size_t len_bytes)
{
	char text[WIRE_TEXT_MAX + 1];

	copy_of(bytes, len_bytes, text);
	ztt_buffer_text(buffer, ztt_text_plain(text));
}

static void put_escape(struct ztt_buffer *buffer, unsigned code)
{
	ztt_buffer_text(buffer, "\\u00");
	ztt_buffer_char(buffer, hex_digits[code >> 4 & 15]);
	ztt_buffer_char(buffer, hex_digits[code & 15]);
}

void ztt_buffer_json(struct ztt_buffer *buffer, const void *bytes,
		     size_t len_bytes)
{
	const uint8_t *wire = bytes;
	char text[WIRE_TEXT_MAX + 1];
	size_t whole = copy_of(bytes, len_bytes, text);

	ztt_buffer_char(buffer, '"');
	for (size_t i = 0; i < whole;) {
		unsigned first = wire[i];
		size_t len = ztt_text_char_len(text + i);

		if (!len || !first)
			ztt_buffer_text(buffer, "\xef\xbf\xbd");
		else if (first < 0x20 || first == 0x7f || first == '"' ||
			 first == '\\')
			put_escape(buffer, first);
		else if (first == 0xc2 && wire[i + 1] < 0xa0)
			put_escape(buffer, wire[i + 1]);
		else
			ztt_buffer_put(buffer, text + i, len);
		i += len ? len : 1;
	}
	ztt_buffer_char(buffer, '"');
}
