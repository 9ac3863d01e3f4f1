#include "ztt-capture/report/qlog.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>

#include "capture_packet.h"
#include "common/err.h"
#include "ztt-capture/report/qlog_event.h"
#include "ztt-capture/report/qlog_lost.h"

static char *qlog_of(enum ztt_qlog_version version, struct fake **fakes,
		     size_t count)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct ztt_qlog_plan plan = {.out = out,
				     .version = version,
				     .of = "a \"b\"\n.pcap"};
	struct ztt_qlog *qlog;
	struct ztt_err err = {""};

	if (ztt_qlog_new(&plan, &qlog, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < count; i++)
		ztt_qlog_packet(qlog, &fakes[i]->packet);
	if (ztt_qlog_finish(qlog, &err) < 0)
		fail_msg("%s", err.text);
	ztt_qlog_free(qlog);
	fclose(out);
	return text;
}

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, 0, &error);

	if (!value)
		fail_msg("%s: %s", error.text, text);
	return value;
}

/* JSON-SEQ as an array: its first member is the head. */
static json_t *parse_sequence(const char *text)
{
	json_t *all = json_array();

	while (*text) {
		const char *end = strchr(text, '\n');
		char *one;

		assert_int_equal(*text, 0x1e);
		assert_non_null(end);
		one = strndup(text + 1, (size_t)(end - text - 1));
		json_array_append_new(all, parse(one));
		free(one);
		text = end + 1;
	}
	return all;
}

static json_t *events_03(const char *text, size_t trace, json_t **ret_root)
{
	*ret_root = parse(text);
	return json_object_get(
		json_array_get(json_object_get(*ret_root, "traces"), trace),
		"events");
}

static json_t *named(json_t *events, const char *name, size_t nth)
{
	size_t i;
	json_t *at;

	json_array_foreach(events, i, at)
	{
		const char *has =
			json_string_value(json_object_get(at, "name"));

		if (has && strcmp(has, name) == 0 && nth-- == 0)
			return at;
	}
	return NULL;
}

static void assert_data(json_t *event, const char *expected)
{
	json_t *wanted = parse(expected);
	json_t *data = json_object_get(event, "data");

	if (!json_equal(wanted, data))
		fail_msg("%s is not %s",
			 json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS),
			 expected);
	json_decref(wanted);
}

static void version_3_is_what_qvis_opens(void **state)
{
	struct fake *fakes[] = {fake_quic(ZTT_PACKET_1RTT, 5),
				fake_quic(ZTT_PACKET_1RTT, 6)};
	json_t *root, *events, *trace, *at;
	char *text;

	(void)state;
	fake_stream(fakes[0], 0, 10, 30, true);
	fake_ack(fakes[1], 5, 5);
	fake_turn(fakes[1]);
	fakes[1]->frame.at_ns += 1500000;
	text = qlog_of(ZTT_QLOG_03, fakes, 2);
	assert_true(strncmp(text,
			    "{\"qlog_version\":\"0.3\",\"qlog_format\":"
			    "\"JSON\"",
			    40) == 0);
	events = events_03(text, 0, &root);
	trace = json_array_get(json_object_get(root, "traces"), 0);
	at = json_object_get(trace, "vantage_point");
	assert_string_equal(json_string_value(json_object_get(at, "type")),
			    "network");
	assert_string_equal(json_string_value(json_object_get(at, "flow")),
			    "client");
	at = json_object_get(trace, "common_fields");
	assert_string_equal(json_string_value(
				    json_object_get(at, "time_format")),
			    "relative");
	assert_data(named(events, "connectivity:connection_started", 0),
		    "{\"ip_version\":\"v4\",\"src_ip\":\"10.0.0.1\",\"dst_ip\":"
		    "\"10.0.0.2\",\"protocol\":\"QUIC\",\"src_port\":40000,"
		    "\"dst_port\":7844}");
	assert_data(named(events, "transport:packet_sent", 0),
		    "{\"header\":{\"packet_type\":\"1RTT\",\"packet_number\":5,"
		    "\"dcid\":\"8394c8f03e515708\"},\"raw\":{\"length\":1252,"
		    "\"payload_length\":1200},\"frames\":[{\"frame_type\":"
		    "\"stream\",\"stream_id\":0,\"offset\":10,\"length\":30,"
		    "\"fin\":true}]}");
	at = named(events, "transport:packet_received", 0);
	assert_true(json_real_value(json_object_get(at, "time")) == 1.5);
	assert_data(at, "{\"header\":{\"packet_type\":\"1RTT\","
			"\"packet_number\":6,\"dcid\":\"8394c8f03e515708\"},"
			"\"raw\":{\"length\":1252,\"payload_length\":1200},"
			"\"frames\":[{\"frame_type\":\"ack\",\"ack_delay\":"
			"0.08,\"acked_ranges\":[[5]]}]}");
	json_decref(root);
	free(text);
	free(fakes[0]);
	free(fakes[1]);
}

static void each_connection_is_a_trace_of_0_3(void **state)
{
	struct fake *fakes[40];
	json_t *root, *traces, *at;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < 40; i++) {
		fakes[i] = fake_quic(ZTT_PACKET_1RTT, i);
		fakes[i]->connection.number = 1 + i % 4;
		for (size_t j = 0; j < 8; j++)
			fake_stream(fakes[i], 4 * j, 100000 * i, 1150, false);
	}
	text = qlog_of(ZTT_QLOG_03, fakes, 40);
	events_03(text, 0, &root);
	traces = json_object_get(root, "traces");
	assert_int_equal(json_array_size(traces), 4);
	json_array_foreach(traces, i, at)
		assert_int_equal(json_array_size(json_object_get(at, "events")),
				 11);
	json_decref(root);
	free(text);
	for (i = 0; i < 40; i++)
		free(fakes[i]);
}

static void times_of_0_3_do_not_go_back(void **state)
{
	struct fake *fakes[] = {fake_quic(ZTT_PACKET_1RTT, 5),
				fake_quic(ZTT_PACKET_1RTT, 6)};
	json_t *root, *events;
	char *text;

	(void)state;
	fakes[1]->frame.at_ns -= 5000000;
	text = qlog_of(ZTT_QLOG_03, fakes, 2);
	events = events_03(text, 0, &root);
	assert_true(json_real_value(json_object_get(
			    named(events, "transport:packet_sent", 1),
			    "time")) == 0);
	json_decref(root);
	free(text);
	free(fakes[0]);
	free(fakes[1]);
}

static void draft_14_is_a_sequence(void **state)
{
	struct fake *fake = fake_quic(ZTT_PACKET_INITIAL, 0);
	struct ztt_quic_frame *crypto = fake_frame(fake, 0x06, "CRYPTO");
	char *text;
	json_t *events, *head, *trace, *at;

	(void)state;
	crypto->offset = 0;
	crypto->data_bytes = 300;
	fake_frame(fake, 0x00, "PADDING")->repeats = 800;
	fake->header.token_bytes = 16;
	text = qlog_of(ZTT_QLOG_14, &fake, 1);
	events = parse_sequence(text);
	head = json_array_get(events, 0);
	trace = json_object_get(head, "trace");
	assert_string_equal(json_string_value(
				    json_object_get(head, "file_schema")),
			    "urn:ietf:params:qlog:file:sequential");
	assert_string_equal(json_string_value(
				    json_object_get(head,
						    "serialization_format")),
			    "application/qlog+json-seq");
	assert_string_equal(json_string_value(
				    json_object_get(head, "description")),
			    "a \"b\"\n.pcap");
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(trace, "event_schemas"),
				    0)),
			    "urn:ietf:params:qlog:events:quic-14");
	at = json_object_get(json_object_get(trace, "common_fields"),
			     "reference_time");
	assert_string_equal(json_string_value(json_object_get(at, "epoch")),
			    "2025-11-22T11:46:53.123456789Z");
	at = named(events, "quic:connection_started", 0);
	assert_string_equal(json_string_value(json_object_get(at, "group_id")),
			    "8394c8f03e515708");
	assert_data(at,
		    "{\"local\":{\"ip_v4\":\"10.0.0.1\",\"port_v4\":40000},"
		    "\"remote\":{\"ip_v4\":\"10.0.0.2\",\"port_v4\":7844}}");
	at = json_object_get(named(events, "quic:udp_datagrams_sent", 0),
			     "data");
	assert_int_equal(json_integer_value(json_object_get(at, "count")), 1);
	at = json_object_get(named(events, "quic:packet_sent", 0), "data");
	assert_int_equal(json_integer_value(
				 json_object_get(at,
						 "datagram_payload_checksum")),
			 ztt_qlog_checksum(fake->payload, 1252));
	json_object_del(at, "datagram_payload_checksum");
	assert_data(named(events, "quic:packet_sent", 0),
		    "{\"header\":{\"packet_type\":\"initial\","
		    "\"packet_number\":0,\"length\":1234,\"version\":"
		    "\"00000001\",\"scil\":0,\"dcil\":8,\"scid\":\"\",\"dcid\":"
		    "\"8394c8f03e515708\",\"token\":{\"raw\":{\"length\":16}}},"
		    "\"raw\":{\"length\":1252,\"payload_length\":1200},"
		    "\"frames\":[{\"frame_type\":\"crypto\",\"offset\":0,"
		    "\"raw\":{\"length\":300}},{\"frame_type\":\"padding\","
		    "\"raw\":{\"payload_length\":800}}]}");
	json_decref(events);
	free(text);
	free(fake);
}

static void an_unopened_packet_has_no_number(void **state)
{
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 0);
	char *text;
	json_t *events;

	(void)state;
	fake->packet.opened = NULL;
	text = qlog_of(ZTT_QLOG_14, &fake, 1);
	events = parse_sequence(text);
	assert_data(named(events, "quic:packet_sent", 0),
		    "{\"header\":{\"packet_type\":\"1RTT\",\"dcid\":"
		    "\"8394c8f03e515708\"},\"raw\":{\"length\":1252}}");
	json_decref(events);
	free(text);
	free(fake);
}

static void reasons_are_escaped(void **state)
{
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 0);
	struct ztt_quic_frame *frame =
		fake_frame(fake, 0x1c, "CONNECTION_CLOSE");
	char *text;
	json_t *events;

	(void)state;
	frame->code = 0x12a;
	frame->data = (const uint8_t *)"\"\\\x1e\n\0\xff\xc2\x85";
	frame->data_bytes = 8;
	text = qlog_of(ZTT_QLOG_14, &fake, 1);
	events = parse_sequence(text);
	assert_data(named(events, "quic:connection_closed", 0),
		    "{\"initiator\":\"local\",\"connection_error\":"
		    "\"crypto_error_0x12a\",\"reason\":"
		    "\"\\\"\\\\\\u001e\\n\\ufffd\\ufffd\\u0085\","
		    "\"trigger\":\"error\"}");
	json_decref(events);
	free(text);
	free(fake);
}

static void parameters_are_told_once(void **state)
{
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 0);
	struct fake *fakes[] = {fake, fake};
	struct ztt_transport_parameters *at =
		&fake->connection.server_hello.parameters;
	char *text;
	json_t *events;

	(void)state;
	ztt_transport_parameters_clear(at);
	at->present = true;
	at->initial_max_data = 1000;
	at->max_idle_timeout_ms = 5000;
	fake->connection.has_server_hello = true;
	fake->connection.cipher = "AES-128-GCM";
	text = qlog_of(ZTT_QLOG_14, fakes, 2);
	events = parse_sequence(text);
	assert_data(named(events, "quic:parameters_set", 0),
		    "{\"initiator\":\"remote\",\"tls_cipher\":"
		    "\"AES_128_GCM_SHA256\",\"max_idle_timeout\":5000,"
		    "\"initial_max_data\":1000,"
		    "\"disable_active_migration\":false}");
	assert_null(named(events, "quic:parameters_set", 1));
	json_decref(events);
	free(text);
	free(fake);
}

static void a_key_update_is_told(void **state)
{
	struct fake *fakes[] = {fake_quic(ZTT_PACKET_1RTT, 0),
				fake_quic(ZTT_PACKET_1RTT, 1),
				fake_quic(ZTT_PACKET_1RTT, 2)};
	char *text;
	json_t *events;

	(void)state;
	fakes[1]->opened.generation = 1;
	text = qlog_of(ZTT_QLOG_14, fakes, 3);
	events = parse_sequence(text);
	assert_data(named(events, "quic:key_updated", 0),
		    "{\"key_type\":\"client_1rtt_secret\",\"key_phase\":1}");
	assert_null(named(events, "quic:key_updated", 1));
	json_decref(events);
	free(text);
	for (size_t i = 0; i < 3; i++)
		free(fakes[i]);
}

static void a_migration_is_another_tuple(void **state)
{
	struct fake *fakes[] = {fake_quic(ZTT_PACKET_1RTT, 0),
				fake_quic(ZTT_PACKET_1RTT, 1),
				fake_quic(ZTT_PACKET_1RTT, 2)};
	char *text;
	json_t *events;

	(void)state;
	fakes[1]->datagram.from.port = 40001;
	text = qlog_of(ZTT_QLOG_14, fakes, 3);
	events = parse_sequence(text);
	assert_data(named(events, "quic:tuple_assigned", 0),
		    "{\"tuple_id\":\"1\",\"tuple_remote\":{\"ip_v4\":"
		    "\"10.0.0.2\",\"port_v4\":7844},\"tuple_local\":{\"ip_v4\":"
		    "\"10.0.0.1\",\"port_v4\":40001}}");
	assert_null(named(events, "quic:tuple_assigned", 1));
	assert_string_equal(json_string_value(json_object_get(
				    named(events, "quic:packet_sent", 1),
				    "tuple")),
			    "1");
	assert_null(
		json_object_get(named(events, "quic:packet_sent", 2), "tuple"));
	json_decref(events);
	free(text);
	for (size_t i = 0; i < 3; i++)
		free(fakes[i]);
}

static void two_connections_with_one_id_are_two_groups(void **state)
{
	struct fake *fakes[] = {fake_quic(ZTT_PACKET_INITIAL, 0),
				fake_quic(ZTT_PACKET_INITIAL, 0)};
	char *text;
	json_t *events;

	(void)state;
	fakes[1]->connection.number = 2;
	text = qlog_of(ZTT_QLOG_14, fakes, 2);
	events = parse_sequence(text);
	assert_string_equal(json_string_value(json_object_get(
				    named(events, "quic:packet_sent", 1),
				    "group_id")),
			    "8394c8f03e515708-2");
	json_decref(events);
	free(text);
	free(fakes[0]);
	free(fakes[1]);
}

static void three_above_acknowledged_is_lost(void **state)
{
	struct fake *fakes[6];
	char *text;
	json_t *root, *events;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		fakes[i] = fake_quic(ZTT_PACKET_1RTT, i);
	fakes[5] = fake_quic(ZTT_PACKET_1RTT, 0);
	fake_turn(fakes[5]);
	fake_ack(fakes[5], 3, 4);
	fakes[5]->frames[0].ack.ranges[1] = (struct ztt_ack_range){0, 0};
	fakes[5]->frames[0].ack.range_count = 2;
	text = qlog_of(ZTT_QLOG_03, fakes, 6);
	events = events_03(text, 0, &root);
	assert_data(named(events, "recovery:packet_lost", 0),
		    "{\"header\":{\"packet_type\":\"1RTT\",\"packet_number\":1}"
		    ",\"trigger\":\"reordering_threshold\"}");
	assert_null(named(events, "recovery:packet_lost", 1));
	json_decref(root);
	free(text);
	for (size_t i = 0; i < 6; i++)
		free(fakes[i]);
}

static void the_window_of_lost_packets_moves(void **state)
{
	struct ztt_qlog_lost lost = {0};
	struct ztt_quic_frame *ack = calloc(1, sizeof(*ack));
	uint64_t number;

	(void)state;
	for (uint64_t i = 0; i < 100000; i++)
		ztt_qlog_lost_sent(&lost, i);
	ack->ack.range_count = 1;
	ack->ack.ranges[0] = (struct ztt_ack_range){95000, 99999};
	ztt_qlog_lost_acked(&lost, ack);
	ack->ack.ranges[0] = (struct ztt_ack_range){0, 94997};
	ztt_qlog_lost_acked(&lost, ack);
	assert_true(ztt_qlog_lost_next(&lost, 99999, &number));
	assert_int_equal(number, 94998);
	assert_true(ztt_qlog_lost_next(&lost, 99999, &number));
	assert_int_equal(number, 94999);
	assert_false(ztt_qlog_lost_next(&lost, 99999, &number));
	/* Far jumps, and acknowledgements of what was never sent. */
	ztt_qlog_lost_sent(&lost, (UINT64_C(1) << 62) - 1);
	ack->ack.ranges[0] = (struct ztt_ack_range){0, (UINT64_C(1) << 62) - 2};
	ztt_qlog_lost_acked(&lost, ack);
	assert_false(ztt_qlog_lost_next(&lost, UINT64_C(1) << 62, &number));
	assert_true(ztt_qlog_lost_next(&lost, UINT64_MAX, &number));
	assert_int_equal(number, (UINT64_C(1) << 62) - 1);
	free(ack);
}

static void nothing_gives_a_whole_file(void **state)
{
	char *text = qlog_of(ZTT_QLOG_03, NULL, 0);
	json_t *value = parse(text);

	(void)state;
	assert_int_equal(json_array_size(json_object_get(value, "traces")), 0);
	json_decref(value);
	free(text);
	text = qlog_of(ZTT_QLOG_14, NULL, 0);
	value = parse_sequence(text);
	assert_int_equal(json_array_size(value), 1);
	json_decref(value);
	free(text);
}

static void other_protocols_are_left_out(void **state)
{
	struct fake *fake = fake_quic(ZTT_PACKET_1RTT, 0);
	char *text;
	json_t *value;

	(void)state;
	fake->packet.protocol = ZTT_PROTOCOL_WIREGUARD;
	fake->packet.header = NULL;
	text = qlog_of(ZTT_QLOG_14, &fake, 1);
	value = parse_sequence(text);
	assert_int_equal(json_array_size(value), 1);
	json_decref(value);
	free(text);
	free(fake);
}

static void a_full_disk_is_told(void **state)
{
	FILE *out = fopen("/dev/full", "w");
	struct ztt_qlog_plan plan = {.out = out, .version = ZTT_QLOG_14};
	struct ztt_err err = {""};
	struct ztt_qlog *qlog;

	(void)state;
	if (!out)
		skip();
	assert_int_equal(ztt_qlog_new(&plan, &qlog, &err), 0);
	assert_int_equal(ztt_qlog_finish(qlog, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "could not be written"));
	ztt_qlog_free(qlog);
	fclose(out);
}

static void versions_are_two(void **state)
{
	enum ztt_qlog_version version = ZTT_QLOG_14;
	struct ztt_err err = {""};

	(void)state;
	assert_int_equal(ztt_qlog_version_parse("0.3", &version, &err), 0);
	assert_int_equal(version, ZTT_QLOG_03);
	assert_int_equal(ztt_qlog_version_parse("14", &version, &err), 0);
	assert_int_equal(version, ZTT_QLOG_14);
	assert_int_equal(ztt_qlog_version_parse("0.4", &version, &err),
			 -EINVAL);
}

/* RFC 3720, B.4: 32 bytes of zeros; "123456789" as everywhere. */
static void the_checksum_is_crc32c(void **state)
{
	static const uint8_t zeros[32];

	(void)state;
	assert_int_equal(ztt_qlog_checksum(zeros, sizeof(zeros)), 0x8a9136aa);
	assert_int_equal(ztt_qlog_checksum((const uint8_t *)"123456789", 9),
			 0xe3069283);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_3_is_what_qvis_opens),
		cmocka_unit_test(each_connection_is_a_trace_of_0_3),
		cmocka_unit_test(times_of_0_3_do_not_go_back),
		cmocka_unit_test(draft_14_is_a_sequence),
		cmocka_unit_test(an_unopened_packet_has_no_number),
		cmocka_unit_test(reasons_are_escaped),
		cmocka_unit_test(parameters_are_told_once),
		cmocka_unit_test(a_key_update_is_told),
		cmocka_unit_test(a_migration_is_another_tuple),
		cmocka_unit_test(two_connections_with_one_id_are_two_groups),
		cmocka_unit_test(three_above_acknowledged_is_lost),
		cmocka_unit_test(the_window_of_lost_packets_moves),
		cmocka_unit_test(nothing_gives_a_whole_file),
		cmocka_unit_test(other_protocols_are_left_out),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(versions_are_two),
		cmocka_unit_test(the_checksum_is_crc32c),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
