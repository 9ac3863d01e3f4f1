/* Frames taken apart down to what UDP or TCP carries. */
#ifndef ZTT_CAPTURE_DATAGRAM_H
#define ZTT_CAPTURE_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/source/source.h"

/* An address and port; IPv4 as the first 4 bytes, the rest 0, so that two are
 * compared by memcmp. */
struct ztt_endpoint {
	uint8_t address[16];
	uint16_t port;  /* host byte order */
	uint8_t family; /* 4 or 6 */
	uint8_t zero;
};

struct ztt_datagram {
	const struct ztt_frame *frame; /* the (last) frame that brought it */
	struct ztt_endpoint from, to;
	uint8_t protocol; /* 17 UDP, 6 TCP */
	uint8_t ecn;      /* 0 not-ECT, 1 ECT(1), 2 ECT(0), 3 CE */
	uint8_t ttl;
	bool cut;          /* the capture's snap length cut the payload */
	uint32_t ip_bytes; /* total length of the IP packet, as it says or, of a
			      super-datagram, as it is */
	/* TCP */
	uint32_t sequence, acknowledgement, window;
	uint16_t tcp_flags;         /* FIN 1, SYN 2, RST 4, PSH 8, ACK 16 */
	const uint8_t *payload;     /* of UDP or TCP */
	size_t payload_bytes;       /* that are there */
	size_t payload_whole_bytes; /* before it was cut */
};

/* Why a frame gave no datagram. */
enum ztt_undecoded {
	ZTT_DECODED,
	ZTT_OTHER,    /* not IP, UDP or TCP: fine, not ours */
	ZTT_FRAGMENT, /* held until the rest has come */
	ZTT_LINK_UNKNOWN,
	ZTT_TRUNCATED, /* too short for its own headers */
	ZTT_MALFORMED,
};

struct ztt_fragments; /* opaque: IP fragments that wait for the rest, at most
			 256 datagrams and 8 MiB; the oldest are given up */
struct ztt_fragments *ztt_fragments_new(void);
void ztt_fragments_free(struct ztt_fragments *fragments);
/* Datagrams of which a fragment was missing, overlapped or came too late; and
 * those that wait now: at a capture's end they are incomplete, too. */
uint64_t ztt_fragments_given_up(const struct ztt_fragments *fragments);
uint64_t ztt_fragments_waiting(const struct ztt_fragments *fragments);

/* Ethernet (VLAN, QinQ, PPPoE), Linux cooked 1 and 2, null, loop, raw; IPv4 and
 * IPv6 with extension headers. What `ret_datagram` points at lives as long as
 * the frame, or until the next call when it was put together from fragments.
 * `ret_datagram` is untouched unless ZTT_DECODED; `fragments` NULL: none is put
 * together. Checksums are not looked at: offloads leave them unfinished. */
enum ztt_undecoded ztt_datagram_decode(struct ztt_fragments *fragments,
				       const struct ztt_frame *frame,
				       struct ztt_datagram *ret_datagram);

/* "198.41.192.7:7844", "[2606::1]:7844"; returns out. */
#define ZTT_ENDPOINT_LEN 64
char *ztt_endpoint_text(const struct ztt_endpoint *endpoint,
			char out[ZTT_ENDPOINT_LEN]);

#endif
