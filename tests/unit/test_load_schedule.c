#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "ztt-bench/parts/load/schedule.h"

#define START_NS UINT64_C(5000000000)

static void requests_are_due_at_start_plus_i_over_rate(void **state)
{
	struct ztt_load_schedule schedule;

	(void)state;
	ztt_load_schedule_init(&schedule, START_NS, 4, 0, 1);
	for (uint64_t i = 0; i < 10; i++) {
		assert_int_equal(ztt_load_schedule_due(&schedule),
				 START_NS + i * ZTT_NS_PER_S / 4);
		ztt_load_schedule_take(&schedule);
	}
}

static void threads_share_one_schedule(void **state)
{
	struct ztt_load_schedule schedules[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		ztt_load_schedule_init(&schedules[i], START_NS, 1000, i, 3);
	for (uint64_t i = 0; i < 30; i++) {
		assert_int_equal(ztt_load_schedule_due(&schedules[i % 3]),
				 START_NS + i * ZTT_NS_PER_MS);
		ztt_load_schedule_take(&schedules[i % 3]);
	}
}

static void intervals_do_not_add_up_their_rounding(void **state)
{
	struct ztt_load_schedule schedule;

	(void)state;
	ztt_load_schedule_init(&schedule, START_NS, 3e6, 0, 1);
	schedule.next = UINT64_C(3000000) * 3600;
	assert_int_equal(ztt_load_schedule_due(&schedule),
			 START_NS + 3600 * ZTT_NS_PER_S);
}

static void late_is_what_was_due_and_not_taken(void **state)
{
	struct ztt_load_schedule schedule;

	(void)state;
	ztt_load_schedule_init(&schedule, START_NS, 100, 1, 2);
	assert_int_equal(ztt_load_schedule_late(&schedule, 0), 0);
	assert_int_equal(ztt_load_schedule_late(&schedule, START_NS), 0);
	assert_int_equal(ztt_load_schedule_late(&schedule,
						START_NS + ZTT_NS_PER_S),
			 50);
	for (int i = 0; i < 20; i++)
		ztt_load_schedule_take(&schedule);
	assert_int_equal(ztt_load_schedule_late(&schedule,
						START_NS + ZTT_NS_PER_S),
			 30);
	for (int i = 0; i < 40; i++)
		ztt_load_schedule_take(&schedule);
	assert_int_equal(ztt_load_schedule_late(&schedule,
						START_NS + ZTT_NS_PER_S),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_due_at_start_plus_i_over_rate),
		cmocka_unit_test(threads_share_one_schedule),
		cmocka_unit_test(intervals_do_not_add_up_their_rounding),
		cmocka_unit_test(late_is_what_was_due_and_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
