/* Two captures of the same traffic at two points, compared without keys: each
 * datagram is recognised by its content, for addresses and ports may differ
 * (NAT, a relay). */
#ifndef ZTT_CAPTURE_DIFF_H
#define ZTT_CAPTURE_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hist.h"
#include "ztt-capture/source/source.h"

struct ztt_err;

#define ZTT_DIFF_WINDOW_NS UINT64_C(10000000000)

struct ztt_diff_plan {
	/* Both captures were timed by one clock (the same host): the offset is
	 * 0 and not estimated. */
	bool same_clock;
	uint64_t window_ns; /* how long a datagram is waited for; 0: the
			       default. At most 1 Mi are waited for */
	uint64_t seed;      /* of the hash; 0: random */
};

/* One direction, over all flows that both captures hold. */
struct ztt_diff_direction {
	bool a_to_b;      /* it passes the point of capture A first */
	uint64_t sent;    /* seen where it passes first: arrived + lost */
	uint64_t arrived; /* and seen at the other point */
	uint64_t lost;
	uint64_t reordered;  /* arrived behind one that was sent later, by
				flow */
	uint64_t duplicated; /* copies that arrived and were not sent */
	uint64_t unsent;     /* arrived, and the first point did not see them:
				that capture missed them */
	uint64_t edge;       /* at one point only, so near to an end of the
				other capture that it may not have seen them:
				left out */
	uint64_t margin_ns;  /* how near: the longest delay */
	bool guessed;        /* some super-datagrams show no connection ID and
				were split by the sizes seen: where that is
				wrong, they count as lost */
	struct ztt_hist *delay_ns; /* of those that arrived; less than 0 is
				      recorded as 0 */
	int64_t delay_least_ns;    /* may be negative: the clocks disagree */
	uint64_t negative;
};

/* One capture. */
struct ztt_diff_point {
	struct ztt_source_figures source;
	uint64_t datagrams; /* UDP, super-datagrams split */
	uint64_t super_datagrams, inferred_super_datagrams;
	uint64_t unsplit;   /* super-datagrams that could not be split: their
			       datagrams are missing here */
	uint64_t undecoded; /* frames */
	uint64_t cut;       /* too little of the payload was captured */
	uint64_t again;     /* seen before at another place of this capture:
			       counted once */
	uint64_t flows, flows_matched;
	uint64_t elsewhere; /* datagrams of flows of which the other capture
			       has none */
	uint64_t flows_left_out;   /* datagrams of flows beyond 4096 */
	int64_t first_ns, last_ns; /* frames of any kind, its own clock */
};

struct ztt_diff {
	struct ztt_diff_point a, b;
	struct ztt_diff_direction up, down; /* client to server, and back */
	/* B's clock less A's. When both directions have traffic: half the
	 * difference of the least delays, which assumes that these are the
	 * same; wrong by at most the uncertainty (half of their sum).
	 * offset_known false: one direction alone was seen, and the least delay
	 * is taken for 0. */
	bool same_clock, offset_known;
	int64_t offset_ns;
	uint64_t offset_uncertainty_ns;
	uint64_t overlap_ns; /* both captures were running */
	uint64_t margin_ns;  /* the longest delay: what is nearer to an end is
				 left out when it was seen at one point only */
	uint64_t compared_bytes; /* of each payload; 0: all of it */
	uint64_t forgotten; /* given up before the window's end: too many were
			       waited for */
};

/* The two captures, each opened twice, for both are read twice. */
struct ztt_diff_files {
	const char *paths[2]; /* the caller's */
	int fds[2][2];        /* of capture, and reading; -1: none */
};

/* -EINVAL: "-", or no regular file (it cannot be read twice); or as
 * ztt_source_open_path. */
int ztt_diff_open(const char *path_a, const char *path_b,
		  struct ztt_diff_files *ret_files, struct ztt_err *err);
/* Closes what was not taken over. */
void ztt_diff_close(struct ztt_diff_files *files);

/* Compares: needs nothing but the open files (a sandbox can be entered before)
 * and takes their descriptors over. 0; -ENODATA with a sentence: nothing was
 * seen at both points; or as ztt_source_open_fd and ztt_source_next. `plan`
 * NULL: defaults. `ret_diff` is to be released on success. */
int ztt_diff_run(struct ztt_diff_files *files, const struct ztt_diff_plan *plan,
		 struct ztt_diff *ret_diff, struct ztt_err *err);
void ztt_diff_release(struct ztt_diff *diff);

#endif
