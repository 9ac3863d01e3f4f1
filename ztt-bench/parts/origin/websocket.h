/* WebSocket frames as a server that echoes needs them (RFC 6455). */
#ifndef ZTT_ORIGIN_WEBSOCKET_H
#define ZTT_ORIGIN_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ztt_slice;

enum ztt_websocket_opcode {
	ZTT_WEBSOCKET_CONTINUATION = 0,
	ZTT_WEBSOCKET_TEXT = 1,
	ZTT_WEBSOCKET_BINARY = 2,
	ZTT_WEBSOCKET_CLOSE = 8,
	ZTT_WEBSOCKET_PING = 9,
	ZTT_WEBSOCKET_PONG = 10,
};

#define ZTT_WEBSOCKET_ACCEPT_LEN 29     /* 28 characters and a NUL */
#define ZTT_WEBSOCKET_HEAD_MAX_BYTES 10 /* of a frame that is not masked */

struct ztt_websocket_frame {
	uint8_t opcode;
	bool fin;
	uint8_t mask[4];
	uint64_t len_bytes; /* of the payload, below 2^63 */
};

/* The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key. -EINVAL: the key
 * is not of 24 characters. -EIO: no SHA-1 here (a FIPS policy). */
int ztt_websocket_accept(struct ztt_slice key,
			 char ret_accept[ZTT_WEBSOCKET_ACCEPT_LEN]);

/* Reads the head of a client's frame. Returns its length in bytes, 0 when more
 * bytes are needed, -EPROTO: not masked, reserved bits or opcodes, or a control
 * frame in pieces or of more than 125 bytes. */
ssize_t ztt_websocket_head(const void *data, size_t len_bytes,
			   struct ztt_websocket_frame *ret_frame);

/* Writes the head of a server's frame (not masked); returns its length. */
size_t ztt_websocket_write_head(uint8_t out[ZTT_WEBSOCKET_HEAD_MAX_BYTES],
				uint8_t opcode, bool fin, uint64_t len_bytes);

/* Copies payload bytes and takes the mask off; `at_bytes` is their place in the
 * payload. */
void ztt_websocket_unmask(const struct ztt_websocket_frame *frame,
			  uint64_t at_bytes, const void *from, void *to,
			  size_t len_bytes);

#endif
