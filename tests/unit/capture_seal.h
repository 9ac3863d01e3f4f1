/* QUIC packets as an endpoint makes them, to be opened again. */
#ifndef ZTT_TESTS_CAPTURE_SEAL_H
#define ZTT_TESTS_CAPTURE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/aead.h"
#include "common/packet_key.h"

struct sealer {
	struct ztt_packet_secret secret; /* `bytes`, of the generation */
	uint8_t bytes[ZTT_PACKET_SECRET_MAX_BYTES];
	struct ztt_header_key *header;
	unsigned generation;
};

static inline void sealer_init(struct sealer *sealer,
			       gnutls_cipher_algorithm_t cipher, bool is_v2,
			       const uint8_t *secret)
{
	const bool is_256 = cipher == GNUTLS_CIPHER_AES_256_GCM;

	*sealer = (struct sealer){
		.secret = {.hash = is_256 ? GNUTLS_MAC_SHA384
					  : GNUTLS_MAC_SHA256,
			   .cipher = cipher,
			   .secret = sealer->bytes,
			   .len_bytes = is_256 ? 48 : 32,
			   .is_v2 = is_v2},
	};
	memcpy(sealer->bytes, secret, sealer->secret.len_bytes);
	sealer->header = ztt_header_key_new(&sealer->secret);
}

static inline void sealer_release(struct sealer *sealer)
{
	ztt_header_key_free(sealer->header);
}

static inline void sealer_update(struct sealer *sealer)
{
	uint8_t next[ZTT_PACKET_SECRET_MAX_BYTES];

	ztt_packet_secret_next(&sealer->secret, next);
	memcpy(sealer->bytes, next, sealer->secret.len_bytes);
	sealer->generation++;
}

/* A 1-RTT packet of `number` in 2 bytes, with the header key and the packet key
 * of the sealer. Returns its length. */
static inline size_t seal_short(struct sealer *sealer, const uint8_t *dcid,
				size_t dcid_bytes, uint64_t number,
				const uint8_t *plain, size_t len_bytes,
				uint8_t *out)
{
	uint8_t nonce[ZTT_PACKET_IV_BYTES], mask[ZTT_PACKET_MASK_BYTES];
	struct ztt_packet_key *key =
		ztt_packet_key_new(&sealer->secret, true, nonce);
	const size_t at = 1 + dcid_bytes;

	out[0] = (uint8_t)(0x41 | (sealer->generation & 1) << 2);
	memcpy(out + 1, dcid, dcid_bytes);
	out[at] = (uint8_t)(number >> 8);
	out[at + 1] = (uint8_t)number;
	for (size_t i = 0; i < 8; i++)
		nonce[sizeof(nonce) - 1 - i] ^= (uint8_t)(number >> 8 * i);
	ztt_packet_seal(key, nonce, out, at + 2, plain, len_bytes,
			out + at + 2);
	ztt_packet_key_free(key);
	ztt_header_mask(sealer->header, out + at + 4, mask);
	out[0] ^= mask[0] & 0x1f;
	out[at] ^= mask[1];
	out[at + 1] ^= mask[2];
	return at + 2 + len_bytes + ZTT_AEAD_TAG_BYTES;
}

#endif
