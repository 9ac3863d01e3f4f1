#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define SEGMENT_BYTES 1200
#define SEGMENTS 3
#define BURST_BYTES (SEGMENT_BYTES * SEGMENTS)
#define RECEIVE_TIMEOUT_US 200000

void ztt_check_kernel_version(struct ztt_doctor *doctor,
			      struct ztt_finding *finding)
{
	static const char path[] = "/proc/sys/kernel/osrelease";
	unsigned major, minor;
	char text[128];
	int rc = ztt_root_text(doctor->root, path, text, sizeof(text), NULL);

	if (rc == 0 && sscanf(text, "%4u.%4u", &major, &minor) != 2)
		rc = -EINVAL;
	if (rc < 0)
		ztt_finding_unread(finding, path, rc, NULL);
	else if (major < 5)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "Linux %s: below 5.0 quic-go turns UDP "
				 "segmentation and ECN off",
				 text);
	else if (major == 5 && minor < 10)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "Linux %s: quic-go uses UDP segmentation "
				 "here, yet it is older than 5.10",
				 text);
	else
		ztt_finding_note(finding, ZTT_STATUS_OK, "Linux %s", text);
}

struct pair {
	int from, to;
};

/* A sender connected to a receiver on loopback. */
static int open_pair(struct pair *pair)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	const struct timeval timeout = {.tv_usec = RECEIVE_TIMEOUT_US};
	socklen_t len = sizeof(address);
	int rc;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	pair->from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pair->to = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (pair->from >= 0 && pair->to >= 0 &&
	    bind(pair->to, (struct sockaddr *)&address, len) == 0 &&
	    getsockname(pair->to, (struct sockaddr *)&address, &len) == 0 &&
	    setsockopt(pair->to, SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) == 0 &&
	    connect(pair->from, (struct sockaddr *)&address, len) == 0)
		return 0;
	rc = -errno;
	if (pair->from >= 0)
		close(pair->from);
	if (pair->to >= 0)
		close(pair->to);
	return rc;
}

static void close_pair(const struct pair *pair)
{
	close(pair->from);
	close(pair->to);
}

/* Says how it ended when it did not go well. */
static bool send_burst(const struct pair *pair, struct ztt_finding *finding)
{
	static const uint8_t burst[BURST_BYTES];
	const int segment = SEGMENT_BYTES;

	if (setsockopt(pair->from, IPPROTO_UDP, UDP_SEGMENT, &segment,
		       sizeof(segment)) < 0) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "setsockopt UDP_SEGMENT: %s", strerror(errno));
		return false;
	}
	if (send(pair->from, burst, sizeof(burst), 0) == (ssize_t)sizeof(burst))
		return true;
	if (errno == EIO || errno == EINVAL)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "a segmented send over loopback: %s; quic-go "
				 "then sends datagrams one by one",
				 strerror(errno));
	else
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "a segmented send over loopback: %s",
				 strerror(errno));
	return false;
}

void ztt_check_kernel_udp_gso(struct ztt_doctor *doctor,
			      struct ztt_finding *finding)
{
	char datagram[BURST_BYTES];
	unsigned arrived = 0;
	struct pair pair;
	int rc = open_pair(&pair);

	(void)doctor;
	if (rc < 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "no UDP over loopback to try it on: %s",
				 strerror(-rc));
		return;
	}
	if (!send_burst(&pair, finding))
		goto out;
	while (arrived < SEGMENTS &&
	       recv(pair.to, datagram, sizeof(datagram), 0) == SEGMENT_BYTES)
		arrived++;
	ztt_finding_note(finding,
			 arrived == SEGMENTS ? ZTT_STATUS_OK : ZTT_STATUS_FAIL,
			 "one send of %d bytes over loopback arrived as %u of "
			 "%d datagrams of %d bytes",
			 BURST_BYTES, arrived, SEGMENTS, SEGMENT_BYTES);
out:
	close_pair(&pair);
}

/* The size of the datagrams that one receive gave together; 0: not told. */
static int receive_together(int fd, ssize_t *ret_bytes)
{
	char data[BURST_BYTES], control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {data, sizeof(data)};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int segment = 0;

	*ret_bytes = recvmsg(fd, &message, 0);
	if (*ret_bytes < 0)
		return 0;
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at;
	     at = CMSG_NXTHDR(&message, at))
		if (at->cmsg_level == IPPROTO_UDP && at->cmsg_type == UDP_GRO)
			memcpy(&segment, CMSG_DATA(at), sizeof(segment));
	return segment;
}

static void note_received(const struct pair *pair, struct ztt_finding *finding)
{
	ssize_t got;
	int segment = receive_together(pair->to, &got);

	if (segment == SEGMENT_BYTES && got == BURST_BYTES)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "one receive gave %d datagrams of %d bytes",
				 SEGMENTS, SEGMENT_BYTES);
	else
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "UDP_GRO is accepted, but a burst of %d "
				 "datagrams over loopback did not arrive "
				 "together",
				 SEGMENTS);
}

void ztt_check_kernel_udp_gro(struct ztt_doctor *doctor,
			      struct ztt_finding *finding)
{
	struct ztt_finding sending = {.concluded = false};
	const int on = 1;
	struct pair pair;
	int rc = open_pair(&pair);

	(void)doctor;
	if (rc < 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "no UDP over loopback to try it on: %s",
				 strerror(-rc));
		return;
	}
	if (setsockopt(pair.to, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) < 0)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "setsockopt UDP_GRO: %s", strerror(errno));
	else if (!send_burst(&pair, &sending))
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "UDP_GRO is accepted (not tried with a burst: "
				 "no segmented send here)");
	else
		note_received(&pair, finding);
	close_pair(&pair);
}

static void note_io_uring(int error, struct ztt_finding *finding)
{
	if (error == 0)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "io_uring_setup: allowed");
	else if (error == ENOSYS)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "io_uring_setup: not in this kernel, or taken "
				 "out by a filter");
	else if (error == EPERM || error == EACCES)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "io_uring_setup: refused (%s): "
				 "kernel.io_uring_disabled or a seccomp filter",
				 strerror(error));
	else
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "io_uring_setup: %s", strerror(error));
}

static int try_io_uring(void)
{
	struct io_uring_params params;
	long fd;

	memset(&params, 0, sizeof(params));
	fd = syscall(__NR_io_uring_setup, 1, &params);
	if (fd < 0)
		return errno;
	close((int)fd);
	return 0;
}

void ztt_check_kernel_io_uring(struct ztt_doctor *doctor,
			       struct ztt_finding *finding)
{
	static const char path[] = "/proc/sys/kernel/io_uring_disabled";
	static const char *const meanings[] = {
		"allowed", "only for root and kernel.io_uring_group",
		"off for everybody"};
	uint64_t value;
	int rc = ztt_root_uint(doctor->root, path, &value);

	/* The setting came with 6.6; before, only a filter forbids it. */
	if (rc == 0 && value <= 2)
		ztt_finding_note(finding,
				 value ? ZTT_STATUS_WARN : ZTT_STATUS_OK,
				 "kernel.io_uring_disabled = %llu: %s",
				 (unsigned long long)value, meanings[value]);
	else if (rc != -ENOENT)
		ztt_finding_unread(finding, path, rc == 0 ? -EINVAL : rc, NULL);
	else if (ztt_root_kind(doctor->root) != ZTT_ROOT_LIVE)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "no kernel.io_uring_disabled to read (a "
				 "kernel before 6.6, or without io_uring)");
	if (ztt_root_kind(doctor->root) == ZTT_ROOT_LIVE)
		note_io_uring(try_io_uring(), finding);
}
