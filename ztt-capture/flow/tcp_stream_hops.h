/* A capture on all interfaces shows a segment at each that it passes: only the
 * first place is to be counted, or every segment would seem sent again. */
#ifndef ZTT_CAPTURE_TCP_STREAM_HOPS_H
#define ZTT_CAPTURE_TCP_STREAM_HOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/decode/datagram.h"

#define ZTT_TCP_HOPS_MAX 8
#define ZTT_TCP_HOP_SEGMENTS 32

/* Of one direction; begins as zeros. */
struct ztt_tcp_hops {
	struct ztt_tcp_hop {
		uint32_t interface;
		bool outgoing;
		bool is_copy; /* of what was seen at another */
	} hops[ZTT_TCP_HOPS_MAX];
	size_t hop_count;
	/* The latest segments that were counted, and where they were. */
	struct {
		uint32_t sequence, acknowledgement, len_bytes;
		uint16_t flags;
		uint8_t hop;
	} seen[ZTT_TCP_HOP_SEGMENTS];
	size_t seen_count;
};

/* Whether the segment is a copy, of a place that repeats what another one
 * shows: known by its first segment that does. */
bool ztt_tcp_hops_is_copy(struct ztt_tcp_hops *hops,
			  const struct ztt_datagram *segment);

#endif
