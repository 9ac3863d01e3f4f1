#define _GNU_SOURCE
#include "ztt-bench/report/report.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/json.h"
#include "common/save.h"
#include "schema.h"
#include "ztt-bench/report/summary.h"
#include "ztt-bench/run_state.h"

#define assert_near(a, b) assert_true(fabs((double)(a) - (double)(b)) < 1e-9)
#define SCHEMA "common/schema/ztt-bench-1.json"

static struct ztt_run_plan plan;
static struct ztt_run_result runs[8];
static struct ztt_report report;

static const struct ztt_engine *engine_called(const char *name)
{
	for (const struct ztt_engine *const *at = ztt_engines; *at; at++)
		if (strcmp((*at)->name, name) == 0)
			return *at;
	return NULL;
}

static void add_engine(const char *name)
{
	struct ztt_report_engine *at = &report.engines[report.engine_count++];

	at->engine = engine_called(name);
	snprintf(at->version, sizeof(at->version), "2026.8.2");
	if (at->engine->transport)
		snprintf(at->cipher, sizeof(at->cipher), "AES-128-GCM");
}

static struct ztt_run_result *add_run(size_t engine, size_t round, double gbps,
				      double cpu_s_per_gb)
{
	struct ztt_run_result *run = &runs[report.run_count++];
	struct ztt_account_part *part = &run->account.parts[ZTT_PART_ENGINE];

	run->engine = engine;
	run->round = round;
	run->measured = true;
	run->window_s = 5;
	run->goodput_bps = gbps * 1e9;
	run->bytes_down = (uint64_t)(gbps * 1e9 / 8 * 5);
	run->requests = 10;
	run->requests_per_s = 2;
	run->account.cores = 2;
	for (int i = 0; i < ZTT_LATENCIES; i++)
		run->latency_us[i] = 1000 * (i + 1);
	part->present = report.engines[engine].engine->transport;
	part->cpu_s_per_gb = cpu_s_per_gb;
	part->cpu_us_per_request = 100;
	part->busiest.cpu = 0.98;
	run->account.parts[ZTT_PART_LOAD].present = true;
	ztt_run_judge(run, !part->present, "");
	return run;
}

static int clear(void **state)
{
	(void)state;
	memset(&plan, 0, sizeof(plan));
	memset(runs, 0, sizeof(runs));
	memset(&report, 0, sizeof(report));
	plan.load.streams = 8;
	plan.load.direction = "down";
	plan.load.duration_ns = 5000000000;
	plan.connections = 1;
	report.plan = &plan;
	report.runs = runs;
	report.rounds = 1;
	report.host.cores = 2;
	add_engine("cloudflared");
	return 0;
}

static json_t *as_json(void)
{
	struct ztt_json json;
	json_t *value;

	ztt_json_init(&json, true);
	ztt_report_json(&report, &json);
	value = json_loads(ztt_json_text(&json, NULL), JSON_REJECT_DUPLICATES,
			   NULL);
	ztt_json_release(&json);
	assert_non_null(value);
	return value;
}

static void assert_schema_holds(void)
{
	json_t *schema = json_load_file(SCHEMA, JSON_REJECT_DUPLICATES, NULL);
	json_t *value = as_json();

	assert_non_null(schema);
	assert_true(schema_holds(schema, schema, value, "$"));
	json_decref(schema);
	json_decref(value);
}

static char *printed(void (*print)(FILE *out))
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	print(out);
	fclose(out);
	return text;
}

static void print_verdict(FILE *out)
{
	ztt_report_verdict(&report, out);
}

static void print_text(FILE *out)
{
	ztt_report_text(&report, false, out);
}

static void assert_verdict(const char *expected)
{
	char *text = printed(print_verdict);

	assert_string_equal(text, expected);
	free(text);
}

static void one_valid_run_follows_the_schema(void **state)
{
	(void)state;
	add_run(0, 0, 1.52, 4.9);
	assert_schema_holds();
}

static void a_run_that_failed_follows_the_schema(void **state)
{
	struct ztt_run_result *run = &runs[report.run_count++];

	(void)state;
	run->goodput_bps = run->requests_per_s = run->window_s = (double)NAN;
	strcpy(run->invalid.text, "edge was killed");
	strcpy(run->log, "  line\n");
	assert_schema_holds();
	assert_false(ztt_report_is_valid(&report));
}

static void several_engines_and_a_floor_follow_the_schema(void **state)
{
	json_t *value;

	(void)state;
	add_engine("reference");
	add_engine("direct");
	report.rounds = 2;
	for (size_t i = 0; i < 2; i++) {
		add_run(0, i, 1, 4);
		add_run(1, i, 3, 1);
		add_run(2, i, 40, (double)NAN);
	}
	report.floor = (struct ztt_report_floor){
		.measured = true,
		.down = 0.5,
		.up = (double)NAN,
		.count = 1,
		.rows = {{.id = "tcp-read", .what = "", .why_not = "why"}}};
	assert_schema_holds();
	value = as_json();
	assert_int_equal(json_array_size(json_object_get(value, "ratios")), 3);
	assert_near(json_number_value(json_object_get(
			    json_array_get(json_object_get(value, "summary"),
					   0),
			    "times_floor")),
		    8);
	json_decref(value);
}

static void the_verdict_names_cost_and_bottleneck(void **state)
{
	(void)state;
	add_run(0, 0, 1.52, 4.9);
	assert_verdict("cloudflared carries 1.52 Gbit/s over QUIC here at 4.9 "
		       "CPU-s/GB: 0.61 vCPU per Gbit/s; the bottleneck is the "
		       "engine, one thread at 98 %\n");
}

static void the_verdict_of_small_requests_counts_requests(void **state)
{
	struct ztt_run_result *run = add_run(0, 0, 0.01, 4.9);

	(void)state;
	run->requests = 1000000;
	run->requests_per_s = 5300;
	run->account.parts[ZTT_PART_ENGINE].cpu_us_per_request = 173;
	assert_verdict("cloudflared carries 5.30 k requests/s over QUIC here "
		       "at 173 us of CPU each; the bottleneck is the engine, "
		       "one thread at 98 %\n");
}

static void the_verdict_says_what_cannot_be_concluded(void **state)
{
	char *text;

	(void)state;
	add_engine("reference");
	add_run(0, 0, 1, 4);
	add_run(1, 0, 2, 1);
	text = printed(print_verdict);
	assert_non_null(strstr(text, "0.5 times the goodput of reference "
				     "(inconclusive) at 4 times its CPU "
				     "(inconclusive)"));
	free(text);
}

static void without_a_valid_run_the_verdict_says_why(void **state)
{
	struct ztt_run_result *run = add_run(0, 0, 1, 4);

	(void)state;
	ztt_run_judge(run, false, "idle timeout");
	assert_verdict("no valid result: the engine lost a connection to the "
		       "edge: idle timeout\n");
}

static void the_text_is_at_most_80_columns_wide(void **state)
{
	char *text, *line, *rest;

	(void)state;
	add_engine("reference");
	report.rounds = 2;
	for (size_t i = 0; i < 2; i++) {
		add_run(0, i, 1.11 + (double)i, 4);
		add_run(1, i, 3.33, 1);
	}
	text = printed(print_text);
	assert_non_null(strstr(text, "inconclusive"));
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		assert_true(strlen(line) <= 80);
	free(text);
}

static void more_than_one_percent_of_errors_is_invalid(void **state)
{
	struct ztt_run_result *run = add_run(0, 0, 1, 4);

	(void)state;
	run->requests = 990;
	run->errors = 10;
	ztt_run_judge(run, false, "");
	assert_true(run->valid);
	run->errors = 11;
	strcpy(run->first_error, "connection refused");
	ztt_run_judge(run, false, "");
	assert_false(run->valid);
	assert_string_equal(run->invalid.text, "11 of 1001 requests failed; "
					       "the first: connection refused");
}

static void nothing_carried_is_invalid(void **state)
{
	struct ztt_run_result *run = add_run(0, 0, 1, 4);

	(void)state;
	run->requests = 0;
	ztt_run_judge(run, false, "");
	assert_true(run->valid);
	run->bytes_down = 0;
	ztt_run_judge(run, false, "");
	assert_false(run->valid);
}

static void a_load_at_its_limit_is_invalid_but_for_direct(void **state)
{
	struct ztt_run_result *run = add_run(0, 0, 1, 4);

	(void)state;
	run->account.parts[ZTT_PART_LOAD].busiest.cpu = 0.99;
	ztt_run_judge(run, true, "");
	assert_true(run->valid);
	ztt_run_judge(run, false, "");
	assert_false(run->valid);
}

static void stolen_time_is_invalid(void **state)
{
	struct ztt_run_result *run = add_run(0, 0, 1, 4);

	(void)state;
	run->account.steal = 0.06;
	ztt_run_judge(run, false, "");
	assert_string_equal(run->invalid.text, "environment: the host lost 6 % "
					       "of its CPU time to other "
					       "guests");
}

static void engines_are_chosen_by_name_once(void **state)
{
	const struct ztt_engine *engines[ZTT_ENGINES_MAX];
	struct ztt_engine_found found[ZTT_ENGINES_MAX];
	const char *why = NULL;
	struct ztt_err err;
	size_t count = 0;

	(void)state;
	assert_int_equal(ztt_engines_choose("direct,reference", NULL, engines,
					    found, &count, &why, &err),
			 0);
	assert_int_equal(count, 2);
	assert_string_equal(engines[0]->name, "direct");
	assert_null(why);
	assert_int_equal(ztt_engines_choose("direct,direct", NULL, engines,
					    found, &count, &why, &err),
			 -EINVAL);
	assert_int_equal(ztt_engines_choose("refrence", NULL, engines, found,
					    &count, &why, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "reference"));
	assert_int_equal(ztt_engines_choose("direct,", NULL, engines, found,
					    &count, &why, &err),
			 -EINVAL);
	assert_int_equal(ztt_engines_choose("auto", "/nonexistent/cloudflared",
					    engines, found, &count, &why, &err),
			 -ENOENT);
}

static void a_result_is_written_whole_or_not_at_all(void **state)
{
	char folder[] = "/tmp/ztt-test-XXXXXX", path[64], text[8] = "";
	struct ztt_err err;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/r.json", folder);
	assert_int_equal(ztt_save_check(path, &err), 0);
	assert_int_equal(ztt_save(path, "{}", 2, &err), 0);
	assert_int_equal(ztt_save(path, "[1]", 3, &err), 0);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, "[1]\n");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0); /* nothing else was left */
	assert_int_equal(ztt_save_check(path, &err), -ENOENT);
	assert_int_equal(ztt_save("/dev/full", "{}", 2, &err), -ENOSPC);
}

#define TEST(name) cmocka_unit_test_setup(name, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_valid_run_follows_the_schema),
		TEST(a_run_that_failed_follows_the_schema),
		TEST(several_engines_and_a_floor_follow_the_schema),
		TEST(the_verdict_names_cost_and_bottleneck),
		TEST(the_verdict_of_small_requests_counts_requests),
		TEST(the_verdict_says_what_cannot_be_concluded),
		TEST(without_a_valid_run_the_verdict_says_why),
		TEST(the_text_is_at_most_80_columns_wide),
		TEST(more_than_one_percent_of_errors_is_invalid),
		TEST(nothing_carried_is_invalid),
		TEST(a_load_at_its_limit_is_invalid_but_for_direct),
		TEST(stolen_time_is_invalid),
		TEST(engines_are_chosen_by_name_once),
		TEST(a_result_is_written_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
