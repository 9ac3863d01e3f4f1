/* Each frame of frames.def whole, cut short, and contradicting itself. */
#include "hex.h"

#include <errno.h>
#include <stdlib.h>

#include "ztt-capture/decode/quic_frame.h"

static struct ztt_quic_frame frame;

/* One frame alone; its data is copied to where reading past it shows. */
static uint8_t *decode(const char *hex, int want)
{
	static uint8_t bytes[4096];
	const size_t len = hex_bytes(hex, bytes, sizeof(bytes));
	uint8_t *data = malloc(len);
	struct ztt_bytes payload = ztt_bytes_of(data, len);

	memcpy(data, bytes, len);
	assert_int_equal(ztt_quic_frame_next(&payload, &frame), want);
	if (want == 1)
		assert_int_equal(ztt_quic_frame_next(&payload, &frame), 0);
	return data;
}

static void decoded(const char *hex, const char *name, bool ack_eliciting)
{
	struct ztt_quic_frame none;
	static uint8_t bytes[4096];
	const size_t len = hex_bytes(hex, bytes, sizeof(bytes));
	struct ztt_bytes payload = ztt_bytes_of(bytes, len);

	assert_int_equal(ztt_quic_frame_next(&payload, &frame), 1);
	assert_string_equal(frame.name, name);
	assert_int_equal(frame.ack_eliciting, ack_eliciting);
	assert_int_equal(ztt_quic_frame_next(&payload, &none), 0);
}

static void refused(const char *hex)
{
	free(decode(hex, -EPROTO));
}

static void padding_and_pings_are_counted(void **state)
{
	(void)state;
	decoded("00000000", "PADDING", false);
	assert_int_equal(frame.repeats, 4);
	decoded("010101", "PING", true);
	assert_int_equal(frame.repeats, 3);
	decoded("1e", "HANDSHAKE_DONE", true);
	assert_int_equal(frame.repeats, 1);
}

static void ack_ranges_go_down(void **state)
{
	(void)state;
	decoded("02 4100 05 02 03 01 02 00 40f0", "ACK", false);
	assert_int_equal(frame.ack.delay, 5);
	assert_int_equal(frame.ack.range_count, 3);
	assert_int_equal(frame.ack.ranges[0].most, 256);
	assert_int_equal(frame.ack.ranges[0].least, 253);
	assert_int_equal(frame.ack.ranges[1].most, 250);
	assert_int_equal(frame.ack.ranges[1].least, 248);
	assert_int_equal(frame.ack.ranges[2].most, 246);
	assert_int_equal(frame.ack.ranges[2].least, 6);
	assert_false(frame.ack.has_ecn);
	decoded("03 00 00 00 00 01 02 4003", "ACK", false);
	assert_int_equal(frame.ack.ranges[0].most, 0);
	assert_true(frame.ack.has_ecn);
	assert_int_equal(frame.ack.ect0, 1);
	assert_int_equal(frame.ack.ect1, 2);
	assert_int_equal(frame.ack.ce, 3);
}

static void acks_of_what_is_below_zero_are_refused(void **state)
{
	(void)state;
	refused("02 05 00 00 06");
	refused("02 05 00 01 03 01 00");
	refused("02 05 00 01 03 00 01");
	refused("02 05 00 3fff 00 00 00");
	refused("02 05 00 c000000100000000 00 00 00");
	refused("03 05 00 00 00 01 02");
}

static void more_ack_ranges_than_are_kept_are_counted(void **state)
{
	static uint8_t bytes[2048] = {0x02, 0x7f, 0xff, 0x00, 0x41, 0x2b, 0x00};
	struct ztt_bytes payload = ztt_bytes_of(bytes, 7 + 2 * 299);

	(void)state;
	assert_int_equal(ztt_quic_frame_next(&payload, &frame), 1);
	assert_int_equal(frame.ack.range_count, ZTT_ACK_RANGES_MAX);
	assert_int_equal(frame.ack.ranges_left_out, 300 - ZTT_ACK_RANGES_MAX);
	assert_int_equal(frame.ack.ranges[255].most, 0x3fff - 510);
	assert_int_equal(ztt_bytes_left(&payload), 0);
}

static void streams_have_what_their_type_says(void **state)
{
	(void)state;
	decoded("08 04 aabbcc", "STREAM", true);
	assert_int_equal(frame.stream_id, 4);
	assert_int_equal(frame.offset, 0);
	assert_int_equal(frame.data_bytes, 3);
	assert_false(frame.fin);
	decoded("0f 04 5000 02 aabb", "STREAM", true);
	assert_int_equal(frame.offset, 0x1000);
	assert_int_equal(frame.length, 2);
	assert_int_equal(frame.data[1], 0xbb);
	assert_true(frame.fin);
	decoded("0d c000000100000000 01", "STREAM", true);
	assert_true(frame.stream_id == UINT64_C(1) << 32);
	assert_int_equal(frame.data_bytes, 0);
	refused("0a 04 04 aabbcc");
	refused("0e 04 ffffffffffffffff 01 aa");
	refused("0a 04 ffffffffffffffff 01 aa");
}

static void crypto_and_tokens_have_their_data(void **state)
{
	(void)state;
	decoded("06 4040 03 010203", "CRYPTO", true);
	assert_int_equal(frame.offset, 0x40);
	assert_int_equal(frame.data_bytes, 3);
	assert_int_equal(frame.data[2], 3);
	refused("06 00 04 010203");
	refused("06 ffffffffffffffff 01 01");
	decoded("07 02 aabb", "NEW_TOKEN", true);
	assert_int_equal(frame.data_bytes, 2);
	refused("07 00");
}

static void streams_are_ended(void **state)
{
	(void)state;
	decoded("04 04 07 4400", "RESET_STREAM", true);
	assert_int_equal(frame.stream_id, 4);
	assert_int_equal(frame.code, 7);
	assert_int_equal(frame.length, 0x400);
	decoded("05 08 09", "STOP_SENDING", true);
	assert_int_equal(frame.stream_id, 8);
	assert_int_equal(frame.code, 9);
}

static void limits_are_read(void **state)
{
	(void)state;
	decoded("10 44d2", "MAX_DATA", true);
	assert_int_equal(frame.limit, 1234);
	decoded("11 04 44d2", "MAX_STREAM_DATA", true);
	assert_int_equal(frame.stream_id, 4);
	assert_int_equal(frame.limit, 1234);
	decoded("12 d000000000000000", "MAX_STREAMS", true);
	assert_true(frame.limit == UINT64_C(1) << 60);
	decoded("13 05", "MAX_STREAMS", true);
	assert_int_equal(frame.type, 0x13);
	refused("12 d000000000000001");
	decoded("14 05", "DATA_BLOCKED", true);
	decoded("15 04 05", "STREAM_DATA_BLOCKED", true);
	assert_int_equal(frame.limit, 5);
	decoded("17 05", "STREAMS_BLOCKED", true);
	refused("16 ffffffffffffffff");
}

static void connection_ids_come_and_go(void **state)
{
	(void)state;
	decoded("18 03 01 04 aabbccdd 000102030405060708090a0b0c0d0e0f",
		"NEW_CONNECTION_ID", true);
	assert_int_equal(frame.sequence, 3);
	assert_int_equal(frame.limit, 1);
	assert_int_equal(frame.data_bytes, 4);
	assert_int_equal(frame.reset_token[15], 15);
	refused("18 03 01 00 000102030405060708090a0b0c0d0e0f");
	refused("18 01 03 01 aa 000102030405060708090a0b0c0d0e0f");
	refused("18 01 00 15 000102030405060708090a0b0c0d0e0f101112131415"
		"000102030405060708090a0b0c0d0e0f");
	decoded("19 07", "RETIRE_CONNECTION_ID", true);
	assert_int_equal(frame.sequence, 7);
	decoded("1a 0102030405060708", "PATH_CHALLENGE", true);
	assert_int_equal(frame.data_bytes, 8);
	decoded("1b 0102030405060708", "PATH_RESPONSE", true);
	assert_int_equal(frame.data[7], 8);
}

static void closes_give_their_reason(void **state)
{
	(void)state;
	decoded("1c 0a 06 03 626164", "CONNECTION_CLOSE", false);
	assert_int_equal(frame.code, 10);
	assert_int_equal(frame.frame_type, 6);
	assert_memory_equal(frame.data, "bad", 3);
	decoded("1d 00 00", "CONNECTION_CLOSE", false);
	assert_int_equal(frame.code, 0);
	assert_int_equal(frame.data_bytes, 0);
	refused("1c 0a 06 04 626164");
}

static void datagrams_run_to_the_end_or_say_how_far(void **state)
{
	(void)state;
	decoded("30 aabbcc", "DATAGRAM", true);
	assert_int_equal(frame.data_bytes, 3);
	decoded("31 02 aabb", "DATAGRAM", true);
	assert_int_equal(frame.data_bytes, 2);
	refused("31 04 aabb");
}

static void ack_frequency_has_four_numbers(void **state)
{
	(void)state;
	decoded("40af 01 0a 6710 02", "ACK_FREQUENCY", true);
	assert_int_equal(frame.sequence, 1);
	assert_int_equal(frame.limit, 10);
	assert_int_equal(frame.delay_us, 10000);
	assert_int_equal(frame.reordering, 2);
	decoded("1f", "IMMEDIATE_ACK", true);
}

static void types_are_integers_of_any_width(void **state)
{
	(void)state;
	decoded("c000000000000001", "PING", true);
	decoded("8000001e", "HANDSHAKE_DONE", true);
	refused("4021");
	assert_int_equal(frame.type, 0x21);
	assert_string_equal(frame.name, "UNKNOWN");
	refused("ffffffffffffffff");
	assert_true(frame.type == (UINT64_C(1) << 62) - 1);
	refused("c00000");
}

static void frames_follow_each_other(void **state)
{
	static uint8_t bytes[64];
	const size_t len = hex_bytes("01 060001aa 0000 020000000000 0a0401bb",
				     bytes, sizeof(bytes));
	static const char *const names[] = {"PING", "CRYPTO",  "PADDING",
					    "ACK",  "PADDING", "STREAM"};
	struct ztt_bytes payload = ztt_bytes_of(bytes, len);

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(ztt_quic_frame_next(&payload, &frame), 1);
		assert_string_equal(frame.name, names[i]);
	}
	assert_int_equal(ztt_quic_frame_next(&payload, &frame), 0);
}

static const char *const whole[] = {
	"02 4100 05 02 03 01 02 00 40f0",
	"03 00 00 00 00 01 02 4003",
	"04 04 07 4400",
	"05 08 09",
	"06 4040 03 010203",
	"07 02 aabb",
	"0f 04 5000 02 aabb",
	"10 44d2",
	"11 04 44d2",
	"12 05",
	"14 05",
	"15 04 05",
	"16 05",
	"18 03 01 04 aabbccdd 000102030405060708090a0b0c0d0e0f",
	"19 07",
	"1a 0102030405060708",
	"1b 0102030405060708",
	"1c 0a 06 03 626164",
	"1d 00 02 6262",
	"31 02 aabb",
	"40af 01 0a 6710 02",
};

static void what_is_cut_short_is_refused(void **state)
{
	static uint8_t bytes[128];

	(void)state;
	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++) {
		const size_t len = hex_bytes(whole[i], bytes, sizeof(bytes));

		for (size_t cut = 1; cut < len; cut++) {
			uint8_t *data = malloc(cut);
			struct ztt_bytes payload = ztt_bytes_of(data, cut);

			memcpy(data, bytes, cut);
			assert_int_equal(ztt_quic_frame_next(&payload, &frame),
					 -EPROTO);
			free(data);
		}
		free(decode(whole[i], 1));
	}
}

static void rows_are_in_the_order_of_their_types(void **state)
{
	const struct ztt_quic_frame_kind *kind = ztt_quic_frame_kinds;

	(void)state;
	for (; kind->name; kind++) {
		assert_true(kind->least <= kind->most);
		if (kind[1].name)
			assert_true(kind->most < kind[1].least);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(padding_and_pings_are_counted),
		cmocka_unit_test(ack_ranges_go_down),
		cmocka_unit_test(acks_of_what_is_below_zero_are_refused),
		cmocka_unit_test(more_ack_ranges_than_are_kept_are_counted),
		cmocka_unit_test(streams_have_what_their_type_says),
		cmocka_unit_test(crypto_and_tokens_have_their_data),
		cmocka_unit_test(streams_are_ended),
		cmocka_unit_test(limits_are_read),
		cmocka_unit_test(connection_ids_come_and_go),
		cmocka_unit_test(closes_give_their_reason),
		cmocka_unit_test(datagrams_run_to_the_end_or_say_how_far),
		cmocka_unit_test(ack_frequency_has_four_numbers),
		cmocka_unit_test(types_are_integers_of_any_width),
		cmocka_unit_test(frames_follow_each_other),
		cmocka_unit_test(what_is_cut_short_is_refused),
		cmocka_unit_test(rows_are_in_the_order_of_their_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
