/* QUIC packet protection (RFC 9001, section 5; RFC 9369, section 3.3): keys
 * derived from TLS secrets, used through the fastest AEAD of this host. */
#ifndef ZTT_PACKET_KEY_H
#define ZTT_PACKET_KEY_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZTT_PACKET_SECRET_MAX_BYTES 64
#define ZTT_PACKET_IV_BYTES 12
#define ZTT_PACKET_MASK_BYTES 5

struct ztt_packet_key; /* opaque: seals or opens payloads */
struct ztt_header_key; /* opaque: masks headers */

/* A traffic secret of a session: with its hash and its cipher. */
struct ztt_packet_secret {
	gnutls_mac_algorithm_t hash;
	gnutls_cipher_algorithm_t cipher;
	const uint8_t *secret;
	size_t len_bytes;
	bool is_v2; /* the labels of QUIC version 2 */
};

/* Key and IV of a secret; NULL when no library has the cipher. */
struct ztt_packet_key *
ztt_packet_key_new(const struct ztt_packet_secret *secret, bool seals,
		   uint8_t ret_iv[ZTT_PACKET_IV_BYTES]);
void ztt_packet_key_free(struct ztt_packet_key *key);

struct ztt_header_key *
ztt_header_key_new(const struct ztt_packet_secret *secret);
void ztt_header_key_free(struct ztt_header_key *key);

/* The secret after a key update ("quic ku"), as long as the old one. 0 or -EIO. */
int ztt_packet_secret_next(const struct ztt_packet_secret *secret,
			   uint8_t *ret_secret);

/* HKDF-Expand-Label (RFC 8446, section 7.1) with an empty context; a label of at
 * most 16 characters. 0 or -EIO. */
int ztt_packet_expand(const struct ztt_packet_secret *secret, const char *label,
		      uint8_t *out, size_t out_bytes);

/* As the functions of struct ztt_aead_library: 0, -EIO, -EBADMSG. */
int ztt_packet_seal(struct ztt_packet_key *key, const uint8_t *nonce,
		    const uint8_t *aad, size_t aad_bytes, const uint8_t *plain,
		    size_t len_bytes, uint8_t *out);
int ztt_packet_open(struct ztt_packet_key *key, const uint8_t *nonce,
		    const uint8_t *aad, size_t aad_bytes, const uint8_t *sealed,
		    size_t len_bytes, uint8_t *out);
/* The mask for a sample of 16 bytes. 0 or -EIO. */
int ztt_header_mask(struct ztt_header_key *key, const uint8_t *sample,
		    uint8_t ret_mask[ZTT_PACKET_MASK_BYTES]);

/* The library behind a session's cipher: "gnutls". */
const char *ztt_packet_library(gnutls_cipher_algorithm_t cipher);

#endif
