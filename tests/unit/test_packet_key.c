/* Vectors of RFC 9001, appendix A. */
#include "hex.h"

#include "common/aead.h"
#include "common/packet_key.h"

#define BYTES_MAX 2048

static size_t unhex(const char *text, uint8_t *out)
{
	return hex_bytes(text, out, BYTES_MAX);
}

static void assert_hex(const uint8_t *got, const char *want)
{
	uint8_t bytes[BYTES_MAX];
	const size_t len = unhex(want, bytes);

	assert_memory_equal(got, bytes, len);
}

static uint8_t secret_bytes[ZTT_PACKET_SECRET_MAX_BYTES];

static struct ztt_packet_secret secret_of(const char *text,
					  gnutls_cipher_algorithm_t cipher)
{
	return (struct ztt_packet_secret){
		.hash = GNUTLS_MAC_SHA256,
		.cipher = cipher,
		.secret = secret_bytes,
		.len_bytes = unhex(text, secret_bytes),
	};
}

/* A.1 and A.2: the client's Initial secret. */
static void aes_headers_are_masked_as_in_a_2(void **state)
{
	const struct ztt_packet_secret secret = secret_of(
		"c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357a"
		"ea",
		GNUTLS_CIPHER_AES_128_GCM);
	struct ztt_header_key *header = ztt_header_key_new(&secret);
	uint8_t sample[16], mask[ZTT_PACKET_MASK_BYTES];
	uint8_t iv[ZTT_PACKET_IV_BYTES];
	struct ztt_packet_key *key = ztt_packet_key_new(&secret, true, iv);

	(void)state;
	assert_hex(iv, "fa044b2f42a3fd3b46fb255c");
	unhex("d1b1c98dd7689fb8ec11d242b123dc9b", sample);
	assert_int_equal(ztt_header_mask(header, sample, mask), 0);
	assert_hex(mask, "437b9aec36");
	ztt_header_key_free(header);
	ztt_packet_key_free(key);
}

/* A.3: the server's Initial, packet number 1. */
static void aes_payload_is_sealed_as_in_a_3(void **state)
{
	const struct ztt_packet_secret secret = secret_of(
		"3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda95"
		"1b",
		GNUTLS_CIPHER_AES_128_GCM);
	uint8_t iv[ZTT_PACKET_IV_BYTES], aad[64], plain[256], sealed[256];
	struct ztt_packet_key *key = ztt_packet_key_new(&secret, true, iv);
	const size_t aad_len =
		unhex("c1000000010008f067a5502a4262b50040750001", aad);
	const size_t len = unhex(
		"02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf7"
		"3988cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d"
		"3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a"
		"002b00020304",
		plain);

	(void)state;
	iv[11] ^= 1;
	assert_int_equal(ztt_packet_seal(key, iv, aad, aad_len, plain, len,
					 sealed),
			 0);
	assert_hex(sealed, "5a482cd0991cd25b0aac406a5816b6394100f37a1c69797554"
			   "780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c"
			   "5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84"
			   "022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d203"
			   "98c276456cbc42158407dd074ee");
	ztt_packet_key_free(key);
}

#define CHACHA_SECRET \
	"9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b"

/* A.5: ChaCha20-Poly1305, packet number 654360564. */
static void chacha_is_as_in_a_5(void **state)
{
	const struct ztt_packet_secret secret =
		secret_of(CHACHA_SECRET, GNUTLS_CIPHER_CHACHA20_POLY1305);
	uint8_t iv[ZTT_PACKET_IV_BYTES], nonce[12], aad[4], sealed[17],
		next[32];
	struct ztt_packet_key *seals = ztt_packet_key_new(&secret, true, iv);
	struct ztt_packet_key *opens = ztt_packet_key_new(&secret, false, iv);
	struct ztt_header_key *header = ztt_header_key_new(&secret);
	uint8_t plain = 1, opened = 0, mask[ZTT_PACKET_MASK_BYTES];

	(void)state;
	assert_hex(iv, "e0459b3474bdd0e44a41c144");
	unhex("e0459b3474bdd0e46d417eb0", nonce);
	unhex("4200bff4", aad);
	assert_int_equal(ztt_packet_seal(seals, nonce, aad, 4, &plain, 1,
					 sealed),
			 0);
	assert_hex(sealed, "655e5cd55c41f69080575d7999c25a5bfb");
	assert_int_equal(ztt_packet_open(opens, nonce, aad, 4, sealed, 17,
					 &opened),
			 0);
	assert_int_equal(opened, 1);
	assert_int_equal(ztt_header_mask(header, sealed + 1, mask), 0);
	assert_hex(mask, "aefefe7d03");
	assert_int_equal(ztt_packet_secret_next(&secret, next), 0);
	assert_hex(next, "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b"
			 "36b714881f9");
	ztt_header_key_free(header);
	ztt_packet_key_free(seals);
	ztt_packet_key_free(opens);
}

/* RFC 9369, A.5: the same secret in QUIC version 2. */
static void version_2_has_labels_of_its_own(void **state)
{
	struct ztt_packet_secret secret =
		secret_of(CHACHA_SECRET, GNUTLS_CIPHER_CHACHA20_POLY1305);
	uint8_t iv[ZTT_PACKET_IV_BYTES], next[32], sample[16], mask[5];
	struct ztt_header_key *header;

	(void)state;
	secret.is_v2 = true;
	ztt_packet_key_free(ztt_packet_key_new(&secret, true, iv));
	assert_hex(iv, "a6b5bc6ab7dafce30ffff5dd");
	assert_int_equal(ztt_packet_secret_next(&secret, next), 0);
	assert_hex(next, "c69374c49e3d2a9466fa689e49d476db5d0dfbc87d32ceeaa6343"
			 "fd0ae4c7d88");
	header = ztt_header_key_new(&secret);
	unhex("e7b6b932bc27d786f4bc2bb20f2162ba", sample);
	assert_int_equal(ztt_header_mask(header, sample, mask), 0);
	assert_hex(mask, "97580e32bf");
	ztt_header_key_free(header);
}

static void what_was_changed_does_not_open(void **state)
{
	const struct ztt_packet_secret secret =
		secret_of(CHACHA_SECRET, GNUTLS_CIPHER_AES_256_GCM);
	uint8_t iv[ZTT_PACKET_IV_BYTES], sealed[40], opened[40];
	const uint8_t aad[3] = {1, 2, 3}, plain[24] = {7};
	struct ztt_packet_key *seals = ztt_packet_key_new(&secret, true, iv);
	struct ztt_packet_key *opens = ztt_packet_key_new(&secret, false, iv);

	(void)state;
	ztt_packet_seal(seals, iv, aad, 3, plain, 24, sealed);
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		assert_int_not_equal(ztt_packet_open(opens, iv, aad, 3, sealed,
						     sizeof(sealed), opened),
				     0);
		sealed[i] ^= 1;
	}
	assert_int_not_equal(ztt_packet_open(opens, iv, aad, 3, sealed, 15,
					     opened),
			     0);
	assert_int_equal(ztt_packet_open(opens, iv, aad, 3, sealed,
					 sizeof(sealed), opened),
			 0);
	ztt_packet_key_free(seals);
	ztt_packet_key_free(opens);
}

static void an_unknown_cipher_gives_no_key(void **state)
{
	const struct ztt_packet_secret secret =
		secret_of(CHACHA_SECRET, GNUTLS_CIPHER_AES_128_CCM);
	uint8_t iv[ZTT_PACKET_IV_BYTES];

	(void)state;
	assert_null(ztt_packet_key_new(&secret, true, iv));
	assert_null(ztt_header_key_new(&secret));
	assert_string_equal(ztt_packet_library(secret.cipher), "unknown");
}

/* Whatever one library seals, each other opens, at every small size. */
static void libraries_agree(void **state)
{
	static uint8_t key[ZTT_AEAD_KEY_MAX_BYTES] = {3, 1, 4}, plain[1500];
	uint8_t nonce[ZTT_AEAD_NONCE_BYTES] = {9}, aad[23] = {5};
	uint8_t sealed[1516], opened[1500];

	(void)state;
	for (int c = 0; c < ZTT_AEAD_CIPHERS; c++)
		for (size_t a = 0; ztt_aead_libraries[a]; a++)
			for (size_t b = 0; ztt_aead_libraries[b]; b++) {
				const struct ztt_aead_library *x =
					ztt_aead_libraries[a];
				const struct ztt_aead_library *y =
					ztt_aead_libraries[b];
				void *s = x->new ((enum ztt_aead_cipher)c, key,
						  true);
				void *o = y->new ((enum ztt_aead_cipher)c, key,
						  false);

				for (size_t len = 0; s && o && len < 1500;
				     len += len < 70 ? 1 : 97) {
					plain[len] = (uint8_t)len;
					assert_int_equal(x->seal(s, nonce, aad,
								 len % 23,
								 plain, len,
								 sealed),
							 0);
					assert_int_equal(y->open(o, nonce, aad,
								 len % 23,
								 sealed,
								 len + 16,
								 opened),
							 0);
					assert_memory_equal(plain, opened, len);
				}
				if (s)
					x->free(s);
				if (o)
					y->free(o);
			}
}

static void the_fastest_library_has_the_cipher(void **state)
{
	static const uint8_t key[ZTT_AEAD_KEY_MAX_BYTES];

	(void)state;
	for (int c = 0; c < ZTT_AEAD_CIPHERS; c++) {
		const struct ztt_aead_library *library =
			ztt_aead_fastest((enum ztt_aead_cipher)c);
		void *context =
			library->new ((enum ztt_aead_cipher)c, key, true);

		assert_non_null(context);
		library->free(context);
		assert_ptr_equal(library,
				 ztt_aead_fastest((enum ztt_aead_cipher)c));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aes_headers_are_masked_as_in_a_2),
		cmocka_unit_test(aes_payload_is_sealed_as_in_a_3),
		cmocka_unit_test(chacha_is_as_in_a_5),
		cmocka_unit_test(version_2_has_labels_of_its_own),
		cmocka_unit_test(what_was_changed_does_not_open),
		cmocka_unit_test(an_unknown_cipher_gives_no_key),
		cmocka_unit_test(libraries_agree),
		cmocka_unit_test(the_fastest_library_has_the_cipher),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
