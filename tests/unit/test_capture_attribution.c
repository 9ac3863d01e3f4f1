#include "ztt-capture/analysis/attribution.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/err.h"
#include "ztt-capture/live_counters.h"

/* One QUIC connection whose client is the process; the server's packets end at
 * its socket. */
struct scene {
	struct ztt_connection connection, other;
	struct ztt_connection *list[2];
	struct ztt_capture capture;
	struct ztt_host_counts counts;
	struct ztt_attribution *result;
};

static struct ztt_counted counted(uint64_t grew)
{
	return (struct ztt_counted){.known = true, .grew = grew};
}

static void set(struct scene *scene)
{
	struct ztt_connection *at = &scene->connection;

	*scene = (struct scene){.list = {at, &scene->other},
				.counts = {.pid = 7, .socket_count = 1}};
	at->number = 1;
	at->client = (struct ztt_endpoint){{10, 0, 0, 1}, 40000, 4, 0};
	at->server = (struct ztt_endpoint){{198, 41, 192, 7}, 7844, 4, 0};
	at->up.from = at->client;
	at->down.from = at->server;
	at->up.loss_grade = at->down.loss_grade = ZTT_GRADE_EXACT;
	scene->capture.connections = scene->list;
	scene->capture.connection_count = 1;
	scene->counts.sockets[0] =
		(struct ztt_counted_socket){at->client, 1, counted(0)};
	scene->counts.nic_missed = counted(0);
	scene->counts.engine_dropped_bytes = counted(0);
}

static const struct ztt_share *down(struct scene *scene, enum ztt_place place)
{
	if (!scene->result)
		scene->result =
			ztt_attribution_new(&scene->capture, &scene->counts);
	return &scene->result->connections[0].places[1][place];
}

static void is(const struct ztt_share *share, uint64_t least, uint64_t most,
	       enum ztt_grade grade)
{
	assert_int_equal(share->grade, grade);
	assert_int_equal(share->least, least);
	assert_int_equal(share->most, most);
}

static void end(struct scene *scene)
{
	ztt_attribution_free(scene->result);
}

static void test_drops_of_single_datagrams_are_the_socket_s(void **state)
{
	struct scene scene;

	(void)state;
	set(&scene);
	scene.connection.down.lost = scene.connection.down.lost_after = 12;
	scene.counts.sockets[0].drops = counted(12);
	is(down(&scene, ZTT_PLACE_SOCKET), 12, 12, ZTT_GRADE_EXACT);
	is(down(&scene, ZTT_PLACE_PATH_AFTER), 0, 0, ZTT_GRADE_EXACT);
	is(down(&scene, ZTT_PLACE_ENGINE), 0, 0, ZTT_GRADE_EXACT);
	is(&scene.result->sum[ZTT_PLACE_SOCKET], 12, 12, ZTT_GRADE_EXACT);
	assert_non_null(strstr(scene.result->sentence, "socket buffer: 12."));
	end(&scene);
}

static void test_a_drop_may_be_a_super_datagram(void **state)
{
	struct scene scene;

	(void)state;
	set(&scene);
	scene.connection.down.super_datagrams = 100;
	scene.connection.down.lost = scene.connection.down.lost_after = 90;
	scene.counts.sockets[0].drops = counted(3);
	is(down(&scene, ZTT_PLACE_SOCKET), 3, 90, ZTT_GRADE_BOUNDED);
	is(down(&scene, ZTT_PLACE_PATH_AFTER), 0, 87, ZTT_GRADE_BOUNDED);
	end(&scene);
}

static void test_loss_before_this_point_is_the_path_s_or_the_nic_s(void **state)
{
	struct scene scene;

	(void)state;
	set(&scene);
	scene.connection.down.lost = scene.connection.down.lost_before = 20;
	is(down(&scene, ZTT_PLACE_PATH_BEFORE), 20, 20, ZTT_GRADE_EXACT);
	end(&scene);
	scene.result = NULL;
	scene.counts.nic_missed = counted(5);
	is(down(&scene, ZTT_PLACE_NIC), 0, 5, ZTT_GRADE_BOUNDED);
	is(down(&scene, ZTT_PLACE_PATH_BEFORE), 15, 20, ZTT_GRADE_BOUNDED);
	end(&scene);
}

static void test_the_engine_counts_bytes(void **state)
{
	struct scene scene;

	(void)state;
	set(&scene);
	scene.connection.down.lost = scene.connection.down.lost_after = 10;
	scene.counts.engine_dropped_bytes = counted(63);
	is(down(&scene, ZTT_PLACE_ENGINE), 0, 4, ZTT_GRADE_BOUNDED);
	is(down(&scene, ZTT_PLACE_PATH_AFTER), 6, 10, ZTT_GRADE_BOUNDED);
	end(&scene);
}

static void test_what_was_not_counted_is_unknown(void **state)
{
	struct scene scene;

	(void)state;
	set(&scene);
	scene.connection.down.lost = scene.connection.down.lost_after = 10;
	scene.counts.socket_count = 0;
	scene.counts.engine_dropped_bytes.known = false;
	assert_int_equal(down(&scene, ZTT_PLACE_SOCKET)->grade,
			 ZTT_GRADE_UNKNOWN);
	assert_int_equal(down(&scene, ZTT_PLACE_ENGINE)->grade,
			 ZTT_GRADE_UNKNOWN);
	is(down(&scene, ZTT_PLACE_PATH_AFTER), 0, 10, ZTT_GRADE_BOUNDED);
	assert_false(scene.result->connections[0].ends_here[1]);
	end(&scene);
}

static void test_without_keys_the_socket_s_drops_are_a_bound(void **state)
{
	struct scene scene;

	(void)state;
	set(&scene);
	scene.connection.down.loss_grade = ZTT_GRADE_UNKNOWN;
	scene.connection.down.super_datagrams = 1;
	scene.counts.sockets[0].drops = counted(9);
	is(down(&scene, ZTT_PLACE_SOCKET), 9, ZTT_MOST_UNKNOWN,
	   ZTT_GRADE_BOUNDED);
	assert_int_equal(down(&scene, ZTT_PLACE_PATH_AFTER)->grade,
			 ZTT_GRADE_UNKNOWN);
	end(&scene);
}

static void test_what_the_process_sent_is_lost_on_the_path(void **state)
{
	struct scene scene;
	const struct ztt_share *up;

	(void)state;
	set(&scene);
	scene.connection.up.lost = scene.connection.up.lost_after = 4;
	scene.counts.sockets[0].drops = counted(9);
	down(&scene, ZTT_PLACE_SOCKET);
	up = scene.result->connections[0].places[0];
	is(&up[ZTT_PLACE_PATH_AFTER], 4, 4, ZTT_GRADE_EXACT);
	is(&up[ZTT_PLACE_SOCKET], 0, 0, ZTT_GRADE_EXACT);
	end(&scene);
}

static void test_a_shared_socket_s_drops_are_nobody_s_for_certain(void **state)
{
	struct scene scene;

	(void)state;
	set(&scene);
	scene.connection.down.lost = scene.connection.down.lost_after = 5;
	scene.other = scene.connection;
	scene.capture.connection_count = 2;
	scene.counts.sockets[0].drops = counted(7);
	is(down(&scene, ZTT_PLACE_SOCKET), 0, 5, ZTT_GRADE_BOUNDED);
	is(&scene.result->sum[ZTT_PLACE_SOCKET], 0, 7, ZTT_GRADE_BOUNDED);
	end(&scene);
}

static void test_a_socket_of_all_addresses_is_found_by_its_port(void **state)
{
	struct scene scene;

	(void)state;
	set(&scene);
	scene.counts.sockets[0].local = (struct ztt_endpoint){{0}, 40000, 6, 0};
	down(&scene, ZTT_PLACE_SOCKET);
	assert_true(scene.result->connections[0].ends_here[1]);
	assert_false(scene.result->connections[0].ends_here[0]);
	end(&scene);
}

static void test_a_line_of_proc_net_udp_is_read(void **state)
{
	static const char line[] =
		" 1234: 0100007F:9C40 00000000:0000 07 00000000:00000000 "
		"00:00000000 00000000     0        0 4711 2 "
		"0000000000000000 17";
	struct ztt_counted_socket socket;
	uint64_t drops;

	(void)state;
	assert_true(ztt_counters_read_socket(line, &socket, &drops));
	assert_int_equal(socket.local.port, 40000);
	assert_int_equal(socket.local.family, 4);
	assert_int_equal(socket.inode, 4711);
	assert_int_equal(drops, 17);
	assert_false(ztt_counters_read_socket("  sl  local_address rem_address",
					      &socket, &drops));
	assert_false(ztt_counters_read_socket("1: 01:02", &socket, &drops));
}

static void test_metrics_are_summed_without_duplicates(void **state)
{
	char body[] =
		"# TYPE quic_client_lost_packets counter\n"
		"quic_client_lost_packets{conn_index=\"0\",reason=\"time\"} 3\n"
		"quic_client_lost_packets{conn_index=\"1\",reason=\"time\"} 4\n"
		"quic_client_lost_packets_more 100\n"
		"quic_client_dropped_packets{reason=\"duplicate\"} 1200\n"
		"quic_client_dropped_packets{reason=\"key_unavailable\"} 60\n"
		"quic_client_packet_too_big_dropped 2\n"
		"quic_client_lost_packets{";
	char none[] = "go_goroutines 5\n";
	struct ztt_metrics metrics;

	(void)state;
	ztt_metrics_read(body, &metrics);
	assert_true(metrics.quic);
	assert_int_equal(metrics.lost, 7);
	assert_int_equal(metrics.dropped_bytes, 60);
	assert_int_equal(metrics.too_big, 2);
	ztt_metrics_read(none, &metrics);
	assert_false(metrics.quic);
}

static void test_metrics_are_only_asked_of_this_host(void **state)
{
	static const char *const bad[] = {"https://127.0.0.1:20241/metrics",
					  "http://192.0.2.1:80/metrics",
					  "http://127.0.0.1/metrics",
					  "http://127.0.0.1:20241/a b",
					  "127.0.0.1:20241"};
	struct ztt_metrics_url url;
	struct ztt_err err;

	(void)state;
	assert_int_equal(ztt_metrics_url("http://127.0.0.1:20241", &url, &err),
			 0);
	assert_string_equal(url.path, "/metrics");
	assert_int_equal(ztt_metrics_url("http://[::1]:1/x", &url, &err), 0);
	assert_string_equal(url.path, "/x");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(ztt_metrics_url(bad[i], &url, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_drops_of_single_datagrams_are_the_socket_s),
		cmocka_unit_test(test_a_drop_may_be_a_super_datagram),
		cmocka_unit_test(
			test_loss_before_this_point_is_the_path_s_or_the_nic_s),
		cmocka_unit_test(test_the_engine_counts_bytes),
		cmocka_unit_test(test_what_was_not_counted_is_unknown),
		cmocka_unit_test(
			test_without_keys_the_socket_s_drops_are_a_bound),
		cmocka_unit_test(
			test_what_the_process_sent_is_lost_on_the_path),
		cmocka_unit_test(
			test_a_shared_socket_s_drops_are_nobody_s_for_certain),
		cmocka_unit_test(
			test_a_socket_of_all_addresses_is_found_by_its_port),
		cmocka_unit_test(test_a_line_of_proc_net_udp_is_read),
		cmocka_unit_test(test_metrics_are_summed_without_duplicates),
		cmocka_unit_test(test_metrics_are_only_asked_of_this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
