/* AEADs at packet size, from whichever library is fastest on this host: the
 * three of TLS 1.3 in GnuTLS, libcrypto and, on x86-64, Intel's IPsec-MB. */
#ifndef ZTT_AEAD_H
#define ZTT_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZTT_AEAD_NONCE_BYTES 12
#define ZTT_AEAD_TAG_BYTES 16
#define ZTT_AEAD_KEY_MAX_BYTES 32

enum ztt_aead_cipher {
	ZTT_AEAD_AES_128_GCM,
	ZTT_AEAD_AES_256_GCM,
	ZTT_AEAD_CHACHA20_POLY1305,
	ZTT_AEAD_CIPHERS,
};

size_t ztt_aead_key_bytes(enum ztt_aead_cipher cipher);
const char *ztt_aead_cipher_name(enum ztt_aead_cipher cipher);

/* A row per library. A context is one key in one direction, used by one thread
 * at a time. */
struct ztt_aead_library {
	const char *name; /* "gnutls" */
	/* A context, or NULL when the library or this CPU does not have the
	 * cipher. */
	void *(*new)(enum ztt_aead_cipher cipher, const uint8_t *key,
		     bool seals);
	void (*free)(void *context);
	/* Writes len_bytes and the tag to `out`; may be in place. 0 or -EIO. */
	int (*seal)(void *context, const uint8_t *nonce, const uint8_t *aad,
		    size_t aad_bytes, const uint8_t *plain, size_t len_bytes,
		    uint8_t *out);
	/* `len_bytes` with the tag; writes so many less the tag. 0, or -EBADMSG:
	 * not authentic, what was written is not to be used. */
	int (*open)(void *context, const uint8_t *nonce, const uint8_t *aad,
		    size_t aad_bytes, const uint8_t *sealed, size_t len_bytes,
		    uint8_t *out);
};

extern const struct ztt_aead_library ztt_aead_gnutls;
extern const struct ztt_aead_library ztt_aead_libcrypto;
extern const struct ztt_aead_library ztt_aead_ipsec_mb;

/* All of them, NULL-terminated. */
extern const struct ztt_aead_library *const ztt_aead_libraries[];

/* The library that seals and opens packets of 1,400 bytes fastest here: each is
 * tried for a moment at the first call (about 2 ms in all), any thread. Never
 * NULL: GnuTLS has all three. */
const struct ztt_aead_library *ztt_aead_fastest(enum ztt_aead_cipher cipher);

/* GnuTLS for all that has not been decided yet, without a search: for a probe of
 * a few packets, which speed is nothing to, but 6 MB of memory are. */
void ztt_aead_settle(void);

#endif
