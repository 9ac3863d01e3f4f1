#include "hist.h"

#include <errno.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"

/* Values below 2^(STEP_BITS + 1) have a counter each; above, every power of two
 * is cut into 2^STEP_BITS counters, so that a counter is narrower than a
 * thousandth of what it counts. */
#define STEP_BITS 10
#define STEPS (1u << STEP_BITS)
#define VALUE_MAX UINT64_C(3600000000000)
#define SHIFT_MAX 31 /* of VALUE_MAX, which lies between 2^41 and 2^42 */
#define COUNTERS (SHIFT_MAX * STEPS + 2 * STEPS)

struct ztt_hist {
	uint64_t count, sum_ns, max_ns;
	uint64_t counters[COUNTERS];
};

static size_t index_of(uint64_t value)
{
	unsigned shift =
		63u - STEP_BITS - (unsigned)__builtin_clzll(value | STEPS);

	return ((size_t)shift << STEP_BITS) + (size_t)(value >> shift);
}

static uint64_t upper_end(size_t index)
{
	size_t shift = index >> STEP_BITS;

	shift -= shift > 0;
	return ((index - (shift << STEP_BITS) + 1) << shift) - 1;
}

struct ztt_hist *ztt_hist_new(void)
{
	return ztt_calloc(1, sizeof(struct ztt_hist));
}

void ztt_hist_free(struct ztt_hist *hist)
{
	free(hist);
}

void ztt_hist_clear(struct ztt_hist *hist)
{
	memset(hist, 0, sizeof(*hist));
}

void ztt_hist_record(struct ztt_hist *hist, uint64_t value_ns)
{
	value_ns = value_ns < VALUE_MAX ? value_ns : VALUE_MAX;
	hist->counters[index_of(value_ns)]++;
	hist->count++;
	hist->sum_ns += value_ns;
	hist->max_ns = value_ns > hist->max_ns ? value_ns : hist->max_ns;
}

/* JSON readers hold integers in 64 bits with a sign. */
static uint64_t add_capped(uint64_t a, uint64_t b)
{
	if (b > INT64_MAX || a > INT64_MAX - b)
		return INT64_MAX;
	return a + b;
}

void ztt_hist_add(struct ztt_hist *to, const struct ztt_hist *from)
{
	for (size_t i = 0; i < COUNTERS; i++)
		to->counters[i] += from->counters[i];
	to->count += from->count;
	to->sum_ns = add_capped(to->sum_ns, from->sum_ns);
	if (from->max_ns > to->max_ns)
		to->max_ns = from->max_ns;
}

uint64_t ztt_hist_count(const struct ztt_hist *hist)
{
	return hist->count;
}

uint64_t ztt_hist_max(const struct ztt_hist *hist)
{
	return hist->max_ns;
}

double ztt_hist_mean(const struct ztt_hist *hist)
{
	return hist->count ? (double)hist->sum_ns / (double)hist->count : 0;
}

/* 0.07 * 100 is a little above 7 in binary: what is within the rounding of
 * fraction and product counts as the whole number. */
static uint64_t rank_of(double fraction, uint64_t count)
{
	double exact = fraction * (double)count;
	double rank = ceil(exact * (1 - 2 * DBL_EPSILON));

	if (!(rank > 1))
		return 1;
	return rank < (double)count ? (uint64_t)rank : count;
}

uint64_t ztt_hist_quantile(const struct ztt_hist *hist, double fraction)
{
	uint64_t rank = rank_of(fraction, hist->count), seen = 0;

	for (size_t i = 0; i < COUNTERS && hist->count; i++) {
		seen += hist->counters[i];
		if (seen >= rank) {
			uint64_t end_ns = upper_end(i);

			return end_ns < hist->max_ns ? end_ns : hist->max_ns;
		}
	}
	return 0;
}

void ztt_hist_write(const struct ztt_hist *hist, struct ztt_json *json,
		    const char *key)
{
	ztt_json_object(json, key);
	ztt_json_uint(json, "max_ns", hist->max_ns);
	ztt_json_uint(json, "sum_ns", add_capped(hist->sum_ns, 0));
	ztt_json_array(json, "counts");
	for (size_t i = 0; i < COUNTERS; i++) {
		if (!hist->counters[i])
			continue;
		ztt_json_array(json, NULL);
		ztt_json_uint(json, NULL, i);
		ztt_json_uint(json, NULL, hist->counters[i]);
		ztt_json_end_array(json);
	}
	ztt_json_end_array(json);
	ztt_json_end_object(json);
}

static bool get_uint(const json_t *value, uint64_t *ret_value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ret_value = (uint64_t)json_integer_value(value);
	return true;
}

static bool get_pair(const json_t *pair, uint64_t *ret_index,
		     uint64_t *ret_count)
{
	return json_is_array(pair) && json_array_size(pair) == 2 &&
	       get_uint(json_array_get(pair, 0), ret_index) &&
	       get_uint(json_array_get(pair, 1), ret_count);
}

/* Whether `counts` rises in index, holds no empty counter, and with `max_ns` in
 * the last one; adds the counts to `total`. */
static bool counts_fit(const json_t *counts, uint64_t max_ns, uint64_t *total)
{
	size_t length = json_array_size(counts);
	uint64_t next = 0, index = 0, count;

	for (size_t i = 0; i < length; i++) {
		if (!get_pair(json_array_get(counts, i), &index, &count) ||
		    index < next || index >= COUNTERS || !count ||
		    count > INT64_MAX - *total)
			return false;
		next = index + 1;
		*total += count;
	}
	return max_ns <= VALUE_MAX &&
	       index == (length ? index_of(max_ns) : 0) && (length || !max_ns);
}

int ztt_hist_read(struct ztt_hist *hist, const void *value, struct ztt_err *err)
{
	const json_t *counts = json_object_get(value, "counts");
	uint64_t max_ns, sum_ns, total = hist->count;

	if (!get_uint(json_object_get(value, "max_ns"), &max_ns) ||
	    !get_uint(json_object_get(value, "sum_ns"), &sum_ns) ||
	    !json_is_array(counts) || !counts_fit(counts, max_ns, &total))
		return ztt_err_set(err, -EPROTO,
				   "a histogram is not of the form max_ns, "
				   "sum_ns, counts; was it written by another "
				   "version or changed by hand");
	for (size_t i = 0; i < json_array_size(counts); i++) {
		uint64_t index = 0, count = 0;

		get_pair(json_array_get(counts, i), &index, &count);
		hist->counters[index] += count;
	}
	hist->count = total;
	hist->sum_ns = add_capped(hist->sum_ns, sum_ns);
	if (max_ns > hist->max_ns)
		hist->max_ns = max_ns;
	return 0;
}
