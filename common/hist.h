/* Log-linear histogram of durations: 3 significant digits from 1 ns to 1 hour,
 * merged by adding the counters. */
#ifndef ZTT_HIST_H
#define ZTT_HIST_H

#include <stdint.h>

struct ztt_err;
struct ztt_json;

struct ztt_hist; /* opaque: about 33,000 counters, 264 KB */

struct ztt_hist *ztt_hist_new(void);
void ztt_hist_free(struct ztt_hist *hist);
void ztt_hist_clear(struct ztt_hist *hist);

/* Counts `value_ns`; what exceeds one hour is counted as one hour. Never
 * allocates. */
void ztt_hist_record(struct ztt_hist *hist, uint64_t value_ns);

/* Adds the counters of `from` to those of `to`: the same as if every value of
 * both had been recorded in one. */
void ztt_hist_add(struct ztt_hist *to, const struct ztt_hist *from);

uint64_t ztt_hist_count(const struct ztt_hist *hist);
/* The largest value recorded, exact; 0 when empty. */
uint64_t ztt_hist_max(const struct ztt_hist *hist);
double ztt_hist_mean(const struct ztt_hist *hist);

/* The smallest recorded value with at least `fraction` (0..1) of all values at
 * or below it, to 3 significant digits (the upper end of its counter, never
 * above the maximum); 0 when empty. */
uint64_t ztt_hist_quantile(const struct ztt_hist *hist, double fraction);

/* Writes {"max_ns","sum_ns","counts":[[index,count],...]} under `key`, indexes
 * rising: what a part sends to the run, and what a result can carry to be
 * merged. A sum past INT64_MAX (292 years) is written as that. */
void ztt_hist_write(const struct ztt_hist *hist, struct ztt_json *json,
		    const char *key);

/* Adds what ztt_hist_write wrote; `value` is a jansson json_t *. -EPROTO: not
 * of that form, an index out of range, a maximum that is not in the last
 * counter, or more than INT64_MAX values; `hist` is unchanged then. */
int ztt_hist_read(struct ztt_hist *hist, const void *value,
		  struct ztt_err *err);

#endif
