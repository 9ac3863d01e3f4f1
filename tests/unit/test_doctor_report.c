#define _GNU_SOURCE
#include "ztt-doctor/report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/err.h"

#define HOSTILE "a'b\"c<d>&e|f#g\\h\xc2\x9bi ]]> \xef\xbf\xbf"

static const struct ztt_check checks[] = {
	{.id = "udp.rmem_max",
	 .group = "udp",
	 .impact = 8,
	 .title = "receive buffer limit",
	 .expected = "at least 3670016 bytes",
	 .why = "quic-go asks for 7 MiB and the kernel caps it; a burst that "
		"does not fit is lost",
	 .advice = "ztt-doctor --fix udp.rmem_max",
	 .source = "socket(7)"},
	{.id = "egress.udp",
	 .group = "egress",
	 .impact = 10,
	 .title = "QUIC to the edge",
	 .expected = "a handshake",
	 .why = "no QUIC without it",
	 .advice = "allow UDP 7844",
	 .source = "RFC 9000"},
	{.id = "cpu.aes",
	 .group = "cpu",
	 .impact = 3,
	 .title = "AES",
	 .expected = "AES-NI",
	 .why = "7 times slower",
	 .advice = "another CPU",
	 .source = "cpuinfo"},
	{.id = "udp.drops",
	 .group = "udp",
	 .impact = 5,
	 .title = "drops",
	 .expected = "none",
	 .why = "loss",
	 .advice = "look",
	 .source = "proc(5)"},
};

/* An audit of four answers; room for more. */
struct fixture {
	struct ztt_answer answers[40];
	struct ztt_audit audit;
};

static void begin(struct fixture *fixture, const char *statuses)
{
	memset(fixture, 0, sizeof(*fixture));
	fixture->audit.answers = fixture->answers;
	fixture->audit.of = "this host";
	fixture->audit.took_ns = 1500000;
	for (; *statuses; statuses++) {
		size_t at = fixture->audit.count++;
		struct ztt_finding *finding = &fixture->answers[at].finding;
		enum ztt_status status = *statuses == 'f'   ? ZTT_STATUS_FAIL
					 : *statuses == 'w' ? ZTT_STATUS_WARN
					 : *statuses == 'u' ? ZTT_STATUS_UNKNOWN
					 : *statuses == 's' ? ZTT_STATUS_SKIP
							    : ZTT_STATUS_OK;

		fixture->answers[at].check = &checks[at % 4];
		fixture->answers[at].took_ns = 2000000;
		ztt_finding_note(finding, status, "seen here");
	}
}

static char *written(const struct fixture *fixture, const char *format,
		     bool color, bool verbose)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ztt_format_find(format)->write(&fixture->audit, color, verbose, out);
	fclose(out);
	return text;
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	while ((text = strstr(text, part))) {
		count++;
		text += strlen(part);
	}
	return count;
}

static void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in: %s", part, text);
}

static void test_verdict_and_exit_status_follow_the_worst(void **state)
{
	static const struct {
		const char *statuses;
		bool strict;
		enum ztt_status verdict;
		int exit, nagios;
	} cases[] = {
		{"osu", false, ZTT_STATUS_OK, 0, 0},
		{"owsu", false, ZTT_STATUS_WARN, 0, 1},
		{"owsu", true, ZTT_STATUS_FAIL, 1, 2},
		{"owfu", false, ZTT_STATUS_FAIL, 1, 2},
		{"us", false, ZTT_STATUS_UNKNOWN, 3, 3},
		{"s", true, ZTT_STATUS_UNKNOWN, 3, 3},
		{"", false, ZTT_STATUS_UNKNOWN, 3, 3},
	};
	struct fixture at;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&at, cases[i].statuses);
		at.audit.strict = cases[i].strict;
		assert_int_equal(ztt_audit_verdict(&at.audit),
				 cases[i].verdict);
		assert_int_equal(ztt_audit_exit(&at.audit), cases[i].exit);
		assert_int_equal(ztt_format_exit(ztt_format_find("nagios"),
						 &at.audit),
				 cases[i].nagios);
		assert_int_equal(ztt_format_exit(ztt_format_find("tap"),
						 &at.audit),
				 cases[i].exit);
	}
}

static void test_sentence_names_the_worst_first(void **state)
{
	static const struct {
		const char *statuses;
		bool strict, partial;
		const char *sentence;
	} cases[] = {
		{"ffwo", false, false,
		 "not fit to carry a tunnel: 2 failures (egress.udp, "
		 "udp.rmem_max), 1 warning; 1 ok"},
		{"oowo", false, false,
		 "fit to carry a tunnel: no failure, 1 warning; 3 ok"},
		{"oows", true, false,
		 "not fit to carry a tunnel: no failure, 1 warning (cpu.aes); "
		 "2 ok, 1 skipped"},
		{"osu", false, false,
		 "fit to carry a tunnel, as far as is known: no failure; 1 ok, "
		 "1 unknown, 1 skipped"},
		{"wu", false, false,
		 "fit to carry a tunnel, as far as is known: no failure, 1 "
		 "warning; 1 unknown"},
		{"us", false, false,
		 "nothing could be determined: 1 unknown, 1 skipped"},
		{"", false, false, "nothing could be determined: no check ran"},
		{"o", false, true, "of what was asked for: no failure; 1 ok"},
		{"f", false, true,
		 "of what was asked for: 1 failure (udp.rmem_max)"},
	};
	char sentence[256];
	struct fixture at;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&at, cases[i].statuses);
		at.audit.strict = cases[i].strict;
		at.audit.partial = cases[i].partial;
		assert_string_equal(ztt_audit_sentence(&at.audit, sentence),
				    cases[i].sentence);
	}
}

static void test_sentence_of_many_is_not_cut(void **state)
{
	char sentence[256];
	struct fixture at;

	(void)state;
	begin(&at, "fffffffffffffffffffffffffwwwwwwoooussss");
	ztt_audit_sentence(&at.audit, sentence);
	assert_holds(sentence, "25 failures (egress.udp, egress.udp, ");
	assert_holds(sentence, ", ...), 6 warnings; 3 ok, 1 unknown, ");
	assert_holds(sentence, "4 skipped");
}

static void test_preview_tells_each_step(void **state)
{
	struct fixture at;
	char preview[256];

	(void)state;
	begin(&at, "ff");
	assert_null(ztt_answer_fix_id(&at.answers[0]));
	assert_string_equal(ztt_answer_preview(&at.answers[0], preview,
					       sizeof(preview)),
			    "");
	ztt_finding_sysctl(&at.answers[0].finding, "net.core.rmem_max",
			   "212992", "7500000");
	ztt_finding_mode(&at.answers[0].finding, "/etc/x\033", 0644, 0600);
	assert_string_equal(ztt_answer_fix_id(&at.answers[0]), "sysctl");
	assert_string_equal(
		ztt_answer_preview(&at.answers[0], preview, sizeof(preview)),
		"net.core.rmem_max: 212992 -> 7500000, mode of /etc/x?: 0644 "
		"-> 0600");
	assert_string_equal(ztt_answer_preview(&at.answers[0], preview, 10),
			    "net.core.");
}

static void test_text_shows_findings_first_and_the_verdict_last(void **state)
{
	struct fixture at;
	char *text;

	(void)state;
	unsetenv("COLUMNS");
	begin(&at, "fwus");
	ztt_finding_sysctl(&at.answers[0].finding, "net.core.rmem_max",
			   "212992", "7500000");
	text = written(&at, "text", false, false);
	assert_string_equal(
		text,
		"FAIL  udp.rmem_max  receive buffer limit  (impact 8)\n"
		"      seen    seen here\n"
		"      wanted  at least 3670016 bytes\n"
		"      why     quic-go asks for 7 MiB and the kernel caps it; "
		"a burst that does\n"
		"              not fit is lost\n"
		"      do      ztt-doctor --fix udp.rmem_max\n"
		"      --fix   net.core.rmem_max: 212992 -> 7500000\n"
		"\n"
		"WARN  egress.udp  QUIC to the edge  (impact 10)\n"
		"      seen    seen here\n"
		"      wanted  a handshake\n"
		"      why     no QUIC without it\n"
		"      do      allow UDP 7844\n"
		"\n"
		"UNKNOWN  cpu.aes: seen here\n"
		"\n"
		"1 skipped  (--verbose lists them)\n"
		"not fit to carry a tunnel: 1 failure (udp.rmem_max), 1 "
		"warning; 1 unknown, 1 skipped\n");
	free(text);
}

static void test_text_groups_what_has_the_same_reason(void **state)
{
	struct fixture at;
	char *text;

	(void)state;
	begin(&at, "uuuo");
	ztt_finding_note(&at.answers[1].finding, ZTT_STATUS_UNKNOWN, "other");
	text = written(&at, "text", false, true);
	assert_holds(text, "UNKNOWN  egress.udp: seen here; other\n");
	assert_holds(text, "UNKNOWN  udp.rmem_max, cpu.aes: seen here\n");
	assert_holds(text, "OK    udp.drops  seen here\n");
	assert_holds(text, "4 checks of this host\n");
	free(text);
}

static void assert_lines_fit(const char *text, size_t width)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		assert_true(len == 0 || text[len - 1] != ' ');
		/* the verdict is one line, whatever its length */
		if (strncmp(text, "not fit", 7) != 0)
			assert_true(len <= width);
		text += len + (text[len] == '\n');
	}
}

static void test_text_wraps_to_columns_without_trailing_blanks(void **state)
{
	struct fixture at;
	char *text;

	(void)state;
	begin(&at, "fwusfwusoooo");
	assert_int_equal(setenv("COLUMNS", "60", 1), 0);
	text = written(&at, "text", false, true);
	assert_lines_fit(text, 60);
	free(text);
	assert_int_equal(setenv("COLUMNS", "3", 1), 0);
	text = written(&at, "text", false, true);
	assert_lines_fit(text, 80);
	free(text);
	unsetenv("COLUMNS");
}

static void test_colour_only_when_asked(void **state)
{
	struct fixture at;
	char *text;

	(void)state;
	begin(&at, "fwuso");
	text = written(&at, "text", false, true);
	assert_null(strchr(text, '\033'));
	free(text);
	text = written(&at, "text", true, true);
	assert_non_null(strchr(text, '\033'));
	assert_int_equal(count_of(text, "\033[0m") * 2, count_of(text, "\033"));
	free(text);
}

static void test_json_says_all(void **state)
{
	struct fixture at;
	json_t *all, *check;
	char *text;

	(void)state;
	begin(&at, "fwuo");
	ztt_finding_sysctl(&at.answers[0].finding, "net.core.rmem_max", "1",
			   "2");
	ztt_finding_advise(&at.answers[1].finding, "do other");
	text = written(&at, "json", false, false);
	all = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(all);
	assert_string_equal(json_string_value(json_object_get(all, "schema")),
			    "ztt-doctor/1");
	assert_string_equal(json_string_value(json_object_get(all, "verdict")),
			    "fail");
	check = json_array_get(json_object_get(all, "checks"), 0);
	assert_string_equal(json_string_value(json_object_get(check, "id")),
			    "udp.rmem_max");
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(check, "fix"), "preview")),
			    "net.core.rmem_max: 1 -> 2");
	check = json_array_get(json_object_get(all, "checks"), 1);
	assert_true(json_is_null(json_object_get(check, "fix")));
	assert_string_equal(json_string_value(json_object_get(check, "advice")),
			    "do other");
	json_decref(all);
	free(text);
}

static void test_junit_sums_up_and_escapes(void **state)
{
	struct fixture at;
	char *text;

	(void)state;
	begin(&at, "fwuoso");
	ztt_finding_note(&at.answers[0].finding, ZTT_STATUS_FAIL, HOSTILE);
	text = written(&at, "junit", false, false);
	assert_holds(text, "<testsuites name=\"ztt-doctor\" tests=\"6\" "
			   "failures=\"1\" errors=\"1\"");
	assert_holds(text, "<testsuite name=\"udp\" tests=\"3\" failures=\"1\" "
			   "errors=\"0\" skipped=\"1\" time=\"0.006000\">");
	assert_holds(text, "a'b&quot;c&lt;d&gt;&amp;e|f#g\\h??i ]]&gt; ?");
	assert_int_equal(count_of(text, "<testsuite "), 3);
	assert_int_equal(count_of(text, "<system-out>"), 1);
	free(text);
	at.audit.strict = true;
	text = written(&at, "junit", false, false);
	assert_int_equal(count_of(text, "<failure "), 2);
	assert_int_equal(count_of(text, "<system-out>"), 0);
	free(text);
}

static void test_tap_numbers_each_and_knows_strict(void **state)
{
	struct fixture at;
	char *text;

	(void)state;
	begin(&at, "fwuos");
	ztt_finding_note(&at.answers[2].finding, ZTT_STATUS_UNKNOWN, HOSTILE);
	text = written(&at, "tap", false, false);
	assert_holds(text, "TAP version 13\n1..5\nnot ok 1 - udp.rmem_max");
	assert_holds(text, "\nok 2 - egress.udp QUIC to the edge\n  ---\n"
			   "  severity: 'warn'\n");
	assert_holds(text, "\nok 3 - cpu.aes AES # SKIP unknown: seen here; a'b"
			   "\"c<d>&e|f\\#g\\\\h??i ");
	assert_holds(text, "\nok 5 - udp.rmem_max receive buffer limit # SKIP "
			   "seen here\n");
	free(text);
	at.audit.strict = true;
	text = written(&at, "tap", false, false);
	assert_holds(text, "\nnot ok 2 - ");
	free(text);
	begin(&at, "us");
	text = written(&at, "tap", false, false);
	assert_holds(text, "\nBail out! nothing could be determined");
	free(text);
}

static void test_prometheus_has_one_state_a_check(void **state)
{
	struct fixture at;
	char *text;

	(void)state;
	begin(&at, "fwuo");
	text = written(&at, "prometheus", false, false);
	assert_holds(text, "ztt_doctor_check_status{id=\"udp.rmem_max\","
			   "group=\"udp\"} 4\n");
	assert_holds(text, "ztt_doctor_check_state{id=\"egress.udp\",group="
			   "\"egress\",state=\"warn\"} 1\n");
	assert_holds(text, "ztt_doctor_verdict{verdict=\"fail\"} 1\n");
	assert_holds(text, "ztt_doctor_checks{state=\"skip\"} 0\n");
	assert_holds(text, "ztt_doctor_check_took_seconds{id=\"cpu.aes\",group="
			   "\"cpu\"} 0.002000000\n");
	assert_int_equal(count_of(text, "ztt_doctor_check_state{"), 20);
	free(text);
}

static void test_nagios_keeps_the_bar_for_performance_data(void **state)
{
	struct fixture at;
	char *text;

	(void)state;
	begin(&at, "fwuos");
	ztt_finding_note(&at.answers[0].finding, ZTT_STATUS_FAIL, HOSTILE);
	text = written(&at, "nagios", false, false);
	assert_int_equal(strncmp(text,
				 "DOCTOR CRITICAL - not fit to carry a tunnel",
				 43),
			 0);
	assert_holds(text, "|fail=1;;0;0;5 warn=1;0;;0;5 ok=1 unknown=1 "
			   "skip=1\nFAIL udp.rmem_max: ");
	assert_int_equal(count_of(text, "|"), 1);
	free(text);
}

static void test_sarif_has_a_rule_each_and_a_result_for_findings(void **state)
{
	static const char *const levels[] = {"error", "warning", "note"};
	json_t *all, *run, *results;
	struct fixture at;
	char *text;

	(void)state;
	begin(&at, "sofwu");
	ztt_finding_mode(&at.answers[2].finding, "/etc/a b/%\xc3\xa9", 0644,
			 0600);
	text = written(&at, "sarif", false, false);
	all = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(all);
	run = json_array_get(json_object_get(all, "runs"), 0);
	results = json_object_get(run, "results");
	assert_int_equal(json_array_size(results), 3);
	for (size_t i = 0; i < 3; i++) {
		json_t *result = json_array_get(results, i);

		assert_string_equal(json_string_value(
					    json_object_get(result, "level")),
				    levels[i]);
		assert_int_equal(json_integer_value(
					 json_object_get(result, "ruleIndex")),
				 i + 2);
	}
	assert_holds(text, "\"uri\": \"etc/a%20b/%25%C3%A9\"");
	assert_holds(text, "\"exitCode\": 1");
	json_decref(all);
	free(text);
}

static void test_every_format_writes_an_audit_of_nothing(void **state)
{
	struct fixture at;

	(void)state;
	begin(&at, "");
	for (const struct ztt_format *f = ztt_formats; f->name; f++) {
		char *text = written(&at, f->name, true, true);

		assert_true(strlen(text) > 0);
		assert_ptr_equal(ztt_format_find(f->name), f);
		free(text);
	}
	assert_string_equal(ztt_formats[0].name, "text");
	assert_null(ztt_format_find("xml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdict_and_exit_status_follow_the_worst),
		cmocka_unit_test(test_sentence_names_the_worst_first),
		cmocka_unit_test(test_sentence_of_many_is_not_cut),
		cmocka_unit_test(test_preview_tells_each_step),
		cmocka_unit_test(
			test_text_shows_findings_first_and_the_verdict_last),
		cmocka_unit_test(test_text_groups_what_has_the_same_reason),
		cmocka_unit_test(
			test_text_wraps_to_columns_without_trailing_blanks),
		cmocka_unit_test(test_colour_only_when_asked),
		cmocka_unit_test(test_json_says_all),
		cmocka_unit_test(test_junit_sums_up_and_escapes),
		cmocka_unit_test(test_tap_numbers_each_and_knows_strict),
		cmocka_unit_test(test_prometheus_has_one_state_a_check),
		cmocka_unit_test(
			test_nagios_keeps_the_bar_for_performance_data),
		cmocka_unit_test(
			test_sarif_has_a_rule_each_and_a_result_for_findings),
		cmocka_unit_test(test_every_format_writes_an_audit_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
