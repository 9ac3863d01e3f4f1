/* engine/log: patterns found, counted and dated in one pass. */
#include "doctor_root.h"

#include "ztt-doctor/engine/log.h"

static void scan(const char *text, struct ztt_log *ret)
{
	memset(ret, 0, sizeof(*ret));
	ztt_log_scan(text, strlen(text), ret);
}

static void test_every_pattern_finds_itself(void **state)
{
	static struct ztt_log log;

	(void)state;
	for (size_t i = 0; i < ZTT_LOG_COUNT; i++) {
		const char *text = ztt_log_patterns[i].text;

		assert_true(strlen(text) >= 12);
		scan(text, &log);
		assert_int_equal(log.hits[i].count, 1);
		scan(text + 1, &log);
		assert_int_equal(log.hits[i].count, 0);
	}
}

static void test_console_json_and_go_lines_are_dated(void **state)
{
	static struct ztt_log log;

	(void)state;
	scan("2026-11-22T08:25:02Z WRN x Switching to fallback protocol http2\n"
	     "{\"level\":\"warn\",\"message\":\"Lost connection with the "
	     "edge\",\"time\":\"2026-11-22T08:24:01Z\"}\n"
	     "2026/11/22 08:25:03 failed to sufficiently increase receive "
	     "buffer size (was: 208 kiB)\n"
	     "Nov 22 08:25:04 h cloudflared[1]: 2026-11-22T08:25:04Z ERR "
	     "Unauthorized: Invalid tunnel secret\n",
	     &log);
	assert_string_equal(log.hits[ZTT_LOG_FALLBACK].first,
			    "2026-11-22T08:25:02Z");
	assert_string_equal(log.hits[ZTT_LOG_H2_LOST].last,
			    "2026-11-22T08:24:01Z");
	assert_string_equal(log.hits[ZTT_LOG_BUFFER_RECEIVE].first,
			    "2026/11/22 08:25:03");
	assert_string_equal(log.hits[ZTT_LOG_BAD_SECRET].first,
			    "2026-11-22T08:25:04Z");
}

static void test_twice_in_a_line_counts_once(void **state)
{
	static struct ztt_log log;

	(void)state;
	scan("too many open files, too many open files\n"
	     "too many open files\n",
	     &log);
	assert_int_equal(log.hits[ZTT_LOG_FILES].count, 2);
	assert_string_equal(log.hits[ZTT_LOG_FILES].first, "");
}

static void test_a_connection_since_then_mends(void **state)
{
	static struct ztt_log log;

	(void)state;
	scan("too many open files\n", &log);
	assert_int_equal(ztt_log_age(&log, ZTT_LOG_FILES), ZTT_LOG_GOES_ON);
	scan("too many open files\nRegistered tunnel connection\n", &log);
	assert_int_equal(ztt_log_age(&log, ZTT_LOG_FILES), ZTT_LOG_MENDED);
	scan("too many open files\nStarting tunnel\n", &log);
	assert_int_equal(ztt_log_age(&log, ZTT_LOG_FILES), ZTT_LOG_GOES_ON);
	scan("too many open files\nStarting tunnel\nRegistered tunnel "
	     "connection\n",
	     &log);
	assert_int_equal(ztt_log_age(&log, ZTT_LOG_FILES), ZTT_LOG_EARLIER);
}

static void test_binary_and_short_texts_are_no_trouble(void **state)
{
	static struct ztt_log log;
	char bytes[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7919 >> 3);
	ztt_log_scan(bytes, sizeof(bytes), &log);
	for (size_t len = 0; len < 40; len++)
		ztt_log_scan(bytes, len, &log);
	ztt_log_scan("Starting tunne", 14, &log);
	assert_int_equal(log.hits[ZTT_LOG_STARTED].count, 0);
}

/* Logs of a real cloudflared. */
static void test_real_logs_tell_their_cause(void **state)
{
	static const struct {
		const char *path;
		enum ztt_log_id id;
	} cases[] = {
		{"tests/fixtures/cf-log-bad-ca.jsonl", ZTT_LOG_QUIC_CRYPTO},
		{"tests/fixtures/cf-log-edge-unreachable.jsonl",
		 ZTT_LOG_QUIC_NO_ANSWER},
		{"tests/fixtures/cf-log-udp-blocked-fallback.txt",
		 ZTT_LOG_QUIC_NO_ANSWER},
	};
	static struct ztt_log log;
	char text[32768];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		FILE *file = fopen(cases[i].path, "r");

		if (!file)
			skip();
		ztt_log_scan(text, fread(text, 1, sizeof(text), file), &log);
		fclose(file);
		assert_true(log.hits[cases[i].id].count > 1);
		assert_int_equal(strncmp(log.hits[cases[i].id].last,
					 "2026-11-22T08:2", 15),
				 0);
		assert_int_equal(ztt_log_age(&log, cases[i].id),
				 ZTT_LOG_GOES_ON);
	}
}

static void test_the_usual_file_is_found(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/var/log/cloudflared.err", "Starting tunnel\n",
		       0600);
	assert_int_equal(ztt_log(&host.doctor)->rc, 0);
	assert_string_equal(ztt_log(&host.doctor)->source,
			    "/var/log/cloudflared.err");
	test_host_end(&host);
}

static void test_the_file_of_config_comes_first(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/etc/cloudflared/config.yml",
		       "log-directory: /srv/log\n", 0644);
	test_host_file(&host, "/var/log/cloudflared.log", "x\n", 0600);
	test_host_file(&host, "/srv/log/cloudflared.log", "Starting tunnel\n",
		       0600);
	assert_int_equal(ztt_log(&host.doctor)->hits[ZTT_LOG_STARTED].count, 1);
	test_host_end(&host);
}

static void test_without_a_log_there_is_none(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	assert_int_equal(ztt_log(&host.doctor)->rc, -ENOENT);
	test_host_end(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pattern_finds_itself),
		cmocka_unit_test(test_console_json_and_go_lines_are_dated),
		cmocka_unit_test(test_twice_in_a_line_counts_once),
		cmocka_unit_test(test_a_connection_since_then_mends),
		cmocka_unit_test(test_binary_and_short_texts_are_no_trouble),
		cmocka_unit_test(test_real_logs_tell_their_cause),
		cmocka_unit_test(test_the_usual_file_is_found),
		cmocka_unit_test(test_the_file_of_config_comes_first),
		cmocka_unit_test(test_without_a_log_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
