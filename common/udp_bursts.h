/* Packets on their way out of a UDP socket, back to back, gathered into bursts
 * for one system call. */
#ifndef ZTT_UDP_BURSTS_H
#define ZTT_UDP_BURSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "udp.h"

#define ZTT_UDP_BURSTS_BYTES (4 * ZTT_UDP_SEND_MAX_BYTES)

/* Begins zeroed. */
struct ztt_udp_bursts {
	struct ztt_udp_burst list[ZTT_UDP_BURSTS_MAX];
	size_t count, len_bytes;
	int refused; /* -errno of the newest that the socket refused; 0: none */
	uint8_t bytes[ZTT_UDP_BURSTS_BYTES];
};

/* Where the next packet of up to `most_bytes` is to be written; NULL when it has
 * to be sent first. */
uint8_t *ztt_udp_bursts_room(struct ztt_udp_bursts *bursts, size_t most_bytes);

/* The packet written there has `len_bytes`. It joins the burst before it while
 * all of that are equal and it is not longer, as UDP_SEGMENT wants them. Returns
 * whether it began a burst. */
bool ztt_udp_bursts_add(struct ztt_udp_bursts *bursts, size_t len_bytes,
			bool gso);

/* Sends all, and empties it. What the socket refuses otherwise than for want of
 * room is lost, as on any full queue: loss recovery repairs it. For want of
 * room the rest is returned, to be sent again with this function and freed;
 * NULL when nothing is left. */
struct ztt_udp_bursts *ztt_udp_bursts_send(struct ztt_udp_bursts *bursts,
					   const struct ztt_udp *udp);

#endif
