/* What a link layer's header carries. */
#ifndef ZTT_CAPTURE_LINK_H
#define ZTT_CAPTURE_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/decode/datagram.h"

/* The packet under the header; points into the frame. */
struct ztt_link_payload {
	uint8_t family; /* 4 or 6, as the header says; 0: as the packet says */
	const uint8_t *data;
	size_t len_bytes;   /* that were captured */
	size_t whole_bytes; /* on the wire, with any padding */
	/* Tells apart what one file captured at two places: of cooked v2 the
	 * interface's index, of cooked v1 the direction, and the VLAN. */
	uint32_t place;
};

/* Ethernet with any VLAN tags and PPPoE, Linux cooked 1 and 2, null and loop
 * (the family in either byte order), raw. ZTT_DECODED, ZTT_OTHER,
 * ZTT_LINK_UNKNOWN or ZTT_TRUNCATED. */
enum ztt_undecoded ztt_link_decode(const struct ztt_frame *frame,
				   struct ztt_link_payload *ret_payload);

#endif
