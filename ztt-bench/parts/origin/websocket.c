#include "ztt-bench/parts/origin/websocket.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#include "common/http1.h"

#define KEY_LEN 24
#define FIN 0x80
#define RESERVED 0x70
#define MASKED 0x80
#define CONTROL 0x08
#define CONTROL_MAX_BYTES 125
#define LEN_16 126
#define LEN_64 127

/* RFC 6455, section 1.3 */
static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

int ztt_websocket_accept(struct ztt_slice key,
			 char ret_accept[ZTT_WEBSOCKET_ACCEPT_LEN])
{
	char text[KEY_LEN + sizeof(guid)];
	unsigned char digest[20];
	gnutls_datum_t raw = {digest, sizeof(digest)}, base64;

	if (key.len_bytes != KEY_LEN)
		return -EINVAL;
	memcpy(text, key.at, KEY_LEN);
	memcpy(text + KEY_LEN, guid, sizeof(guid));
	if (gnutls_hash_fast(GNUTLS_DIG_SHA1, text, sizeof(text) - 1, digest) ||
	    gnutls_base64_encode2(&raw, &base64))
		return -EIO;
	memcpy(ret_accept, base64.data, ZTT_WEBSOCKET_ACCEPT_LEN - 1);
	ret_accept[ZTT_WEBSOCKET_ACCEPT_LEN - 1] = '\0';
	gnutls_free(base64.data);
	return 0;
}

static bool first_bytes_are_fine(const uint8_t *data)
{
	uint8_t opcode = data[0] & 0x0f;

	if ((data[0] & RESERVED) || !(data[1] & MASKED))
		return false;
	if (opcode & CONTROL)
		return opcode <= ZTT_WEBSOCKET_PONG && (data[0] & FIN) &&
		       (data[1] & ~MASKED) <= CONTROL_MAX_BYTES;
	return opcode <= ZTT_WEBSOCKET_BINARY;
}

static uint64_t big_endian(const uint8_t *data, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | data[i];
	return value;
}

ssize_t ztt_websocket_head(const void *data, size_t len_bytes,
			   struct ztt_websocket_frame *ret_frame)
{
	const uint8_t *bytes = data;
	size_t extra, short_len;
	uint64_t len;

	if (len_bytes < 2)
		return 0;
	if (!first_bytes_are_fine(bytes))
		return -EPROTO;
	short_len = bytes[1] & 0x7f;
	extra = short_len == LEN_64 ? 8 : short_len == LEN_16 ? 2 : 0;
	if (len_bytes < 2 + extra + sizeof(ret_frame->mask))
		return 0;
	len = extra ? big_endian(bytes + 2, extra) : short_len;
	if (len > INT64_MAX)
		return -EPROTO;
	ret_frame->opcode = bytes[0] & 0x0f;
	ret_frame->fin = bytes[0] & FIN;
	ret_frame->len_bytes = len;
	memcpy(ret_frame->mask, bytes + 2 + extra, sizeof(ret_frame->mask));
	return (ssize_t)(2 + extra + sizeof(ret_frame->mask));
}

size_t ztt_websocket_write_head(uint8_t out[ZTT_WEBSOCKET_HEAD_MAX_BYTES],
				uint8_t opcode, bool fin, uint64_t len_bytes)
{
	size_t extra = len_bytes > UINT16_MAX ? 8 : len_bytes >= LEN_16 ? 2 : 0;

	out[0] = (uint8_t)((fin ? FIN : 0) | opcode);
	out[1] = (uint8_t)(extra == 8   ? LEN_64
			   : extra == 2 ? LEN_16
					: len_bytes);
	for (size_t i = 0; i < extra; i++)
		out[2 + i] = (uint8_t)(len_bytes >> (8 * (extra - 1 - i)));
	return 2 + extra;
}

void ztt_websocket_unmask(const struct ztt_websocket_frame *frame,
			  uint64_t at_bytes, const void *from, void *to,
			  size_t len_bytes)
{
	const uint8_t *in = from;
	uint8_t *out = to;

	for (size_t i = 0; i < len_bytes; i++)
		out[i] = in[i] ^ frame->mask[(at_bytes + i) & 3];
}
