#define _GNU_SOURCE
#include "ztt-capture/decode/tls_record.h"

#include <endian.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

#include "common/aead.h"
#include "common/err.h"
#include "common/packet_key.h"

#define SECRET_BYTES_MAX 48
#define SKIPPED_MAX 256
/* Every record after a gap may cost SKIPPED_MAX attempts, and a hostile
 * capture has many gaps. */
#define ATTEMPTS_MAX 65536

struct suite {
	uint16_t number;
	enum ztt_aead_cipher cipher;
	gnutls_mac_algorithm_t hash;
	size_t secret_bytes;
};

static const struct suite suites[] = {
	{0x1301, ZTT_AEAD_AES_128_GCM, GNUTLS_MAC_SHA256, 32},
	{0x1302, ZTT_AEAD_AES_256_GCM, GNUTLS_MAC_SHA384, 48},
	{0x1303, ZTT_AEAD_CHACHA20_POLY1305, GNUTLS_MAC_SHA256, 32},
};

struct ztt_tls_keys {
	const struct suite *suite;
	const struct ztt_aead_library *library;
	void *context;
	uint8_t secret[SECRET_BYTES_MAX];
	uint8_t iv[ZTT_AEAD_NONCE_BYTES];
	uint64_t sequence; /* of the next record */
	uint64_t skipped;  /* it may be so many later */
	unsigned attempts;
};

static const struct suite *find_suite(uint16_t number)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (suites[i].number == number)
			return &suites[i];
	return NULL;
}

const char *ztt_tls_cipher_name(uint16_t cipher_suite)
{
	const struct suite *suite = find_suite(cipher_suite);

	return suite ? ztt_aead_cipher_name(suite->cipher) : NULL;
}

static int expand(const struct ztt_tls_keys *keys, const char *label,
		  uint8_t *out, size_t out_bytes)
{
	const struct ztt_packet_secret secret = {
		.hash = keys->suite->hash,
		.secret = keys->secret,
		.len_bytes = keys->suite->secret_bytes,
	};

	return ztt_packet_expand(&secret, label, out, out_bytes);
}

static int derive(struct ztt_tls_keys *keys)
{
	uint8_t key[ZTT_AEAD_KEY_MAX_BYTES];
	int error = -EIO;

	if (keys->context)
		keys->library->free(keys->context);
	keys->context = NULL;
	if (expand(keys, "key", key, ztt_aead_key_bytes(keys->suite->cipher)) <
		    0 ||
	    expand(keys, "iv", keys->iv, sizeof(keys->iv)) < 0)
		goto out;
	keys->context = keys->library->new (keys->suite->cipher, key, false);
	error = keys->context ? 0 : -EIO;
	keys->sequence = keys->skipped = 0;
out:
	gnutls_memset(key, 0, sizeof(key));
	return error;
}

struct ztt_tls_keys *ztt_tls_keys_new(uint16_t cipher_suite,
				      const uint8_t *secret,
				      size_t secret_bytes)
{
	const struct suite *suite = find_suite(cipher_suite);
	struct ztt_tls_keys *keys;

	if (!suite || secret_bytes != suite->secret_bytes)
		return NULL;
	keys = ztt_calloc(1, sizeof(*keys));
	keys->suite = suite;
	keys->library = ztt_aead_fastest(suite->cipher);
	memcpy(keys->secret, secret, secret_bytes);
	if (derive(keys) == 0)
		return keys;
	ztt_tls_keys_free(keys);
	return NULL;
}

void ztt_tls_keys_free(struct ztt_tls_keys *keys)
{
	if (!keys)
		return;
	if (keys->context)
		keys->library->free(keys->context);
	gnutls_memset(keys, 0, sizeof(*keys));
	free(keys);
}

int ztt_tls_keys_update(struct ztt_tls_keys *keys)
{
	uint8_t next[SECRET_BYTES_MAX];

	if (expand(keys, "traffic upd", next, keys->suite->secret_bytes) < 0)
		return -EIO;
	memcpy(keys->secret, next, keys->suite->secret_bytes);
	gnutls_memset(next, 0, sizeof(next));
	return derive(keys);
}

void ztt_tls_keys_skip(struct ztt_tls_keys *keys, uint64_t records)
{
	const uint64_t room = SKIPPED_MAX - keys->skipped;

	keys->skipped += records < room ? records : room;
}

static int open_at(struct ztt_tls_keys *keys, uint64_t sequence,
		   const struct ztt_tls_record *record, uint8_t *out)
{
	uint8_t nonce[ZTT_AEAD_NONCE_BYTES];
	const uint64_t wire = htobe64(sequence);

	memcpy(nonce, keys->iv, sizeof(nonce));
	for (size_t i = 0; i < 8; i++)
		nonce[4 + i] ^= ((const uint8_t *)&wire)[i];
	return keys->library->open(keys->context, nonce, record->data,
				   ZTT_TLS_HEAD_BYTES,
				   record->data + ZTT_TLS_HEAD_BYTES,
				   record->body_bytes, out);
}

static int find_sequence(struct ztt_tls_keys *keys,
			 const struct ztt_tls_record *record, uint8_t *out,
			 uint64_t *ret_skipped)
{
	for (uint64_t i = 0; i <= keys->skipped; i++) {
		if (i && keys->attempts++ >= ATTEMPTS_MAX)
			return -EBADMSG;
		if (open_at(keys, keys->sequence + i, record, out) < 0)
			continue;
		*ret_skipped = i;
		keys->sequence += i + 1;
		keys->skipped = 0;
		return 0;
	}
	return -EBADMSG;
}

int ztt_tls_open(struct ztt_tls_keys *keys, const struct ztt_tls_record *record,
		 uint8_t *out, struct ztt_tls_opened *ret_opened)
{
	uint64_t skipped;
	size_t len;

	if (!keys->context || record->body_bytes <= ZTT_AEAD_TAG_BYTES ||
	    find_sequence(keys, record, out, &skipped) < 0)
		return -EBADMSG;
	len = record->body_bytes - ZTT_AEAD_TAG_BYTES;
	while (len && out[len - 1] == 0)
		len--;
	if (len == 0)
		return -EBADMSG;
	ret_opened->type = out[len - 1];
	ret_opened->data = out;
	ret_opened->len_bytes = len - 1;
	ret_opened->skipped = skipped;
	return 0;
}
