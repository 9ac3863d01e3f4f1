/* The datagrams of a capture whose hash is least: at most 65,536, and the same
 * ones in both captures, however far apart their clocks are. */
#ifndef ZTT_DIFF_SAMPLE_H
#define ZTT_DIFF_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "ztt-capture/analysis/diff_digest.h"

struct ztt_diff_flow;
struct ztt_diff_sample; /* opaque */

struct ztt_diff_seen {
	struct ztt_diff_digest digest;
	int64_t at_ns;
	struct ztt_diff_flow *flow;
	bool up, used;
	bool twice; /* in its flow: tells nothing of when */
};

struct ztt_diff_sample *ztt_diff_sample_new(void);
void ztt_diff_sample_free(struct ztt_diff_sample *sample);
/* The same content at another flow of the capture is left out. */
void ztt_diff_sample_add(struct ztt_diff_sample *sample,
			 const struct ztt_diff_seen *seen);
/* Each content that was seen once in both; `repeated`: those that were not, as
 * they were seen first. Returns how many. */
size_t ztt_diff_sample_pairs(const struct ztt_diff_sample *a,
			     const struct ztt_diff_sample *b, bool repeated,
			     void (*pair)(void *owner,
					  const struct ztt_diff_seen *of_a,
					  const struct ztt_diff_seen *of_b),
			     void *owner);

#endif
