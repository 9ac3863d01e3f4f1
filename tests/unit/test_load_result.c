#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "common/hist.h"
#include "common/json.h"
#include "ztt-bench/control.h"
#include "ztt-bench/parts/load/result.h"

static json_t *written(const struct ztt_load_result *result)
{
	struct ztt_json json;
	json_t *record;
	size_t len;

	ztt_control_begin(&json, "end");
	ztt_load_result_write(result, &json);
	ztt_json_end_object(&json);
	ztt_json_text(&json, &len);
	record = json_loadb(ztt_json_text(&json, NULL), len, 0, NULL);
	ztt_json_release(&json);
	return record;
}

static void fill(struct ztt_load_result *result)
{
	ztt_load_result_init(result);
	result->at_ns = 7000000000;
	result->duration_ns = 5000000000;
	result->requests = 3;
	result->bytes_down = 3072;
	result->bytes_up = 1;
	for (int i = 0; i < ZTT_LOAD_ERRORS; i++)
		result->errors[i] = (uint64_t)i;
	strcpy(result->first_error, "the target answered \"no\"");
	result->late = 9;
	result->threads = 2;
	ztt_hist_record(result->latency, 1000);
	ztt_hist_record(result->latency, 2000000);
	ztt_hist_record(result->service, 900);
}

static void what_is_written_is_read(void **state)
{
	struct ztt_load_result result, read;
	struct ztt_err err;
	json_t *record;

	(void)state;
	fill(&result);
	record = written(&result);
	assert_non_null(record);
	ztt_load_result_init(&read);
	assert_int_equal(ztt_load_result_read(record, &read, &err), 0);
	assert_int_equal(read.at_ns, result.at_ns);
	assert_int_equal(read.duration_ns, result.duration_ns);
	assert_int_equal(read.requests, 3);
	assert_int_equal(read.bytes_down, 3072);
	assert_int_equal(read.bytes_up, 1);
	assert_memory_equal(read.errors, result.errors, sizeof(read.errors));
	assert_int_equal(ztt_load_result_errors(&read), 10);
	assert_string_equal(read.first_error, result.first_error);
	assert_int_equal(read.late, 9);
	assert_int_equal(read.threads, 2);
	assert_int_equal(ztt_hist_count(read.latency), 2);
	assert_int_equal(ztt_hist_max(read.latency), 2000000);
	assert_int_equal(ztt_hist_max(read.service), 900);
	json_decref(record);
	ztt_load_result_release(&result);
	ztt_load_result_release(&read);
}

static void every_member_is_needed(void **state)
{
	static const char *const keys[] = {
		"at_ns",    "duration_ns", "requests",    "bytes_down",
		"bytes_up", "errors",      "first_error", "late",
		"threads",  "latency",     "service",
	};
	struct ztt_load_result result, read;
	struct ztt_err err;

	(void)state;
	fill(&result);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		json_t *record = written(&result);

		json_object_set_new(record, keys[i], json_integer(-1));
		ztt_load_result_init(&read);
		assert_int_equal(ztt_load_result_read(record, &read, &err),
				 -EPROTO);
		ztt_load_result_release(&read);
		json_decref(record);
	}
	ztt_load_result_release(&result);
}

static void a_few_left_over_are_not_behind(void **state)
{
	struct ztt_load_result result = {.late = 8};

	(void)state;
	assert_false(ztt_load_result_is_behind(&result, 8));
	assert_true(ztt_load_result_is_behind(&result, 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(every_member_is_needed),
		cmocka_unit_test(a_few_left_over_are_not_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
