/* Keys of QUIC packets (RFC 9001 section 5, RFC 9369 section 3.3), and opening
 * packets with them. Keys are used by one thread at a time. */
#ifndef ZTT_CAPTURE_QUIC_KEYS_H
#define ZTT_CAPTURE_QUIC_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_cid;
struct ztt_quic_header;
struct ztt_quic_keys; /* opaque: of one direction at one level; 2 to 10 KiB */

/* Of Initial packets, from the client's first DCID (after a Retry: from the
 * Retry's SCID). NULL: not this version. */
struct ztt_quic_keys *ztt_quic_keys_initial(uint32_t version,
					    const struct ztt_cid *dcid,
					    bool server);
/* From a TLS traffic secret of `len_bytes` (32 or 48) and the TLS cipher suite
 * (0x1301 AES-128-GCM, 0x1302 AES-256-GCM, 0x1303 ChaCha20-Poly1305; 0: found
 * out by the first packet that opens). The secret is copied, and wiped by
 * ztt_quic_keys_free. NULL: no such. */
struct ztt_quic_keys *ztt_quic_keys_of_secret(uint32_t version,
					      uint16_t cipher_suite,
					      const uint8_t *secret,
					      size_t len_bytes);
void ztt_quic_keys_free(struct ztt_quic_keys *keys);
/* "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305", or NULL while it is not
 * known. Static. */
const char *ztt_quic_keys_cipher(const struct ztt_quic_keys *keys);

/* A packet whose protection was removed. */
struct ztt_quic_opened {
	uint64_t number;
	bool key_phase; /* 1-RTT */
	bool spin;
	unsigned generation;    /* key updates before it */
	const uint8_t *payload; /* in `out` */
	size_t payload_bytes;
};

/* Opens a packet; `expected` is the next packet number after the largest so far
 * (RFC 9000 A.3). Follows key updates: tries the next and the previous
 * generation when the key phase says so. `out` has room for packet_bytes and is
 * written to whether it opens or not; the datagram stays as it is. Does not
 * allocate but at a key update. 0; -EBADMSG: not authentic with these keys;
 * -EMSGSIZE: too short to be a packet. */
int ztt_quic_unprotect(struct ztt_quic_keys *keys,
		       const struct ztt_quic_header *header, uint64_t expected,
		       uint8_t *out, struct ztt_quic_opened *ret_opened);

/* Opens a 1-RTT packet of a connection that was joined midway: neither the key
 * updates before it nor the upper part of its number are known. Tries up to
 * `generations` key updates, and with each the numbers below `number_end`, but
 * *tries in all, of which those made are taken (0.1 to 1 us each); the keys are
 * then of that generation. 0; -EBADMSG: none opens it, the keys are as they
 * were; -EMSGSIZE. */
int ztt_quic_search(struct ztt_quic_keys *keys,
		    const struct ztt_quic_header *header, unsigned generations,
		    uint64_t number_end, unsigned *tries, uint8_t *out,
		    struct ztt_quic_opened *ret_opened);

#endif
