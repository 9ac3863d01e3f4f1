#define _GNU_SOURCE
#include "ztt-doctor/probes/quic_ping.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/quic.h"

static const uint8_t secret[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void a_server_answers_it_with_its_number(void **state)
{
	uint8_t ping[ZTT_QUIC_PING_MIN_BYTES], answer[256];
	uint32_t number = 0;
	size_t len;

	(void)state;
	ztt_quic_ping_write(secret, 0xdeadbeef, ping, sizeof(ping));
	assert_int_equal(ztt_quic_classify(ping, sizeof(ping)),
			 ZTT_QUIC_FIRST_VERSION);
	len = ztt_quic_version_negotiation(ping, sizeof(ping), answer,
					   sizeof(answer));
	assert_true(len > 0);
	assert_int_equal(ztt_quic_ping_read(secret, answer, len, &number), 0);
	assert_int_equal(number, 0xdeadbeef);
}

static void what_is_no_answer_to_it_is_refused(void **state)
{
	uint8_t ping[ZTT_QUIC_PING_MIN_BYTES], answer[256], broken[256];
	uint32_t number = 7;
	size_t len;

	(void)state;
	ztt_quic_ping_write(secret, 3, ping, sizeof(ping));
	assert_int_equal(ztt_quic_ping_read(secret, ping, sizeof(ping),
					    &number),
			 -EPROTO);
	len = ztt_quic_version_negotiation(ping, sizeof(ping), answer,
					   sizeof(answer));
	for (size_t cut = 0; cut < len; cut++) {
		/* On the heap, so that a read past it is seen. */
		uint8_t *copy = malloc(cut + 1);

		memcpy(copy, answer, cut);
		assert_int_equal(ztt_quic_ping_read(secret, copy, cut, &number),
				 -EPROTO);
		free(copy);
	}
	/* Version, lengths and the secret all count. */
	for (size_t i = 1; i < 23; i++) {
		if (i >= 15 && i < 19)
			continue;
		memcpy(broken, answer, len);
		broken[i] ^= 1;
		assert_int_equal(ztt_quic_ping_read(secret, broken, len,
						    &number),
				 -EPROTO);
	}
	assert_int_equal(number, 7);
}

static int pair(struct ztt_quic_ping *ping, struct ztt_address *from)
{
	struct ztt_address at;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ztt_address_parse_numeric("127.0.0.1:0", &at, NULL);
	assert_int_equal(bind(fd, (struct sockaddr *)&at.storage, at.len_bytes),
			 0);
	ztt_address_of_socket(fd, &at);
	assert_int_equal(ztt_quic_ping_open(&at, ping), 0);
	assert_int_equal(ztt_quic_ping_send(ping, 5, 1232), 0);
	from->len_bytes = sizeof(from->storage);
	return fd;
}

static void other_datagrams_are_passed_over(void **state)
{
	uint8_t data[2048], answer[256];
	struct ztt_quic_ping ping;
	struct ztt_address from;
	const int fd = pair(&ping, &from);
	uint32_t number = 0;
	ssize_t len;

	(void)state;
	len = recvfrom(fd, data, sizeof(data), 0,
		       (struct sockaddr *)&from.storage, &from.len_bytes);
	assert_int_equal(len, 1232);
	assert_int_equal(ztt_udp_send_to(fd, &from, data, 10), 0);
	assert_int_equal(ztt_udp_send_to(fd, &from, data, 0), 0);
	len = (ssize_t)ztt_quic_version_negotiation(data, (size_t)len, answer,
						    sizeof(answer));
	assert_int_equal(ztt_udp_send_to(fd, &from, answer, (size_t)len), 0);
	assert_int_equal(ztt_quic_ping_receive(&ping,
					       ztt_clock_ns() +
						       10 * ZTT_NS_PER_S,
					       &number, NULL),
			 0);
	assert_int_equal(number, 5);
	ztt_quic_ping_close(&ping);
	close(fd);
}

static void silence_and_a_closed_port_are_told_apart(void **state)
{
	struct ztt_udp_error error = {.error = 0};
	struct ztt_quic_ping ping;
	struct ztt_address from;
	const int fd = pair(&ping, &from);
	uint32_t number;

	(void)state;
	assert_int_equal(ztt_quic_ping_receive(&ping,
					       ztt_clock_ns() +
						       10 * ZTT_NS_PER_MS,
					       &number, NULL),
			 -ETIMEDOUT);
	close(fd);
	assert_int_equal(ztt_quic_ping_send(&ping, 6, 1232), 0);
	assert_int_equal(ztt_quic_ping_receive(&ping,
					       ztt_clock_ns() +
						       10 * ZTT_NS_PER_S,
					       &number, &error),
			 -ECONNREFUSED);
	assert_int_equal(error.error, ECONNREFUSED);
	assert_false(error.local);
	ztt_quic_ping_close(&ping);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_answers_it_with_its_number),
		cmocka_unit_test(what_is_no_answer_to_it_is_refused),
		cmocka_unit_test(other_datagrams_are_passed_over),
		cmocka_unit_test(silence_and_a_closed_port_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
