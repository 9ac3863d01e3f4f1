#include "ztt-capture/flow/tcp_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ztt-capture/flow/tcp_stream_measure.h"

#define MS 1000000

/* ---- bytes in order ---- */

static struct {
	char text[512];
	size_t text_bytes;
	uint64_t bytes, gaps, gap_bytes;
} got;

static void write_down(const void *bytes, size_t len)
{
	size_t room = sizeof(got.text) - 1 - got.text_bytes;

	if (len > room)
		len = room;
	memcpy(got.text + got.text_bytes, bytes, len);
	got.text_bytes += len;
}

static void take(void *owner, const uint8_t *bytes, size_t len)
{
	(void)owner;
	got.bytes += len;
	write_down(bytes, len);
}

static void miss(void *owner, uint64_t len)
{
	(void)owner;
	got.gaps++;
	got.gap_bytes += len;
	write_down("_", 1);
}

static struct ztt_tcp_stream new_stream(uint64_t next)
{
	memset(&got, 0, sizeof(got));
	return (struct ztt_tcp_stream){.data = take,
				       .gap = miss,
				       .begun = true,
				       .next = next};
}

static void put(struct ztt_tcp_stream *stream, uint64_t at, const char *text)
{
	ztt_tcp_stream_segment(stream, at, (const uint8_t *)text, strlen(text),
			       0);
}

static void gives_segments_in_order(void **state)
{
	struct ztt_tcp_stream stream = new_stream(100);

	(void)state;
	put(&stream, 103, "def");
	put(&stream, 109, "jkl");
	assert_string_equal(got.text, "");
	put(&stream, 100, "abc");
	assert_string_equal(got.text, "abcdef");
	put(&stream, 104, "efghijklm");
	assert_string_equal(got.text, "abcdefghijklm");
	put(&stream, 100, "abc");
	assert_string_equal(got.text, "abcdefghijklm");
	assert_int_equal(stream.gaps, 0);
	ztt_tcp_stream_release(&stream);
}

static void unwraps_sequence_numbers(void **state)
{
	uint64_t first = ztt_tcp_first(0xfffffff0);

	(void)state;
	assert_int_equal(ztt_tcp_unwrap(first, 0x10), first + 0x20);
	assert_int_equal(ztt_tcp_unwrap(first + 0x20, 0xfffffff0), first);
	assert_true(ztt_tcp_first(0) >
		    ztt_tcp_unwrap(ztt_tcp_first(0), 0xffffffff));
}

static void passes_over_what_was_acknowledged_and_not_captured(void **state)
{
	struct ztt_tcp_stream stream = new_stream(0);

	(void)state;
	put(&stream, 0, "a");
	put(&stream, 3, "d");
	for (uint64_t at = 4; at < 40; at++) {
		put(&stream, at, "x");
		assert_int_equal(got.gaps, 0);
	}
	ztt_tcp_stream_acknowledge(&stream, 40);
	for (uint64_t at = 40; at < 60; at++)
		put(&stream, at, "y");
	assert_int_equal(got.gaps, 1);
	assert_int_equal(got.gap_bytes, 2);
	assert_memory_equal(got.text, "a_dxxx", 6);
	assert_int_equal(got.bytes + got.gap_bytes, 60);
	ztt_tcp_stream_release(&stream);
}

static void gives_all_that_is_held_at_the_end(void **state)
{
	struct ztt_tcp_stream stream = new_stream(0);

	(void)state;
	put(&stream, 2, "c");
	put(&stream, 5, "f");
	ztt_tcp_stream_end(&stream);
	assert_string_equal(got.text, "_c_f");
	assert_int_equal(stream.gap_bytes, 4);
}

static void holds_no_more_than_its_bounds(void **state)
{
	struct ztt_tcp_stream stream = new_stream(0);
	static uint8_t block[65536];

	(void)state;
	for (uint64_t at = 1; at < 100 * sizeof(block); at += sizeof(block))
		ztt_tcp_stream_segment(&stream, at, block, sizeof(block), 0);
	assert_true(stream.window_bytes <= ZTT_TCP_HELD_BYTES_MAX);
	assert_int_equal(got.gap_bytes, 1);
	ztt_tcp_stream_end(&stream);

	stream = new_stream(0);
	for (uint64_t at = 1; at < 2000; at += 2)
		put(&stream, at, "x");
	assert_true(stream.held_count <= ZTT_TCP_HELD_MAX);
	ztt_tcp_stream_end(&stream);
	assert_int_equal(got.bytes, 1000);
	assert_int_equal(got.gap_bytes, 1000);
}

static bool refuse(void *owner, long size_bytes)
{
	(void)owner;
	return size_bytes <= 0;
}

static void holds_nothing_when_memory_is_spent(void **state)
{
	struct ztt_tcp_stream stream = new_stream(0);

	(void)state;
	stream.reserve = refuse;
	put(&stream, 2, "c");
	put(&stream, 0, "ab");
	put(&stream, 3, "d");
	assert_string_equal(got.text, "_cd");
	assert_null(stream.window);
}

static void counts_what_the_snap_length_cut(void **state)
{
	struct ztt_tcp_stream stream = new_stream(0);

	(void)state;
	ztt_tcp_stream_segment(&stream, 0, (const uint8_t *)"ab", 2, 8);
	put(&stream, 10, "k");
	assert_string_equal(got.text, "ab_k");
	assert_int_equal(got.gap_bytes, 8);
}

static void gives_random_segments_whole(void **state)
{
	static uint8_t sent[20000];
	struct ztt_tcp_stream stream = new_stream(0);
	unsigned seed = 7;
	bool have[200] = {false};
	size_t left = 200;

	(void)state;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 31 >> 3);
	while (left) {
		size_t at = 0;
		unsigned skip;

		seed = seed * 1103515245 + 12345;
		skip = seed >> 16 & 7;
		for (size_t i = 0; i < 200; i++)
			if (!have[i] && (at = i, skip-- == 0))
				break;
		left -= !have[at];
		have[at] = true;
		ztt_tcp_stream_segment(&stream, at * 100, sent + at * 100, 100,
				       0);
	}
	assert_int_equal(got.bytes, sizeof(sent));
	assert_int_equal(got.gaps, 0);
	assert_memory_equal(got.text, sent, sizeof(got.text) - 1);
	ztt_tcp_stream_release(&stream);
}

/* ---- what headers tell ---- */

static struct ztt_flows *flows;
static struct ztt_tcp_measure measure;
static struct ztt_connection connection;

static int begin(void **state)
{
	const struct ztt_flows_plan plan = {0};

	(void)state;
	flows = ztt_flows_new(&plan);
	memset(&connection, 0, sizeof(connection));
	ztt_tcp_measure_init(&measure, flows);
	return 0;
}

static int end(void **state)
{
	(void)state;
	ztt_hist_free(connection.up.rtt_us);
	ztt_hist_free(connection.down.rtt_us);
	ztt_flows_free(flows);
	return 0;
}

static unsigned send_window(int64_t at_ns, bool up, uint32_t sequence,
			    size_t len, uint32_t ack, unsigned flags,
			    uint32_t window)
{
	const struct ztt_frame frame = {.at_ns = at_ns + 1};
	const struct ztt_datagram segment = {
		.frame = &frame,
		.protocol = 6,
		.sequence = sequence,
		.acknowledgement = ack,
		.window = window,
		.tcp_flags = (uint16_t)flags,
		.payload_bytes = len,
		.payload_whole_bytes = len,
	};
	uint64_t from;

	return ztt_tcp_measure_segment(&measure, &connection, &segment, up, 1,
				       &from);
}

static unsigned tcp(int64_t at_ns, bool up, uint32_t sequence, size_t len,
		    uint32_t ack)
{
	return send_window(at_ns, up, sequence, len, ack, ZTT_TCP_ACK, 500);
}

/* SYN 1000/5000; there and back 10 ms from here to the server, 2 ms to the
 * client. */
static void shake_hands(void)
{
	send_window(0, true, 1000, 0, 0, ZTT_TCP_SYN, 500);
	send_window(10 * MS, false, 5000, 0, 1001, ZTT_TCP_SYN | ZTT_TCP_ACK,
		    500);
	tcp(12 * MS, true, 1001, 0, 5001);
}

static void takes_round_trips_from_the_handshake(void **state)
{
	(void)state;
	shake_hands();
	assert_int_equal(ztt_hist_max(connection.up.rtt_us), 10000);
	assert_int_equal(ztt_hist_max(connection.down.rtt_us), 2000);
	assert_true(measure.both_syn);
	ztt_tcp_measure_end(&measure, &connection);
	assert_int_equal(connection.up.lost, 0);
	assert_int_equal(connection.up.loss_grade, ZTT_GRADE_UNKNOWN);
}

static void takes_no_round_trip_of_what_was_sent_again(void **state)
{
	(void)state;
	shake_hands();
	tcp(20 * MS, true, 1001, 100, 5001);
	assert_int_equal(tcp(300 * MS, true, 1001, 100, 5001),
			 ZTT_TCP_SENT_AGAIN);
	tcp(310 * MS, false, 5001, 0, 1101);
	assert_int_equal(ztt_hist_count(connection.up.rtt_us), 1);
	tcp(320 * MS, true, 1101, 100, 5001);
	tcp(340 * MS, false, 5001, 0, 1201);
	assert_int_equal(ztt_hist_count(connection.up.rtt_us), 2);
	assert_int_equal(ztt_hist_max(connection.up.rtt_us), 20000);
	ztt_tcp_measure_end(&measure, &connection);
	assert_int_equal(connection.up.lost, 1);
	assert_int_equal(connection.up.lost_after, 1);
	assert_int_equal(connection.up.loss_grade, ZTT_GRADE_HEURISTIC);
}

static void knows_what_was_lost_after_this_point_by_duplicate_acks(void **state)
{
	(void)state;
	shake_hands();
	for (uint32_t i = 0; i < 5; i++)
		tcp(20 * MS + i, true, 1001 + 100 * i, 100, 5001);
	tcp(30 * MS, false, 5001, 0, 1101);
	for (int i = 0; i < 3; i++)
		assert_int_equal(tcp(31 * MS + i, false, 5001, 0, 1101),
				 ZTT_TCP_DUPLICATE_ACK);
	tcp(33 * MS, true, 1101, 100, 5001);
	tcp(43 * MS, false, 5001, 0, 1501);
	ztt_tcp_measure_end(&measure, &connection);
	assert_int_equal(connection.up.lost, 1);
	assert_int_equal(connection.up.lost_after, 1);
	assert_int_equal(connection.up.loss_grade, ZTT_GRADE_BOUNDED);
	assert_string_equal(connection.up.loss_how,
			    "1 of 6 segments sent again; 3 duplicate ACKs");
}

static void tells_loss_before_this_point_from_reordering(void **state)
{
	(void)state;
	shake_hands();
	tcp(20 * MS, true, 1001, 100, 5001);
	assert_int_equal(tcp(21 * MS, true, 1201, 100, 5001),
			 ZTT_TCP_AFTER_GAP);
	assert_int_equal(tcp(21 * MS + 100, true, 1101, 100, 5001),
			 ZTT_TCP_REORDERED);
	assert_int_equal(tcp(22 * MS, true, 1401, 100, 5001),
			 ZTT_TCP_AFTER_GAP);
	assert_int_equal(tcp(60 * MS, true, 1301, 100, 5001),
			 ZTT_TCP_SENT_AGAIN);
	ztt_tcp_measure_end(&measure, &connection);
	assert_int_equal(connection.up.reordered, 1);
	assert_int_equal(connection.up.lost, 1);
	assert_int_equal(connection.up.lost_before, 1);
	assert_int_equal(connection.up.lost_after, 0);
	assert_int_equal(connection.up.loss_grade, ZTT_GRADE_BOUNDED);
}

static void counts_no_loss_for_what_was_acknowledged_already(void **state)
{
	(void)state;
	shake_hands();
	tcp(20 * MS, true, 1001, 100, 5001);
	tcp(30 * MS, false, 5001, 0, 1101);
	assert_int_equal(tcp(230 * MS, true, 1001, 100, 5001),
			 ZTT_TCP_SENT_AGAIN | ZTT_TCP_SPURIOUS);
	ztt_tcp_measure_end(&measure, &connection);
	assert_int_equal(connection.up.retransmitted, 1);
	assert_int_equal(connection.up.spurious, 1);
	assert_int_equal(connection.up.lost, 0);
}

static void tells_what_the_capture_missed_from_what_was_lost(void **state)
{
	(void)state;
	shake_hands();
	tcp(20 * MS, true, 1001, 100, 5001);
	tcp(21 * MS, true, 1201, 100, 5001);
	tcp(31 * MS, false, 5001, 0, 1301);
	tcp(32 * MS, false, 5001, 0, 1401);
	ztt_tcp_measure_end(&measure, &connection);
	assert_int_equal(connection.up.lost, 0);
	assert_int_equal(connection.up.missed, 2);
	assert_non_null(strstr(connection.up.loss_how, "missed 200 bytes"));
	assert_int_equal(connection.up.loss_grade, ZTT_GRADE_HEURISTIC);
}

static void counts_closed_windows_against_who_is_stopped(void **state)
{
	(void)state;
	shake_hands();
	assert_int_equal(send_window(20 * MS, false, 5001, 0, 1001, ZTT_TCP_ACK,
				     0),
			 ZTT_TCP_ZERO_WINDOW);
	send_window(21 * MS, false, 5001, 0, 1001, ZTT_TCP_ACK, 0);
	send_window(22 * MS, false, 5001, 0, 1001, ZTT_TCP_ACK, 9);
	send_window(23 * MS, false, 5001, 0, 1001, ZTT_TCP_ACK, 0);
	assert_int_equal(connection.up.blocked, 2);
	assert_int_equal(connection.down.blocked, 0);
}

static void knows_keep_alives(void **state)
{
	(void)state;
	shake_hands();
	tcp(20 * MS, true, 1001, 100, 5001);
	tcp(30 * MS, false, 5001, 0, 1101);
	assert_int_equal(tcp(90 * MS, true, 1100, 1, 5001), ZTT_TCP_KEEP_ALIVE);
	assert_int_equal(connection.up.retransmitted, 0);
}

static void counts_flight_and_sequence_numbers_round_the_end(void **state)
{
	(void)state;
	send_window(0, true, 0xffffffd0, 0, 0, ZTT_TCP_SYN, 500);
	send_window(1, false, 5000, 0, 0xffffffd1, ZTT_TCP_SYN | ZTT_TCP_ACK,
		    500);
	tcp(2, true, 0xffffffd1, 100, 5001);
	tcp(3, true, 0x35, 100, 5001);
	tcp(4, false, 5001, 0, 0x99);
	ztt_tcp_measure_end(&measure, &connection);
	assert_int_equal(connection.up.in_flight_most_bytes, 200);
	assert_int_equal(connection.up.retransmitted, 0);
	assert_int_equal(connection.up.missed, 0);
}

static void knows_a_new_connection_by_its_first_number(void **state)
{
	struct ztt_datagram syn = {.sequence = 1000, .tcp_flags = ZTT_TCP_SYN};

	(void)state;
	assert_false(ztt_tcp_measure_is_new(&measure, &syn, true));
	shake_hands();
	assert_false(ztt_tcp_measure_is_new(&measure, &syn, true));
	syn.sequence = 77;
	assert_true(ztt_tcp_measure_is_new(&measure, &syn, true));
}

int main(void)
{
#define MEASURED(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_segments_in_order),
		cmocka_unit_test(unwraps_sequence_numbers),
		cmocka_unit_test(
			passes_over_what_was_acknowledged_and_not_captured),
		cmocka_unit_test(gives_all_that_is_held_at_the_end),
		cmocka_unit_test(holds_no_more_than_its_bounds),
		cmocka_unit_test(holds_nothing_when_memory_is_spent),
		cmocka_unit_test(counts_what_the_snap_length_cut),
		cmocka_unit_test(gives_random_segments_whole),
		MEASURED(takes_round_trips_from_the_handshake),
		MEASURED(takes_no_round_trip_of_what_was_sent_again),
		MEASURED(
			knows_what_was_lost_after_this_point_by_duplicate_acks),
		MEASURED(tells_loss_before_this_point_from_reordering),
		MEASURED(counts_no_loss_for_what_was_acknowledged_already),
		MEASURED(tells_what_the_capture_missed_from_what_was_lost),
		MEASURED(counts_closed_windows_against_who_is_stopped),
		MEASURED(knows_keep_alives),
		MEASURED(counts_flight_and_sequence_numbers_round_the_end),
		MEASURED(knows_a_new_connection_by_its_first_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
