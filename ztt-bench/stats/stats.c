#include "ztt-bench/stats/stats.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define LEVEL 0.95

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static size_t sort_finite(const double *values, size_t count,
			  double sorted[ZTT_STATS_MAX])
{
	size_t kept = 0;

	assert(count <= ZTT_STATS_MAX);
	for (size_t i = 0; i < count; i++)
		if (isfinite(values[i]))
			sorted[kept++] = values[i];
	qsort(sorted, kept, sizeof(*sorted), compare);
	return kept;
}

struct ztt_stats ztt_stats_of(const double *values, size_t count)
{
	double sorted[ZTT_STATS_MAX];
	size_t kept = sort_finite(values, count, sorted);

	if (kept == 0)
		return (struct ztt_stats){0, (double)NAN, (double)NAN,
					  (double)NAN};
	return (struct ztt_stats){
		.count = kept,
		.median = (sorted[(kept - 1) / 2] + sorted[kept / 2]) / 2,
		.low = sorted[0],
		.high = sorted[kept - 1],
	};
}

/* P(X <= k) for X of Binomial(n, 1/2), through logarithms: 2^-1000 is still a
 * double, but n over k is not always. */
static double binomial_tail(size_t n, size_t k)
{
	double log_half = (double)n * log(0.5), sum = 0;

	for (size_t i = 0; i <= k; i++)
		sum += exp(lgamma((double)n + 1) - lgamma((double)i + 1) -
			   lgamma((double)(n - i) + 1) + log_half);
	return sum;
}

struct ztt_stats_interval ztt_stats_median_interval(const double *values,
						    size_t count, double level)
{
	double sorted[ZTT_STATS_MAX];
	size_t n = sort_finite(values, count, sorted);
	size_t k = 0;

	if (n < 2)
		return (struct ztt_stats_interval){(double)NAN, (double)NAN, 0};
	while (k + 1 < n - 2 - k && 1 - 2 * binomial_tail(n, k + 1) >= level)
		k++;
	return (struct ztt_stats_interval){
		.low = sorted[k],
		.high = sorted[n - 1 - k],
		.level = 1 - 2 * binomial_tail(n, k),
	};
}

static const char *doubt(const struct ztt_stats_ratio *found)
{
	if (found->ratio.count < ZTT_STATS_PAIRS_MIN)
		return "fewer than 4 rounds";
	if (found->interval.low <= 1 && found->interval.high >= 1)
		return "the interval holds 1";
	return NULL;
}

struct ztt_stats_ratio ztt_stats_compare(const double *values,
					 const double *against, size_t rounds)
{
	double ratios[ZTT_STATS_MAX];
	struct ztt_stats_ratio found;

	assert(rounds <= ZTT_STATS_MAX);
	for (size_t i = 0; i < rounds; i++)
		ratios[i] =
			against[i] > 0 ? values[i] / against[i] : (double)NAN;
	found.ratio = ztt_stats_of(ratios, rounds);
	found.interval = ztt_stats_median_interval(ratios, rounds, LEVEL);
	found.note = doubt(&found);
	found.conclusive = !found.note;
	return found;
}
