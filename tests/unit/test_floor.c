#define _GNU_SOURCE
#include "ztt-bench/floor.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/err.h"

static struct ztt_floor_row rows[ZTT_FLOOR_ROWS_MAX];
static struct ztt_err err;

static struct ztt_floor_row known(const char *id, double cpu_s_per_gb)
{
	return (struct ztt_floor_row){
		.id = id,
		.what = id,
		.cpu_s_per_gb_median = cpu_s_per_gb,
		.measured = true,
	};
}

static size_t all_known(void)
{
	size_t count = 0;

	rows[count++] = known("aead-seal-a-x", 2);
	rows[count++] = known("aead-open-a-x", 5);
	rows[count++] = known("aead-seal-b-y", 3);
	rows[count++] = known("aead-open-b-y", 4);
	rows[count++] = known("udp-send-segmented", 1.41);
	rows[count++] = known("udp-receive-gro", 14.1);
	rows[count++] = known("tcp-read", 100);
	rows[count++] = known("tcp-write", 200);
	return count;
}

static void a_path_takes_the_fastest_cipher(void **state)
{
	size_t count = all_known();
	double down, up;

	(void)state;
	assert_int_equal(ztt_floor_path(rows, count, &down, &up, &err), 0);
	assert_true(fabs(down - (100 + 2 + 1.439)) < 1e-9);
	assert_true(fabs(up - (200 + 4 + 14.39)) < 1e-9);
}

static void what_was_not_measured_is_never_zero(void **state)
{
	size_t count = all_known();
	double down, up;

	(void)state;
	rows[5].measured = false;
	rows[5].cpu_s_per_gb_median = 0;
	strcpy(rows[5].why_not, "UDP_GRO: Protocol not available");
	assert_int_equal(ztt_floor_path(rows, count, &down, &up, &err),
			 -ENODATA);
	assert_true(fabs(down - (100 + 2 + 1.439)) < 1e-9);
	assert_true(isnan(up));
	assert_non_null(strstr(err.text, "udp-receive-gro"));
	assert_non_null(strstr(err.text, "Protocol not available"));
	assert_null(ztt_floor_find(rows, count, "udp-receive-gro"));
	assert_ptr_equal(ztt_floor_find(rows, count, "tcp-read"), &rows[6]);
	assert_null(ztt_floor_find(rows, count, "no-such-row"));
	rows[0].measured = rows[2].measured = false;
	assert_int_equal(ztt_floor_path(rows, count, &down, &up, NULL),
			 -ENODATA);
	assert_true(isnan(down));
	assert_int_equal(ztt_floor_path(rows, 0, &down, &up, &err), -ENODATA);
}

/* As short as may be; not how much, only that it is told. */
static void every_row_has_figures_or_a_reason(void **state)
{
	cpu_set_t before, after;
	size_t count = 0;

	(void)state;
	sched_getaffinity(0, sizeof(before), &before);
	assert_int_equal(ztt_floor_measure(28 * ZTT_NS_PER_MS, rows,
					   ZTT_FLOOR_ROWS_MAX, &count, &err),
			 0);
	assert_int_equal(count, 2 * ztt_floor_measure_count());
	for (size_t i = 0; i < count; i++) {
		const struct ztt_floor_row *row = &rows[i];

		assert_int_equal(row->measured, row->why_not[0] == '\0');
		if (!row->measured) {
			print_message("%s: %s\n", row->id, row->why_not);
			continue;
		}
		assert_true(row->low > 0);
		assert_true(row->low <= row->cpu_s_per_gb_median);
		assert_true(row->cpu_s_per_gb_median <= row->high);
	}
	sched_getaffinity(0, sizeof(after), &after);
	assert_true(CPU_EQUAL(&before, &after));
}

static void ids_are_unique(void **state)
{
	size_t count = 0;

	(void)state;
	ztt_floor_measure(7 * ZTT_NS_PER_MS, rows, ZTT_FLOOR_ROWS_MAX, &count,
			  &err);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(rows[i].id, rows[j].id);
}

static void too_little_room_or_time_is_refused(void **state)
{
	size_t count = 0;

	(void)state;
	assert_int_equal(ztt_floor_measure(ZTT_NS_PER_S, rows, 3, &count, &err),
			 -EINVAL);
	assert_int_equal(ztt_floor_measure(1, rows, ZTT_FLOOR_ROWS_MAX, &count,
					   &err),
			 -EINVAL);
	assert_int_equal(count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_takes_the_fastest_cipher),
		cmocka_unit_test(what_was_not_measured_is_never_zero),
		cmocka_unit_test(every_row_has_figures_or_a_reason),
		cmocka_unit_test(ids_are_unique),
		cmocka_unit_test(too_little_room_or_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
