/* Servers on loopback for the tests of probes: a thread that answers. */
#ifndef DOCTOR_PEER_H
#define DOCTOR_PEER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/address.h"

#define TEST_PEER_BYTES 70000

/* Answers one request, in place: `data` has room for TEST_PEER_BYTES. Returns
 * the length of the answer, 0: none. `turn` counts from 0. */
typedef size_t test_peer_answer(void *arg, unsigned turn, uint8_t *data,
				size_t len_bytes);

struct test_peer {
	int fd;
	bool stream;
	test_peer_answer *answer;
	void *arg;
	pthread_t thread;
	struct ztt_address address;
	char text[ZTT_ADDRESS_LEN]; /* "127.0.0.1:PORT" */
	bool stop;
	uint8_t data[TEST_PEER_BYTES];
};

static inline void test_peer_stream(struct test_peer *peer, unsigned turn)
{
	struct timeval limit = {.tv_sec = 2};
	int fd = accept(peer->fd, NULL, NULL);
	ssize_t got;
	size_t len;

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	got = recv(fd, peer->data, sizeof(peer->data) - 1, 0);
	if (got > 0) {
		peer->data[got] = 0;
		len = peer->answer(peer->arg, turn, peer->data, (size_t)got);
		for (size_t at = 0; at < len;) {
			ssize_t sent = send(fd, peer->data + at, len - at,
					    MSG_NOSIGNAL);

			if (sent <= 0)
				break;
			at += (size_t)sent;
		}
	}
	close(fd);
}

static inline void test_peer_datagram(struct test_peer *peer, unsigned turn)
{
	struct ztt_address from = {.len_bytes = sizeof(from.storage)};
	ssize_t got =
		recvfrom(peer->fd, peer->data, sizeof(peer->data), 0,
			 (struct sockaddr *)&from.storage, &from.len_bytes);
	size_t len;

	if (got <= 0)
		return;
	len = peer->answer(peer->arg, turn, peer->data, (size_t)got);
	if (len > 0)
		sendto(peer->fd, peer->data, len, 0,
		       (struct sockaddr *)&from.storage, from.len_bytes);
}

static inline void *test_peer_run(void *at)
{
	struct test_peer *peer = at;

	for (unsigned turn = 0; !__atomic_load_n(&peer->stop, __ATOMIC_ACQUIRE);
	     turn++) {
		if (peer->stream)
			test_peer_stream(peer, turn);
		else
			test_peer_datagram(peer, turn);
	}
	return NULL;
}

/* `port` 0: any. */
static inline void test_peer_begin(struct test_peer *peer, bool stream,
				   unsigned port, test_peer_answer *answer,
				   void *arg)
{
	char text[ZTT_ADDRESS_LEN];
	int one = 1;

	memset(peer, 0, sizeof(*peer));
	peer->stream = stream;
	peer->answer = answer;
	peer->arg = arg;
	snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	assert_int_equal(ztt_address_parse_numeric(text, &peer->address, NULL),
			 0);
	peer->fd = socket(AF_INET, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
	assert_true(peer->fd >= 0);
	setsockopt(peer->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(peer->fd,
			      (struct sockaddr *)&peer->address.storage,
			      peer->address.len_bytes),
			 0);
	if (stream)
		assert_int_equal(listen(peer->fd, 8), 0);
	assert_int_equal(ztt_address_of_socket(peer->fd, &peer->address), 0);
	ztt_address_text(&peer->address, peer->text);
	assert_int_equal(pthread_create(&peer->thread, NULL, test_peer_run,
					peer),
			 0);
}

/* Wakes the thread by a connection or a datagram that it need not answer. */
static inline void test_peer_end(struct test_peer *peer)
{
	int fd = socket(AF_INET, peer->stream ? SOCK_STREAM : SOCK_DGRAM, 0);

	__atomic_store_n(&peer->stop, true, __ATOMIC_RELEASE);
	if (connect(fd, (struct sockaddr *)&peer->address.storage,
		    peer->address.len_bytes) == 0 &&
	    !peer->stream)
		(void)!send(fd, "", 0, MSG_NOSIGNAL);
	close(fd);
	pthread_join(peer->thread, NULL);
	close(peer->fd);
}

#endif
