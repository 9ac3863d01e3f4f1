/* QUIC packets as they are on the wire (RFC 9000 section 17, RFC 9369), before
 * their protection is removed; quic_keys.h opens them. */
#ifndef ZTT_CAPTURE_QUIC_PACKET_H
#define ZTT_CAPTURE_QUIC_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/decode/quic_keys.h"

#define ZTT_QUIC_V1 UINT32_C(0x00000001)
#define ZTT_QUIC_V2 UINT32_C(0x6b3343cf)
#define ZTT_CID_BYTES_MAX 20
#define ZTT_RESET_TOKEN_BYTES 16

enum ztt_packet_type {
	ZTT_PACKET_INITIAL,
	ZTT_PACKET_0RTT,
	ZTT_PACKET_HANDSHAKE,
	ZTT_PACKET_RETRY,
	ZTT_PACKET_VERSION_NEGOTIATION,
	ZTT_PACKET_1RTT,
	ZTT_PACKET_STATELESS_RESET,
	ZTT_PACKET_TYPES,
};
const char *ztt_packet_type_name(enum ztt_packet_type type);

struct ztt_cid {
	uint8_t len_bytes;
	uint8_t data[ZTT_CID_BYTES_MAX]; /* 0 after len_bytes: two are compared
					    by memcmp */
};

/* One packet of a datagram, still protected. Pointers are into the datagram. */
struct ztt_quic_header {
	enum ztt_packet_type type;
	bool fixed_bit;   /* false: no QUIC, or greased (RFC 9287) after the
			     handshake has begun, as ngtcp2 does */
	uint32_t version; /* long headers */
	struct ztt_cid dcid, scid;
	const uint8_t *token; /* Initial, Retry; of Version Negotiation the
				 versions, 4 bytes each */
	size_t token_bytes;
	const uint8_t *packet; /* its first byte */
	size_t number_offset;  /* where its packet number begins; 0: none */
	size_t packet_bytes;   /* up to the next coalesced packet */
};

/* Parses the packet at the beginning of `data`. A short header has a DCID of
 * `dcid_bytes` (at most ZTT_CID_BYTES_MAX) and runs to the end. 0; -EPROTO: no
 * QUIC packet, or zeros up to the end: padding after a packet; -EMSGSIZE: it
 * says that it is longer than what is there, as after a snap length: the header
 * is set, packet_bytes is what is there; -ENOTSUP: a version that is not known:
 * version and connection IDs are set, packet_bytes is all, the type says nothing
 * (RFC 8999). */
int ztt_quic_header_parse(const uint8_t *data, size_t len_bytes,
			  size_t dcid_bytes,
			  struct ztt_quic_header *ret_header);

/* Whether the integrity tag of a Retry is right for the client's first DCID
 * (RFC 9001 section 5.8, RFC 9369 section 3.3.3). */
bool ztt_quic_retry_is_authentic(const struct ztt_quic_header *header,
				 const struct ztt_cid *first_dcid);

/* Whether a datagram ends in the token as a stateless reset does (RFC 9000
 * section 10.3). */
bool ztt_quic_is_stateless_reset(const uint8_t *data, size_t len_bytes,
				 const uint8_t token[ZTT_RESET_TOKEN_BYTES]);

/* The whole number for its `width_bytes` lowest bytes, 1 to 4, when `expected`
 * is the next after the largest so far (RFC 9000 section A.3). */
uint64_t ztt_quic_number_decode(uint64_t expected, uint64_t truncated,
				size_t width_bytes);

#endif
