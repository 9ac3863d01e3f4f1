/* QUIC flows: the fixtures and what is known of them, and what may go wrong on
 * the way from a capture to packets. */
#include "capture_flows.h"

#include <stdio.h>
#include <stdlib.h>

#define FIXTURES "tests/fixtures/"

static struct feed feed;

static void take(const char *name, const char *keys)
{
	char pcap[128], log[128];

	snprintf(pcap, sizeof(pcap), FIXTURES "%s.pcap", name);
	snprintf(log, sizeof(log), FIXTURES "%s.keys", keys ? keys : "");
	feed_begin(&feed, keys ? log : NULL, NULL);
	feed_file(&feed, pcap);
	feed_finish(&feed);
}

static void begin(void)
{
	memset(&feed, 0, sizeof(feed));
}

static void test_no_packet_of_super_datagrams_is_lost(void **state)
{
	const struct ztt_connection *connection;

	(void)state;
	begin();
	take("cf-basic", "cf-basic");
	assert_int_equal(feed.capture->frames, 148);
	assert_int_equal(feed.capture->super_datagrams, 31);
	assert_int_equal(feed.capture->inferred_super_datagrams, 31);
	assert_int_equal(feed.capture->undecoded, 0);
	assert_int_equal(feed.capture->undecoded_by[ZTT_WHY_NO_KEYS], 0);
	assert_int_equal(feed.capture->connection_count, 2);
	connection = feed.capture->connections[1];
	assert_string_equal(connection->client_hello.server_name,
			    "quic.cftunnel.com");
	assert_string_equal(connection->client_hello.alpn, "argotunnel");
	assert_string_equal(connection->cipher, "AES-128-GCM");
	assert_int_equal(connection->up.payload_most_bytes, 1439);
	assert_int_equal(connection->requests, 20);
	assert_int_equal(connection->up.lost + connection->down.lost, 0);
	assert_string_equal(
		feed.capture->connections[0]->client_hello.server_name,
		"probe.cftunnel.com");
	feed_end(&feed);
}

static void test_without_keys_the_same_packets_are_counted(void **state)
{
	static const char *const names[] = {"cf-basic",      "cf-loss2.agent",
					    "cf-loss2.edge", "ng-retry",
					    "ng-keyupdate",  "ng-chacha"};
	char keys[64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		uint64_t datagrams = 0, packets = 0;

		begin();
		snprintf(keys, sizeof(keys), "%s", names[i]);
		if (strchr(keys, '.'))
			*strchr(keys, '.') = '\0';
		take(names[i], keys);
		for (size_t c = 0; c < feed.capture->connection_count; c++) {
			datagrams += feed.capture->connections[c]->up.datagrams;
			packets += feed.capture->connections[c]->down.packets;
		}
		feed_end(&feed);
		take(names[i], NULL);
		for (size_t c = 0; c < feed.capture->connection_count; c++) {
			datagrams -= feed.capture->connections[c]->up.datagrams;
			packets -= feed.capture->connections[c]->down.packets;
			assert_int_equal(
				feed.capture->connections[c]->up.loss_grade,
				ZTT_GRADE_UNKNOWN);
		}
		assert_int_equal(datagrams, 0);
		assert_int_equal(packets, 0);
		assert_int_equal(feed.capture->undecoded, 0);
		feed_end(&feed);
	}
}

static void test_the_drops_of_a_relay_are_found_on_either_side(void **state)
{
	const struct ztt_connection *connection;

	(void)state;
	begin();
	take("cf-loss2.agent", "cf-loss2");
	connection = feed.capture->connections[0];
	assert_int_equal(connection->up.datagrams, 573);
	assert_int_equal(connection->up.lost, 14);
	assert_int_equal(connection->up.lost_after, 14);
	assert_int_equal(connection->up.loss_grade, ZTT_GRADE_EXACT);
	assert_int_equal(connection->down.lost, 3);
	assert_int_equal(connection->down.lost_before, 3);
	feed_end(&feed);
	take("cf-loss2.edge", "cf-loss2");
	connection = feed.capture->connections[0];
	assert_int_equal(connection->up.datagrams, 573 - 14);
	assert_int_equal(connection->up.lost, 14);
	assert_int_equal(connection->up.lost_before, 14);
	assert_int_equal(connection->down.datagrams, 135);
	assert_int_equal(connection->down.lost, 3);
	assert_int_equal(connection->down.lost_after, 3);
	assert_int_equal(connection->down.loss_grade, ZTT_GRADE_EXACT);
	assert_in_range(ztt_connection_rtt_us(connection, 0.5), 20000, 30000);
	feed_end(&feed);
}

static void test_retry_key_update_and_chacha_open(void **state)
{
	(void)state;
	begin();
	take("ng-retry", "ng-retry");
	assert_true(feed.capture->connections[0]->retried);
	assert_int_equal(feed.capture->connections[0]->handshake_round_trips,
			 2);
	assert_int_equal(feed.capture->undecoded, 0);
	assert_int_equal(feed.capture->connections[0]->up.lost, 0);
	assert_int_equal(feed.capture->connections[0]->down.lost, 0);
	feed_end(&feed);
	take("ng-keyupdate", "ng-keyupdate");
	assert_true(feed.capture->connections[0]->up.key_updates > 0);
	assert_int_equal(feed.capture->undecoded, 0);
	feed_end(&feed);
	take("ng-chacha", "ng-chacha");
	assert_string_equal(feed.capture->connections[0]->cipher,
			    "ChaCha20-Poly1305");
	assert_int_equal(feed.capture->undecoded, 0);
	feed_end(&feed);
}

static char *read_text(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "r");
	char *text = malloc(65536);

	assert_non_null(file);
	*ret_len = fread(text, 1, 65536, file);
	fclose(file);
	return text;
}

static bool keys_at_frame_12(struct feed *fed, struct ztt_frame *frame,
			     uint8_t *data)
{
	size_t len;
	char *text;

	(void)data;
	if (frame->number != 12)
		return true;
	text = read_text(FIXTURES "cf-loss2.keys", &len);
	ztt_key_log_add(fed->keys, text, len);
	free(text);
	return true;
}

static void test_packets_wait_for_keys_that_come_late(void **state)
{
	(void)state;
	begin();
	feed.each = keys_at_frame_12;
	take("cf-loss2.edge", NULL);
	assert_int_equal(feed.capture->undecoded, 0);
	assert_int_equal(feed.capture->undecoded_by[ZTT_WHY_NO_KEYS], 0);
	assert_int_equal(feed.capture->connections[0]->up.lost, 14);
	feed_end(&feed);
}

static bool swapped(struct feed *fed, struct ztt_frame *frame, uint8_t *data)
{
	static struct ztt_frame held;
	static uint8_t held_data[4096];

	if (frame->number == 4) {
		held = *frame;
		memcpy(held_data, data, frame->captured_bytes);
		held.data = held_data;
		return false;
	}
	if (frame->number == 9)
		ztt_flows_frame(fed->flows, &held);
	return true;
}

static void
test_a_server_hello_that_comes_late_opens_what_came_before(void **state)
{
	(void)state;
	begin();
	feed.each = swapped;
	take("cf-loss2.edge", "cf-loss2");
	assert_int_equal(feed.capture->undecoded, 0);
	assert_int_equal(feed.capture->undecoded_by[ZTT_WHY_NO_KEYS], 0);
	assert_true(feed.capture->connections[0]->has_server_hello);
	feed_end(&feed);
}

/* From frame 30 on, the client has another port. */
static bool moved(struct feed *fed, struct ztt_frame *frame, uint8_t *data)
{
	uint8_t *udp = data + 14 + 20;

	(void)fed;
	if (frame->number < 30 || data[12] != 8 || data[14] != 0x45)
		return true;
	udp[udp[0] == 0x1e && udp[1] == 0xa4 ? 2 : 0] ^= 0x40;
	return true;
}

static void test_a_connection_that_moves_stays_one(void **state)
{
	(void)state;
	begin();
	feed.each = moved;
	take("ng-keyupdate", "ng-keyupdate");
	assert_int_equal(feed.capture->connection_count, 1);
	assert_int_equal(feed.capture->connections[0]->migrations, 1);
	assert_int_equal(feed.capture->undecoded, 0);
	feed_end(&feed);
}

static bool cut(struct feed *fed, struct ztt_frame *frame, uint8_t *data)
{
	(void)fed;
	(void)data;
	if (frame->captured_bytes > 200)
		frame->captured_bytes = 200;
	return true;
}

static void test_what_the_snap_length_cut_is_said_to_be_cut(void **state)
{
	(void)state;
	begin();
	feed.each = cut;
	take("ng-chacha", "ng-chacha");
	assert_int_equal(feed.capture->undecoded,
			 feed.capture->undecoded_by[ZTT_WHY_CUT]);
	assert_true(feed.capture->undecoded > 20);
	feed_end(&feed);
}

static bool late(struct feed *fed, struct ztt_frame *frame, uint8_t *data)
{
	(void)fed;
	(void)data;
	return frame->number > 20;
}

static void test_a_late_capture_without_keys_is_unknown(void **state)
{
	const struct ztt_connection *connection;

	(void)state;
	begin();
	feed.each = late;
	take("cf-loss2.edge", NULL);
	assert_int_equal(feed.capture->connection_count, 0);
	feed_end(&feed);
	take("cf-loss2.agent", NULL);
	connection = feed.capture->connections[0];
	assert_false(connection->began);
	assert_int_equal(connection->handshake_ns, 0);
	assert_int_equal(connection->up.loss_grade, ZTT_GRADE_UNKNOWN);
	feed_end(&feed);
}

static void
test_a_late_capture_opens_with_the_only_secrets_that_do(void **state)
{
	const struct ztt_connection *connection;

	(void)state;
	begin();
	feed.each = late;
	take("cf-loss2.agent", "cf-loss2");
	connection = feed.capture->connections[0];
	assert_false(connection->began);
	assert_true(connection->decrypted);
	assert_int_equal(feed.capture->undecoded, 0);
	assert_int_equal(connection->up.lost, 14);
	assert_string_equal(connection->cipher, "AES-128-GCM");
	feed_end(&feed);
	take("cf-loss2.agent", "ng-retry");
	assert_false(feed.capture->connections[0]->decrypted);
	assert_int_equal(feed.capture->undecoded,
			 feed.capture->undecoded_by[ZTT_WHY_UNMATCHED]);
	feed_end(&feed);
}

/* The second connection comes from the port of the first. */
static bool same_port(struct feed *fed, struct ztt_frame *frame, uint8_t *data)
{
	uint8_t *udp = data + 14 + 20;
	uint8_t *port = udp + (udp[0] == 0x1e && udp[1] == 0xa4 ? 2 : 0);

	(void)fed;
	(void)frame;
	port[0] = 0xaa;
	port[1] = 0xbb;
	return true;
}

static void test_a_client_that_comes_back_from_its_port_is_another(void **state)
{
	(void)state;
	begin();
	feed.each = same_port;
	take("cf-basic", "cf-basic");
	assert_int_equal(feed.capture->connection_count, 2);
	assert_int_equal(feed.capture->undecoded, 0);
	assert_int_equal(feed.capture->connections[1]->requests, 20);
	assert_true(feed.capture->connections[0]->closed);
	feed_end(&feed);
}

static void test_a_stateless_reset_is_known_by_its_token(void **state)
{
	const struct ztt_connection *connection;
	uint8_t datagram[43];

	(void)state;
	begin();
	feed_begin(&feed, FIXTURES "ng-retry.keys", NULL);
	feed_file(&feed, FIXTURES "ng-retry.pcap");
	connection = ztt_flows_capture(feed.flows)->connections[0];
	assert_true(connection->server_hello.parameters.has_reset_token);
	memset(datagram, 0x5a, sizeof(datagram));
	memcpy(datagram + sizeof(datagram) - 16,
	       connection->server_hello.parameters.reset_token, 16);
	feed_udp(&feed, connection->down.last_ns, 0x7f000001, 7844, 0x7f000001,
		 connection->client.port, datagram, sizeof(datagram));
	feed_finish(&feed);
	assert_int_equal(feed.capture->connection_count, 1);
	assert_true(connection->stateless_reset);
	assert_int_equal(feed.capture->undecoded, 0);
	assert_non_null(strstr(connection->verdict, "stateless reset"));
	feed_end(&feed);
}

struct told {
	uint64_t packets, segments, opened;
	bool request, registration;
};

static void tell(void *owner, const struct ztt_packet *packet)
{
	struct told *told = owner;

	told->packets++;
	told->segments += packet->segments > 1;
	told->opened += packet->opened && packet->frame_count;
	told->request |= strstr(packet->info, "GET http") != NULL;
	told->registration |=
		strstr(packet->info, "registerConnection") != NULL;
}

static void
test_an_observer_is_told_every_packet_and_what_is_within(void **state)
{
	struct told told = {0};
	struct ztt_observer observer = {tell, &told};
	uint64_t packets = 0;

	(void)state;
	begin();
	feed_begin(&feed, FIXTURES "cf-basic.keys", &observer);
	feed_file(&feed, FIXTURES "cf-basic.pcap");
	feed_finish(&feed);
	for (size_t i = 0; i < 2; i++)
		packets += feed.capture->connections[i]->up.packets +
			   feed.capture->connections[i]->down.packets;
	assert_int_equal(told.packets, packets);
	assert_int_equal(told.opened, packets);
	assert_true(told.segments > 200);
	assert_true(told.request);
	assert_true(told.registration);
	feed_end(&feed);
}

static bool twice(struct feed *fed, struct ztt_frame *frame, uint8_t *data)
{
	if (frame->number == 100)
		ztt_flows_frame(fed->flows, frame);
	(void)data;
	return true;
}

static void test_a_datagram_that_comes_twice_is_a_duplicate(void **state)
{
	(void)state;
	begin();
	feed.each = twice;
	take("cf-loss2.edge", "cf-loss2");
	assert_int_equal(feed.capture->connections[0]->up.duplicated +
				 feed.capture->connections[0]->down.duplicated,
			 1);
	assert_int_equal(feed.capture->connections[0]->up.lost, 14);
	feed_end(&feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_packet_of_super_datagrams_is_lost),
		cmocka_unit_test(
			test_without_keys_the_same_packets_are_counted),
		cmocka_unit_test(
			test_the_drops_of_a_relay_are_found_on_either_side),
		cmocka_unit_test(test_retry_key_update_and_chacha_open),
		cmocka_unit_test(test_packets_wait_for_keys_that_come_late),
		cmocka_unit_test(
			test_a_server_hello_that_comes_late_opens_what_came_before),
		cmocka_unit_test(test_a_connection_that_moves_stays_one),
		cmocka_unit_test(
			test_what_the_snap_length_cut_is_said_to_be_cut),
		cmocka_unit_test(test_a_late_capture_without_keys_is_unknown),
		cmocka_unit_test(
			test_a_late_capture_opens_with_the_only_secrets_that_do),
		cmocka_unit_test(
			test_a_client_that_comes_back_from_its_port_is_another),
		cmocka_unit_test(test_a_stateless_reset_is_known_by_its_token),
		cmocka_unit_test(
			test_an_observer_is_told_every_packet_and_what_is_within),
		cmocka_unit_test(
			test_a_datagram_that_comes_twice_is_a_duplicate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
