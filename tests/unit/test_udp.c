#define _GNU_SOURCE
#include "common/udp.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"

#define WAIT_MS 5000

static struct ztt_err err;
static struct ztt_udp_batch *batch;

static int set_up(void **state)
{
	(void)state;
	batch = ztt_udp_batch_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ztt_udp_batch_free(batch);
	return 0;
}

static struct ztt_address parse(const char *text)
{
	struct ztt_address address;

	assert_int_equal(ztt_address_parse_numeric(text, &address, &err), 0);
	return address;
}

static struct ztt_udp open_plan(const struct ztt_udp_plan *plan)
{
	struct ztt_udp udp = {.fd = -1};

	if (ztt_udp_open(plan, &udp, &err) < 0)
		fail_msg("%s", err.text);
	return udp;
}

static struct ztt_udp open_server(struct ztt_address *ret_address)
{
	*ret_address = parse("127.0.0.1:0");
	const struct ztt_udp udp = open_plan(&(
		struct ztt_udp_plan){.local = ret_address, .share_port = true});

	assert_int_equal(ztt_address_of_socket(udp.fd, ret_address), 0);
	return udp;
}

static struct ztt_udp open_client(const struct ztt_address *peer, bool no_gso)
{
	return open_plan(
		&(struct ztt_udp_plan){.peer = peer, .no_gso = no_gso});
}

/* Reads datagrams until `want` bytes have come; checks that each byte is its
 * place and notes the lengths. Returns how many datagrams there were. */
static size_t receive_all(int fd, size_t want, size_t *lens, size_t most)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	const struct ztt_udp_received *received;
	size_t got = 0, count = 0;

	while (got < want) {
		assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
		const int n = ztt_udp_receive(fd, batch, &received);

		assert_true(n > 0);
		for (int i = 0; i < n; i++) {
			const struct ztt_udp_received *r = &received[i];
			size_t left = r->len_bytes;

			for (size_t j = 0; j < r->len_bytes; j++)
				assert_int_equal(r->data[j],
						 (uint8_t)(got + j));
			for (; left; count++) {
				assert_true(count < most);
				lens[count] = left < r->segment_bytes
						      ? left
						      : r->segment_bytes;
				left -= lens[count];
			}
			got += r->len_bytes;
		}
	}
	assert_int_equal(got, want);
	return count;
}

static void fill(uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)i;
}

/* One burst, or one for each datagram where the socket has no segmentation. */
static int send_all(const struct ztt_udp *udp, const uint8_t *data, size_t len,
		    size_t segment)
{
	struct ztt_udp_burst bursts[ZTT_UDP_BURSTS_MAX];
	const size_t part = udp->gso ? len : segment;
	size_t count = 0;
	int sent;

	for (size_t at = 0; at < len; at += part, count++)
		bursts[count] = (struct ztt_udp_burst){
			data + at, len - at < part ? len - at : part, segment};
	sent = ztt_udp_send(udp, bursts, count);
	return sent == (int)count ? 0 : sent < 0 ? sent : -EIO;
}

static void check_lens(const size_t *lens, size_t count, size_t segment,
		       size_t last)
{
	for (size_t i = 0; i + 1 < count; i++)
		assert_int_equal(lens[i], segment);
	assert_int_equal(lens[count - 1], last);
}

static void one_call_sends_many_datagrams(void **state)
{
	uint8_t data[10 * 1200 + 345];
	size_t lens[11];
	struct ztt_address address;
	struct ztt_udp server = open_server(&address);
	struct ztt_udp client = open_client(&address, false);

	(void)state;
	if (!client.gso || !server.gro) {
		close(server.fd);
		close(client.fd);
		print_message("skip: this kernel has no UDP_%s\n",
			      client.gso ? "GRO" : "SEGMENT");
		skip();
	}
	fill(data, sizeof(data));
	assert_int_equal(send_all(&client, data, sizeof(data), 1200), 0);
	assert_int_equal(receive_all(server.fd, sizeof(data), lens, 11), 11);
	check_lens(lens, 11, 1200, 345);
	close(server.fd);
	close(client.fd);
}

static void without_segmentation_each_datagram_is_sent_alone(void **state)
{
	uint8_t data[3 * 1200 + 1];
	size_t lens[4];
	struct ztt_address address;
	struct ztt_udp server = open_server(&address);
	struct ztt_udp client = open_client(&address, true);

	(void)state;
	assert_false(client.gso);
	fill(data, sizeof(data));
	assert_int_equal(send_all(&client, data, sizeof(data), 1200), 0);
	assert_int_equal(receive_all(server.fd, sizeof(data), lens, 4), 4);
	check_lens(lens, 4, 1200, 1);
	close(server.fd);
	close(client.fd);
}

static void several_bursts_go_out_in_one_call(void **state)
{
	uint8_t data[ZTT_UDP_BURSTS_MAX * 100];
	struct ztt_udp_burst bursts[ZTT_UDP_BURSTS_MAX];
	size_t lens[ZTT_UDP_BURSTS_MAX];
	struct ztt_address address;
	struct ztt_udp server = open_server(&address);
	struct ztt_udp client = open_client(&address, true);

	(void)state;
	assert_false(client.gso);
	fill(data, sizeof(data));
	for (size_t i = 0; i < ZTT_UDP_BURSTS_MAX; i++)
		bursts[i] = (struct ztt_udp_burst){data + 100 * i, 100, 100};
	assert_int_equal(ztt_udp_send(&client, bursts, ZTT_UDP_BURSTS_MAX),
			 ZTT_UDP_BURSTS_MAX);
	assert_int_equal(receive_all(server.fd, sizeof(data), lens,
				     ZTT_UDP_BURSTS_MAX),
			 ZTT_UDP_BURSTS_MAX);
	check_lens(lens, ZTT_UDP_BURSTS_MAX, 100, 100);
	close(server.fd);
	close(client.fd);
}

static void without_coalescing_datagrams_come_one_by_one(void **state)
{
	uint8_t data[2 * 1200];
	struct ztt_address address = parse("127.0.0.1:0");
	struct ztt_udp server = open_plan(
		&(struct ztt_udp_plan){.local = &address, .no_gro = true});
	const struct ztt_udp_received *received;
	struct pollfd ready = {.fd = server.fd, .events = POLLIN};

	(void)state;
	assert_false(server.gro);
	ztt_address_of_socket(server.fd, &address);
	struct ztt_udp client = open_client(&address, false);

	fill(data, sizeof(data));
	assert_int_equal(send_all(&client, data, sizeof(data), 1200), 0);
	assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
	assert_int_equal(ztt_udp_receive(server.fd, batch, &received), 2);
	assert_int_equal(received[0].len_bytes, 1200);
	assert_int_equal(received[0].segment_bytes, 1200);
	close(server.fd);
	close(client.fd);
}

static void a_datagram_says_from_where_and_to_where(void **state)
{
	struct ztt_address address, from;
	struct ztt_udp server = open_server(&address);
	struct ztt_udp client = open_client(&address, false);
	struct pollfd ready = {.fd = server.fd, .events = POLLIN};
	const struct ztt_udp_received *received;
	struct ztt_address any = parse("127.0.0.1:0");
	uint8_t answer = 7;

	(void)state;
	assert_int_equal(ztt_udp_receive(server.fd, batch, &received), -EAGAIN);
	assert_int_equal(send_all(&client, &answer, 1, 1200), 0);
	assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
	assert_int_equal(ztt_udp_receive(server.fd, batch, &received), 1);
	ztt_address_of_socket(client.fd, &from);
	assert_true(ztt_address_equal(&received->from, &from));
	assert_true(ztt_address_equal(&received->local, &any));

	assert_int_equal(ztt_udp_send_to(server.fd, &from, &answer, 1), 0);
	ready.fd = client.fd;
	assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
	assert_int_equal(ztt_udp_receive(client.fd, batch, &received), 1);
	assert_int_equal(received->data[0], 7);
	close(server.fd);
	close(client.fd);
}

static void a_connected_socket_takes_its_peers_datagrams(void **state)
{
	struct ztt_address address, peer;
	struct ztt_udp server = open_server(&address);
	struct ztt_udp client = open_client(&address, false);
	struct ztt_udp other = open_client(&address, false);
	const struct ztt_udp_received *received;
	const uint8_t byte = 1;

	(void)state;
	ztt_address_of_socket(client.fd, &peer);
	struct ztt_udp own =
		open_plan(&(struct ztt_udp_plan){.local = &address,
						 .peer = &peer,
						 .share_port = true});
	struct pollfd ready = {.fd = own.fd, .events = POLLIN};

	send_all(&client, &byte, 1, 1200);
	assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
	assert_int_equal(ztt_udp_receive(own.fd, batch, &received), 1);
	send_all(&other, &byte, 1, 1200);
	ready.fd = server.fd;
	assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
	assert_int_equal(ztt_udp_receive(server.fd, batch, &received), 1);
	assert_int_equal(ztt_udp_receive(own.fd, batch, &received), -EAGAIN);
	close(own.fd);
	close(other.fd);
	close(client.fd);
	close(server.fd);
}

static void check_in_use(const struct ztt_address *address, bool share_port)
{
	const struct ztt_udp_plan plan = {.local = address,
					  .share_port = share_port};
	struct ztt_udp udp = {.fd = -1};
	char text[ZTT_ADDRESS_LEN];

	assert_int_equal(ztt_udp_open(&plan, &udp, &err), -EADDRINUSE);
	assert_int_equal(udp.fd, -1);
	assert_non_null(strstr(err.text, ztt_address_text(address, text)));
	assert_non_null(strstr(err.text, "ss -lunp"));
}

static void a_port_in_use_is_found_also_when_it_is_shared(void **state)
{
	struct ztt_address address = parse("127.0.0.1:0");
	struct ztt_udp alone =
		open_plan(&(struct ztt_udp_plan){.local = &address});

	(void)state;
	ztt_address_of_socket(alone.fd, &address);
	check_in_use(&address, false);
	check_in_use(&address, true);
	close(alone.fd);

	struct ztt_udp shared = open_server(&address);

	check_in_use(&address, false);
	check_in_use(&address, true);
	close(shared.fd);
}

static void a_port_where_nothing_listens_is_refused(void **state)
{
	struct ztt_address address;
	struct ztt_udp server = open_server(&address);
	struct ztt_udp client = open_client(&address, false);
	struct pollfd ready = {.fd = client.fd, .events = POLLIN};
	const struct ztt_udp_received *received;
	const uint8_t byte = 0;

	(void)state;
	close(server.fd);
	assert_int_equal(send_all(&client, &byte, 1, 1200), 0);
	assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
	assert_int_equal(ztt_udp_receive(client.fd, batch, &received),
			 -ECONNREFUSED);
	assert_int_equal(ztt_udp_receive(client.fd, batch, &received), -EAGAIN);
	close(client.fd);
}

static void the_payload_fits_the_route(void **state)
{
	struct ztt_address address;
	struct ztt_udp server = open_server(&address);
	struct ztt_udp client = open_client(&address, true);
	const size_t most = ztt_udp_payload_max(client.fd);
	uint8_t *data = calloc(1, most + 1);

	(void)state;
	assert_true(most >= 1200);
	assert_int_equal(ztt_udp_payload_max(server.fd), 1200);
	assert_int_equal(ztt_udp_payload_max(-1), 1200);
	if (most <= 65507)
		assert_int_equal(send_all(&client, data, most, most), 0);
	assert_int_equal(send_all(&client, data, most + 1, most + 1),
			 -EMSGSIZE);
	assert_true(server.receive_buffer_bytes > 0);
	free(data);
	close(server.fd);
	close(client.fd);
}

static void ipv6_does_the_same(void **state)
{
	struct ztt_address address = parse("[::1]:0"), any = parse("[::1]:0");
	const struct ztt_udp_plan plan = {.local = &address,
					  .share_port = true};
	const struct ztt_udp_received *received;
	const uint8_t byte = 9;
	struct ztt_udp server;

	(void)state;
	if (ztt_udp_open(&plan, &server, &err) < 0) {
		print_message("skip: %s\n", err.text);
		skip();
	}
	ztt_address_of_socket(server.fd, &address);
	check_in_use(&address, true);
	struct ztt_udp client = open_client(&address, false);
	struct pollfd ready = {.fd = server.fd, .events = POLLIN};

	assert_true(ztt_udp_payload_max(client.fd) >= 1200);
	assert_int_equal(send_all(&client, &byte, 1, 1200), 0);
	assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
	assert_int_equal(ztt_udp_receive(server.fd, batch, &received), 1);
	assert_true(ztt_address_equal(&received->local, &any));
	close(server.fd);
	close(client.fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void kept_errors_say_why_and_who(void **state)
{
	struct ztt_udp_error error = {.error = 0};
	struct ztt_address address;
	struct ztt_udp server = open_server(&address), client;
	const struct ztt_udp_plan plan = {.peer = &address};
	static const uint8_t data[65530];

	(void)state;
	close(server.fd);
	client = open_plan(&plan);
	ztt_udp_keep_errors(client.fd, true);
	assert_int_equal(ztt_udp_next_error(client.fd, &error), -EAGAIN);
	assert_int_equal(send(client.fd, data, 10, 0), 10);
	assert_int_equal(poll(&(struct pollfd){client.fd, 0, 0}, 1, WAIT_MS),
			 1);
	assert_int_equal(ztt_udp_next_error(client.fd, &error), 0);
	assert_int_equal(error.error, ECONNREFUSED);
	assert_false(error.local || error.prohibited);
	ztt_udp_keep_errors(client.fd, false);
	assert_int_equal(ztt_udp_next_error(client.fd, &error), -EAGAIN);
	assert_int_equal(send(client.fd, data, sizeof(data), 0), -1);
	close(client.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(one_call_sends_many_datagrams),
		CASE(without_segmentation_each_datagram_is_sent_alone),
		CASE(several_bursts_go_out_in_one_call),
		CASE(without_coalescing_datagrams_come_one_by_one),
		CASE(a_datagram_says_from_where_and_to_where),
		CASE(a_connected_socket_takes_its_peers_datagrams),
		CASE(a_port_in_use_is_found_also_when_it_is_shared),
		CASE(a_port_where_nothing_listens_is_refused),
		CASE(kept_errors_say_why_and_who),
		CASE(the_payload_fits_the_route),
		CASE(ipv6_does_the_same),
	};

	return cmocka_run_group_tests_name("udp", tests, NULL, NULL);
}
