#include "ztt-capture/flow/tls_flow.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture_tls.h"
#include "common/err.h"

#define PCAP "tests/fixtures/cf-h2.pcap"
#define KEYS "tests/fixtures/cf-h2.keys"
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SEGMENT 1000

/* What was told of each packet, one line each. */
static struct {
	char text[65536];
	size_t len;
	unsigned packets;
} told;

static void write_down(void *owner, const struct ztt_packet *packet)
{
	(void)owner;
	told.packets++;
	if (packet->info[0])
		told.len += (size_t)snprintf(told.text + told.len,
					     sizeof(told.text) - told.len,
					     "%c %s\n", packet->up ? '>' : '<',
					     packet->info);
	assert_true(told.len < sizeof(told.text));
}

static struct ztt_key_log *keys;
static struct ztt_flows *flows;
static struct tcp_feed feed;
static struct tls_wire wire;

static int set_up(void **state)
{
	(void)state;
	memset(&told, 0, sizeof(told));
	memset(&wire, 0, sizeof(wire));
	memset(&feed, 0, sizeof(feed));
	keys = ztt_key_log_new();
	return 0;
}

static void begin(bool with_keys)
{
	const struct ztt_flows_plan plan = {
		.keys = with_keys ? keys : NULL,
		.observer = {.packet = write_down},
	};

	flows = ztt_flows_new(&plan);
}

static int tear_down(void **state)
{
	(void)state;
	ztt_flows_free(flows);
	ztt_key_log_free(keys);
	tls_wire_free(&wire);
	return 0;
}

static const struct ztt_connection *finish(size_t connections)
{
	const struct ztt_source_figures figures = {0};
	const struct ztt_capture *capture = ztt_flows_finish(flows, &figures);

	assert_int_equal(capture->connection_count, connections);
	return capture->connections[connections - 1];
}

/* The fixture, without frames `from` to `to`, each cut to `snap_bytes`. */
static const struct ztt_connection *play(uint64_t from, uint64_t to,
					 uint32_t snap_bytes)
{
	struct ztt_source *source;
	struct ztt_frame frame;
	struct ztt_err err;

	assert_int_equal(ztt_source_open_file(PCAP, &source, &err), 0);
	while (ztt_source_next(source, &frame, &err) > 0) {
		if (frame.captured_bytes > snap_bytes)
			frame.captured_bytes = snap_bytes;
		if (frame.number < from || frame.number > to)
			ztt_flows_frame(flows, &frame);
	}
	ztt_source_close(source);
	return finish(1);
}

static void read_keys(void)
{
	struct ztt_err err;

	assert_int_equal(ztt_key_log_read(keys, KEYS, &err), 0);
}

static bool has(const char *line)
{
	return strstr(told.text, line) != NULL;
}

static unsigned count(const char *word)
{
	unsigned n = 0;

	for (const char *at = told.text; (at = strstr(at, word)); at++)
		n++;
	return n;
}

static void reads_cloudflared_over_http2(void **state)
{
	const struct ztt_connection *connection;

	(void)state;
	read_keys();
	begin(true);
	connection = play(1, 0, UINT32_MAX);
	assert_int_equal(told.packets, 81);
	assert_true(connection->decrypted);
	assert_string_equal(connection->cipher, "AES-128-GCM");
	assert_string_equal(connection->client_hello.server_name,
			    "h2.cftunnel.com");
	assert_string_equal(connection->client_hello.ja4,
			    "t13d131100_f57a46bbacb6_ab7e3b40a677");
	assert_int_equal(connection->up.undecoded + connection->down.undecoded,
			 0);
	assert_int_equal(connection->streams, 9);
	assert_int_equal(connection->requests, 8);
	assert_int_equal(connection->handshake_round_trips, 2);
	assert_int_equal(connection->handshake_ns, 1677000);
	assert_true(has("ServerHello AES-128-GCM; EncryptedExtensions; "
			"Certificate; CertificateVerify; Finished\n"));
	assert_true(has("GET https://edge/ control-stream\n"));
	assert_true(has("registerConnection index 0 tunnel "));
	assert_true(has("secret (redacted)"));
	assert_true(has("registered at ZTT as "));
	assert_true(has("updateLocalConfiguration 182 bytes\n"));
	assert_int_equal(count("https://x.example/blob?(redacted) end"), 8);
	assert_int_equal(count("15904 bytes"), 6);
	assert_int_equal(connection->up.lost + connection->down.lost, 0);
}

static void tells_what_is_clear_without_keys(void **state)
{
	const struct ztt_connection *connection;

	(void)state;
	begin(false);
	connection = play(1, 0, UINT32_MAX);
	assert_false(connection->decrypted);
	assert_string_equal(connection->cipher, "AES-128-GCM");
	assert_int_equal(connection->requests, 0);
	assert_int_equal(connection->handshake_ns, 1677000);
	assert_int_equal(connection->up.undecoded + connection->down.undecoded,
			 0);
	assert_true(ztt_flows_capture(flows)->undecoded_by[ZTT_WHY_NO_KEYS] >
		    40);
}

static void decrypts_on_after_frames_that_were_not_captured(void **state)
{
	const struct ztt_connection *connection;

	(void)state;
	read_keys();
	begin(true);
	connection = play(36, 43, UINT32_MAX);
	assert_true(connection->up.missed > 0);
	assert_true(has("DATA 7 15904 bytes") || has("DATA 9 15904 bytes"));
	assert_true(has("HEADERS 5 (not readable)"));
	assert_true(has("GET https://x.example/blob?(redacted) end\n"));
	assert_int_equal(count("> FIN"), 0);
	assert_int_equal(connection->up.lost, 0);
}

static void joins_in_the_middle(void **state)
{
	const struct ztt_connection *connection;

	(void)state;
	read_keys();
	begin(true);
	connection = play(1, 30, UINT32_MAX);
	assert_false(connection->began);
	assert_false(connection->decrypted);
	assert_true(ztt_flows_capture(flows)->undecoded_by[ZTT_WHY_UNMATCHED] >
		    0);
}

static void says_what_the_snap_length_cut(void **state)
{
	const struct ztt_connection *connection;

	(void)state;
	read_keys();
	begin(true);
	connection = play(1, 0, 1600);
	assert_int_equal(connection->requests, 8);
	assert_int_equal(
		ztt_flows_capture(flows)->undecoded_by[ZTT_WHY_KEYS_FAIL], 0);
	assert_true(ztt_flows_capture(flows)->undecoded_by[ZTT_WHY_CUT] > 0);
	assert_int_equal(connection->up.lost, 0);
	assert_int_equal(connection->up.missed, 0);
	assert_true(connection->up.bytes > 120000);
}

static void play_wire(size_t segment)
{
	tcp_open(&feed, flows);
	for (size_t i = 0; i < wire.count; i++)
		tcp_data(&feed, wire.writes[i].up, wire.writes[i].data,
			 wire.writes[i].len, segment);
}

/* Frames of HTTP/2, and keys that change on either side. */
static void make_session(const char *cipher)
{
	static const char settings[] = "\0\0\0\4\0\0\0\0";
	static uint8_t data[9 + 16000] = {0, 16000 >> 8, 16000 & 0xff,
					  0, 0,          0,
					  0, 0,          3};
	const struct tls_say says[] = {
		{.data = PREFACE, .len = 24},
		{.data = settings, .len = 9},
		{.up = true, .data = settings, .len = 9},
		{.up = true, .data = data, .len = sizeof(data)},
		{.up = true, .update = true, .data = data, .len = sizeof(data)},
		{.update = true, .data = settings, .len = 9},
		{.up = true, .update = true, .data = data, .len = sizeof(data)},
	};

	tls_run(&wire, cipher, says, sizeof(says) / sizeof(says[0]));
	ztt_key_log_add(keys, wire.keys, strlen(wire.keys));
}

static void opens_with(const char *cipher, const char *name, size_t segment)
{
	const struct ztt_connection *connection;

	make_session(cipher);
	begin(true);
	play_wire(segment);
	connection = finish(1);
	assert_string_equal(connection->cipher, name);
	assert_int_equal(connection->up.undecoded + connection->down.undecoded,
			 0);
	assert_int_equal(count("DATA 3 16000 bytes"), 3);
	assert_int_equal(count("KeyUpdate"), 3);
	assert_int_equal(connection->up.key_updates, 2);
	assert_int_equal(connection->down.key_updates, 1);
	assert_true(has("> close_notify\n"));
	assert_true(has("< ServerHello"));
}

static void opens_aes_128_and_follows_key_updates(void **state)
{
	(void)state;
	opens_with("AES-128-GCM", "AES-128-GCM", 1400);
}

static void opens_aes_256_in_super_segments(void **state)
{
	const struct ztt_capture *capture;

	(void)state;
	opens_with("AES-256-GCM", "AES-256-GCM", 60000);
	capture = ztt_flows_capture(flows);
	assert_int_equal(capture->super_datagrams, 3);
	assert_int_equal(capture->inferred_super_datagrams, 3);
}

static void splits_super_segments_as_the_capture_says(void **state)
{
	const struct ztt_capture *capture;

	(void)state;
	feed.segment_bytes = 1000;
	opens_with("AES-128-GCM", "AES-128-GCM", 60000);
	capture = ztt_flows_capture(flows);
	assert_int_equal(capture->inferred_super_datagrams, 0);
	assert_true(capture->super_datagrams >= 3);
	assert_int_equal(capture->connections[0]->up.payload_most_bytes, 1000);
	assert_true(capture->connections[0]->up.packets > 48);
}

static void counts_once_what_several_interfaces_show(void **state)
{
	const struct ztt_connection *connection;
	uint64_t datagrams;

	(void)state;
	feed.hops = 3;
	opens_with("AES-128-GCM", "AES-128-GCM", 1400);
	connection = ztt_flows_capture(flows)->connections[0];
	datagrams = connection->up.datagrams + connection->down.datagrams;
	assert_int_equal(connection->up.retransmitted, 0);
	assert_int_equal(connection->down.retransmitted, 0);
	assert_int_equal(datagrams, feed.number);
	assert_int_equal(told.packets, 3 * feed.number);
	assert_int_equal(count("seen at another interface before"),
			 2 * feed.number);
}

static void opens_chacha20_in_tiny_segments(void **state)
{
	(void)state;
	opens_with("CHACHA20-POLY1305", "CHACHA20-POLY1305", 3);
}

static void says_when_keys_do_not_fit(void **state)
{
	const struct ztt_connection *connection;
	char *at;

	(void)state;
	make_session("AES-128-GCM");
	ztt_key_log_free(keys);
	keys = ztt_key_log_new();
	for (at = wire.keys; (at = strchr(at, '\n')); at++)
		at[-1] = at[-1] == '0' ? '1' : '0';
	ztt_key_log_add(keys, wire.keys, strlen(wire.keys));
	begin(true);
	play_wire(1400);
	connection = finish(1);
	assert_false(connection->decrypted);
	assert_true(connection->up.undecoded > 0);
	assert_true(ztt_flows_capture(flows)->undecoded_by[ZTT_WHY_KEYS_FAIL] >
		    0);
}

static void opens_what_comes_after_late_keys(void **state)
{
	(void)state;
	make_session("AES-128-GCM");
	ztt_key_log_free(keys);
	keys = ztt_key_log_new();
	begin(true);
	tcp_open(&feed, flows);
	for (size_t i = 0; i < wire.count; i++) {
		if (i == wire.count - 8)
			ztt_key_log_add(keys, wire.keys, strlen(wire.keys));
		tcp_data(&feed, wire.writes[i].up, wire.writes[i].data,
			 wire.writes[i].len, 1400);
	}
	assert_true(finish(1)->decrypted);
}

static void reads_segments_in_any_order(void **state)
{
	const struct ztt_connection *connection;

	(void)state;
	make_session("AES-128-GCM");
	begin(true);
	tcp_open(&feed, flows);
	for (size_t i = 0; i < wire.count; i++) {
		const bool up = wire.writes[i].up;
		const size_t len = wire.writes[i].len;

		if (len > 2 * SEGMENT) {
			tcp_send(&feed, up, feed.next[up] + SEGMENT, 16,
				 wire.writes[i].data + SEGMENT, SEGMENT);
			tcp_send(&feed, up, feed.next[up], 16,
				 wire.writes[i].data, SEGMENT);
		}
		tcp_data(&feed, up, wire.writes[i].data, len, SEGMENT);
	}
	connection = finish(1);
	assert_int_equal(count("DATA 3 16000 bytes"), 3);
	assert_int_equal(connection->up.undecoded, 0);
	assert_int_equal(connection->up.reordered, 3);
	assert_int_equal(connection->up.retransmitted, 6);
}

static void begins_anew_with_another_syn(void **state)
{
	(void)state;
	make_session("AES-128-GCM");
	begin(true);
	play_wire(1400);
	tcp_send(&feed, true, 99, 2, NULL, 0);
	assert_true(finish(2)->began);
}

static void claims_a_client_hello_on_any_port(void **state)
{
	(void)state;
	make_session("AES-128-GCM");
	begin(true);
	feed = (struct tcp_feed){.flows = flows,
				 .client_port = 40001,
				 .server_port = 8443,
				 .next = {1, 1}};
	tcp_data(&feed, false, (const uint8_t *)"SSH-2.0", 7, 7);
	for (size_t i = 0; i < wire.count; i++)
		tcp_data(&feed, wire.writes[i].up, wire.writes[i].data,
			 wire.writes[i].len, 1400);
	assert_true(finish(1)->decrypted);
}

static void tells_how_it_was_closed(void **state)
{
	const struct ztt_connection *connection;

	(void)state;
	begin(false);
	tcp_open(&feed, flows);
	tcp_send(&feed, false, feed.next[0], 4 | 16, NULL, 0);
	connection = finish(1);
	assert_true(connection->closed);
	assert_string_equal(connection->close_reason, "reset by the server");
	assert_true(has("< RST\n"));
}

/* Items of a line that begin with a word. */
static unsigned words(const char *line, const char *word)
{
	unsigned n = 0;

	for (const char *at = line; (at = strstr(at, word)); at++)
		n += at[-1] == ' ' && at[strlen(word)] == ' ';
	return n;
}

/* As `tshark -T fields -e http2.type` lists them; of the edge's side, since
 * tshark does not know the agent's first SETTINGS, which overtake the
 * preface. */
static void finds_the_frames_that_tshark_finds(void **state)
{
	static const char command[] =
		"tshark -r " PCAP " -o tls.keylog_file:" KEYS
		" -d tcp.port==7844,tls -Y 'http2 && tcp.srcport==7844'"
		" -T fields -e http2.type 2>/dev/null | tr ',' '\\n'";
	static const char *const names[] = {"DATA",         "HEADERS",
					    "PRIORITY",     "RST_STREAM",
					    "SETTINGS",     "PUSH_PROMISE",
					    "PING",         "GOAWAY",
					    "WINDOW_UPDATE"};
	unsigned theirs[9] = {0}, ours[9] = {0}, all = 0, type;
	FILE *tshark;

	(void)state;
	read_keys();
	begin(true);
	if (system("command -v tshark >/dev/null 2>&1") != 0) {
		print_message("skip: tshark is not installed\n");
		skip();
	}
	play(1, 0, UINT32_MAX);
	tshark = popen(command, "r");
	while (fscanf(tshark, "%u", &type) == 1) {
		assert_true(type < 9);
		theirs[type]++;
		all++;
	}
	pclose(tshark);
	assert_true(all > 20);
	for (char *line = strtok(told.text, "\n"); line;
	     line = strtok(NULL, "\n"))
		for (unsigned i = 0; i < 9 && line[0] == '<'; i++)
			ours[i] += words(line, names[i]);
	assert_memory_equal(ours, theirs, sizeof(ours));
}

int main(void)
{
#define WITH_FLOWS(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_FLOWS(reads_cloudflared_over_http2),
		WITH_FLOWS(tells_what_is_clear_without_keys),
		WITH_FLOWS(decrypts_on_after_frames_that_were_not_captured),
		WITH_FLOWS(joins_in_the_middle),
		WITH_FLOWS(says_what_the_snap_length_cut),
		WITH_FLOWS(opens_aes_128_and_follows_key_updates),
		WITH_FLOWS(opens_aes_256_in_super_segments),
		WITH_FLOWS(splits_super_segments_as_the_capture_says),
		WITH_FLOWS(counts_once_what_several_interfaces_show),
		WITH_FLOWS(opens_chacha20_in_tiny_segments),
		WITH_FLOWS(says_when_keys_do_not_fit),
		WITH_FLOWS(opens_what_comes_after_late_keys),
		WITH_FLOWS(reads_segments_in_any_order),
		WITH_FLOWS(begins_anew_with_another_syn),
		WITH_FLOWS(claims_a_client_hello_on_any_port),
		WITH_FLOWS(tells_how_it_was_closed),
		WITH_FLOWS(finds_the_frames_that_tshark_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
