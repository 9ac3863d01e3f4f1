/* Super-datagrams: what a sender's kernel (GSO) or a receiver's (GRO) put
 * together, and a capture shows as one frame. All segments have one size but
 * the last, which may be shorter. */
#ifndef ZTT_CAPTURE_SEGMENTS_H
#define ZTT_CAPTURE_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZTT_SEGMENT_SIZES_KEPT 8
#define ZTT_PAYLOAD_MTU_1500 1472 /* of UDP over IPv4 on Ethernet */

/* What one direction of a connection has shown of its datagrams' sizes. */
struct ztt_segment_sizes {
	uint32_t recent[ZTT_SEGMENT_SIZES_KEPT]; /* newest first; 0: none */
	uint32_t most_bytes; /* largest datagram that is proven to be one */
	unsigned failures;   /* searches in vain in a row */
};

/* A datagram of this size was one on the wire, or a segment was. */
void ztt_segments_saw(struct ztt_segment_sizes *sizes, uint32_t bytes);

/* Whether a payload is too long to have been one datagram here. */
bool ztt_segments_suspect(const struct ztt_segment_sizes *sizes, size_t bytes);

/* The size of the first segment. With keys, `opens` says whether the payload's
 * first `bytes` are whole packets, the last of which opens: tried are the sizes
 * seen, the stride of the DCID, all of it, 1200..1500 and the payload's
 * divisors; after some searches in vain not the last two. Without keys (`opens`
 * NULL), the sizes seen, the stride and 1500..1200 must have the same DCID at
 * every multiple; without a DCID, the fixed bit. `dcid_bytes`: of a short
 * header. 0: none found, or it is one datagram. */
struct ztt_segment_search {
	const uint8_t *payload;
	size_t payload_bytes;
	size_t dcid_bytes;
	bool (*opens)(void *owner, size_t bytes);
	void *owner;
};
size_t ztt_segments_find(struct ztt_segment_sizes *sizes,
			 const struct ztt_segment_search *search);

#endif
