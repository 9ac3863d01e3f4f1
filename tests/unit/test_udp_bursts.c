#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"
#include "common/udp_bursts.h"

static struct ztt_udp_bursts *new_bursts(void)
{
	return ztt_calloc(1, sizeof(struct ztt_udp_bursts));
}

static bool add(struct ztt_udp_bursts *bursts, uint8_t byte, size_t len,
		bool gso)
{
	uint8_t *room = ztt_udp_bursts_room(bursts, len);

	assert_non_null(room);
	memset(room, byte, len);
	return ztt_udp_bursts_add(bursts, len, gso);
}

static void equal_packets_join_and_a_shorter_one_ends_it(void **state)
{
	struct ztt_udp_bursts *bursts = new_bursts();

	(void)state;
	assert_true(add(bursts, 1, 1000, true));
	assert_false(add(bursts, 2, 1000, true));
	assert_false(add(bursts, 3, 999, true));
	assert_true(add(bursts, 4, 1000, true));
	assert_true(add(bursts, 5, 1001, true));
	assert_int_equal(bursts->count, 3);
	assert_int_equal(bursts->list[0].len_bytes, 2999);
	assert_int_equal(bursts->list[0].segment_bytes, 1000);
	assert_int_equal(bursts->list[1].len_bytes, 1000);
	assert_int_equal(bursts->list[2].len_bytes, 1001);
	assert_int_equal(bursts->list[2].data[0], 5);
	free(bursts);
}

static void without_segmentation_each_is_alone(void **state)
{
	struct ztt_udp_bursts *bursts = new_bursts();

	(void)state;
	for (uint8_t i = 0; i < ZTT_UDP_BURSTS_MAX; i++)
		assert_true(add(bursts, i, 100, false));
	assert_null(ztt_udp_bursts_room(bursts, 100));
	assert_int_equal(bursts->count, ZTT_UDP_BURSTS_MAX);
	free(bursts);
}

static void a_burst_keeps_to_the_kernel_s_limits(void **state)
{
	struct ztt_udp_bursts *bursts = new_bursts();
	size_t packets = 0;

	(void)state;
	while (ztt_udp_bursts_room(bursts, 1452)) {
		add(bursts, 7, 1452, true);
		packets++;
	}
	assert_int_equal(bursts->len_bytes, packets * 1452);
	for (size_t i = 0; i < bursts->count; i++) {
		assert_in_range(bursts->list[i].len_bytes, 1452,
				ZTT_UDP_SEND_MAX_BYTES);
		assert_in_range(bursts->list[i].len_bytes / 1452, 1,
				ZTT_UDP_SEGMENTS_MAX);
	}
	free(bursts);

	bursts = new_bursts();
	for (int i = 0; i < ZTT_UDP_SEGMENTS_MAX + 1; i++)
		add(bursts, 7, 50, true);
	assert_int_equal(bursts->count, 2);
	free(bursts);
}

static size_t drain(int fd, uint8_t *next)
{
	uint8_t packet[200];
	size_t count = 0;

	while (recv(fd, packet, sizeof(packet), MSG_DONTWAIT) > 0) {
		assert_int_equal(packet[0], (*next)++);
		count++;
	}
	return count;
}

/* A datagram socket whose queue is short: nothing is lost, order is kept. */
static void what_the_socket_has_no_room_for_is_kept(void **state)
{
	struct ztt_udp_bursts *bursts = new_bursts(), *rest, *less;
	struct ztt_udp udp = {.fd = -1};
	size_t count = 0;
	uint8_t next = 0;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0,
				    fds),
			 0);
	udp.fd = fds[0];
	for (uint8_t i = 0; i < 60; i++)
		add(bursts, i, 100, false);
	/* A socket pair has no limit but its buffer. */
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &(int){4096},
				    sizeof(int)),
			 0);
	rest = ztt_udp_bursts_send(bursts, &udp);
	assert_int_equal(bursts->count, 0);
	assert_non_null(rest);
	while (rest) {
		count += drain(fds[1], &next);
		less = ztt_udp_bursts_send(rest, &udp);
		free(rest);
		rest = less;
	}
	count += drain(fds[1], &next);
	assert_int_equal(count, 60);
	free(bursts);
	close(fds[0]);
	close(fds[1]);
}

static void what_the_socket_refuses_is_lost(void **state)
{
	struct ztt_udp_bursts *bursts = new_bursts();
	const struct ztt_udp udp = {.fd = -1};

	(void)state;
	add(bursts, 1, 10, false);
	add(bursts, 2, 10, false);
	assert_null(ztt_udp_bursts_send(bursts, &udp));
	assert_int_equal(bursts->count, 0);
	free(bursts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_packets_join_and_a_shorter_one_ends_it),
		cmocka_unit_test(without_segmentation_each_is_alone),
		cmocka_unit_test(a_burst_keeps_to_the_kernel_s_limits),
		cmocka_unit_test(what_the_socket_has_no_room_for_is_kept),
		cmocka_unit_test(what_the_socket_refuses_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
