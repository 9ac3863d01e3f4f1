#define _GNU_SOURCE
#include "udp.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "err.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define RECEIVE_BYTES 65536
#define CONTROL_BYTES 128
#define SEGMENT_CONTROL_BYTES CMSG_SPACE(sizeof(uint16_t))

struct ztt_udp_batch {
	struct mmsghdr headers[ZTT_UDP_BATCH];
	struct iovec vecs[ZTT_UDP_BATCH];
	struct ztt_udp_received received[ZTT_UDP_BATCH];
	_Alignas(struct cmsghdr) uint8_t control[ZTT_UDP_BATCH][CONTROL_BYTES];
	uint8_t data[ZTT_UDP_BATCH][RECEIVE_BYTES];
};

static void set_int(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, &value, sizeof(value));
}

static void set_buffers(int fd, size_t *ret_receive_bytes)
{
	const int want = ZTT_UDP_BUFFER_BYTES;
	socklen_t len = sizeof(int);
	int got = 0;

	set_int(fd, SOL_SOCKET, SO_RCVBUF, want);
	set_int(fd, SOL_SOCKET, SO_SNDBUF, want);
	set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, want);
	set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, want);
	getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len);
	*ret_receive_bytes = (size_t)got;
}

static void set_path_options(int fd, int family)
{
	if (family == AF_INET) {
		set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
		set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
	} else {
		set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
			IPV6_PMTUDISC_PROBE);
		set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	}
}

static int bind_and_connect(int fd, const struct ztt_udp_plan *plan,
			    struct ztt_err *err)
{
	char text[ZTT_ADDRESS_LEN];
	const struct ztt_address *at = plan->local;

	if (plan->share_port && plan->peer)
		set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (at && bind(fd, (const struct sockaddr *)&at->storage,
		       at->len_bytes) < 0) {
		const int rc = -errno;

		ztt_address_text(at, text);
		if (rc == -EADDRINUSE)
			return ztt_err_set(err, rc,
					   "UDP %s is in use by "
					   "another process; 'ss -lunp' names "
					   "it: end it or choose another port",
					   text);
		return ztt_err_set(err, rc, "cannot bind UDP %s: %s", text,
				   strerror(-rc));
	}
	/* Only after bind: a second server must find the port taken. */
	if (plan->share_port && !plan->peer)
		set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	at = plan->peer;
	if (at && connect(fd, (const struct sockaddr *)&at->storage,
			  at->len_bytes) < 0)
		return ztt_err_set(err, -errno, "cannot reach UDP %s: %s",
				   ztt_address_text(at, text), strerror(errno));
	return 0;
}

static bool has_segmentation(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &value, &len) == 0;
}

static bool want_coalescing(int fd)
{
	const int one = 1;

	return setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof(one)) == 0;
}

int ztt_udp_open(const struct ztt_udp_plan *plan, struct ztt_udp *ret_udp,
		 struct ztt_err *err)
{
	const struct ztt_address *any = plan->local ? plan->local : plan->peer;
	const int family = any->storage.ss_family;
	struct ztt_udp udp;
	int rc;

	udp.fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (udp.fd < 0)
		return ztt_err_set(err, -errno, "cannot make a UDP socket: %s",
				   strerror(errno));
	set_buffers(udp.fd, &udp.receive_buffer_bytes);
	set_path_options(udp.fd, family);
	rc = bind_and_connect(udp.fd, plan, err);
	if (rc < 0) {
		close(udp.fd);
		return rc;
	}
	udp.gso = !plan->no_gso && has_segmentation(udp.fd);
	udp.gro = !plan->no_gro && want_coalescing(udp.fd);
	*ret_udp = udp;
	return 0;
}

size_t ztt_udp_payload_max(int fd)
{
	struct ztt_address local;
	socklen_t len = sizeof(int);
	int mtu = 0;
	bool v6;

	if (ztt_address_of_socket(fd, &local) < 0)
		return 1200;
	v6 = local.storage.ss_family == AF_INET6;
	if (getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		       v6 ? IPV6_MTU : IP_MTU, &mtu, &len) < 0 ||
	    mtu < 1248)
		return 1200;
	return (size_t)mtu - (v6 ? 48 : 28);
}

struct ztt_udp_batch *ztt_udp_batch_new(void)
{
	struct ztt_udp_batch *batch = ztt_calloc(1, sizeof(*batch));

	for (size_t i = 0; i < ZTT_UDP_BATCH; i++) {
		struct msghdr *header = &batch->headers[i].msg_hdr;

		batch->vecs[i].iov_base = batch->data[i];
		batch->vecs[i].iov_len = RECEIVE_BYTES;
		header->msg_iov = &batch->vecs[i];
		header->msg_iovlen = 1;
		header->msg_control = batch->control[i];
		header->msg_name = &batch->received[i].from.storage;
		batch->received[i].data = batch->data[i];
	}
	return batch;
}

void ztt_udp_batch_free(struct ztt_udp_batch *batch)
{
	free(batch);
}

static void read_control(struct msghdr *header,
			 struct ztt_udp_received *received)
{
	struct sockaddr_in *v4 = (void *)&received->local.storage;
	struct sockaddr_in6 *v6 = (void *)&received->local.storage;
	struct cmsghdr *c;
	int segment;

	for (c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&segment, CMSG_DATA(c), sizeof(segment));
			if (segment > 0)
				received->segment_bytes = (size_t)segment;
		} else if (c->cmsg_level == IPPROTO_IP &&
			   c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			*v4 = (struct sockaddr_in){.sin_family = AF_INET,
						   .sin_addr = info.ipi_addr};
			received->local.len_bytes = sizeof(*v4);
		} else if (c->cmsg_level == IPPROTO_IPV6 &&
			   c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			*v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
						    .sin6_addr =
							    info.ipi6_addr};
			received->local.len_bytes = sizeof(*v6);
		}
	}
}

int ztt_udp_receive(int fd, struct ztt_udp_batch *batch,
		    const struct ztt_udp_received **ret_received)
{
	int count;

	for (size_t i = 0; i < ZTT_UDP_BATCH; i++) {
		batch->headers[i].msg_hdr.msg_controllen = CONTROL_BYTES;
		batch->headers[i].msg_hdr.msg_namelen =
			sizeof(batch->received[i].from.storage);
	}
	count = recvmmsg(fd, batch->headers, ZTT_UDP_BATCH, MSG_DONTWAIT, NULL);
	if (count < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	for (int i = 0; i < count; i++) {
		struct ztt_udp_received *received = &batch->received[i];

		received->len_bytes = batch->headers[i].msg_len;
		received->segment_bytes = received->len_bytes;
		received->from.len_bytes =
			batch->headers[i].msg_hdr.msg_namelen;
		received->local.len_bytes = 0;
		read_control(&batch->headers[i].msg_hdr, received);
	}
	*ret_received = batch->received;
	return count;
}

void ztt_udp_keep_errors(int fd, bool on)
{
	struct ztt_address local;

	if (ztt_address_of_socket(fd, &local) < 0)
		return;
	if (local.storage.ss_family == AF_INET6)
		set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, on);
	else
		set_int(fd, IPPROTO_IP, IP_RECVERR, on);
}

/* RFC 1812 5.2.7.1, RFC 4443 3.1. */
static bool is_prohibited(const struct sock_extended_err *error)
{
	const unsigned code = error->ee_code;

	if (error->ee_origin == SO_EE_ORIGIN_ICMP)
		return error->ee_type == 3 &&
		       (code == 9 || code == 10 || code == 13);
	return error->ee_origin == SO_EE_ORIGIN_ICMP6 && error->ee_type == 1 &&
	       (code == 1 || code == 5 || code == 6);
}

static bool is_error(const struct cmsghdr *c)
{
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
	       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
}

int ztt_udp_next_error(int fd, struct ztt_udp_error *ret_error)
{
	_Alignas(struct cmsghdr) uint8_t control[512];
	struct msghdr message = {.msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct sock_extended_err error;

	if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c;
	     c = CMSG_NXTHDR(&message, c)) {
		if (!is_error(c))
			continue;
		memcpy(&error, CMSG_DATA(c), sizeof(error));
		*ret_error = (struct ztt_udp_error){
			.error = (int)error.ee_errno,
			.local = error.ee_origin == SO_EE_ORIGIN_LOCAL,
			.prohibited = is_prohibited(&error),
			.mtu_bytes =
				error.ee_errno == EMSGSIZE ? error.ee_info : 0,
		};
		return 0;
	}
	return -EAGAIN;
}

static void fill_message(const struct ztt_udp_burst *burst, struct iovec *vec,
			 uint8_t *control, struct msghdr *message)
{
	const uint16_t segment = (uint16_t)burst->segment_bytes;
	struct cmsghdr *c;

	vec->iov_base = (void *)(uintptr_t)burst->data;
	vec->iov_len = burst->len_bytes;
	*message = (struct msghdr){.msg_iov = vec, .msg_iovlen = 1};
	if (burst->len_bytes <= burst->segment_bytes)
		return;
	message->msg_control = control;
	message->msg_controllen = SEGMENT_CONTROL_BYTES;
	c = CMSG_FIRSTHDR(message);
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(c), &segment, sizeof(segment));
}

int ztt_udp_send(const struct ztt_udp *udp, const struct ztt_udp_burst *bursts,
		 size_t count)
{
	_Alignas(struct cmsghdr)
		uint8_t control[ZTT_UDP_BURSTS_MAX][SEGMENT_CONTROL_BYTES];
	struct iovec vecs[ZTT_UDP_BURSTS_MAX];
	struct mmsghdr messages[ZTT_UDP_BURSTS_MAX];
	int sent;

	for (size_t i = 0; i < count; i++)
		fill_message(&bursts[i], &vecs[i], control[i],
			     &messages[i].msg_hdr);
	do {
		sent = sendmmsg(udp->fd, messages, (unsigned)count,
				MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

int ztt_udp_send_to(int fd, const struct ztt_address *to, const uint8_t *data,
		    size_t len_bytes)
{
	while (sendto(fd, data, len_bytes, MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&to->storage, to->len_bytes) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}
