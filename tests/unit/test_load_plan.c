#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "ztt-bench/parts/load/load.h"
#include "ztt-bench/parts/load/plan.h"
#include "ztt-bench/parts/load/request.h"

#define WORDS_MAX 16

static struct ztt_load_plan plan;
static struct ztt_err err;

/* Makes a plan of a command line, words apart by one blank. */
static int make(const char *line)
{
	static char text[8192];
	struct ztt_load_settings settings = {0};
	char *argv[WORDS_MAX], *rest = NULL;
	int argc = 0, operands = 0, rc;

	strcpy(text, line);
	for (char *word = strtok_r(text, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	rc = ztt_opt_parse(ztt_load_options, &settings, argc, argv, &operands,
			   &err);
	return rc < 0 ? rc
		      : ztt_load_plan_make(&settings, operands ? argv[1] : NULL,
					   &plan, &err);
}

static void assert_target(const char *wanted)
{
	char text[ZTT_ADDRESS_LEN];

	assert_string_equal(ztt_address_text(&plan.target, text), wanted);
}

static void urls_name_the_target_and_the_path(void **state)
{
	(void)state;
	assert_int_equal(make("load http://127.0.0.1:8081"), 0);
	assert_target("127.0.0.1:8081");
	assert_string_equal(plan.path, "");
	assert_int_equal(make("load http://127.0.0.1/"), 0);
	assert_target("127.0.0.1:80");
	assert_string_equal(plan.path, "");
	assert_int_equal(make("load 127.0.0.1:81/a/b?c=d"), 0);
	assert_target("127.0.0.1:81");
	assert_string_equal(plan.path, "/a/b?c=d");
	assert_int_equal(make("load http://[::1]:82/x"), 0);
	assert_target("[::1]:82");
	assert_int_equal(make("load http://[::1]"), 0);
	assert_target("[::1]:80");
	assert_int_equal(make("load --target 127.0.0.1:83 --path /y"), 0);
	assert_target("127.0.0.1:83");
	assert_string_equal(plan.path, "/y");
}

static void what_is_not_given_is_preset(void **state)
{
	(void)state;
	assert_int_equal(make("load 127.0.0.1:81"), 0);
	assert_int_equal(plan.streams, 8);
	assert_int_equal(plan.threads, 1);
	assert_int_equal(plan.direction, ZTT_LOAD_DOWN);
	assert_int_equal(plan.mix.part_count, 1);
	assert_int_equal(plan.mix.parts[0].size_bytes, 100000000);
	assert_int_equal(plan.duration_ns, 5000000000);
	assert_int_equal(plan.warmup_ns, 1000000000);
	assert_int_equal(plan.timeout_ns, 10000000000);
	assert_int_equal(plan.requests, 0);
	assert_true(plan.rate_per_s <= 0);
	assert_string_equal(plan.host, "bench.ztt.internal");
}

static void contradictions_are_refused(void **state)
{
	static const char *const bad[] = {
		"load",
		"load 127.0.0.1:81 --target 127.0.0.1:82",
		"load https://127.0.0.1:81",
		"load http://",
		"load :81",
		"load 127.0.0.1:81 --path x",
		"load 127.0.0.1:81 --path /a\tb",
		"load 127.0.0.1:81 --path /a\r\nX:1",
		"load 127.0.0.1:81 --host a\r\nX:1",
		"load 127.0.0.1:81 --host=",
		"load 127.0.0.1:81 --size 1k --mix /dev/null",
		"load 127.0.0.1:81 --size 1k --path /x",
		"load 127.0.0.1:81/x --mix /dev/null",
		"load 127.0.0.1:81 --size 0",
		"load 127.0.0.1:81 --streams 0",
		"load 127.0.0.1:81 --requests 5 --duration 1s",
		"load 127.0.0.1:81 --direction both --streams 1",
		"load 127.0.0.1:81 --direction sideways",
		"load 127.0.0.1:81 --rate 11M",
		"load 127.0.0.1:81 --rate -1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.text[0] = '\0';
		assert_int_equal(make(bad[i]), -EINVAL);
		assert_true(err.text[0]);
	}
}

static void both_splits_the_streams(void **state)
{
	unsigned up = 0;

	(void)state;
	assert_int_equal(make("load 127.0.0.1:81 -d both -s 7"), 0);
	for (unsigned i = 0; i < plan.streams; i++)
		up += ztt_load_plan_is_up(&plan, i);
	assert_int_equal(up, 3);
	assert_false(ztt_load_plan_is_up(&plan, 6));
}

static void threads_share_the_streams_evenly(void **state)
{
	(void)state;
	assert_int_equal(make("load 127.0.0.1:81 -s 7 -t 3"), 0);
	assert_int_equal(ztt_load_plan_first_stream(&plan, 0), 0);
	assert_int_equal(ztt_load_plan_first_stream(&plan, 1), 2);
	assert_int_equal(ztt_load_plan_first_stream(&plan, 2), 4);
	assert_int_equal(ztt_load_plan_first_stream(&plan, 3), 7);
	assert_int_equal(make("load 127.0.0.1:81 -s 2 -t 8"), 0);
	assert_int_equal(plan.threads, 2);
}

static void assert_head(bool up, const char *wanted, uint64_t body_bytes)
{
	struct ztt_load_requests requests;

	ztt_load_requests_init(&requests, &plan, up);
	assert_int_equal(requests.count, 1);
	assert_int_equal(requests.all[0].head_len_bytes, strlen(wanted));
	assert_string_equal(requests.all[0].head, wanted);
	assert_int_equal(requests.all[0].body_bytes, body_bytes);
	ztt_load_requests_release(&requests);
}

static void heads_ask_for_the_size(void **state)
{
	(void)state;
	assert_int_equal(make("load 127.0.0.1:81 --size 5 --host h"), 0);
	assert_head(false,
		    "GET /blob?bytes=5 HTTP/1.1\r\nHost: h\r\n"
		    "User-Agent: ztt-bench\r\nAccept: */*\r\n\r\n",
		    0);
	assert_head(true,
		    "POST /sink HTTP/1.1\r\nHost: h\r\n"
		    "User-Agent: ztt-bench\r\nAccept: */*\r\n"
		    "Content-Type: application/octet-stream\r\n"
		    "Content-Length: 5\r\n\r\n",
		    5);
}

static void a_path_is_asked_for_as_it_is(void **state)
{
	(void)state;
	assert_int_equal(make("load 127.0.0.1:81/a?b --host h"), 0);
	assert_head(false,
		    "GET /a?b HTTP/1.1\r\nHost: h\r\n"
		    "User-Agent: ztt-bench\r\nAccept: */*\r\n\r\n",
		    0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_name_the_target_and_the_path),
		cmocka_unit_test(what_is_not_given_is_preset),
		cmocka_unit_test(contradictions_are_refused),
		cmocka_unit_test(both_splits_the_streams),
		cmocka_unit_test(threads_share_the_streams_evenly),
		cmocka_unit_test(heads_ask_for_the_size),
		cmocka_unit_test(a_path_is_asked_for_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
