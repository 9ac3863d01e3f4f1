#include "ztt-capture/decode/quic_suite.h"

#include <gnutls/crypto.h>
#include <string.h>

const struct ztt_quic_cipher ztt_quic_ciphers[] = {
	{0x1301, 32, GNUTLS_CIPHER_AES_128_GCM, GNUTLS_MAC_SHA256,
	 "AES-128-GCM"},
	{0x1302, 48, GNUTLS_CIPHER_AES_256_GCM, GNUTLS_MAC_SHA384,
	 "AES-256-GCM"},
	{0x1303, 32, GNUTLS_CIPHER_CHACHA20_POLY1305, GNUTLS_MAC_SHA256,
	 "ChaCha20-Poly1305"},
};
const size_t ztt_quic_cipher_count =
	sizeof(ztt_quic_ciphers) / sizeof(*ztt_quic_ciphers);

void ztt_quic_suite_release(struct ztt_quic_suite *suite)
{
	ztt_header_key_free(suite->header);
	ztt_packet_key_free(suite->previous.key);
	ztt_packet_key_free(suite->current.key);
	ztt_packet_key_free(suite->next.key);
	gnutls_memset(suite, 0, sizeof(*suite));
}

bool ztt_quic_suite_init(struct ztt_quic_suite *suite,
			 const struct ztt_quic_cipher *cipher, bool is_v2,
			 const uint8_t *secret)
{
	memcpy(suite->bytes, secret, cipher->secret_bytes);
	suite->name = cipher->name;
	suite->secret = (struct ztt_packet_secret){
		.hash = cipher->hash,
		.cipher = cipher->cipher,
		.secret = suite->bytes,
		.len_bytes = cipher->secret_bytes,
		.is_v2 = is_v2,
	};
	suite->header = ztt_header_key_new(&suite->secret);
	suite->current.key =
		ztt_packet_key_new(&suite->secret, false, suite->current.iv);
	if (suite->header && suite->current.key)
		return true;
	ztt_quic_suite_release(suite);
	return false;
}

void ztt_quic_suite_move(struct ztt_quic_suite *to, struct ztt_quic_suite *from)
{
	*to = *from;
	to->secret.secret = to->bytes;
	gnutls_memset(from, 0, sizeof(*from));
}

bool ztt_quic_suite_derive_next(struct ztt_quic_suite *suite)
{
	struct ztt_packet_secret secret = suite->secret;
	uint8_t bytes[ZTT_QUIC_SECRET_MAX_BYTES];

	if (suite->next.key)
		return true;
	secret.secret = bytes;
	if (ztt_packet_secret_next(&suite->secret, bytes) == 0)
		suite->next.key =
			ztt_packet_key_new(&secret, false, suite->next.iv);
	gnutls_memset(bytes, 0, sizeof(bytes));
	return suite->next.key;
}

void ztt_quic_suite_take_next(struct ztt_quic_suite *suite)
{
	uint8_t bytes[ZTT_QUIC_SECRET_MAX_BYTES];

	ztt_packet_secret_next(&suite->secret, bytes);
	memcpy(suite->bytes, bytes, suite->secret.len_bytes);
	gnutls_memset(bytes, 0, sizeof(bytes));
	ztt_packet_key_free(suite->previous.key);
	suite->previous = suite->current;
	suite->current = suite->next;
	suite->next.key = NULL;
}
