/* From datagrams that both captures hold: which capture is nearer to the
 * client, how far the clocks are apart, and how long the way takes. */
#ifndef ZTT_DIFF_CLOCK_H
#define ZTT_DIFF_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* B's time less A's of each datagram. */
struct ztt_diff_deltas {
	int64_t *up, *down;
	size_t up_count, down_count;
};

struct ztt_diff_clock {
	bool a_is_near;    /* nearer to the client */
	bool offset_known; /* or taken from one direction's least delay */
	int64_t offset_ns; /* B's clock less A's */
	uint64_t uncertainty_ns;
	struct ztt_diff_delays {
		int64_t least_ns, most_ns; /* 0 when none is known */
	} up, down;
};

/* Sorts the deltas. At least one of them is there. `same_clock`: the offset is
 * 0. Deltas that are more than `window_ns` off their direction's median are
 * another datagram's and are left out. */
void ztt_diff_clock_estimate(struct ztt_diff_deltas *deltas, bool same_clock,
			     uint64_t window_ns, struct ztt_diff_clock *ret);

#endif
