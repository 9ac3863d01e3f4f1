/* What a pcapng file says of an interface: its link, clock and drops. */
#ifndef ZTT_CAPTURE_PCAPNG_INTERFACE_H
#define ZTT_CAPTURE_PCAPNG_INTERFACE_H

#include "ztt-capture/source/pcapng_body.h"

struct ztt_pcapng_interface {
	unsigned link;        /* enum ztt_link, or another */
	uint32_t snap_bytes;  /* 0: whole frames */
	uint64_t ticks_per_s; /* of its clock, never 0 */
	int64_t offset_s;     /* to be added to it */
	uint64_t dropped;     /* frames, as a statistics block says */
	bool vnet;            /* segment sizes are in comments */
};

/* From an Interface Description Block. NULL, or what is broken, for a
 * sentence. */
const char *ztt_pcapng_interface_read(struct ztt_body body,
				      struct ztt_pcapng_interface *ret);

/* A packet's time in ns since the epoch. */
int64_t ztt_pcapng_interface_time(const struct ztt_pcapng_interface *interface,
				  uint64_t ticks);

/* From an Interface Statistics Block: which interface it is of, and how many
 * frames were dropped in all. False: it does not say. */
bool ztt_pcapng_drops_read(struct ztt_body body, uint32_t *ret_interface,
			   uint64_t *ret_dropped);

#endif
