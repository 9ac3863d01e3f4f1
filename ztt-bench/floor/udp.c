#define _GNU_SOURCE
#include "measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"
#include "lane.h"
#include "ztt-bench/floor.h"

#define CALL_BYTES (ZTT_FLOOR_DATAGRAM_BYTES * ZTT_FLOOR_SEGMENTS)
#define BUFFER_BYTES 65536
/* What a datagram of 1439 bytes takes of the receive buffer, generously. */
#define TRUESIZE_BYTES 4096
#define ROOM_WANTED (4 * 1024 * 1024)
#define DATAGRAMS_MAX (2 * ZTT_FLOOR_SEGMENTS) /* stays in the caches */
/* A datagram that is not there by then is lost. */
#define LOST_US 500000

struct udp {
	bool segmented;
	int out, in;
	size_t batch_bytes;
	size_t largest_bytes; /* that one receive gave */
	char *out_buffer, *in_buffer;
};

static void prepare_message(struct msghdr *message, struct iovec *part,
			    void *control, size_t control_bytes)
{
	memset(message, 0, sizeof(*message));
	message->msg_iov = part;
	message->msg_iovlen = 1;
	message->msg_control = control;
	message->msg_controllen = control_bytes;
}

static void add_segment_size(struct msghdr *message)
{
	const uint16_t size = ZTT_FLOOR_DATAGRAM_BYTES;
	struct cmsghdr *head = CMSG_FIRSTHDR(message);

	head->cmsg_level = SOL_UDP;
	head->cmsg_type = UDP_SEGMENT;
	head->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(head), &size, sizeof(size));
}

static ssize_t send_batch(void *context)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))];
	struct udp *udp = context;
	size_t step = udp->segmented ? CALL_BYTES : ZTT_FLOOR_DATAGRAM_BYTES;
	struct iovec part = {udp->out_buffer, step};
	struct msghdr message;
	size_t done = 0;

	memset(control, 0, sizeof(control));
	prepare_message(&message, &part, udp->segmented ? control : NULL,
			udp->segmented ? sizeof(control) : 0);
	if (udp->segmented)
		add_segment_size(&message);
	while (done < udp->batch_bytes) {
		ssize_t sent = sendmsg(udp->out, &message, 0);

		if (sent < 0 && errno != EINTR)
			return -errno;
		done += sent > 0 ? (size_t)sent : 0;
	}
	return (ssize_t)done;
}

static ssize_t receive_batch(void *context, size_t len_bytes)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct udp *udp = context;
	struct iovec part = {udp->in_buffer, BUFFER_BYTES};
	struct msghdr message;
	size_t done = 0;

	while (done < len_bytes) {
		ssize_t got;

		prepare_message(&message, &part, control, sizeof(control));
		got = recvmsg(udp->in, &message, 0);
		if (got < 0 && errno != EINTR)
			return -errno;
		done += got > 0 ? (size_t)got : 0;
		if (got > (ssize_t)udp->largest_bytes)
			udp->largest_bytes = (size_t)got;
	}
	return (ssize_t)done;
}

static size_t fitting_datagrams(const struct udp *udp)
{
	int room = 0;
	socklen_t len = sizeof(room);
	size_t count;

	getsockopt(udp->in, SOL_SOCKET, SO_RCVBUF, &room, &len);
	count = (size_t)room / TRUESIZE_BYTES;
	if (count > DATAGRAMS_MAX)
		count = DATAGRAMS_MAX;
	/* One segmented call fits the smallest default, 208 KiB. */
	if (udp->segmented && count < ZTT_FLOOR_SEGMENTS)
		count = ZTT_FLOOR_SEGMENTS;
	if (udp->segmented)
		count -= count % ZTT_FLOOR_SEGMENTS;
	return count > 0 ? count : 1;
}

static int open_sockets(struct udp *udp)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timeval lost = {.tv_usec = LOST_US};
	socklen_t len = sizeof(address);
	int room = ROOM_WANTED;

	udp->in = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	udp->out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (udp->in < 0 || udp->out < 0 ||
	    bind(udp->in, (struct sockaddr *)&address, len) < 0 ||
	    getsockname(udp->in, (struct sockaddr *)&address, &len) < 0 ||
	    connect(udp->out, (struct sockaddr *)&address, len) < 0 ||
	    setsockopt(udp->in, SOL_SOCKET, SO_RCVTIMEO, &lost, sizeof(lost)) <
		    0)
		return -errno;
	/* As much as net.core.rmem_max allows; the batch is fitted to it. */
	setsockopt(udp->in, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	udp->batch_bytes = fitting_datagrams(udp) * ZTT_FLOOR_DATAGRAM_BYTES;
	return 0;
}

static void ask_for_gro(const struct udp *udp, struct ztt_floor_side *side)
{
	int on = 1;

	if (udp->segmented &&
	    setsockopt(udp->in, SOL_UDP, UDP_GRO, &on, sizeof(on)) < 0)
		ztt_floor_fail(side, "UDP_GRO: %s", strerror(errno));
}

static void check_gro(const struct udp *udp, struct ztt_floor_side *side)
{
	if (udp->segmented && udp->largest_bytes <= ZTT_FLOOR_DATAGRAM_BYTES)
		ztt_floor_fail(side, "the kernel gave single datagrams in "
				     "spite of UDP_GRO");
}

void ztt_floor_udp(const struct ztt_floor_measure *measure, uint64_t budget_ns,
		   struct ztt_floor_side sides[ZTT_FLOOR_BOTH])
{
	struct udp udp = {
		.segmented = measure->segmented,
		.out_buffer = ztt_calloc(1, BUFFER_BYTES),
		.in_buffer = ztt_calloc(1, BUFFER_BYTES),
	};
	struct ztt_floor_lane lane = {
		.send = send_batch,
		.receive = receive_batch,
		.context = &udp,
		.send_name = udp.segmented ? "UDP_SEGMENT" : "sendmsg",
		.receive_name = "recvmsg",
	};
	int code = open_sockets(&udp);

	lane.warm_bytes = udp.batch_bytes;
	if (code == 0) {
		ask_for_gro(&udp, &sides[ZTT_FLOOR_IN]);
		ztt_floor_lane_run(&lane, budget_ns, sides);
		check_gro(&udp, &sides[ZTT_FLOOR_IN]);
	}
	for (int i = 0; code < 0 && i < ZTT_FLOOR_BOTH; i++)
		ztt_floor_fail(&sides[i], "loopback: %s", strerror(-code));
	if (udp.in >= 0)
		close(udp.in);
	if (udp.out >= 0)
		close(udp.out);
	free(udp.out_buffer);
	free(udp.in_buffer);
}
