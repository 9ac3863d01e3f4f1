/* Loss, reordering and duplicates from a counter that its sender raises by one
 * for each packet (WireGuard's nonce), where the same packet may be seen at
 * several places on its way: at each side of a relay, or on each interface of
 * the host that captured.
 *
 * A `path` is one such place (5-tuple and interface). Paths that see the same
 * counters are hops, one after the other; paths that share none are
 * alternatives (roaming). What is lost was never seen at the last hop. */
#ifndef ZTT_COUNTER_WINDOW_H
#define ZTT_COUNTER_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZTT_COUNTER_PATHS 6
/* How late a counter may come and still be told from a duplicate; the kernel's
 * own replay window (RFC 6479) is as large. */
#define ZTT_COUNTER_WINDOW 8192
/* A step further ahead than this is believed only when the next one follows
 * it: no such burst is lost, and anybody can forge a counter. */
#define ZTT_COUNTER_STEP_MAX (UINT64_C(1) << 20)

/* Figures of one direction, over all the sessions that it had: each window of
 * it adds to them. Plain data, all zero at first. */
struct ztt_counter_sums {
	/* Settled counters by the set of paths that saw them (bit p: path p).
	 * [0]: seen nowhere. */
	uint64_t seen_by[1 << ZTT_COUNTER_PATHS];
	/* ahead[p][q]: counters that p had seen when they came to q */
	uint64_t ahead[ZTT_COUNTER_PATHS][ZTT_COUNTER_PATHS];
	uint64_t reordered[ZTT_COUNTER_PATHS]; /* behind a greater one */
	uint64_t duplicated[ZTT_COUNTER_PATHS];
	uint64_t late[ZTT_COUNTER_PATHS]; /* of `reordered`: behind the window,
					     lost as the receiver sees it */
	uint64_t implausible;             /* counters not believed */
	uint64_t breaks; /* times that counting began anew after a step */
};

enum ztt_counter_news {
	ZTT_COUNTER_NEW,   /* first seen, at any path */
	ZTT_COUNTER_AGAIN, /* seen before at another path, not at this */
	ZTT_COUNTER_DUPLICATE,
	ZTT_COUNTER_LATE,
	ZTT_COUNTER_IMPLAUSIBLE,
};

/* One session's counters in one direction. Plain data but for `seen`. */
struct ztt_counter_window {
	bool any;
	bool began;     /* the session's beginning was seen: from counter 0 */
	uint64_t first; /* counting began with it */
	uint64_t next;  /* below it all are settled */
	uint64_t most;  /* greatest seen */
	uint64_t suspect;
	bool has_suspect;
	bool path_any[ZTT_COUNTER_PATHS];
	uint64_t path_most[ZTT_COUNTER_PATHS];
	uint64_t *seen[ZTT_COUNTER_PATHS]; /* bitmaps of ZTT_COUNTER_WINDOW;
					      NULL: nothing seen there */
};

/* `began`: its first packet has counter 0 and the capture had begun then; else
 * counting begins with the least counter that is seen first. */
void ztt_counter_window_init(struct ztt_counter_window *window, bool began);
void ztt_counter_window_release(struct ztt_counter_window *window);

/* One packet at `path` (below ZTT_COUNTER_PATHS). Allocates 1 KiB when the path
 * is new to the window. */
enum ztt_counter_news ztt_counter_window_see(struct ztt_counter_window *window,
					     struct ztt_counter_sums *sums,
					     unsigned path, uint64_t counter);

/* Settles all that was seen: to be called at the session's end, nothing is seen
 * after. */
void ztt_counter_window_settle(struct ztt_counter_window *window,
			       struct ztt_counter_sums *sums);

/* What the sums say. */
struct ztt_counter_result {
	unsigned first, last;  /* sets of paths (bits): the hop where packets
				 are seen first, and last */
	unsigned hops;         /* 1: there is one */
	uint64_t sent;         /* counters seen at the first hop, or known to be
				 missing there */
	uint64_t arrived;      /* seen at the last hop */
	uint64_t lost_before;  /* seen nowhere */
	uint64_t lost_between; /* seen, and not at the last hop */
	uint64_t reordered, duplicated, late; /* at the last hop */
};

/* Which paths are hops and which alternatives, and the figures. */
void ztt_counter_result(const struct ztt_counter_sums *sums,
			struct ztt_counter_result *ret_result);

/* How many counters of a settled window were seen, all of them behind the
 * greatest that the `last` hop saw: under way when the capture ended, or lost;
 * the result counts them as lost_between. */
uint64_t ztt_counter_tail(const struct ztt_counter_window *window,
			  unsigned last);

#endif
