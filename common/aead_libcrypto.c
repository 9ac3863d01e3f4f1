#include <errno.h>
#include <openssl/evp.h>

#include "aead.h"

static const EVP_CIPHER *cipher_of(enum ztt_aead_cipher cipher)
{
	switch (cipher) {
	case ZTT_AEAD_AES_128_GCM:
		return EVP_aes_128_gcm();
	case ZTT_AEAD_AES_256_GCM:
		return EVP_aes_256_gcm();
	default:
		return EVP_chacha20_poly1305();
	}
}

static void *new (enum ztt_aead_cipher cipher, const uint8_t *key, bool seals)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx && EVP_CipherInit_ex(ctx, cipher_of(cipher), NULL, key, NULL,
				     seals) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

static void release(void *context)
{
	EVP_CIPHER_CTX_free(context);
}

static int seal(void *context, const uint8_t *nonce, const uint8_t *aad,
		size_t aad_bytes, const uint8_t *plain, size_t len_bytes,
		uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = context;
	int len;

	if (EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_EncryptUpdate(ctx, NULL, &len, aad, (int)aad_bytes) != 1 ||
	    EVP_EncryptUpdate(ctx, out, &len, plain, (int)len_bytes) != 1 ||
	    EVP_EncryptFinal_ex(ctx, out + len, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, ZTT_AEAD_TAG_BYTES,
				out + len_bytes) != 1)
		return -EIO;
	return 0;
}

static int open(void *context, const uint8_t *nonce, const uint8_t *aad,
		size_t aad_bytes, const uint8_t *sealed, size_t len_bytes,
		uint8_t *out)
{
	const size_t plain_bytes = len_bytes - ZTT_AEAD_TAG_BYTES;
	EVP_CIPHER_CTX *ctx = context;
	int len;

	if (EVP_DecryptInit_ex(ctx, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_DecryptUpdate(ctx, NULL, &len, aad, (int)aad_bytes) != 1 ||
	    EVP_DecryptUpdate(ctx, out, &len, sealed, (int)plain_bytes) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, ZTT_AEAD_TAG_BYTES,
				(void *)(uintptr_t)(sealed + plain_bytes)) !=
		    1 ||
	    EVP_DecryptFinal_ex(ctx, out + len, &len) != 1)
		return -EBADMSG;
	return 0;
}

const struct ztt_aead_library ztt_aead_libcrypto = {
	.name = "libcrypto",
	.new = new,
	.free = release,
	.seal = seal,
	.open = open,
};
