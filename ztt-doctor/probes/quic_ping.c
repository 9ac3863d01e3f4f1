#include "ztt-doctor/probes/quic_ping.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "ztt-doctor/probes/dial.h"

/* Reserved to exercise version negotiation (RFC 9000 15). */
#define VERSION 0x1a2a3a4aU
#define LONG_HEADER 0xc0
/* Our source connection ID has the secret, the destination's the number: the
 * answer has both, the other way round. */
#define SOURCE_BYTES 8
#define DESTINATION_BYTES 8
#define HEAD_BYTES (1 + 4 + 1 + DESTINATION_BYTES + 1 + SOURCE_BYTES)

static void put_u32(uint8_t *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

void ztt_quic_ping_write(const uint8_t secret[8], uint32_t number, uint8_t *out,
			 size_t len_bytes)
{
	memset(out, 0, len_bytes);
	out[0] = LONG_HEADER;
	put_u32(out + 1, VERSION);
	out[5] = DESTINATION_BYTES;
	put_u32(out + 6, number);
	memcpy(out + 10, secret + 4, 4);
	out[14] = SOURCE_BYTES;
	memcpy(out + 15, secret, SOURCE_BYTES);
}

int ztt_quic_ping_read(const uint8_t secret[8], const uint8_t *data,
		       size_t len_bytes, uint32_t *ret_number)
{
	/* A list of versions follows, of one at least. */
	if (len_bytes < HEAD_BYTES + 4 || !(data[0] & 0x80) ||
	    get_u32(data + 1) != 0 || data[5] != SOURCE_BYTES ||
	    memcmp(data + 6, secret, SOURCE_BYTES) != 0 ||
	    data[14] != DESTINATION_BYTES ||
	    memcmp(data + 19, secret + 4, 4) != 0)
		return -EPROTO;
	*ret_number = get_u32(data + 15);
	return 0;
}

int ztt_quic_ping_open(const struct ztt_address *to,
		       struct ztt_quic_ping *ret_ping)
{
	const bool v6 = to->storage.ss_family == AF_INET6;
	const int probe = v6 ? IPV6_PMTUDISC_PROBE : IP_PMTUDISC_PROBE;
	int fd = socket(to->storage.ss_family,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		   v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &probe,
		   sizeof(probe));
	if (connect(fd, (const struct sockaddr *)&to->storage, to->len_bytes) <
	    0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	ztt_udp_keep_errors(fd, true);
	ret_ping->fd = fd;
	ret_ping->v6 = v6;
	if (getrandom(ret_ping->secret, sizeof(ret_ping->secret),
		      GRND_NONBLOCK) < 0)
		memset(ret_ping->secret, 0x5a, sizeof(ret_ping->secret));
	return 0;
}

void ztt_quic_ping_close(struct ztt_quic_ping *ping)
{
	close(ping->fd);
}

int ztt_quic_ping_send(const struct ztt_quic_ping *ping, uint32_t number,
		       size_t len_bytes)
{
	uint8_t data[ZTT_QUIC_PING_MAX_BYTES];

	if (len_bytes > sizeof(data))
		len_bytes = sizeof(data);
	ztt_quic_ping_write(ping->secret, number, data, len_bytes);
	/* An ICMP error that waits is told here once: it is no refusal. */
	for (int i = 0; i < 3; i++)
		if (send(ping->fd, data, len_bytes, MSG_NOSIGNAL) >= 0)
			return 0;
		else if (errno == EMSGSIZE)
			return -EMSGSIZE;
	return -errno;
}

/* What ICMP told, if it did: what this host itself refused, send has told. */
static int take_error(const struct ztt_quic_ping *ping,
		      struct ztt_udp_error *ret_error)
{
	struct ztt_udp_error error;

	while (ztt_udp_next_error(ping->fd, &error) == 0) {
		if (error.local)
			continue;
		if (ret_error)
			*ret_error = error;
		return -error.error;
	}
	return 0;
}

static int receive_once(const struct ztt_quic_ping *ping, uint32_t *ret_number,
			struct ztt_udp_error *ret_error)
{
	uint8_t data[2048];
	const ssize_t len = recv(ping->fd, data, sizeof(data), 0);
	int rc;

	if (len >= 0)
		return ztt_quic_ping_read(ping->secret, data, (size_t)len,
					  ret_number);
	/* Errors that wait keep the socket readable, and so have to go. */
	rc = take_error(ping, ret_error);
	return rc < 0 ? rc : -EAGAIN;
}

int ztt_quic_ping_receive(const struct ztt_quic_ping *ping, uint64_t due_ns,
			  uint32_t *ret_number, struct ztt_udp_error *ret_error)
{
	while (ztt_clock_ns() < due_ns) {
		int rc = receive_once(ping, ret_number, ret_error);

		if (rc != -EAGAIN && rc != -EPROTO)
			return rc;
		if (rc == -EAGAIN)
			rc = ztt_dial_wait(ping->fd, POLLIN, due_ns);
		if (rc == -ETIMEDOUT)
			return rc;
	}
	return -ETIMEDOUT;
}

unsigned ztt_quic_ping_route_mtu(const struct ztt_quic_ping *ping)
{
	socklen_t len = sizeof(int);
	int mtu = 0;

	if (getsockopt(ping->fd, ping->v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		       ping->v6 ? IPV6_MTU : IP_MTU, &mtu, &len) < 0 ||
	    mtu < 0)
		return 0;
	return (unsigned)mtu;
}

unsigned ztt_quic_ping_overhead(const struct ztt_quic_ping *ping)
{
	return ping->v6 ? 48 : 28;
}
