/* What this host could do at best, per byte: the CPU time of the few things
 * that no tunnel can avoid, each measured alone. */
#ifndef ZTT_FLOOR_H
#define ZTT_FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_err;

#define ZTT_FLOOR_ROWS_MAX 32

/* What the measures have in common: QUIC packets as cloudflared sends them on
 * an Ethernet path, payload and additional data as the AEAD sees them. */
#define ZTT_FLOOR_DATAGRAM_BYTES 1439
#define ZTT_FLOOR_PAYLOAD_BYTES 1410
#define ZTT_FLOOR_AAD_BYTES 9
#define ZTT_FLOOR_SEGMENTS 45 /* datagrams in one call, 64755 bytes */
#define ZTT_FLOOR_TCP_BYTES (128 * 1024)

/* One result. Figures are seconds of one thread's CPU time per 1e9 bytes that
 * went through: payload of packets for aead-*, datagrams' payload for udp-*,
 * the stream for tcp-*. */
struct ztt_floor_row {
	const char *id;   /* "aead-seal-aes-128-gcm-gnutls"; static */
	const char *what; /* for people; static */
	double cpu_s_per_gb_median, low, high; /* over the repetitions */
	bool measured;
	char why_not[128]; /* when not `measured` */
};

/* Measures everything, in seven interleaved repetitions. `budget_ns` is spent
 * on each measure (a measure gives two rows: both directions of one thing);
 * there are ztt_floor_measure_count() of them. Blocks so long; starts a thread
 * at a time, both ends of a socket on one core; uses loopback only. A row that
 * cannot be measured says why and is no error.
 * -EINVAL: `cap` is below ZTT_FLOOR_ROWS_MAX, or the budget below 7 ms. */
int ztt_floor_measure(uint64_t budget_ns, struct ztt_floor_row *rows,
		      size_t cap, size_t *ret_count, struct ztt_err *err);
size_t ztt_floor_measure_count(void);

/* The row called `id`, or NULL when there is none or it was not measured. */
const struct ztt_floor_row *ztt_floor_find(const struct ztt_floor_row *rows,
					   size_t count, const char *id);

/* The least CPU time per GB of payload that an engine on this host can spend,
 * whatever its design.
 * Down (origin to visitor): one TCP read, seal, segmented UDP send.
 * Up: segmented UDP receive with GRO, open, one TCP write.
 * The cipher and library are the fastest that were measured; a GB of payload
 * takes 1439/1410 GB of datagrams. Frame headers, acknowledgements and
 * everything else that a real engine does come on top.
 * -ENODATA: a part was not measured (names it and why); the direction that
 * cannot be told is NAN, the other one is right. */
int ztt_floor_path(const struct ztt_floor_row *rows, size_t count,
		   double *ret_down_cpu_s_per_gb, double *ret_up_cpu_s_per_gb,
		   struct ztt_err *err);

#endif
