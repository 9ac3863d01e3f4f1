#include "packet_key.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aead.h"
#include "err.h"

struct ztt_packet_key {
	const struct ztt_aead_library *library;
	void *context;
};

struct ztt_header_key {
	EVP_CIPHER_CTX *context;
	bool is_chacha;
};

static int cipher_of(gnutls_cipher_algorithm_t cipher,
		     enum ztt_aead_cipher *ret_cipher)
{
	switch (cipher) {
	case GNUTLS_CIPHER_AES_128_GCM:
		*ret_cipher = ZTT_AEAD_AES_128_GCM;
		return 0;
	case GNUTLS_CIPHER_AES_256_GCM:
		*ret_cipher = ZTT_AEAD_AES_256_GCM;
		return 0;
	case GNUTLS_CIPHER_CHACHA20_POLY1305:
		*ret_cipher = ZTT_AEAD_CHACHA20_POLY1305;
		return 0;
	default:
		return -EINVAL;
	}
}

int ztt_packet_expand(const struct ztt_packet_secret *secret, const char *label,
		      uint8_t *out, size_t out_bytes)
{
	const gnutls_datum_t key = {(uint8_t *)(uintptr_t)secret->secret,
				    (unsigned)secret->len_bytes};
	const size_t label_bytes = strlen(label);
	uint8_t info[32];
	gnutls_datum_t datum = {info, (unsigned)(10 + label_bytes)};

	info[0] = 0;
	info[1] = (uint8_t)out_bytes;
	info[2] = (uint8_t)(6 + label_bytes);
	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, label_bytes);
	info[9 + label_bytes] = 0;
	return gnutls_hkdf_expand(secret->hash, &key, &datum, out, out_bytes) <
			       0
		       ? -EIO
		       : 0;
}

static int derive(const struct ztt_packet_secret *secret, const char *what,
		  uint8_t *out, size_t out_bytes)
{
	char label[16];

	snprintf(label, sizeof(label), "quic%s %s", secret->is_v2 ? "v2" : "",
		 what);
	return ztt_packet_expand(secret, label, out, out_bytes);
}

struct ztt_packet_key *
ztt_packet_key_new(const struct ztt_packet_secret *secret, bool seals,
		   uint8_t ret_iv[ZTT_PACKET_IV_BYTES])
{
	uint8_t bytes[ZTT_AEAD_KEY_MAX_BYTES];
	struct ztt_packet_key *key = NULL;
	enum ztt_aead_cipher cipher;

	if (cipher_of(secret->cipher, &cipher) < 0 ||
	    derive(secret, "key", bytes, ztt_aead_key_bytes(cipher)) < 0 ||
	    derive(secret, "iv", ret_iv, ZTT_PACKET_IV_BYTES) < 0)
		goto out;
	key = ztt_alloc(sizeof(*key));
	key->library = ztt_aead_fastest(cipher);
	key->context = key->library->new (cipher, bytes, seals);
	if (!key->context) {
		free(key);
		key = NULL;
	}
out:
	gnutls_memset(bytes, 0, sizeof(bytes));
	return key;
}

void ztt_packet_key_free(struct ztt_packet_key *key)
{
	if (!key)
		return;
	key->library->free(key->context);
	free(key);
}

static const EVP_CIPHER *header_cipher(enum ztt_aead_cipher cipher)
{
	switch (cipher) {
	case ZTT_AEAD_AES_128_GCM:
		return EVP_aes_128_ecb();
	case ZTT_AEAD_AES_256_GCM:
		return EVP_aes_256_ecb();
	default:
		return EVP_chacha20();
	}
}

struct ztt_header_key *
ztt_header_key_new(const struct ztt_packet_secret *secret)
{
	uint8_t bytes[ZTT_AEAD_KEY_MAX_BYTES];
	struct ztt_header_key *key;
	enum ztt_aead_cipher cipher;
	bool made;

	if (cipher_of(secret->cipher, &cipher) < 0 ||
	    derive(secret, "hp", bytes, ztt_aead_key_bytes(cipher)) < 0)
		return NULL;
	key = ztt_alloc(sizeof(*key));
	key->is_chacha = cipher == ZTT_AEAD_CHACHA20_POLY1305;
	key->context = EVP_CIPHER_CTX_new();
	made = key->context &&
	       EVP_EncryptInit_ex(key->context, header_cipher(cipher), NULL,
				  bytes, NULL) == 1;
	gnutls_memset(bytes, 0, sizeof(bytes));
	if (made)
		return key;
	ztt_header_key_free(key);
	return NULL;
}

void ztt_header_key_free(struct ztt_header_key *key)
{
	if (!key)
		return;
	EVP_CIPHER_CTX_free(key->context);
	free(key);
}

int ztt_packet_secret_next(const struct ztt_packet_secret *secret,
			   uint8_t *ret_secret)
{
	return derive(secret, "ku", ret_secret, secret->len_bytes);
}

int ztt_packet_seal(struct ztt_packet_key *key, const uint8_t *nonce,
		    const uint8_t *aad, size_t aad_bytes, const uint8_t *plain,
		    size_t len_bytes, uint8_t *out)
{
	return key->library->seal(key->context, nonce, aad, aad_bytes, plain,
				  len_bytes, out);
}

int ztt_packet_open(struct ztt_packet_key *key, const uint8_t *nonce,
		    const uint8_t *aad, size_t aad_bytes, const uint8_t *sealed,
		    size_t len_bytes, uint8_t *out)
{
	if (len_bytes < ZTT_AEAD_TAG_BYTES)
		return -EBADMSG;
	return key->library->open(key->context, nonce, aad, aad_bytes, sealed,
				  len_bytes, out);
}

/* RFC 9001, sections 5.4.3 and 5.4.4: AES in ECB on the sample, or ChaCha20
 * with the sample as counter and nonce. */
int ztt_header_mask(struct ztt_header_key *key, const uint8_t *sample,
		    uint8_t ret_mask[ZTT_PACKET_MASK_BYTES])
{
	static const uint8_t zeros[ZTT_PACKET_MASK_BYTES];
	uint8_t block[32];
	int len;

	if (key->is_chacha)
		return EVP_EncryptInit_ex(key->context, NULL, NULL, NULL,
					  sample) == 1 &&
				       EVP_EncryptUpdate(key->context, ret_mask,
							 &len, zeros,
							 sizeof(zeros)) == 1
			       ? 0
			       : -EIO;
	if (EVP_EncryptUpdate(key->context, block, &len, sample, 16) != 1)
		return -EIO;
	memcpy(ret_mask, block, ZTT_PACKET_MASK_BYTES);
	return 0;
}

const char *ztt_packet_library(gnutls_cipher_algorithm_t cipher)
{
	enum ztt_aead_cipher aead;

	if (cipher_of(cipher, &aead) < 0)
		return "unknown";
	return ztt_aead_fastest(aead)->name;
}
