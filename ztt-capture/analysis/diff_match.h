/* Datagrams that wait for the other capture's: matched by content, the same
 * content in order, for a window of time. */
#ifndef ZTT_DIFF_MATCH_H
#define ZTT_DIFF_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "ztt-capture/analysis/diff_digest.h"
#include "ztt-capture/analysis/diff_flow.h"

#define ZTT_DIFF_WAITING_MAX (1U << 20)

enum ztt_diff_end {
	ZTT_DIFF_FIRST, /* where it passes first */
	ZTT_DIFF_OTHER,
};

struct ztt_diff_record {
	struct ztt_diff_digest digest;
	enum ztt_diff_end end;
	struct ztt_diff_flow *flow; /* of its own capture */
	bool up;
	bool copy; /* of one that has matched */
	int64_t at_ns;
	uint64_t position; /* in its flow and direction */
};

struct ztt_diff_matches; /* opaque */

struct ztt_diff_match_plan {
	uint64_t window_ns;
	uint32_t most; /* waiting at once; 0: ZTT_DIFF_WAITING_MAX */
	/* Both seen */
	void (*matched)(void *owner, const struct ztt_diff_record *first,
			const struct ztt_diff_record *other);
	/* Its window has passed */
	void (*alone)(void *owner, const struct ztt_diff_record *record);
	/* The same content at another flow of the same capture */
	void (*again)(void *owner, const struct ztt_diff_record *record);
	void *owner;
};

struct ztt_diff_matches *
ztt_diff_matches_new(const struct ztt_diff_match_plan *plan);
void ztt_diff_matches_free(struct ztt_diff_matches *matches);
void ztt_diff_matches_add(struct ztt_diff_matches *matches,
			  const struct ztt_diff_record *record);
/* All that waits is alone. */
void ztt_diff_matches_end(struct ztt_diff_matches *matches);
/* Given up before the window's end, for there were too many. */
uint64_t ztt_diff_matches_forgotten(const struct ztt_diff_matches *matches);

#endif
