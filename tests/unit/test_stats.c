#include "ztt-bench/stats/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_near(a, b) assert_true(fabs((double)(a) - (double)(b)) < 1e-9)
#define COUNT(values) (sizeof(values) / sizeof((values)[0]))

static void median_of_odd_and_even_counts(void **state)
{
	const double odd[] = {3, 1, 2}, even[] = {4, 1, 2, 3};
	struct ztt_stats stats = ztt_stats_of(odd, COUNT(odd));

	(void)state;
	assert_near(stats.median, 2);
	assert_near(stats.low, 1);
	assert_near(stats.high, 3);
	stats = ztt_stats_of(even, COUNT(even));
	assert_near(stats.median, 2.5);
	assert_int_equal(stats.count, 4);
}

static void what_was_not_measured_is_left_out(void **state)
{
	const double some[] = {(double)NAN, 5, (double)INFINITY};
	struct ztt_stats stats = ztt_stats_of(some, COUNT(some));

	(void)state;
	assert_int_equal(stats.count, 1);
	assert_near(stats.median, 5);
	stats = ztt_stats_of(some, 1);
	assert_int_equal(stats.count, 0);
	assert_true(isnan(stats.median) && isnan(stats.low));
}

static void few_values_give_their_range_and_its_level(void **state)
{
	const double four[] = {1, 2, 3, 4};
	struct ztt_stats_interval interval =
		ztt_stats_median_interval(four, COUNT(four), 0.95);

	(void)state;
	assert_near(interval.low, 1);
	assert_near(interval.high, 4);
	assert_near(interval.level, 0.875);
}

/* Binomial tables: with 10 values the second and the ninth reach 0.979, the
 * third and the eighth 0.891. */
static void many_values_give_the_narrowest_interval(void **state)
{
	const double ten[] = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1};
	struct ztt_stats_interval interval =
		ztt_stats_median_interval(ten, COUNT(ten), 0.95);

	(void)state;
	assert_near(interval.low, 2);
	assert_near(interval.high, 9);
	assert_near(interval.level, 1 - 22.0 / 1024);
}

static void the_largest_count_is_still_exact(void **state)
{
	double values[ZTT_STATS_MAX];
	struct ztt_stats_interval interval;

	(void)state;
	for (size_t i = 0; i < ZTT_STATS_MAX; i++)
		values[i] = (double)i;
	interval = ztt_stats_median_interval(values, ZTT_STATS_MAX, 0.95);
	assert_true(interval.level >= 0.95 && interval.level < 0.96);
	assert_true(interval.low > 450 && interval.high < 550);
}

static void one_value_has_no_interval(void **state)
{
	const double one[] = {1};

	(void)state;
	assert_true(isnan(ztt_stats_median_interval(one, 1, 0.95).low));
}

static void three_rounds_are_inconclusive(void **state)
{
	const double a[] = {9, 9, 9}, b[] = {1, 1, 1};
	struct ztt_stats_ratio found = ztt_stats_compare(a, b, 3);

	(void)state;
	assert_near(found.ratio.median, 9);
	assert_false(found.conclusive);
	assert_non_null(found.note);
}

static void a_clear_difference_is_conclusive(void **state)
{
	const double a[] = {2, 4, 6, 8}, b[] = {1, 2, 3, 4};
	struct ztt_stats_ratio found = ztt_stats_compare(a, b, 4);

	(void)state;
	assert_true(found.conclusive);
	assert_null(found.note);
	assert_near(found.ratio.median, 2);
}

static void an_interval_that_holds_one_is_inconclusive(void **state)
{
	const double a[] = {2, 1, 3, 1}, b[] = {1, 2, 1, 1};

	(void)state;
	assert_false(ztt_stats_compare(a, b, 4).conclusive);
}

static void rounds_without_both_do_not_count(void **state)
{
	const double a[] = {2, (double)NAN, 2, 2, 2};
	const double b[] = {1, 1, 0, (double)NAN, 1};
	struct ztt_stats_ratio found = ztt_stats_compare(a, b, 5);

	(void)state;
	assert_int_equal(found.ratio.count, 2);
	assert_false(found.conclusive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(median_of_odd_and_even_counts),
		cmocka_unit_test(what_was_not_measured_is_left_out),
		cmocka_unit_test(few_values_give_their_range_and_its_level),
		cmocka_unit_test(many_values_give_the_narrowest_interval),
		cmocka_unit_test(the_largest_count_is_still_exact),
		cmocka_unit_test(one_value_has_no_interval),
		cmocka_unit_test(three_rounds_are_inconclusive),
		cmocka_unit_test(a_clear_difference_is_conclusive),
		cmocka_unit_test(an_interval_that_holds_one_is_inconclusive),
		cmocka_unit_test(rounds_without_both_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
