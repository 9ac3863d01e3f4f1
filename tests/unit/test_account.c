#include "ztt-bench/account/account.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)
#define assert_near(a, b) assert_true(fabs((double)(a) - (double)(b)) < 1e-9)

static struct ztt_account_sample begin, end;
static struct ztt_account account;

static int clear(void **state)
{
	(void)state;
	memset(&begin, 0, sizeof(begin));
	memset(&end, 0, sizeof(end));
	memset(&account, 0, sizeof(account));
	begin.host.at_ns = 10 * S;
	end.host.at_ns = 12 * S;
	end.host.cores_online = 2;
	end.host.idle_ns = 4 * S;
	return 0;
}

/* A part that ran for `cpu_ns` of a window of 2 s, in one thread. */
static void ran(enum ztt_part part, uint64_t cpu_ns, uint64_t wait_ns)
{
	struct ztt_cpu *at = &end.parts[part];

	begin.present[part] = end.present[part] = true;
	begin.parts[part].at_ns = 10 * S;
	at->at_ns = 12 * S;
	at->cpu_ns = at->user_ns = cpu_ns;
	at->thread_count = 1;
	at->threads[0].tid = 100 + (pid_t)part;
	at->threads[0].cpu_ns = cpu_ns;
	at->threads[0].wait_ns = wait_ns;
	snprintf(at->threads[0].name, sizeof(at->threads[0].name), "worker");
}

static void busy_ns(uint64_t ns)
{
	end.host.user_ns = ns;
	end.host.idle_ns = 4 * S - ns;
}

static void make(uint64_t bytes, uint64_t requests)
{
	ztt_account_make(&begin, &end, NULL, bytes, requests, &account);
}

static struct ztt_bottleneck bottleneck(void)
{
	struct ztt_bottleneck found;

	make(1, 1);
	ztt_account_bottleneck(&account, &found);
	return found;
}

static void cpu_is_counted_per_gb_and_per_request(void **state)
{
	const struct ztt_account_part *engine = &account.parts[ZTT_PART_ENGINE];

	(void)state;
	ran(ZTT_PART_ENGINE, S, 0);
	end.parts[ZTT_PART_ENGINE].udp_drops = 7;
	make(500000000, 1000);
	assert_near(engine->cpu_s, 1);
	assert_near(engine->cpu_s_per_gb, 2);
	assert_near(engine->cpu_us_per_request, 1000);
	assert_near(engine->cores, 0.5);
	assert_near(engine->busiest.cpu, 0.5);
	assert_string_equal(engine->busiest.name, "worker");
	assert_near(account.window_s, 2);
	assert_int_equal(account.udp_drops, 7);
	assert_false(account.parts[ZTT_PART_EDGE].present);
}

static void nothing_carried_gives_no_cost(void **state)
{
	(void)state;
	ran(ZTT_PART_ENGINE, S, 0);
	make(0, 0);
	assert_true(isnan(account.parts[ZTT_PART_ENGINE].cpu_s_per_gb));
	assert_true(isnan(account.parts[ZTT_PART_ENGINE].cpu_us_per_request));
}

static void steal_and_others_are_shares_of_all_cores(void **state)
{
	(void)state;
	ran(ZTT_PART_ENGINE, S, 0);
	end.host.user_ns = 2 * S;
	end.host.steal_ns = S;
	end.host.idle_ns = S;
	make(1, 1);
	assert_near(account.busy, 0.75);
	assert_near(account.steal, 0.25);
	assert_near(account.other, 0.25);
}

static void threads_of_the_load_are_taken_before_they_end(void **state)
{
	struct ztt_cpu last;

	(void)state;
	ran(ZTT_PART_LOAD, 2 * S, 0);
	last = end.parts[ZTT_PART_LOAD];
	last.at_ns = 11 * S;
	last.threads[0].cpu_ns = S;
	end.parts[ZTT_PART_LOAD].thread_count = 0;
	ztt_account_make(&begin, &end, &last, 1, 1, &account);
	assert_near(account.parts[ZTT_PART_LOAD].busiest.cpu, 1);
	assert_near(account.parts[ZTT_PART_LOAD].cpu_s, 2);
}

static void a_full_thread_is_the_bottleneck(void **state)
{
	struct ztt_bottleneck found;

	(void)state;
	ran(ZTT_PART_ENGINE, 19 * S / 10, 0);
	ran(ZTT_PART_EDGE, S, S);
	found = bottleneck();
	assert_int_equal(found.kind, ZTT_BOTTLENECK_THREAD);
	assert_int_equal(found.part, ZTT_PART_ENGINE);
	assert_near(found.share, 0.95);
	assert_false(found.all_cores_busy);
}

static void busy_cores_come_before_waiting_threads(void **state)
{
	struct ztt_bottleneck found;

	(void)state;
	ran(ZTT_PART_ENGINE, 3 * S / 2, S / 2);
	ran(ZTT_PART_EDGE, S / 2, 3 * S / 2);
	busy_ns(4 * S);
	found = bottleneck();
	assert_int_equal(found.kind, ZTT_BOTTLENECK_CORES);
	assert_int_equal(found.part, ZTT_PART_ENGINE);
	assert_near(found.share, 0.75);
}

static void a_thread_that_lacks_a_core_is_told(void **state)
{
	struct ztt_bottleneck found;

	(void)state;
	ran(ZTT_PART_ENGINE, S / 2, 0);
	ran(ZTT_PART_ORIGIN, S, S);
	found = bottleneck();
	assert_int_equal(found.kind, ZTT_BOTTLENECK_WAITING);
	assert_int_equal(found.part, ZTT_PART_ORIGIN);
}

static void idle_parts_leave_it_undecided(void **state)
{
	(void)state;
	ran(ZTT_PART_ENGINE, S / 2, 0);
	assert_int_equal(bottleneck().kind, ZTT_BOTTLENECK_UNDECIDED);
}

static void a_full_load_limits_unless_the_engine_is_fuller(void **state)
{
	(void)state;
	ran(ZTT_PART_LOAD, 19 * S / 10, S / 10);
	ran(ZTT_PART_ENGINE, S, 0);
	make(1, 1);
	assert_true(ztt_account_load_limits(&account));
	ran(ZTT_PART_ENGINE, 2 * S, 0);
	make(1, 1);
	assert_false(ztt_account_load_limits(&account));
}

static void a_load_that_only_waits_does_not_limit(void **state)
{
	(void)state;
	ran(ZTT_PART_LOAD, S, S);
	make(1, 1);
	assert_false(ztt_account_load_limits(&account));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(cpu_is_counted_per_gb_and_per_request,
				       clear),
		cmocka_unit_test_setup(nothing_carried_gives_no_cost, clear),
		cmocka_unit_test_setup(steal_and_others_are_shares_of_all_cores,
				       clear),
		cmocka_unit_test_setup(
			threads_of_the_load_are_taken_before_they_end, clear),
		cmocka_unit_test_setup(a_full_thread_is_the_bottleneck, clear),
		cmocka_unit_test_setup(busy_cores_come_before_waiting_threads,
				       clear),
		cmocka_unit_test_setup(a_thread_that_lacks_a_core_is_told,
				       clear),
		cmocka_unit_test_setup(idle_parts_leave_it_undecided, clear),
		cmocka_unit_test_setup(
			a_full_load_limits_unless_the_engine_is_fuller, clear),
		cmocka_unit_test_setup(a_load_that_only_waits_does_not_limit,
				       clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
