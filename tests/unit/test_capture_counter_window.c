#include "ztt-capture/analysis/counter_window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct given {
	struct ztt_counter_window window;
	struct ztt_counter_sums sums;
	struct ztt_counter_result result;
};

static void begin(struct given *given, bool began)
{
	*given = (struct given){0};
	ztt_counter_window_init(&given->window, began);
}

static enum ztt_counter_news see(struct given *given, unsigned path,
				 uint64_t counter)
{
	return ztt_counter_window_see(&given->window, &given->sums, path,
				      counter);
}

static void end(struct given *given)
{
	ztt_counter_window_settle(&given->window, &given->sums);
	ztt_counter_result(&given->sums, &given->result);
}

static void gaps_are_lost(void **state)
{
	struct given given;

	(void)state;
	begin(&given, true);
	for (uint64_t i = 0; i < 100000; i++)
		if (i % 1000 != 7)
			assert_int_equal(see(&given, 0, i), ZTT_COUNTER_NEW);
	end(&given);
	assert_int_equal(given.result.sent, 100000);
	assert_int_equal(given.result.lost_before, 100);
	assert_int_equal(given.result.lost_between, 0);
	assert_int_equal(given.result.arrived, 99900);
	assert_int_equal(given.result.hops, 1);
	assert_int_equal(given.result.reordered, 0);
	ztt_counter_window_release(&given.window);
}

static void first_ones_are_lost_only_when_the_beginning_was_seen(void **state)
{
	struct given given;

	(void)state;
	for (int began = 0; began < 2; began++) {
		begin(&given, began);
		for (uint64_t i = 50; i < 60; i++)
			see(&given, 0, i);
		end(&given);
		assert_int_equal(given.result.lost_before, began ? 50 : 0);
		assert_int_equal(given.result.arrived, 10);
		ztt_counter_window_release(&given.window);
	}
}

static void a_late_one_is_reordered_and_not_lost(void **state)
{
	struct given given;

	(void)state;
	begin(&given, true);
	see(&given, 0, 0);
	see(&given, 0, 2);
	assert_int_equal(see(&given, 0, 1), ZTT_COUNTER_NEW);
	see(&given, 0, 3);
	assert_int_equal(see(&given, 0, 2), ZTT_COUNTER_DUPLICATE);
	end(&given);
	assert_int_equal(given.result.lost_before, 0);
	assert_int_equal(given.result.reordered, 1);
	assert_int_equal(given.result.duplicated, 1);
	ztt_counter_window_release(&given.window);
}

static void before_the_first_seen_counting_goes_back(void **state)
{
	struct given given;

	(void)state;
	begin(&given, false);
	see(&given, 0, 1000);
	see(&given, 0, 998);
	end(&given);
	assert_int_equal(given.result.sent, 3);
	assert_int_equal(given.result.lost_before, 1);
	assert_int_equal(given.result.reordered, 1);
	ztt_counter_window_release(&given.window);
}

static void behind_the_window_it_is_lost(void **state)
{
	struct given given;

	(void)state;
	begin(&given, true);
	for (uint64_t i = 1; i < 2 * ZTT_COUNTER_WINDOW; i++)
		see(&given, 0, i);
	assert_int_equal(see(&given, 0, 0), ZTT_COUNTER_LATE);
	end(&given);
	assert_int_equal(given.result.lost_before, 1);
	assert_int_equal(given.result.late, 1);
	ztt_counter_window_release(&given.window);
}

static void a_second_hop_is_no_duplicate(void **state)
{
	struct given given;

	(void)state;
	begin(&given, true);
	for (uint64_t i = 0; i < 20000; i++) {
		if (i % 100 != 3)
			see(&given, 0, i); /* 200 lost before */
		if (i >= 10 && i % 100 != 13 && i % 100 != 3)
			assert_int_equal(see(&given, 1, i), ZTT_COUNTER_AGAIN);
	}
	end(&given);
	assert_int_equal(given.result.hops, 2);
	assert_int_equal(given.result.first, 1);
	assert_int_equal(given.result.last, 2);
	assert_int_equal(given.result.duplicated, 0);
	assert_int_equal(given.result.lost_before, 200);
	assert_int_equal(given.result.lost_between, 200 + 9);
	ztt_counter_window_release(&given.window);
}

static void a_peer_that_roams_is_no_hop(void **state)
{
	struct given given;

	(void)state;
	begin(&given, true);
	for (uint64_t i = 0; i < 3000; i++)
		if (i != 1500)
			see(&given, i < 1000 ? 0 : 1, i);
	end(&given);
	assert_int_equal(given.result.hops, 1);
	assert_int_equal(given.result.first, 3);
	assert_int_equal(given.result.last, 3);
	assert_int_equal(given.result.lost_before, 1);
	ztt_counter_window_release(&given.window);
}

static void the_order_of_hops_is_not_that_of_paths(void **state)
{
	struct given given;

	(void)state;
	begin(&given, true);
	see(&given, 0, 0); /* hop 3 of the chain 2, 1, 0 */
	for (uint64_t i = 1; i < 1000; i++)
		for (unsigned path = 3; path-- > 0;)
			if (path > 0 || i % 10 != 0)
				see(&given, path, i);
	end(&given);
	assert_int_equal(given.result.hops, 3);
	assert_int_equal(given.result.first, 4);
	assert_int_equal(given.result.last, 1);
	assert_int_equal(given.result.lost_between, 99);
	ztt_counter_window_release(&given.window);
}

static void what_the_last_hop_did_not_see_yet_is_the_tail(void **state)
{
	struct given given;

	(void)state;
	begin(&given, true);
	for (uint64_t i = 0; i < 100; i++) {
		if (i != 95)
			see(&given, 0, i);
		if (i < 90 && i != 50)
			see(&given, 1, i);
	}
	end(&given);
	assert_int_equal(given.result.lost_before, 1);
	assert_int_equal(given.result.lost_between, 1 + 9);
	assert_int_equal(ztt_counter_tail(&given.window, given.result.last), 9);
	ztt_counter_window_release(&given.window);
}

static void a_forged_counter_moves_nothing(void **state)
{
	struct given given;

	(void)state;
	begin(&given, true);
	for (uint64_t i = 0; i < 100; i++) {
		see(&given, 0, i);
		if (i == 50)
			assert_int_equal(see(&given, 0, UINT64_MAX - 5),
					 ZTT_COUNTER_IMPLAUSIBLE);
	}
	assert_int_equal(see(&given, 0, UINT64_MAX), ZTT_COUNTER_IMPLAUSIBLE);
	end(&given);
	assert_int_equal(given.result.sent, 100);
	assert_int_equal(given.result.lost_before, 0);
	ztt_counter_window_release(&given.window);
}

static void a_leap_that_goes_on_is_a_break(void **state)
{
	struct given given;
	const uint64_t far = UINT64_C(1) << 40;

	(void)state;
	begin(&given, true);
	for (uint64_t i = 0; i < 100; i++)
		see(&given, 0, i);
	for (uint64_t i = 0; i < 100; i++)
		see(&given, 0, far + i);
	end(&given);
	assert_int_equal(given.sums.breaks, 1);
	assert_int_equal(given.result.lost_before, 0);
	assert_int_equal(given.result.arrived, 199);
	ztt_counter_window_release(&given.window);
}

static void nothing_seen_says_nothing(void **state)
{
	struct given given;

	(void)state;
	begin(&given, true);
	end(&given);
	assert_int_equal(given.result.hops, 0);
	assert_int_equal(given.result.sent, 0);
	assert_int_equal(ztt_counter_tail(&given.window, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps_are_lost),
		cmocka_unit_test(
			first_ones_are_lost_only_when_the_beginning_was_seen),
		cmocka_unit_test(a_late_one_is_reordered_and_not_lost),
		cmocka_unit_test(before_the_first_seen_counting_goes_back),
		cmocka_unit_test(behind_the_window_it_is_lost),
		cmocka_unit_test(a_second_hop_is_no_duplicate),
		cmocka_unit_test(a_peer_that_roams_is_no_hop),
		cmocka_unit_test(the_order_of_hops_is_not_that_of_paths),
		cmocka_unit_test(what_the_last_hop_did_not_see_yet_is_the_tail),
		cmocka_unit_test(a_forged_counter_moves_nothing),
		cmocka_unit_test(a_leap_that_goes_on_is_a_break),
		cmocka_unit_test(nothing_seen_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
