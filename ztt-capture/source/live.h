/* Frames from interfaces: a packet socket with a ring that the kernel fills
 * (packet(7), PACKET_RX_RING, TPACKET_V3), and with PACKET_VNET_HDR where the
 * kernel has it, so that super-datagrams say their segment size. */
#ifndef ZTT_CAPTURE_LIVE_H
#define ZTT_CAPTURE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/source/source.h"

struct ztt_err;
struct ztt_live; /* opaque */

struct ztt_live_plan {
	const char *interface; /* "any" or a name */
	const char *filter;    /* pcap-filter(7), from the IP header on; NULL:
				    all IP */
	uint32_t snap_bytes;   /* of the IP packet; 0: all of it */
	size_t buffer_bytes;   /* of the ring [16 MiB] */
	bool promiscuous;
};

/* Needs CAP_NET_RAW (-EPERM). -ENODEV: no such interface; -EINVAL: the filter,
 * with what is wrong in it. Nothing needs a privilege after it. */
int ztt_live_open(const struct ztt_live_plan *plan, struct ztt_live **ret_live,
		  struct ztt_err *err);

/* The next frame, as Linux cooked v2 (ZTT_LINK_LINUX_SLL2): 1, valid until the
 * next call; 0: none came within `timeout_ms` (negative: waits); -EINTR; or
 * -ENETDOWN when the interface has gone. */
int ztt_live_next(struct ztt_live *live, int timeout_ms,
		  struct ztt_frame *ret_frame, struct ztt_err *err);

/* Takes no more; what came until now is still to be given: 0 of ztt_live_next
 * with a timeout of ZTT_LIVE_LATE_MS or more says that there is no more. */
#define ZTT_LIVE_LATE_MS 100
void ztt_live_stop(struct ztt_live *live);

/* Whether segment sizes are known (has_vnet of its frames). */
bool ztt_live_splits(const struct ztt_live *live);
/* Seen and dropped by the kernel for want of room, since the beginning. */
void ztt_live_counts(struct ztt_live *live, uint64_t *ret_seen,
		     uint64_t *ret_dropped);
void ztt_live_close(struct ztt_live *live);

#endif
