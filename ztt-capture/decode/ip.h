/* IPv4 and IPv6 headers, with options and extension headers. */
#ifndef ZTT_CAPTURE_IP_H
#define ZTT_CAPTURE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/decode/link.h"

/* One IP packet; points into the frame. */
struct ztt_ip {
	uint8_t family;       /* 4 or 6 */
	uint8_t protocol;     /* of the payload */
	uint8_t ecn, ttl;     /* hop limit of IPv6 */
	uint8_t from[16];     /* IPv4: the first 4, the rest 0 */
	uint8_t to[16];       /* the same */
	uint32_t whole_bytes; /* of the packet: as it says, or, where a
				 super-datagram cannot say, as it is */
	const uint8_t *payload;
	size_t payload_bytes;       /* that are there */
	size_t payload_whole_bytes; /* before the capture cut it */
	/* The same to the end of the frame, with any padding. */
	size_t link_bytes, link_whole_bytes;
	/* Of a fragment. */
	bool fragment, more;
	uint32_t id, offset_bytes;
};

/* `super` tells that the frame is a super-datagram, whose own length fields
 * may be those of a segment. ZTT_DECODED also for a fragment and for protocols
 * that nobody asks for; ZTT_OTHER, ZTT_TRUNCATED or ZTT_MALFORMED. RFC 791,
 * RFC 8200, RFC 2675 (jumbograms), RFC 4302 (AH). */
enum ztt_undecoded ztt_ip_decode(const struct ztt_link_payload *link,
				 bool super, struct ztt_ip *ret_ip);

/* Goes over extension headers that are within the payload, as of an IPv6
 * packet put together from fragments. */
enum ztt_undecoded ztt_ip_skip_extensions(struct ztt_ip *ip);

#endif
