#define _GNU_SOURCE
#include "measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"
#include "lane.h"
#include "ztt-bench/floor.h"

/* Until windows and buffers have grown. */
#define WARM_BYTES (2 * 1024 * 1024)
#define STUCK_MS 2000

struct tcp {
	int out, in;
	char *out_buffer, *in_buffer;
};

/* One call, and what TCP takes of it without waiting for the reader, whose
 * turn comes after: all of it, once warm. */
static ssize_t send_call(void *context)
{
	struct tcp *tcp = context;
	struct pollfd writable = {tcp->out, POLLOUT, 0};
	ssize_t sent;

	do {
		sent = send(tcp->out, tcp->out_buffer, ZTT_FLOOR_TCP_BYTES,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0)
			return sent;
	} while (errno == EINTR ||
		 (errno == EAGAIN && poll(&writable, 1, STUCK_MS) > 0));
	return errno == EAGAIN ? -ETIMEDOUT : -errno;
}

static ssize_t receive_all(void *context, size_t len_bytes)
{
	struct tcp *tcp = context;
	size_t done = 0;

	while (done < len_bytes) {
		ssize_t got =
			recv(tcp->in, tcp->in_buffer, ZTT_FLOOR_TCP_BYTES, 0);

		if (got == 0)
			return -ECONNRESET;
		if (got < 0 && errno != EINTR)
			return -errno;
		done += got > 0 ? (size_t)got : 0;
	}
	return (ssize_t)done;
}

static int set_options(const struct tcp *tcp)
{
	struct timeval stuck = {.tv_sec = STUCK_MS / 1000};
	int on = 1;

	if (setsockopt(tcp->out, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    setsockopt(tcp->in, SOL_SOCKET, SO_RCVTIMEO, &stuck,
		       sizeof(stuck)) < 0)
		return -errno;
	return 0;
}

static int connect_pair(struct tcp *tcp, int listener)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in peer, self;
	socklen_t len = sizeof(address), peer_len = len, self_len = len;

	if (listener < 0 || tcp->out < 0 ||
	    bind(listener, (struct sockaddr *)&address, len) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) < 0 ||
	    connect(tcp->out, (struct sockaddr *)&address, len) < 0 ||
	    getsockname(tcp->out, (struct sockaddr *)&self, &self_len) < 0)
		return -errno;
	tcp->in = accept4(listener, (struct sockaddr *)&peer, &peer_len,
			  SOCK_CLOEXEC);
	if (tcp->in < 0)
		return -errno;
	/* Somebody else on this host was faster. */
	if (peer.sin_port != self.sin_port)
		return -ECONNABORTED;
	return set_options(tcp);
}

static int open_sockets(struct tcp *tcp)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int code;

	tcp->out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	code = connect_pair(tcp, listener);
	if (listener >= 0)
		close(listener);
	return code;
}

void ztt_floor_tcp(const struct ztt_floor_measure *measure, uint64_t budget_ns,
		   struct ztt_floor_side sides[ZTT_FLOOR_BOTH])
{
	struct tcp tcp = {
		.in = -1,
		.out_buffer = ztt_calloc(1, ZTT_FLOOR_TCP_BYTES),
		.in_buffer = ztt_calloc(1, ZTT_FLOOR_TCP_BYTES),
	};
	struct ztt_floor_lane lane = {
		.send = send_call,
		.receive = receive_all,
		.context = &tcp,
		.send_name = "send",
		.receive_name = "recv",
		.warm_bytes = WARM_BYTES,
	};
	int code = open_sockets(&tcp);

	(void)measure;
	if (code == 0)
		ztt_floor_lane_run(&lane, budget_ns, sides);
	for (int i = 0; code < 0 && i < ZTT_FLOOR_BOTH; i++)
		ztt_floor_fail(&sides[i], "loopback: %s", strerror(-code));
	if (tcp.in >= 0)
		close(tcp.in);
	if (tcp.out >= 0)
		close(tcp.out);
	free(tcp.out_buffer);
	free(tcp.in_buffer);
}
