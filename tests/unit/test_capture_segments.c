#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ztt-capture/flow/segments.h"

#define PAYLOAD 14000

struct trial {
	size_t right; /* the only size that opens */
	unsigned tried;
};

static bool opens(void *owner, size_t bytes)
{
	struct trial *trial = owner;

	trial->tried++;
	return bytes == trial->right;
}

static void fill(uint8_t *payload, size_t len, size_t step, size_t dcid_bytes)
{
	for (size_t i = 0; i < len; i++)
		payload[i] = (uint8_t)(0x80 | (i * 7 + i / 251));
	for (size_t at = 0; at < len; at += step) {
		payload[at] = 0x41;
		for (size_t i = 0; i < dcid_bytes && at + 1 + i < len; i++)
			payload[at + 1 + i] = (uint8_t)(0xd0 + i);
	}
}

static void test_a_size_that_was_seen_is_tried_first(void **state)
{
	static uint8_t payload[PAYLOAD];
	struct ztt_segment_sizes sizes = {0};
	struct trial trial = {1439, 0};
	struct ztt_segment_search search = {payload, PAYLOAD, 0, opens, &trial};

	(void)state;
	ztt_segments_saw(&sizes, 1439);
	assert_int_equal(ztt_segments_find(&sizes, &search), 1439);
	assert_int_equal(trial.tried, 1);
}

static void test_with_keys_the_size_is_searched(void **state)
{
	static uint8_t payload[PAYLOAD];
	struct ztt_segment_sizes sizes = {0};
	struct trial trial = {1211, 0};
	struct ztt_segment_search search = {payload, PAYLOAD, 0, opens, &trial};

	(void)state;
	assert_int_equal(ztt_segments_find(&sizes, &search), 1211);
	trial.tried = 0;
	assert_int_equal(ztt_segments_find(&sizes, &search), 1211);
	assert_int_equal(trial.tried, 1);
}

static void test_with_keys_a_divisor_is_found(void **state)
{
	static uint8_t payload[1800];
	struct ztt_segment_sizes sizes = {0};
	struct trial trial = {300, 0};
	struct ztt_segment_search search = {payload, 1800, 0, opens, &trial};

	(void)state;
	assert_int_equal(ztt_segments_find(&sizes, &search), 300);
}

static void test_a_large_datagram_that_opens_is_one(void **state)
{
	static uint8_t payload[8000];
	struct ztt_segment_sizes sizes = {0};
	struct trial trial = {8000, 0};
	struct ztt_segment_search search = {payload, 8000, 0, opens, &trial};

	(void)state;
	assert_true(ztt_segments_suspect(&sizes, 8000));
	assert_int_equal(ztt_segments_find(&sizes, &search), 0);
	assert_false(ztt_segments_suspect(&sizes, 8000));
}

static void test_what_never_opens_is_not_searched_for_ever(void **state)
{
	static uint8_t payload[PAYLOAD];
	struct ztt_segment_sizes sizes = {0};
	struct trial trial = {0, 0};
	struct ztt_segment_search search = {payload, PAYLOAD, 0, opens, &trial};

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(ztt_segments_find(&sizes, &search), 0);
	assert_true(trial.tried < 1000 + 10 * 500);
}

static void test_without_keys_the_dcid_tells(void **state)
{
	static uint8_t payload[PAYLOAD];
	struct ztt_segment_sizes sizes = {0};
	struct ztt_segment_search search = {payload, PAYLOAD, 8, NULL, NULL};

	(void)state;
	fill(payload, PAYLOAD, 777, 8);
	assert_int_equal(ztt_segments_find(&sizes, &search), 777);
}

static void test_a_greased_fixed_bit_does_not_matter_with_a_dcid(void **state)
{
	static uint8_t payload[PAYLOAD];
	struct ztt_segment_sizes sizes = {0};
	struct ztt_segment_search search = {payload, PAYLOAD, 8, NULL, NULL};

	(void)state;
	fill(payload, PAYLOAD, 1300, 8);
	payload[0] = payload[2600] = 0x01;
	assert_int_equal(ztt_segments_find(&sizes, &search), 1300);
}

static void test_without_keys_and_dcid_the_fixed_bit_tells(void **state)
{
	static uint8_t payload[PAYLOAD];
	struct ztt_segment_sizes sizes = {0};
	struct ztt_segment_search search = {payload, PAYLOAD, 0, NULL, NULL};

	(void)state;
	fill(payload, PAYLOAD, 1439, 0);
	assert_int_equal(ztt_segments_find(&sizes, &search), 1439);
}

static void test_a_usual_size_is_not_suspect(void **state)
{
	struct ztt_segment_sizes sizes = {0};

	(void)state;
	assert_false(ztt_segments_suspect(&sizes, 1472));
	assert_true(ztt_segments_suspect(&sizes, 1473));
	ztt_segments_saw(&sizes, 8952);
	assert_false(ztt_segments_suspect(&sizes, 8952));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_size_that_was_seen_is_tried_first),
		cmocka_unit_test(test_with_keys_the_size_is_searched),
		cmocka_unit_test(test_with_keys_a_divisor_is_found),
		cmocka_unit_test(test_a_large_datagram_that_opens_is_one),
		cmocka_unit_test(
			test_what_never_opens_is_not_searched_for_ever),
		cmocka_unit_test(test_without_keys_the_dcid_tells),
		cmocka_unit_test(
			test_a_greased_fixed_bit_does_not_matter_with_a_dcid),
		cmocka_unit_test(
			test_without_keys_and_dcid_the_fixed_bit_tells),
		cmocka_unit_test(test_a_usual_size_is_not_suspect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
