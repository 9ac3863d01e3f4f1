/* UDP sockets as a tunnel uses them: large buffers, segmentation on sending
 * (UDP_SEGMENT) and receiving (UDP_GRO), don't-fragment; udp(7). */
#ifndef ZTT_UDP_H
#define ZTT_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "address.h"

struct ztt_err;

/* What quic-go's wiki advises, and a little more than it asks for. */
#define ZTT_UDP_BUFFER_BYTES 7500000
#define ZTT_UDP_SEND_MAX_BYTES 65000 /* of one burst */
#define ZTT_UDP_SEGMENTS_MAX 64      /* UDP_MAX_SEGMENTS of older kernels */
#define ZTT_UDP_BATCH 4              /* super-datagrams per receive call */

struct ztt_udp {
	int fd;
	bool gso, gro;               /* what the kernel granted */
	size_t receive_buffer_bytes; /* as getsockopt tells: twice the net */
};

/* How to open: a server binds `local` and has no `peer`; a client may leave
 * `local` NULL; with both the socket takes the packets of that peer away from
 * an unconnected one on the same port (SO_REUSEPORT). */
struct ztt_udp_plan {
	const struct ztt_address *local, *peer;
	bool share_port;
	bool no_gso, no_gro; /* do without, to measure what they bring */
};

/* Non-blocking, DF set without the kernel's own path MTU (IP_PMTUDISC_PROBE),
 * buffers of ZTT_UDP_BUFFER_BYTES (past rmem_max where CAP_NET_ADMIN allows).
 * A server's port that another process holds gives -EADDRINUSE, also when that
 * process shares it. Other -errno of socket, bind, connect. */
int ztt_udp_open(const struct ztt_udp_plan *plan, struct ztt_udp *ret_udp,
		 struct ztt_err *err);

/* The largest UDP payload that fits the route's MTU without fragments (IP_MTU
 * of a connected socket); 1200 when it is not known. */
size_t ztt_udp_payload_max(int fd);

/* One received super-datagram: `len_bytes` bytes of datagrams of
 * `segment_bytes` each, the last one shorter or equal. */
struct ztt_udp_received {
	uint8_t *data;
	size_t len_bytes, segment_bytes;
	struct ztt_address from;  /* unconnected sockets only */
	struct ztt_address local; /* the address it was sent to, port 0;
				     len_bytes 0 when not told */
};

/* Buffers for receiving, one per thread: opaque, 256 KiB. */
struct ztt_udp_batch;
struct ztt_udp_batch *ztt_udp_batch_new(void);
void ztt_udp_batch_free(struct ztt_udp_batch *batch);

/* Receives without blocking. Returns how many were received (they are in
 * *ret_received until the next call), -EAGAIN: none, or another -errno: what
 * ICMP said (-ECONNREFUSED). */
int ztt_udp_receive(int fd, struct ztt_udp_batch *batch,
		    const struct ztt_udp_received **ret_received);

/* Why a datagram did not arrive, as ICMP or this host itself told (ip(7),
 * IP_RECVERR). */
struct ztt_udp_error {
	int error;       /* errno: ECONNREFUSED, EHOSTUNREACH, EMSGSIZE ... */
	bool local;      /* this host refused to send it */
	bool prohibited; /* ICMP says so: a firewall's policy */
	unsigned mtu_bytes; /* EMSGSIZE: of the hop that is too narrow; 0: not
			       told */
};

/* Has errors kept for ztt_udp_next_error; on = false forgets what was kept. */
void ztt_udp_keep_errors(int fd, bool on);
/* -EAGAIN: no more. */
int ztt_udp_next_error(int fd, struct ztt_udp_error *ret_error);

/* Datagrams of `segment_bytes` each, the last one shorter or equal, back to
 * back: at most ZTT_UDP_SEND_MAX_BYTES and ZTT_UDP_SEGMENTS_MAX, and one
 * datagram alone where the socket has no `gso`. */
struct ztt_udp_burst {
	const uint8_t *data;
	size_t len_bytes, segment_bytes;
};

/* Sends bursts in one system call, at most ZTT_UDP_BURSTS_MAX. Returns how many
 * went out; -EAGAIN: the buffer is full; other -errno of the first. */
#define ZTT_UDP_BURSTS_MAX 64
int ztt_udp_send(const struct ztt_udp *udp, const struct ztt_udp_burst *bursts,
		 size_t count);
int ztt_udp_send_to(int fd, const struct ztt_address *to, const uint8_t *data,
		    size_t len_bytes);

#endif
