/* A super-datagram (GSO, GRO) as the packets that it stands for. */
#ifndef ZTT_CAPTURE_SPLIT_H
#define ZTT_CAPTURE_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/source/source.h"

/* Headers of one packet, and so many bytes of a datagram. */
#define ZTT_SPLIT_HEADERS_MAX 256
#define ZTT_SPLIT_BYTES_MAX (ZTT_SPLIT_HEADERS_MAX + 65535)

/* Room for one packet. Plain storage of the caller. */
struct ztt_split {
	const struct ztt_frame *frame;
	size_t headers_bytes; /* link, IP and UDP */
	size_t ip_offset;
	uint8_t family; /* 4 or 6 */
	size_t offset, payload_bytes;
	unsigned count, index;
	uint8_t packet[ZTT_SPLIT_BYTES_MAX];
};

/* Begins with a Linux cooked v2 frame whose segment_bytes is known. Returns how
 * many packets it stands for: 1 for what is none, or cannot be read; then the
 * frame is to be taken as it is. */
unsigned ztt_split_begin(struct ztt_split *split,
			 const struct ztt_frame *frame);

/* The next packet, with lengths and checksums of its own: 1, valid until the
 * next call; 0 after the last. */
int ztt_split_next(struct ztt_split *split, struct ztt_frame *ret_frame);

#endif
