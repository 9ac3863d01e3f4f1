/* A datagram that every QUIC server answers, and forgets: one of an unknown
 * version is answered with a Version Negotiation packet (RFC 9000 6.1, RFC 8999
 * 6). It measures what a path carries, how long it takes and how much it loses,
 * without a connection. */
#ifndef ZTT_DOCTOR_QUIC_PING_H
#define ZTT_DOCTOR_QUIC_PING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"
#include "common/udp.h"

/* A server need not answer a smaller one. */
#define ZTT_QUIC_PING_MIN_BYTES 1200
#define ZTT_QUIC_PING_MAX_BYTES 1472

/* A connected socket, don't-fragment, and the secret that marks its pings. */
struct ztt_quic_ping {
	int fd;
	bool v6;
	uint8_t secret[8];
};

/* -errno of socket and connect: -ENETUNREACH: this host has no route. */
int ztt_quic_ping_open(const struct ztt_address *to,
		       struct ztt_quic_ping *ret_ping);
void ztt_quic_ping_close(struct ztt_quic_ping *ping);

/* Sends number `number` as a UDP payload of `len_bytes`. -EMSGSIZE: longer than
 * the route's own MTU; other -errno of send. */
int ztt_quic_ping_send(const struct ztt_quic_ping *ping, uint32_t number,
		       size_t len_bytes);

/* Waits until `due_ns` for the answer to any of them: its number. -ETIMEDOUT;
 * -errno of ICMP, whose cause is in *ret_error (may be NULL). Other datagrams
 * are passed over. */
int ztt_quic_ping_receive(const struct ztt_quic_ping *ping, uint64_t due_ns,
			  uint32_t *ret_number,
			  struct ztt_udp_error *ret_error);

/* The route's MTU of IP packets, 0: not known; and what a UDP payload becomes
 * with its headers. */
unsigned ztt_quic_ping_route_mtu(const struct ztt_quic_ping *ping);
unsigned ztt_quic_ping_overhead(const struct ztt_quic_ping *ping);

/* The bytes of one, and the number that an answer belongs to; for tests. -EPROTO:
 * no answer to such a ping. */
void ztt_quic_ping_write(const uint8_t secret[8], uint32_t number, uint8_t *out,
			 size_t len_bytes);
int ztt_quic_ping_read(const uint8_t secret[8], const uint8_t *data,
		       size_t len_bytes, uint32_t *ret_number);

#endif
