#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/err.h"
#include "common/hist.h"
#include "common/json.h"

#define HOUR_NS UINT64_C(3600000000000)
#define VALUES 20000

static uint64_t state = 88172645463325252u;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Spread over all powers of two up to an hour. */
static uint64_t random_ns(void)
{
	uint64_t value = next_random() >> (22 + next_random() % 42);

	return value < HOUR_NS ? value : HOUR_NS;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void assert_same(const struct ztt_hist *a, const struct ztt_hist *b)
{
	assert_int_equal(ztt_hist_count(a), ztt_hist_count(b));
	assert_int_equal(ztt_hist_max(a), ztt_hist_max(b));
	assert_true(ztt_hist_mean(a) == ztt_hist_mean(b));
	for (unsigned i = 0; i <= 1000; i++)
		assert_int_equal(ztt_hist_quantile(a, i / 1000.0),
				 ztt_hist_quantile(b, i / 1000.0));
}

static char *write_text(const struct ztt_hist *hist)
{
	struct ztt_json json;
	char *text;

	ztt_json_init(&json, false);
	ztt_hist_write(hist, &json, NULL);
	text = strdup(ztt_json_text(&json, NULL));
	ztt_json_release(&json);
	return text;
}

static int read_text(struct ztt_hist *hist, const char *text,
		     struct ztt_err *err)
{
	json_t *value = json_loads(text, 0, NULL);
	int rc;

	assert_non_null(value);
	rc = ztt_hist_read(hist, value, err);
	json_decref(value);
	return rc;
}

static void quantiles_are_within_a_thousandth(void **unused)
{
	static uint64_t values[VALUES];
	struct ztt_hist *hist = ztt_hist_new();

	(void)unused;
	for (size_t i = 0; i < VALUES; i++) {
		values[i] = random_ns();
		ztt_hist_record(hist, values[i]);
	}
	qsort(values, VALUES, sizeof(values[0]), compare);
	for (size_t rank = 1; rank <= VALUES; rank += 7) {
		uint64_t exact = values[rank - 1];
		uint64_t found = ztt_hist_quantile(hist, (double)rank / VALUES);

		assert_true(found >= exact);
		assert_true((double)(found - exact) <= 0.001 * (double)exact);
	}
	assert_int_equal(ztt_hist_max(hist), values[VALUES - 1]);
	ztt_hist_free(hist);
}

static void every_edge_of_a_counter_is_within_a_thousandth(void **unused)
{
	struct ztt_hist *hist = ztt_hist_new();

	(void)unused;
	for (unsigned bit = 0; bit < 42; bit++) {
		for (int off = -1; off <= 1; off++) {
			uint64_t value = (UINT64_C(1) << bit) + (uint64_t)off;
			uint64_t found;

			if (value > HOUR_NS)
				continue;
			ztt_hist_clear(hist);
			ztt_hist_record(hist, value);
			ztt_hist_record(hist, HOUR_NS);
			found = ztt_hist_quantile(hist, 0.5);
			assert_true(found >= value);
			assert_true(found - value <= value / 1000);
		}
	}
	ztt_hist_free(hist);
}

static void small_values_are_exact(void **unused)
{
	struct ztt_hist *hist = ztt_hist_new();

	(void)unused;
	for (uint64_t value = 0; value < 2048; value++)
		ztt_hist_record(hist, value);
	for (uint64_t value = 0; value < 2048; value++)
		assert_int_equal(ztt_hist_quantile(hist,
						   ((double)value + 1) / 2048),
				 value);
	ztt_hist_free(hist);
}

static void merging_equals_recording_in_one(void **unused)
{
	struct ztt_hist *one = ztt_hist_new(), *other = ztt_hist_new(),
			*both = ztt_hist_new();

	(void)unused;
	for (size_t i = 0; i < VALUES; i++) {
		uint64_t value = random_ns();

		ztt_hist_record(both, value);
		ztt_hist_record(i % 3 ? one : other, value);
	}
	ztt_hist_add(one, other);
	assert_same(one, both);
	ztt_hist_free(one);
	ztt_hist_free(other);
	ztt_hist_free(both);
}

static void an_empty_histogram_is_all_zero(void **unused)
{
	struct ztt_hist *hist = ztt_hist_new(), *other = ztt_hist_new();

	(void)unused;
	assert_int_equal(ztt_hist_count(hist), 0);
	assert_int_equal(ztt_hist_max(hist), 0);
	assert_true(ztt_hist_mean(hist) == 0);
	assert_int_equal(ztt_hist_quantile(hist, 0), 0);
	assert_int_equal(ztt_hist_quantile(hist, 1), 0);
	ztt_hist_record(hist, 5);
	ztt_hist_clear(hist);
	assert_same(hist, other);
	ztt_hist_free(hist);
	ztt_hist_free(other);
	ztt_hist_free(NULL);
}

static void a_quantile_is_the_smallest_value_that_suffices(void **unused)
{
	struct ztt_hist *hist = ztt_hist_new();

	(void)unused;
	for (uint64_t value = 1; value <= 100; value++)
		ztt_hist_record(hist, value);
	for (unsigned i = 1; i <= 100; i++)
		assert_int_equal(ztt_hist_quantile(hist, i / 100.0), i);
	assert_int_equal(ztt_hist_quantile(hist, 0.07), 7);
	assert_int_equal(ztt_hist_quantile(hist, 0.0701), 8);
	assert_int_equal(ztt_hist_quantile(hist, 0), 1);
	assert_int_equal(ztt_hist_quantile(hist, -1), 1);
	assert_int_equal(ztt_hist_quantile(hist, 2), 100);
	assert_int_equal(ztt_hist_quantile(hist, (double)NAN), 1);
	ztt_hist_free(hist);
}

static void no_quantile_is_above_the_maximum(void **unused)
{
	struct ztt_hist *hist = ztt_hist_new();

	(void)unused;
	ztt_hist_record(hist, 1000000001);
	assert_int_equal(ztt_hist_quantile(hist, 0.5), 1000000001);
	assert_int_equal(ztt_hist_quantile(hist, 1), 1000000001);
	ztt_hist_free(hist);
}

static void what_exceeds_an_hour_counts_as_an_hour(void **unused)
{
	struct ztt_hist *hist = ztt_hist_new();

	(void)unused;
	ztt_hist_record(hist, UINT64_MAX);
	ztt_hist_record(hist, HOUR_NS + 1);
	assert_int_equal(ztt_hist_max(hist), HOUR_NS);
	assert_true(ztt_hist_mean(hist) == (double)HOUR_NS);
	assert_int_equal(ztt_hist_quantile(hist, 0.1), HOUR_NS);
	ztt_hist_free(hist);
}

static void what_was_written_reads_back_equal(void **unused)
{
	struct ztt_hist *hist = ztt_hist_new(), *copy = ztt_hist_new();
	struct ztt_err err = {0};
	char *text;

	(void)unused;
	text = write_text(hist);
	assert_string_equal(text, "{\"max_ns\":0,\"sum_ns\":0,\"counts\":[]}");
	assert_int_equal(read_text(copy, text, &err), 0);
	assert_same(hist, copy);
	free(text);
	for (size_t i = 0; i < VALUES; i++)
		ztt_hist_record(hist, random_ns());
	text = write_text(hist);
	assert_int_equal(read_text(copy, text, &err), 0);
	assert_same(hist, copy);
	assert_int_equal(read_text(copy, text, &err), 0);
	ztt_hist_add(hist, hist);
	assert_same(hist, copy);
	free(text);
	ztt_hist_free(hist);
	ztt_hist_free(copy);
}

static void a_malformed_histogram_changes_nothing(void **unused)
{
	static const char *const texts[] = {
		"[]",
		"{}",
		"{\"max_ns\":1,\"sum_ns\":1}",
		"{\"max_ns\":1,\"sum_ns\":1,\"counts\":{}}",
		"{\"max_ns\":1,\"sum_ns\":1,\"counts\":[]}",
		"{\"max_ns\":1,\"sum_ns\":1,\"counts\":[1]}",
		"{\"max_ns\":1,\"sum_ns\":1,\"counts\":[[1]]}",
		"{\"max_ns\":1,\"sum_ns\":1,\"counts\":[[1,1,1]]}",
		"{\"max_ns\":1,\"sum_ns\":1,\"counts\":[[1,0]]}",
		"{\"max_ns\":1,\"sum_ns\":1,\"counts\":[[1,-1]]}",
		"{\"max_ns\":1,\"sum_ns\":1,\"counts\":[[-1,1]]}",
		"{\"max_ns\":1,\"sum_ns\":1,\"counts\":[[1.0,1]]}",
		"{\"max_ns\":1,\"sum_ns\":-1,\"counts\":[[1,1]]}",
		"{\"max_ns\":-1,\"sum_ns\":1,\"counts\":[[1,1]]}",
		"{\"max_ns\":2,\"sum_ns\":1,\"counts\":[[1,1]]}",
		"{\"max_ns\":1,\"sum_ns\":1,\"counts\":[[1,1],[0,1]]}",
		"{\"max_ns\":1,\"sum_ns\":1,\"counts\":[[1,1],[1,1]]}",
		"{\"max_ns\":3600000000001,\"sum_ns\":1,"
		"\"counts\":[[33400,1]]}",
		"{\"max_ns\":3600000000000,\"sum_ns\":1,"
		"\"counts\":[[33792,1]]}",
		"{\"max_ns\":1,\"sum_ns\":1,"
		"\"counts\":[[1,9223372036854775807]]}",
	};
	struct ztt_hist *hist = ztt_hist_new(), *before = ztt_hist_new();

	(void)unused;
	ztt_hist_record(hist, 77);
	ztt_hist_record(before, 77);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ztt_err err = {0};

		assert_int_equal(read_text(hist, texts[i], &err), -EPROTO);
		assert_true(err.text[0]);
		assert_same(hist, before);
	}
	ztt_hist_free(hist);
	ztt_hist_free(before);
}

static void a_sum_past_64_bits_is_capped(void **unused)
{
	const char *text = "{\"max_ns\":1,\"sum_ns\":9223372036854775807,"
			   "\"counts\":[[1,2]]}";
	struct ztt_hist *hist = ztt_hist_new();
	char *written;

	(void)unused;
	assert_int_equal(read_text(hist, text, NULL), 0);
	assert_int_equal(read_text(hist, text, NULL), 0);
	ztt_hist_record(hist, 1);
	written = write_text(hist);
	assert_non_null(strstr(written, "\"sum_ns\":9223372036854775807,"));
	assert_int_equal(read_text(hist, written, NULL), 0);
	assert_int_equal(ztt_hist_count(hist), 10);
	free(written);
	ztt_hist_free(hist);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_within_a_thousandth),
		cmocka_unit_test(
			every_edge_of_a_counter_is_within_a_thousandth),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(merging_equals_recording_in_one),
		cmocka_unit_test(an_empty_histogram_is_all_zero),
		cmocka_unit_test(
			a_quantile_is_the_smallest_value_that_suffices),
		cmocka_unit_test(no_quantile_is_above_the_maximum),
		cmocka_unit_test(what_exceeds_an_hour_counts_as_an_hour),
		cmocka_unit_test(what_was_written_reads_back_equal),
		cmocka_unit_test(a_malformed_histogram_changes_nothing),
		cmocka_unit_test(a_sum_past_64_bits_is_capped),
	};

	return cmocka_run_group_tests_name("hist", tests, NULL, NULL);
}
