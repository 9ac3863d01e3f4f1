/* Within decode/tunnel*.c: what has come of the next bytes of a stream, in any
 * order. */
#ifndef ZTT_CAPTURE_TUNNEL_HELD_H
#define ZTT_CAPTURE_TUNNEL_HELD_H

#include "ztt-capture/decode/tunnel.h"

#define ZTT_TUNNEL_RANGES_MAX 16

/* Begins as zeros. */
struct ztt_tunnel_held {
	uint8_t data[ZTT_TUNNEL_HEAD_BYTES];
	struct ztt_tunnel_range {
		uint16_t from, to;
	} ranges[ZTT_TUNNEL_RANGES_MAX]; /* apart and rising */
	size_t range_count;
};

/* Bytes at `at`, which is less than ZTT_TUNNEL_HEAD_BYTES; what does not fit is
 * left out, all of it when there are too many ranges. */
void ztt_tunnel_held_add(struct ztt_tunnel_held *held, uint64_t at,
			 const uint8_t *data, size_t len_bytes);
/* Whole from the first byte on. */
size_t ztt_tunnel_held_bytes(const struct ztt_tunnel_held *held);
/* Drops the first `len_bytes`; what follows them comes first then. */
void ztt_tunnel_held_forget(struct ztt_tunnel_held *held, uint64_t len_bytes);

#endif
