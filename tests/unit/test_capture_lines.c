#include "ztt-capture/report/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "capture_packet.h"

static char *line_of(const struct fake *fake)
{
	struct ztt_buffer out = {0};

	ztt_lines_put_line(&out, &fake->packet, 1234567, false);
	ztt_buffer_char(&out, '\0');
	return out.data;
}

static char *tree_of(const struct fake *fake)
{
	struct ztt_buffer out = {0};

	ztt_lines_put_tree(&out, &fake->packet, 1234567);
	ztt_buffer_char(&out, '\0');
	return out.data;
}

static void assert_line(const struct fake *fake, const char *expected)
{
	char *line = line_of(fake);

	assert_string_equal(line, expected);
	free(line);
}

static void assert_within(const struct fake *fake, const char *expected)
{
	char *line = line_of(fake);

	if (!strstr(line, expected))
		fail_msg("no \"%s\" in %s", expected, line);
	free(line);
}

static void a_packet_is_one_line(void **state)
{
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 5);

	(void)state;
	fake_ack(fake, 0, 31);
	fake_stream(fake, 5, 1200, 1150, true);
	assert_line(fake, "     7    0.001234   1 > QUIC 1-RTT          #5"
			  "  1252  ACK 0-31, STREAM 5 @1200 +1150 FIN\n");
	fake_turn(fake);
	assert_within(fake, "   1 < QUIC");
	free(fake);
}

static void a_split_datagram_is_marked(void **state)
{
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 5);

	(void)state;
	fake->packet.segment = 2;
	fake->packet.segments = 14;
	assert_within(fake, "  [3/14]\n");
	fake->packet.inferred = true;
	fake->datagram.cut = true;
	fake->datagram.ecn = 3;
	assert_within(fake, "  [3/14 inferred]  [cut]  [CE]\n");
	free(fake);
}

static void an_unopened_packet_says_why(void **state)
{
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 5);
	char reason[64];

	(void)state;
	fake->packet.opened = NULL;
	fake->packet.why = ZTT_WHY_NO_KEYS;
	snprintf(reason, sizeof(reason), "  1252  %s\n",
		 ztt_why_text(ZTT_WHY_NO_KEYS));
	assert_within(fake, reason);
	fake->header.type = ZTT_PACKET_RETRY;
	assert_within(fake, "  1252\n");
	free(fake);
}

static void text_from_the_wire_cannot_drive_a_terminal(void **state)
{
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 5);
	struct ztt_quic_frame *frame =
		fake_frame(fake, 0x1c, "CONNECTION_CLOSE");

	(void)state;
	frame->code = 0x0a;
	frame->data = (const uint8_t *)"a\033[2Jb\0c\xff\nd";
	frame->data_bytes = 11;
	fake->packet.info = "GET /\033]0;x\007\n";
	assert_within(
		fake,
		"CONNECTION_CLOSE code 0xa \"a?[2Jb?c??d\"  GET /?]0;x??\n");
	free(fake);
}

static void ranges_are_cut_and_counted(void **state)
{
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 5);

	(void)state;
	fake_ack(fake, 100, 100);
	for (uint64_t i = 1; i < 9; i++)
		fake->frames[0].ack.ranges[i] =
			(struct ztt_ack_range){100 - 10 * i, 101 - 10 * i};
	fake->frames[0].ack.range_count = 9;
	fake->frames[0].ack.ranges_left_out = 2;
	fake->packet.frames_left_out = 3;
	assert_within(fake, "ACK 100 90-91 80-81 70-71 and 7 more, and 3 more");
	free(fake);
}

static void every_kind_of_frame_has_its_figures(void **state)
{
	static const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	static const struct {
		uint64_t type;
		const char *name, *expected;
	} rows[] = {
		{0x00, "PADDING", "PADDING x9"},
		{0x01, "PING", "PING x9"},
		{0x04, "RESET_STREAM", "RESET_STREAM 4 final 70 code 0x11"},
		{0x05, "STOP_SENDING", "STOP_SENDING 4 code 0x11"},
		{0x06, "CRYPTO", "CRYPTO @6 +8"},
		{0x07, "NEW_TOKEN", "NEW_TOKEN +8"},
		{0x08, "STREAM", "STREAM 4 @6 +8"},
		{0x10, "MAX_DATA", "MAX_DATA 90"},
		{0x11, "MAX_STREAM_DATA", "MAX_STREAM_DATA 4 90"},
		{0x12, "MAX_STREAMS", "MAX_STREAMS bidi 90"},
		{0x13, "MAX_STREAMS", "MAX_STREAMS uni 90"},
		{0x14, "DATA_BLOCKED", "DATA_BLOCKED 90"},
		{0x15, "STREAM_DATA_BLOCKED", "STREAM_DATA_BLOCKED 4 90"},
		{0x17, "STREAMS_BLOCKED", "STREAMS_BLOCKED uni 90"},
		{0x18, "NEW_CONNECTION_ID",
		 "NEW_CONNECTION_ID 3 0102030405060708"},
		{0x19, "RETIRE_CONNECTION_ID", "RETIRE_CONNECTION_ID 3"},
		{0x1a, "PATH_CHALLENGE", "PATH_CHALLENGE 0102030405060708"},
		{0x1b, "PATH_RESPONSE", "PATH_RESPONSE 0102030405060708"},
		{0x1d, "CONNECTION_CLOSE",
		 "CONNECTION_CLOSE application code 0x11"},
		{0x1e, "HANDSHAKE_DONE", "HANDSHAKE_DONE\n"},
		{0x1f, "IMMEDIATE_ACK", "IMMEDIATE_ACK\n"},
		{0x31, "DATAGRAM", "DATAGRAM +8"},
		{0xaf, "ACK_FREQUENCY", "ACK_FREQUENCY 3 90"},
		{0x4242, NULL, "UNKNOWN 0x4242\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 5);
		struct ztt_quic_frame *frame =
			fake_frame(fake, rows[i].type, rows[i].name);
		char *tree;

		frame->stream_id = 4;
		frame->offset = 6;
		frame->length = 70;
		frame->code = 0x11;
		frame->limit = 90;
		frame->sequence = 3;
		frame->repeats = 9;
		frame->data = bytes;
		frame->data_bytes = sizeof(bytes);
		assert_within(fake, rows[i].expected);
		tree = tree_of(fake);
		assert_non_null(
			strstr(tree, rows[i].name ? rows[i].name : "UNKNOWN"));
		free(tree);
		free(fake);
	}
}

static void wireguard_has_type_and_counter(void **state)
{
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 5);
	char *tree;

	(void)state;
	fake->packet.protocol = ZTT_PROTOCOL_WIREGUARD;
	fake->packet.header = NULL;
	fake->packet.opened = NULL;
	fake->packet.wg_type = 4;
	fake->packet.wg_counter = 12;
	fake->packet.wg_receiver = 0xabc;
	assert_within(fake, " > WG data            #12  1252\n");
	tree = tree_of(fake);
	assert_non_null(strstr(tree, "counter               12\n"));
	assert_non_null(strstr(tree, "receiver              0xabc\n"));
	free(tree);
	fake->packet.wg_type = 1;
	assert_within(fake, "WG initiation");
	fake->packet.wg_type = 9;
	assert_within(fake, "WG unknown");
	free(fake);
}

static void tcp_has_flags(void **state)
{
	static const struct {
		uint16_t flags;
		const char *expected;
	} rows[] = {{0x02, "TCP SYN "},     {0x12, "TCP SYN,ACK "},
		    {0x18, "TCP ACK "},     {0x11, "TCP FIN,ACK "},
		    {0x14, "TCP RST,ACK "}, {0x00, "TCP - "}};
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 5);

	(void)state;
	fake->packet.protocol = ZTT_PROTOCOL_TLS;
	fake->packet.header = NULL;
	fake->packet.opened = NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake->datagram.tcp_flags = rows[i].flags;
		assert_within(fake, rows[i].expected);
	}
	free(fake);
}

static void a_tree_has_every_field(void **state)
{
	struct fake *fake = fake_quic(ZTT_PACKET_INITIAL, 2);
	static const char *const expected[] = {
		"frame 7: 2025-11-22 11:46:53.123456789 UTC, 0.001234567 s\n",
		"  captured                1294 of 1294 bytes\n",
		"  UDP 10.0.0.1:40000 > 10.0.0.2:7844\n",
		"    ECN                   ECT(0)\n",
		"    segment               3 of 14, inferred\n",
		"  connection              1, from the client\n",
		"    version               v1\n",
		"    source ID             none\n",
		"    destination ID        8394c8f03e515708\n",
		"    packet number         2\n",
		"    ACK (type 0x2)\n",
		"      acknowledged        0-31\n",
		"  within                  ClientHello\n",
	};
	char *tree;

	(void)state;
	fake_ack(fake, 0, 31);
	fake->datagram.ecn = 2;
	fake->packet.segment = 2;
	fake->packet.segments = 14;
	fake->packet.inferred = true;
	fake->packet.info = "ClientHello";
	tree = tree_of(fake);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (!strstr(tree, expected[i]))
			fail_msg("no \"%s\" in\n%s", expected[i], tree);
	free(tree);
	free(fake);
}

static char *read_of(const struct ztt_filter *filter, struct fake **fakes,
		     size_t count)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct ztt_lines_plan plan = {.out = out, .filter = filter};
	struct ztt_lines *lines = ztt_lines_new(&plan);

	for (size_t i = 0; i < count; i++)
		ztt_lines_packet(lines, &fakes[i]->packet);
	assert_int_equal(ztt_lines_finish(lines), 0);
	assert_int_equal(ztt_lines_seen(lines), count);
	ztt_lines_free(lines);
	fclose(out);
	return text;
}

static void a_connection_is_named_when_it_is_first_shown(void **state)
{
	struct fake *fakes[] = {fake_quic(ZTT_PACKET_INITIAL, 0),
				fake_quic(ZTT_PACKET_INITIAL, 0),
				fake_quic(ZTT_PACKET_INITIAL, 1)};
	struct ztt_filter filter = {.server = true};
	char *text;

	(void)state;
	fakes[2]->connection.number = 2;
	fake_turn(fakes[2]);
	fakes[2]->frame.at_ns += 2000000000;
	text = read_of(NULL, fakes, 3);
	assert_ptr_equal(strstr(text,
				"# connection 1: QUIC 10.0.0.1:40000 > "
				"10.0.0.2:7844\n     7    0.000000   1 >"),
			 text);
	assert_non_null(strstr(text,
			       "\n# connection 2: QUIC 10.0.0.1:40000 > "
			       "10.0.0.2:7844\n     7    2.000000   2 <"));
	free(text);
	/* Time counts from the first packet, also when that is not shown. */
	text = read_of(&filter, fakes, 3);
	assert_null(strstr(text, "connection 1"));
	assert_non_null(strstr(text, "     7    2.000000   2 <"));
	free(text);
	for (size_t i = 0; i < 3; i++)
		free(fakes[i]);
}

static void a_full_disk_is_told(void **state)
{
	FILE *out = fopen("/dev/full", "w");
	struct ztt_lines_plan plan = {.out = out, .at_once = true};
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 5);
	struct ztt_lines *lines;

	(void)state;
	if (!out) {
		free(fake);
		skip();
	}
	lines = ztt_lines_new(&plan);
	ztt_lines_packet(lines, &fake->packet);
	assert_true(ztt_lines_finish(lines) < 0);
	ztt_lines_free(lines);
	fclose(out);
	free(fake);
}

static void numbers_keep_their_columns(void **state)
{
	struct ztt_buffer out = {0};

	(void)state;
	ztt_buffer_uint(&out, UINT64_MAX);
	ztt_buffer_char(&out, ' ');
	ztt_buffer_fixed(&out, -1500, 3);
	ztt_buffer_char(&out, ' ');
	ztt_buffer_fixed(&out, INT64_MIN, 9);
	ztt_buffer_char(&out, ' ');
	ztt_buffer_hex_uint(&out, 0);
	ztt_buffer_char(&out, ' ');
	ztt_buffer_hex_uint(&out, UINT64_MAX);
	ztt_buffer_right(&out, out.len_bytes, 3);
	ztt_buffer_char(&out, '\0');
	assert_string_equal(out.data,
			    "18446744073709551615 -1.500 "
			    "-9223372036.854775808 0x0 0xffffffffffffffff   ");
	free(out.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_is_one_line),
		cmocka_unit_test(a_split_datagram_is_marked),
		cmocka_unit_test(an_unopened_packet_says_why),
		cmocka_unit_test(text_from_the_wire_cannot_drive_a_terminal),
		cmocka_unit_test(ranges_are_cut_and_counted),
		cmocka_unit_test(every_kind_of_frame_has_its_figures),
		cmocka_unit_test(wireguard_has_type_and_counter),
		cmocka_unit_test(tcp_has_flags),
		cmocka_unit_test(a_tree_has_every_field),
		cmocka_unit_test(a_connection_is_named_when_it_is_first_shown),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(numbers_keep_their_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
