#define _GNU_SOURCE
#include "http1.h"

#include <errno.h>

/* RFC 9112 7.1, by the byte that may come next. */
enum state {
	SIZE_FIRST, /* a chunk's size must begin */
	SIZE,
	SIZE_BLANK, /* blanks after it: an extension or the line's end */
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER_FIRST, /* a trailer or the empty line */
	TRAILER,
	TRAILER_LF,
	END_LF,
	END,
};

static int hex_digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

static int add_digit(struct ztt_http1_chunks *chunks, int digit)
{
	if (chunks->left_bytes > (uint64_t)INT64_MAX >> 4)
		return -EPROTO;
	chunks->left_bytes = chunks->left_bytes << 4 | (unsigned)digit;
	return SIZE;
}

static int after_size(char byte)
{
	switch (byte) {
	case ' ':
	case '\t':
		return SIZE_BLANK;
	case ';':
		return EXTENSION;
	case '\r':
		return SIZE_LF;
	default:
		return -EPROTO;
	}
}

static int in_text(char byte, enum state here, enum state line_end)
{
	if (byte == '\r')
		return (int)line_end;
	if (((uint8_t)byte < 0x20 && byte != '\t') || byte == 0x7f)
		return -EPROTO;
	return (int)here;
}

static int expect(char byte, char wanted, enum state next)
{
	return byte == wanted ? (int)next : -EPROTO;
}

/* The state after a byte of framing, or -EPROTO. */
static int step(struct ztt_http1_chunks *chunks, char byte)
{
	int digit;

	switch ((enum state)chunks->state) {
	case SIZE_FIRST:
		chunks->left_bytes = 0;
		digit = hex_digit(byte);
		return digit < 0 ? -EPROTO : add_digit(chunks, digit);
	case SIZE:
		digit = hex_digit(byte);
		return digit < 0 ? after_size(byte) : add_digit(chunks, digit);
	case SIZE_BLANK:
		return after_size(byte);
	case EXTENSION:
		return in_text(byte, EXTENSION, SIZE_LF);
	case SIZE_LF:
		return expect(byte, '\n',
			      chunks->left_bytes ? DATA : TRAILER_FIRST);
	case DATA_CR:
		return expect(byte, '\r', DATA_LF);
	case DATA_LF:
		return expect(byte, '\n', SIZE_FIRST);
	case TRAILER_FIRST:
		return in_text(byte, TRAILER, END_LF);
	case TRAILER:
		return in_text(byte, TRAILER, TRAILER_LF);
	case TRAILER_LF:
		return expect(byte, '\n', TRAILER_FIRST);
	case END_LF:
		return expect(byte, '\n', END);
	case DATA:
	case END:
		break;
	}
	return -EPROTO;
}

/* Counts the bytes of a size line, or of all trailers together. */
static int advance(struct ztt_http1_chunks *chunks, char byte)
{
	int next = step(chunks, byte);
	size_t limit = next >= TRAILER_FIRST ? ZTT_HTTP1_HEAD_MAX_BYTES
					     : ZTT_HTTP1_LINE_MAX_BYTES;

	if (next < 0 || ++chunks->line_bytes > limit)
		return -EPROTO;
	if (next == SIZE_FIRST || next == DATA ||
	    (next == TRAILER_FIRST && chunks->state == SIZE_LF))
		chunks->line_bytes = 0;
	chunks->state = (unsigned)next;
	return 0;
}

static struct ztt_slice take_run(struct ztt_http1_chunks *chunks,
				 const char *at, size_t have_bytes)
{
	size_t len = have_bytes;

	if (chunks->left_bytes < len)
		len = (size_t)chunks->left_bytes;
	chunks->left_bytes -= len;
	if (chunks->left_bytes == 0)
		chunks->state = DATA_CR;
	return (struct ztt_slice){at, len};
}

ssize_t ztt_http1_chunk(struct ztt_http1_chunks *chunks, const char *data,
			size_t len_bytes, struct ztt_slice *ret_body,
			bool *ret_end)
{
	struct ztt_slice body = {data, 0};
	size_t at = 0;

	while (at < len_bytes && chunks->state != END) {
		if (chunks->state != DATA) {
			if (advance(chunks, data[at]) < 0)
				return -EPROTO;
			at++;
		} else if (body.len_bytes == 0) {
			body = take_run(chunks, data + at, len_bytes - at);
			at += body.len_bytes;
		} else {
			break;
		}
	}
	*ret_body = body;
	*ret_end = chunks->state == END;
	return (ssize_t)at;
}
