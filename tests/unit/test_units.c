#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/units.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct whole {
	const char *text;
	uint64_t value;
};

static void sizes_are_read(void **unused)
{
	static const struct whole rows[] = {
		{"0", 0},
		{"1000", 1000},
		{"1000B", 1000},
		{"100k", 100000},
		{"100K", 100000},
		{"1kB", 1000},
		{"1.5M", 1500000},
		{"2G", 2000000000},
		{"1T", UINT64_C(1000000000000)},
		{"64Ki", 65536},
		{"64KiB", 65536},
		{"64kiB", 65536},
		{"1MiB", 1048576},
		{"0.5GiB", 536870912},
		{".5k", 500},
		{"1.0005k", 1001},
		{"18446744073709551615", UINT64_MAX},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t value = 0;
		int rc = ztt_units_parse_bytes(rows[i].text, &value);

		assert_int_equal(rc, 0);
		assert_int_equal(value, rows[i].value);
	}
}

static void durations_are_read(void **unused)
{
	static const struct whole rows[] = {
		{"5", UINT64_C(5000000000)},
		{"5s", UINT64_C(5000000000)},
		{"0.1", 100000000},
		{"250ms", 250000000},
		{"10us", 10000},
		{"7ns", 7},
		{"2m", UINT64_C(120000000000)},
		{"1h", UINT64_C(3600000000000)},
		{"1.123456789s", 1123456789},
		{"1.000000001h", UINT64_C(3600000003600)},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t value = 0;

		assert_int_equal(ztt_units_parse_ns(rows[i].text, &value), 0);
		assert_int_equal(value, rows[i].value);
	}
}

static void rates_are_read(void **unused)
{
	double value;

	(void)unused;
	assert_int_equal(ztt_units_parse_rate("500", &value), 0);
	assert_true(value == 500);
	assert_int_equal(ztt_units_parse_rate("2k", &value), 0);
	assert_true(value == 2000);
	assert_int_equal(ztt_units_parse_rate("1.5M", &value), 0);
	assert_true(value == 1.5e6);
	assert_int_equal(ztt_units_parse_rate("0.25", &value), 0);
	assert_true(value == 0.25);
}

static void anything_else_is_refused(void **unused)
{
	static const char *const texts[] = {
		"",           " ",    "-1",    "+1",   "1 k",  " 1",     "1 ",
		"k",          ".",    "1.",    ".k",   "1..2", "1e3",    "0x10",
		"inf",        "nan",  "1kk",   "1BB",  "1iB",  "1.2.3k", "1,5",
		"1\xc2\xb5s", "1kBs", "1KiBB", "1kib",
	};
	double rate = 7;
	uint64_t value = 7;

	(void)unused;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(ztt_units_parse_bytes(texts[i], &value),
				 -EINVAL);
		assert_int_equal(ztt_units_parse_ns(texts[i], &value), -EINVAL);
		assert_int_equal(ztt_units_parse_rate(texts[i], &rate),
				 -EINVAL);
	}
	assert_int_equal(value, 7);
	assert_true(rate == 7);
}

static void what_does_not_fit_is_out_of_range(void **unused)
{
	uint64_t value = 7;
	double rate = 7;

	(void)unused;
	assert_int_equal(ztt_units_parse_bytes("18446744073709551616", &value),
			 -ERANGE);
	assert_int_equal(ztt_units_parse_bytes("18446744073709551615k", &value),
			 -ERANGE);
	assert_int_equal(ztt_units_parse_bytes("18446744073709551615.6",
					       &value),
			 -ERANGE);
	assert_int_equal(ztt_units_parse_ns("18446744074", &value), -ERANGE);
	assert_int_equal(ztt_units_parse_rate("99999999999999999999", &rate),
			 -ERANGE);
	assert_int_equal(value, 7);
}

static void three_digits_are_shown(void **unused)
{
	char out[ZTT_UNITS_LEN];

	(void)unused;
	assert_string_equal(ztt_units_bits(out, 1.52e9), "1.52 Gbit/s");
	assert_string_equal(ztt_units_bits(out, 512), "512 bit/s");
	assert_string_equal(ztt_units_bits(out, 2.5e15), "2500 Tbit/s");
	assert_string_equal(ztt_units_bytes(out, 64e6), "64.0 MB");
	assert_string_equal(ztt_units_bytes(out, 0), "0 B");
	assert_string_equal(ztt_units_ns(out, 1.25e6), "1.25 ms");
	assert_string_equal(ztt_units_ns(out, 40), "40 ns");
	assert_string_equal(ztt_units_ns(out, 90e9), "90.0 s");
	assert_string_equal(ztt_units_ns(out, 1000e9), "16.7 min");
	assert_string_equal(ztt_units_ns(out, 7.2e13), "20.0 h");
	assert_string_equal(ztt_units_count(out, 5300), "5.30 k");
	assert_string_equal(ztt_units_count(out, 12), "12");
	assert_string_equal(ztt_units_count(out, 12.34), "12.3");
	assert_string_equal(ztt_units_count(out, 0.012345), "0.0123");
	assert_string_equal(ztt_units_count(out, -5300), "-5.30 k");
}

static void the_unit_changes_where_rounding_does(void **unused)
{
	char out[ZTT_UNITS_LEN];

	(void)unused;
	assert_string_equal(ztt_units_count(out, 999), "999");
	assert_string_equal(ztt_units_count(out, 999.4), "999");
	assert_string_equal(ztt_units_count(out, 999.6), "1.00 k");
	assert_string_equal(ztt_units_count(out, 9994), "9.99 k");
	assert_string_equal(ztt_units_count(out, 9996), "10.0 k");
	assert_string_equal(ztt_units_count(out, 99960), "100 k");
	assert_string_equal(ztt_units_count(out, 999600), "1.00 M");
}

static void odd_values_stay_within_the_buffer(void **unused)
{
	char out[ZTT_UNITS_LEN];

	(void)unused;
	assert_string_equal(ztt_units_bits(out, (double)NAN), "-");
	assert_string_equal(ztt_units_bits(out, (double)INFINITY), "-");
	assert_string_equal(ztt_units_bits(out, -1.7e308), "-1.7e+296 Tbit/s");
	assert_string_equal(ztt_units_bits(out, 1e-300), "1e-300 bit/s");
	assert_string_equal(ztt_units_count(out, 1e-300), "1e-300");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(rates_are_read),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(what_does_not_fit_is_out_of_range),
		cmocka_unit_test(three_digits_are_shown),
		cmocka_unit_test(the_unit_changes_where_rounding_does),
		cmocka_unit_test(odd_values_stay_within_the_buffer),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
