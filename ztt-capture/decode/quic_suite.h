/* The keys of a traffic secret with one cipher: of its generation, the one
 * before and the one after. For quic_keys.c alone. */
#ifndef ZTT_CAPTURE_QUIC_SUITE_H
#define ZTT_CAPTURE_QUIC_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/packet_key.h"

#define ZTT_QUIC_SECRET_MAX_BYTES 48

struct ztt_quic_generation {
	struct ztt_packet_key *key; /* NULL: not derived */
	uint8_t iv[ZTT_PACKET_IV_BYTES];
};

/* Not to be moved but by ztt_quic_suite_move: `secret` points into it. */
struct ztt_quic_suite {
	const char *name;
	struct ztt_packet_secret secret; /* of the current generation */
	uint8_t bytes[ZTT_QUIC_SECRET_MAX_BYTES];
	struct ztt_header_key *header; /* key updates leave it */
	struct ztt_quic_generation previous, current, next;
};

/* A cipher that such a secret may be of. */
struct ztt_quic_cipher {
	uint16_t id; /* TLS cipher suite */
	uint8_t secret_bytes;
	gnutls_cipher_algorithm_t cipher;
	gnutls_mac_algorithm_t hash;
	const char *name;
};
extern const struct ztt_quic_cipher ztt_quic_ciphers[];
extern const size_t ztt_quic_cipher_count;

/* False: no library has the cipher; there is nothing to release. */
bool ztt_quic_suite_init(struct ztt_quic_suite *suite,
			 const struct ztt_quic_cipher *cipher, bool is_v2,
			 const uint8_t *secret);
void ztt_quic_suite_release(struct ztt_quic_suite *suite); /* wipes */
/* `from` is then empty, as after a release. */
void ztt_quic_suite_move(struct ztt_quic_suite *to,
			 struct ztt_quic_suite *from);
/* Sees to it that the next generation is there. */
bool ztt_quic_suite_derive_next(struct ztt_quic_suite *suite);
/* The next generation is the current one; it has been derived. */
void ztt_quic_suite_take_next(struct ztt_quic_suite *suite);

#endif
