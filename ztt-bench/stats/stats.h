/* Statistics of a few runs: median, range, and what can be said of a ratio. */
#ifndef ZTT_BENCH_STATS_H
#define ZTT_BENCH_STATS_H

#include <stdbool.h>
#include <stddef.h>

/* More rounds than anybody waits for. */
#define ZTT_STATS_MAX 1000

/* With fewer pairs a ratio is inconclusive: the range of three values misses
 * the true median once in four times, whatever they are. */
#define ZTT_STATS_PAIRS_MIN 4

struct ztt_stats {
	size_t count;             /* 0: all else is NAN */
	double median, low, high; /* low and high: of the values, not a guess */
};

/* Values that are not finite are left out. `count` is at most
 * ZTT_STATS_MAX. */
struct ztt_stats ztt_stats_of(const double *values, size_t count);

/* An interval of which the true median is within with probability `level`. */
struct ztt_stats_interval {
	double low, high; /* NAN when there are fewer than two values */
	double level;
};

/* From order statistics, without assuming a distribution (Conover, Practical
 * Nonparametric Statistics, section 3.2): the narrowest pair of the k-th
 * smallest and k-th largest value that reaches `level`, or, where there are too
 * few values for it, the smallest and the largest with what they reach:
 * 1 - 2^(1 - n), so 0.875 for four values, 0.969 for six. */
struct ztt_stats_interval ztt_stats_median_interval(const double *values,
						    size_t count, double level);

/* How a measure of one engine compares with another's: the ratios within each
 * round, where both ran one after the other. */
struct ztt_stats_ratio {
	struct ztt_stats ratio;
	struct ztt_stats_interval interval;
	bool conclusive;
	const char *note; /* static; why not conclusive, else NULL */
};

/* `values[i]` and `against[i]` are of round i; a round in which either is not
 * finite or `against` is not positive is left out. */
struct ztt_stats_ratio ztt_stats_compare(const double *values,
					 const double *against, size_t rounds);

#endif
