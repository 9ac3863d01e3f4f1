#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-bench/parts/load/mix.h"

static struct ztt_load_mix mix;
static struct ztt_err err;

static int parse(const char *text)
{
	char *copy = ztt_strdup(text);
	int rc = ztt_load_mix_parse(&mix, copy, "mix.txt", &err);

	free(copy);
	return rc;
}

static void lines_become_parts(void **state)
{
	(void)state;
	assert_int_equal(parse("70 1KiB\n25\t64k # pages\r\n\n# all\n5 1M"), 0);
	assert_int_equal(mix.part_count, 3);
	assert_int_equal(mix.parts[0].size_bytes, 1024);
	assert_int_equal(mix.parts[1].size_bytes, 64000);
	assert_int_equal(mix.parts[2].size_bytes, 1000000);
	assert_int_equal(mix.parts[2].until, 100);
}

static void bad_lines_are_named(void **state)
{
	static const char *const bad[] = {
		"1 1\n70",
		"1 1\nx 1",
		"1 1\n-1 1",
		"1 1\n1 1 1",
		"1 1\n0 1",
		"1 1\n1 0",
		"1 1\n1 2TiB",
		"1 1\n1 x",
		"1 1\n1.5 1",
		"1 1\n1000000001 1",
		"1 1\n99999999999999999999 1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_true(parse(bad[i]) < 0);
		assert_non_null(strstr(err.text, "mix.txt, line 2: "));
	}
}

static void an_empty_mix_is_refused(void **state)
{
	(void)state;
	assert_int_equal(parse(""), -EINVAL);
	assert_int_equal(parse("\n# nothing\n"), -EINVAL);
}

static void a_thousand_lines_fit_and_no_more(void **state)
{
	char *text = ztt_calloc(ZTT_LOAD_MIX_MAX + 1, 4);

	(void)state;
	for (int i = 0; i < ZTT_LOAD_MIX_MAX; i++)
		memcpy(text + 4 * i, "1 1\n", 4);
	assert_int_equal(parse(text), 0);
	assert_int_equal(mix.part_count, ZTT_LOAD_MIX_MAX);
	strcat(text, "1 1");
	assert_int_equal(parse(text), -E2BIG);
	assert_non_null(strstr(err.text, "line 1001"));
	free(text);
}

static void a_missing_file_is_named(void **state)
{
	(void)state;
	assert_int_equal(ztt_load_mix_read(&mix, "/nonexistent/mix", &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/mix"));
}

static void sizes_are_drawn_by_weight(void **state)
{
	unsigned drawn[3] = {0};
	uint64_t random = 1;

	(void)state;
	assert_int_equal(parse("70 1\n25 2\n5 3"), 0);
	for (int i = 0; i < 100000; i++)
		drawn[ztt_load_mix_draw(&mix, &random)]++;
	assert_in_range(drawn[0], 69000, 71000);
	assert_in_range(drawn[1], 24000, 26000);
	assert_in_range(drawn[2], 4500, 5500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_parts),
		cmocka_unit_test(bad_lines_are_named),
		cmocka_unit_test(an_empty_mix_is_refused),
		cmocka_unit_test(a_thousand_lines_fit_and_no_more),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(sizes_are_drawn_by_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
