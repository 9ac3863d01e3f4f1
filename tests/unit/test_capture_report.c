#include "ztt-capture/report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "capture_packet.h"
#include "common/json.h"
#include "schema.h"
#include "ztt-capture/report/report_known.h"

#define MANY 12

/* Connections of one capture, made by hand; [0] is filled in. */
struct found {
	struct ztt_connection connections[MANY];
	struct ztt_connection *pointers[MANY];
	struct ztt_capture capture;
};

static struct ztt_hist *hist_of(uint64_t a_us, uint64_t b_us)
{
	struct ztt_hist *hist = ztt_hist_new();

	ztt_hist_record(hist, a_us);
	ztt_hist_record(hist, b_us);
	return hist;
}

static struct found *find(size_t count)
{
	struct found *found = calloc(1, sizeof(*found));

	for (size_t i = 0; i < count; i++) {
		struct ztt_connection *at = &found->connections[i];

		found->pointers[i] = at;
		at->number = i + 1;
		at->version = ZTT_QUIC_V1;
		at->client = fake_endpoint(1, (uint16_t)(40000 + i));
		at->server = fake_endpoint(2, 7844);
		at->up.from = at->client;
		at->down.from = at->server;
		at->up.packets = at->up.datagrams = 573;
		at->down.packets = at->down.datagrams = 135;
		at->up.bytes = 787000 + i;
		at->down.bytes = 13600;
		at->up.first_ns = at->down.first_ns = FAKE_AT_NS;
		at->up.last_ns = at->down.last_ns = FAKE_AT_NS + 1500000000;
	}
	found->capture = (struct ztt_capture){.connections = found->pointers,
					      .connection_count = count,
					      .frames = 293,
					      .bytes = 813000};
	return found;
}

static void open_up(struct ztt_connection *at)
{
	at->decrypted = true;
	at->cipher = "AES-128-GCM";
	at->up.lost = at->up.lost_after = 14;
	at->up.loss_grade = at->down.loss_grade = ZTT_GRADE_EXACT;
	snprintf(at->up.loss_how, sizeof(at->up.loss_how), "numbers");
	at->up.rtt_us = hist_of(20000, 21000);
	at->down.rtt_us = hist_of(300, 400);
	snprintf(at->verdict, sizeof(at->verdict), "Lost 2.4 %%.");
}

static void lose(struct found *found)
{
	for (size_t i = 0; i < MANY; i++) {
		ztt_hist_free(found->connections[i].up.rtt_us);
		ztt_hist_free(found->connections[i].down.rtt_us);
	}
	free(found);
}

static json_t *json_of(const struct found *found)
{
	struct ztt_json json;
	json_error_t error;
	json_t *value;

	ztt_json_init(&json, true);
	ztt_capture_json(&found->capture, "a.pcap", &json);
	value = json_loads(ztt_json_text(&json, NULL), 0, &error);
	if (!value)
		fail_msg("%s", error.text);
	ztt_json_release(&json);
	return value;
}

static char *text_of(const struct found *found, bool verbose)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ztt_capture_text(&found->capture, false, verbose, out);
	fclose(out);
	return text;
}

static void assert_schema(json_t *value)
{
	json_error_t error;
	json_t *schema =
		json_load_file("common/schema/ztt-capture-1.json", 0, &error);

	if (!schema)
		fail_msg("%s", error.text);
	assert_true(schema_holds(schema, schema, value, "result"));
	json_decref(schema);
}

static json_t *direction(json_t *value, size_t index)
{
	json_t *connection =
		json_array_get(json_object_get(value, "connections"), 0);

	return json_array_get(json_object_get(connection, "directions"), index);
}

static void what_is_known_is_in_the_json(void **state)
{
	struct found *found = find(1);
	struct ztt_connection *at = &found->connections[0];
	json_t *value, *up, *rtt, *connection;

	(void)state;
	open_up(at);
	at->closed = true;
	at->close_code = 12;
	at->handshake_ns = 1500000;
	snprintf(at->close_reason, sizeof(at->close_reason), "bye \"\n");
	value = json_of(found);
	assert_schema(value);
	connection = json_array_get(json_object_get(value, "connections"), 0);
	assert_string_equal(json_string_value(
				    json_object_get(connection, "protocol")),
			    "quic");
	assert_string_equal(json_string_value(
				    json_object_get(connection, "client")),
			    "10.0.0.1:40000");
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(connection, "closed"),
				    "reason")),
			    "bye \"\n");
	assert_true(json_number_value(json_object_get(connection,
						      "handshake_ms")) == 1.5);
	up = direction(value, 0);
	rtt = json_object_get(up, "rtt_us");
	assert_int_equal(json_integer_value(json_object_get(up, "lost")), 14);
	assert_string_equal(json_string_value(
				    json_object_get(up, "loss_grade")),
			    "exact");
	assert_in_range(json_integer_value(json_object_get(rtt, "min")), 20000,
			20020);
	assert_in_range(json_integer_value(json_object_get(rtt, "p99")), 21000,
			21020);
	rtt = json_object_get(connection, "path_rtt_us");
	assert_in_range(json_integer_value(json_object_get(rtt, "min")), 20300,
			20330);
	json_decref(value);
	lose(found);
}

static void what_is_not_known_is_null(void **state)
{
	static const char *const keys[] = {
		"lost",          "loss_how",  "lost_before",
		"lost_after",    "missed",    "skipped",
		"unanswered",    "reordered", "duplicated",
		"retransmitted", "spurious",  "in_flight_most_bytes",
		"blocked",       "mtu_bytes", "key_updates"};
	static const char *const of_connection[] = {"sni",
						    "alpn",
						    "ja4",
						    "cipher",
						    "handshake_ms",
						    "closed",
						    "longest_gap_ms",
						    "streams",
						    "requests",
						    "handshake_round_trips"};
	struct found *found = find(1);
	json_t *value = json_of(found), *connection;

	(void)state;
	assert_schema(value);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!json_is_null(
			    json_object_get(direction(value, 0), keys[i])))
			fail_msg("%s is not null", keys[i]);
	connection = json_array_get(json_object_get(value, "connections"), 0);
	for (size_t i = 0; i < sizeof(of_connection) / sizeof(*of_connection);
	     i++)
		if (!json_is_null(
			    json_object_get(connection, of_connection[i])))
			fail_msg("%s is not null", of_connection[i]);
	assert_true(json_is_null(
		json_object_get(json_object_get(direction(value, 1), "rtt_us"),
				"p50")));
	assert_true(json_is_null(
		json_object_get(json_object_get(value, "source"), "dropped")));
	assert_string_equal(json_string_value(
				    json_object_get(direction(value, 0),
						    "loss_grade")),
			    "unknown");
	json_decref(value);
	lose(found);
}

static void zero_lost_is_not_unknown(void **state)
{
	struct found *found = find(1);
	json_t *value;

	(void)state;
	open_up(&found->connections[0]);
	value = json_of(found);
	assert_true(
		json_is_integer(json_object_get(direction(value, 1), "lost")));
	assert_int_equal(json_integer_value(
				 json_object_get(direction(value, 1), "lost")),
			 0);
	json_decref(value);
	lose(found);
}

static void wireguard_knows_order_and_no_retransmissions(void **state)
{
	struct found *found = find(1);
	struct ztt_connection *at = &found->connections[0];
	json_t *value;

	(void)state;
	at->protocol = ZTT_PROTOCOL_WIREGUARD;
	at->version = 0;
	at->up.loss_grade = ZTT_GRADE_EXACT;
	value = json_of(found);
	assert_schema(value);
	assert_true(json_is_integer(
		json_object_get(direction(value, 0), "reordered")));
	assert_true(json_is_null(
		json_object_get(direction(value, 0), "retransmitted")));
	assert_true(json_is_null(
		json_object_get(direction(value, 1), "reordered")));
	json_decref(value);
	lose(found);
}

static void the_verdict_comes_last(void **state)
{
	struct found *found = find(1);
	char *text;

	(void)state;
	open_up(&found->connections[0]);
	text = text_of(found, false);
	assert_string_equal(text + strlen(text) - 12, "Lost 2.4 %.\n");
	free(text);
	lose(found);
}

static void lines_fit_80_columns(void **state)
{
	struct found *found = find(2);
	struct ztt_connection *at = &found->connections[0];

	(void)state;
	open_up(at);
	at->up.packets = at->up.datagrams = 12345678;
	at->up.lost = at->up.lost_before = 1234567;
	at->up.retransmitted = at->up.reordered = 999999;
	at->up.loss_grade = ZTT_GRADE_BOUNDED;
	snprintf(at->up.loss_how, sizeof(at->up.loss_how), "%s",
		 "word word word word word word word word word word word word "
		 "word word word word word word word word word word word word");
	at->has_client_hello = true;
	snprintf(at->client_hello.server_name,
		 sizeof(at->client_hello.server_name), "quic.cftunnel.com");
	snprintf(at->client_hello.ja4, sizeof(at->client_hello.ja4),
		 "q13d0313al_55b375c5d22e_f902b76752af");
	found->capture.undecoded = 12;
	found->capture.undecoded_by[ZTT_WHY_CUT] = 10;
	found->capture.undecoded_by[ZTT_WHY_MALFORMED] = 2;
	for (int verbose = 0; verbose < 2; verbose++) {
		char *text = text_of(found, verbose), *rest = text;

		for (char *line; (line = strsep(&rest, "\n"));)
			if (strlen(line) > 80 && rest && *rest)
				fail_msg("%zu columns: %s", strlen(line), line);
		free(text);
	}
	lose(found);
}

static void unknown_loss_is_a_question_mark(void **state)
{
	struct found *found = find(1);
	char *text = text_of(found, false);

	(void)state;
	assert_non_null(strstr(text, "     ?  "));
	assert_null(strstr(text, "%"));
	free(text);
	lose(found);
}

static void hostile_text_cannot_drive_a_terminal(void **state)
{
	struct found *found = find(2);
	struct ztt_connection *at = &found->connections[0];
	char *text;

	(void)state;
	at->has_client_hello = at->closed = true;
	snprintf(at->client_hello.server_name,
		 sizeof(at->client_hello.server_name), "a\033]0;x\007b");
	snprintf(at->client_hello.alpn, sizeof(at->client_hello.alpn),
		 "\xff\xc2\x9b");
	snprintf(at->close_reason, sizeof(at->close_reason), "\033[2J\r\n");
	snprintf(at->verdict, sizeof(at->verdict), "\033c");
	snprintf(found->capture.source.problem,
		 sizeof(found->capture.source.problem), "\033[31m");
	text = text_of(found, true);
	for (const char *at_text = text; *at_text; at_text++)
		assert_true(*at_text == '\n' ||
			    (unsigned char)*at_text >= 0x20);
	assert_non_null(strstr(text, "a?]0;x?b"));
	assert_null(strstr(text, "\xc2\x9b"));
	free(text);
	lose(found);
}

static void the_largest_connections_are_shown(void **state)
{
	struct found *found = find(MANY);
	char *text;

	(void)state;
	found->connections[2].up.bytes = 99999999;
	text = text_of(found, false);
	assert_non_null(strstr(text, "connection 3 "));
	assert_null(strstr(text, "connection 1 "));
	assert_non_null(strstr(text, "connection 12 "));
	assert_non_null(strstr(text, "and 4 smaller connections: "));
	free(text);
	text = text_of(found, true);
	assert_non_null(strstr(text, "connection 1 "));
	assert_null(strstr(text, "smaller"));
	free(text);
	lose(found);
}

static void of_several_the_worst_is_named(void **state)
{
	struct found *found = find(3);
	char sentence[ZTT_CAPTURE_SENTENCE_LEN];

	(void)state;
	assert_string_equal(ztt_capture_sentence(&found->capture, sentence),
			    "3 connections; their loss is unknown.");
	open_up(&found->connections[1]);
	open_up(&found->connections[2]);
	found->connections[2].up.lost = 3;
	found->connections[2].up.lost_after = 3;
	assert_string_equal(
		ztt_capture_sentence(&found->capture, sentence),
		"3 connections; 17 packets lost, most of them on connection 2 "
		"from the client: 14, 2.44 % (exact); of 1 the loss is "
		"unknown.");
	found->connections[1].up.lost = found->connections[2].up.lost = 0;
	assert_non_null(strstr(ztt_capture_sentence(&found->capture, sentence),
			       "no loss seen"));
	lose(found);
}

static void nothing_decoded_is_status_3(void **state)
{
	struct found *found = find(1);
	char sentence[ZTT_CAPTURE_SENTENCE_LEN];

	(void)state;
	found->capture.connection_count = 0;
	assert_int_equal(ztt_capture_exit(&found->capture, -1), 3);
	assert_non_null(strstr(ztt_capture_sentence(&found->capture, sentence),
			       "Nothing could be decoded"));
	found->capture.connection_count = 1;
	assert_int_equal(ztt_capture_exit(&found->capture, -1), 0);
	found->connections[0].up.undecoded = 573;
	found->connections[0].down.undecoded = 135;
	assert_int_equal(ztt_capture_exit(&found->capture, -1), 3);
	assert_non_null(strstr(ztt_capture_sentence(&found->capture, sentence),
			       "Nothing could be decoded"));
	lose(found);
}

static void loss_above_the_bound_is_status_1(void **state)
{
	struct found *found = find(2);

	(void)state;
	open_up(&found->connections[0]);
	open_up(&found->connections[1]);
	assert_int_equal(ztt_capture_exit(&found->capture, -1), 0);
	assert_int_equal(ztt_capture_exit(&found->capture, 0.05), 0);
	assert_int_equal(ztt_capture_exit(&found->capture, 0.02), 1);
	assert_int_equal(ztt_capture_exit(&found->capture, 0), 1);
	/* What is unknown is not fine; what is a problem is one all the same. */
	found->connections[0].down.loss_grade = ZTT_GRADE_UNKNOWN;
	assert_int_equal(ztt_capture_exit(&found->capture, 0.05), 3);
	assert_int_equal(ztt_capture_exit(&found->capture, 0.02), 1);
	lose(found);
}

static void versions_have_names(void **state)
{
	char text[ZTT_VERSION_LEN];

	(void)state;
	assert_string_equal(ztt_quic_version_text(1, text), "v1");
	assert_string_equal(ztt_quic_version_text(ZTT_QUIC_V2, text), "v2");
	assert_string_equal(ztt_quic_version_text(0xff00001d, text),
			    "0xff00001d");
	assert_string_equal(ztt_quic_version_text(0, text), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_is_in_the_json),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(zero_lost_is_not_unknown),
		cmocka_unit_test(wireguard_knows_order_and_no_retransmissions),
		cmocka_unit_test(the_verdict_comes_last),
		cmocka_unit_test(lines_fit_80_columns),
		cmocka_unit_test(unknown_loss_is_a_question_mark),
		cmocka_unit_test(hostile_text_cannot_drive_a_terminal),
		cmocka_unit_test(the_largest_connections_are_shown),
		cmocka_unit_test(of_several_the_worst_is_named),
		cmocka_unit_test(nothing_decoded_is_status_3),
		cmocka_unit_test(loss_above_the_bound_is_status_1),
		cmocka_unit_test(versions_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
