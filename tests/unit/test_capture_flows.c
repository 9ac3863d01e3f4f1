/* flows: which connection a datagram belongs to, and what is held for it. */
#include "capture_flows.h"

#define CLIENT 0x0a000001
#define EDGE 0xc6290001

static const uint8_t short_header[64] = {0x40, 1, 2, 3, 4, 5, 6, 7, 8};

static struct feed feed;

static void begin(void)
{
	memset(&feed, 0, sizeof(feed));
	feed_begin(&feed, NULL, NULL);
}

static void up(uint16_t port, int64_t at_ns)
{
	feed_udp(&feed, at_ns, CLIENT, port, EDGE, 7844, short_header,
		 sizeof(short_header));
}

static void down(uint16_t port, int64_t at_ns)
{
	feed_udp(&feed, at_ns, EDGE, 7844, CLIENT, port, short_header,
		 sizeof(short_header));
}

static void test_both_directions_are_one_connection(void **state)
{
	const struct ztt_connection *connection;

	(void)state;
	begin();
	up(1000, 1);
	down(1000, 2);
	up(1000, 3);
	feed_finish(&feed);
	assert_int_equal(feed.capture->connection_count, 1);
	connection = feed.capture->connections[0];
	assert_int_equal(connection->up.datagrams, 2);
	assert_int_equal(connection->down.datagrams, 1);
	assert_int_equal(connection->server.port, 7844);
	assert_int_equal(connection->client.port, 1000);
	feed_end(&feed);
}

static void test_the_server_may_be_seen_first(void **state)
{
	(void)state;
	begin();
	down(1000, 1);
	up(1000, 2);
	feed_finish(&feed);
	assert_int_equal(feed.capture->connection_count, 1);
	assert_int_equal(feed.capture->connections[0]->server.port, 7844);
	assert_int_equal(feed.capture->connections[0]->down.datagrams, 1);
	feed_end(&feed);
}

static void test_another_port_is_another_connection(void **state)
{
	(void)state;
	begin();
	up(1000, 1);
	up(1001, 2);
	up(1000, 3);
	feed_finish(&feed);
	assert_int_equal(feed.capture->connection_count, 2);
	assert_int_equal(feed.capture->connections[0]->number, 1);
	assert_int_equal(feed.capture->connections[1]->number, 2);
	feed_end(&feed);
}

static void test_other_ports_are_other(void **state)
{
	(void)state;
	begin();
	feed_udp(&feed, 1, CLIENT, 1000, EDGE, 53, short_header,
		 sizeof(short_header));
	feed_finish(&feed);
	assert_int_equal(feed.capture->connection_count, 0);
	assert_int_equal(feed.capture->other, 1);
	assert_int_equal(feed.capture->frames, 1);
	feed_end(&feed);
}

static void test_many_5_tuples_are_counted_not_held(void **state)
{
	(void)state;
	begin();
	for (unsigned round = 0; round < 2; round++)
		for (uint32_t port = 1; port < 60000; port++)
			up((uint16_t)port, port);
	feed_finish(&feed);
	assert_int_equal(feed.capture->connection_count, ZTT_CONNECTIONS_MAX);
	assert_true(feed.capture->connections_left_out >= 60000 - 4097);
	feed_end(&feed);
}

static void
test_an_idle_connection_that_was_folded_keeps_its_figures(void **state)
{
	(void)state;
	begin();
	up(1, 1);
	down(1, 2);
	for (uint16_t port = 2; port < 3000; port++)
		up(port, port);
	feed_finish(&feed);
	assert_int_equal(feed.capture->connections[0]->up.datagrams, 1);
	assert_int_equal(feed.capture->connections[0]->down.datagrams, 1);
	assert_true(feed.capture->connections[0]->verdict[0]);
	feed_end(&feed);
}

static void test_state_is_bounded_and_given_back(void **state)
{
	(void)state;
	begin();
	assert_true(ztt_flows_reserve(feed.flows, 20 << 20));
	assert_false(ztt_flows_reserve(feed.flows, 20 << 20));
	assert_true(ztt_flows_reserve(feed.flows, -(20 << 20)));
	assert_true(ztt_flows_reserve(feed.flows, 20 << 20));
	feed_end(&feed);
}

static void test_histograms_are_bounded(void **state)
{
	struct ztt_hist *hists[1000];
	size_t count = 0;

	(void)state;
	begin();
	while (count < 1000 && (hists[count] = ztt_flows_hist(feed.flows)))
		count++;
	assert_true(count > 16 && count < 200);
	while (count)
		ztt_hist_free(hists[--count]);
	feed_end(&feed);
}

static void test_the_longest_gap_is_of_both_directions(void **state)
{
	(void)state;
	begin();
	up(1000, 1000);
	down(1000, 7000);
	up(1000, 9000);
	up(1000, 8000);
	feed_finish(&feed);
	assert_int_equal(feed.capture->connections[0]->longest_gap_ns, 6000);
	feed_end(&feed);
}

static void test_a_silent_peer_is_told(void **state)
{
	(void)state;
	begin();
	up(1000, 1);
	up(1000, 2);
	feed_finish(&feed);
	assert_non_null(strstr(feed.capture->connections[0]->verdict,
			       "nothing came back"));
	feed_end(&feed);
}

static void test_a_frame_that_is_cut_is_counted(void **state)
{
	static const uint8_t data[] = {0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17};
	struct ztt_frame frame = {
		.link = ZTT_LINK_RAW,
		.captured_bytes = sizeof(data),
		.length_bytes = 100,
		.data = data,
	};

	(void)state;
	begin();
	ztt_flows_frame(feed.flows, &frame);
	feed_finish(&feed);
	assert_int_equal(feed.capture->undecoded, 1);
	assert_int_equal(feed.capture->undecoded_by[ZTT_WHY_CUT], 1);
	feed_end(&feed);
}

static void test_a_fragment_without_its_rest_is_counted(void **state)
{
	/* More fragments, offset 0, UDP. */
	static const uint8_t data[28] = {0x45, 0, 0,  28, 0, 7, 0x20, 0, 64, 17,
					 0,    0, 10, 0,  0, 1, 10,   0, 0,  2};
	struct ztt_frame frame = {
		.link = ZTT_LINK_RAW,
		.captured_bytes = sizeof(data),
		.length_bytes = sizeof(data),
		.data = data,
	};

	(void)state;
	begin();
	ztt_flows_frame(feed.flows, &frame);
	feed_finish(&feed);
	assert_int_equal(feed.capture->undecoded, 1);
	assert_int_equal(feed.capture->undecoded_by[ZTT_WHY_FRAGMENT], 1);
	feed_end(&feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_directions_are_one_connection),
		cmocka_unit_test(test_the_server_may_be_seen_first),
		cmocka_unit_test(test_another_port_is_another_connection),
		cmocka_unit_test(test_other_ports_are_other),
		cmocka_unit_test(test_many_5_tuples_are_counted_not_held),
		cmocka_unit_test(
			test_an_idle_connection_that_was_folded_keeps_its_figures),
		cmocka_unit_test(test_state_is_bounded_and_given_back),
		cmocka_unit_test(test_histograms_are_bounded),
		cmocka_unit_test(test_the_longest_gap_is_of_both_directions),
		cmocka_unit_test(test_a_silent_peer_is_told),
		cmocka_unit_test(test_a_frame_that_is_cut_is_counted),
		cmocka_unit_test(test_a_fragment_without_its_rest_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
