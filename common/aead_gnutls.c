#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "aead.h"

static const gnutls_cipher_algorithm_t ids[ZTT_AEAD_CIPHERS] = {
	[ZTT_AEAD_AES_128_GCM] = GNUTLS_CIPHER_AES_128_GCM,
	[ZTT_AEAD_AES_256_GCM] = GNUTLS_CIPHER_AES_256_GCM,
	[ZTT_AEAD_CHACHA20_POLY1305] = GNUTLS_CIPHER_CHACHA20_POLY1305,
};

static void *new (enum ztt_aead_cipher cipher, const uint8_t *key, bool seals)
{
	gnutls_datum_t datum = {(uint8_t *)(uintptr_t)key,
				(unsigned)ztt_aead_key_bytes(cipher)};
	gnutls_aead_cipher_hd_t handle;

	(void)seals;
	if (gnutls_aead_cipher_init(&handle, ids[cipher], &datum) < 0)
		return NULL;
	return handle;
}

static void release(void *context)
{
	gnutls_aead_cipher_deinit(context);
}

static int seal(void *context, const uint8_t *nonce, const uint8_t *aad,
		size_t aad_bytes, const uint8_t *plain, size_t len_bytes,
		uint8_t *out)
{
	size_t out_bytes = len_bytes + ZTT_AEAD_TAG_BYTES;

	return gnutls_aead_cipher_encrypt(context, nonce, ZTT_AEAD_NONCE_BYTES,
					  aad, aad_bytes, ZTT_AEAD_TAG_BYTES,
					  plain, len_bytes, out, &out_bytes) < 0
		       ? -EIO
		       : 0;
}

static int open(void *context, const uint8_t *nonce, const uint8_t *aad,
		size_t aad_bytes, const uint8_t *sealed, size_t len_bytes,
		uint8_t *out)
{
	size_t out_bytes = len_bytes - ZTT_AEAD_TAG_BYTES;

	return gnutls_aead_cipher_decrypt(context, nonce, ZTT_AEAD_NONCE_BYTES,
					  aad, aad_bytes, ZTT_AEAD_TAG_BYTES,
					  sealed, len_bytes, out,
					  &out_bytes) < 0
		       ? -EBADMSG
		       : 0;
}

const struct ztt_aead_library ztt_aead_gnutls = {
	.name = "gnutls",
	.new = new,
	.free = release,
	.seal = seal,
	.open = open,
};
