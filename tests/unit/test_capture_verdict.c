/* verdict and grade: one sentence that says what the figures mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ztt-capture/analysis/connection.h"
#include "ztt-capture/analysis/grade.h"
#include "ztt-capture/analysis/verdict.h"

static struct ztt_connection connection;

static void begin(void)
{
	memset(&connection, 0, sizeof(connection));
	strcpy(connection.client_hello.alpn, "argotunnel");
	connection.up.datagrams = connection.up.packets = 1000;
	connection.down.datagrams = connection.down.packets = 1000;
	connection.up.loss_grade = ZTT_GRADE_EXACT;
	connection.down.loss_grade = ZTT_GRADE_EXACT;
}

static void says(const char *text)
{
	ztt_verdict_make(&connection);
	if (!strstr(connection.verdict, text))
		fail_msg("\"%s\" is not in \"%s\"", text, connection.verdict);
	assert_int_equal(connection.verdict[strlen(connection.verdict) - 1],
			 '.');
}

static void test_nothing_lost_is_said(void **state)
{
	(void)state;
	begin();
	says("Nothing was lost.");
}

static void test_a_loss_says_whose_and_where(void **state)
{
	(void)state;
	begin();
	connection.down.lost = connection.down.lost_after = 24;
	says("2.4 % of the packets from the edge were lost after this point.");
	begin();
	connection.up.lost = connection.up.lost_before = 20;
	connection.up.packets = 980;
	connection.up.loss_grade = ZTT_GRADE_BOUNDED;
	says("About 2 % of the packets from cloudflared were lost before this "
	     "point.");
}

static void test_an_unknown_loss_is_no_claim(void **state)
{
	(void)state;
	begin();
	connection.up.loss_grade = ZTT_GRADE_UNKNOWN;
	connection.down.loss_grade = ZTT_GRADE_UNKNOWN;
	says("Loss is unknown");
	assert_null(strstr(connection.verdict, "othing was lost"));
	connection.down.loss_grade = ZTT_GRADE_EXACT;
	ztt_verdict_make(&connection);
	assert_null(strstr(connection.verdict, "othing was lost"));
}

static void test_a_silence_a_stall_and_a_mark_are_said(void **state)
{
	(void)state;
	begin();
	connection.longest_gap_ns = UINT64_C(6200000000);
	connection.up.blocked = 1;
	connection.down.ecn[3] = 7;
	says("nothing passed for 6.2 s, and cloudflared gives up after 5");
	says("flow control held cloudflared back 1 time;");
	says("7 datagrams carry a congestion mark");
}

static void test_a_close_says_its_code_and_reason(void **state)
{
	(void)state;
	begin();
	connection.closed = true;
	connection.close_code = 0x128;
	strcpy(connection.close_reason, "no certificate");
	says("closed with transport error 0x128: no certificate.");
}

static void test_a_long_sentence_is_cut_between_clauses(void **state)
{
	(void)state;
	begin();
	connection.stateless_reset = true;
	connection.up.lost = connection.up.lost_before = 10;
	connection.down.lost = connection.down.lost_after = 10;
	connection.up.blocked = connection.down.blocked = UINT64_MAX;
	connection.longest_gap_ns = UINT64_MAX;
	connection.up.ecn[3] = UINT64_MAX;
	connection.closed = true;
	memset(connection.close_reason, 'x', 127);
	says("Ended by a stateless reset");
	assert_true(strlen(connection.verdict) < sizeof(connection.verdict));
}

static void test_a_grade_follows_from_how_the_figure_was_got(void **state)
{
	struct ztt_direction direction = {.lost = 3, .skipped = 1};

	(void)state;
	ztt_quic_loss_grade(&direction, 0, 500, false);
	assert_int_equal(direction.loss_grade, ZTT_GRADE_UNKNOWN);
	ztt_quic_loss_grade(&direction, 0, 500, true);
	assert_int_equal(direction.loss_grade, ZTT_GRADE_EXACT);
	ztt_quic_loss_grade(&direction, 2, 500, true);
	assert_int_equal(direction.loss_grade, ZTT_GRADE_BOUNDED);
	assert_non_null(strstr(direction.loss_how, "1 to 4"));
	direction.unanswered = 100;
	ztt_quic_loss_grade(&direction, 0, 500, true);
	assert_int_equal(direction.loss_grade, ZTT_GRADE_BOUNDED);
	assert_string_equal(ztt_grade_name(direction.loss_grade), "bounded");
	direction.unopened = 7;
	ztt_quic_loss_grade(&direction, 0, 500, true);
	assert_int_equal(direction.loss_grade, ZTT_GRADE_HEURISTIC);
	assert_non_null(strstr(direction.loss_how, "7 packets"));
	direction.loss_grade = ZTT_GRADE_EXACT;
	ztt_grade_capture_dropped(&direction, 9);
	assert_int_equal(direction.loss_grade, ZTT_GRADE_HEURISTIC);
	assert_non_null(strstr(direction.loss_how, "dropped 9 frames"));
	direction.loss_grade = ZTT_GRADE_UNKNOWN;
	ztt_grade_capture_dropped(&direction, 9);
	assert_int_equal(direction.loss_grade, ZTT_GRADE_UNKNOWN);
}

static void test_every_reason_has_a_text(void **state)
{
	(void)state;
	for (int why = 0; why < ZTT_WHYS; why++)
		assert_non_null(ztt_why_text((enum ztt_why)why));
	assert_string_equal(ztt_why_text(ZTT_WHYS), "unknown reason");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_lost_is_said),
		cmocka_unit_test(test_a_loss_says_whose_and_where),
		cmocka_unit_test(test_an_unknown_loss_is_no_claim),
		cmocka_unit_test(test_a_silence_a_stall_and_a_mark_are_said),
		cmocka_unit_test(test_a_close_says_its_code_and_reason),
		cmocka_unit_test(test_a_long_sentence_is_cut_between_clauses),
		cmocka_unit_test(
			test_a_grade_follows_from_how_the_figure_was_got),
		cmocka_unit_test(test_every_reason_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
