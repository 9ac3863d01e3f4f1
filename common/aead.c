#include "aead.h"

#include <pthread.h>

#include "clock.h"

#define PROBE_BYTES 1400
#define PROBE_PACKETS 64
#define PROBE_ROUNDS 5

const struct ztt_aead_library *const ztt_aead_libraries[] = {
	&ztt_aead_gnutls,
	&ztt_aead_libcrypto,
	&ztt_aead_ipsec_mb,
	NULL,
};

static const struct {
	const char *name;
	size_t key_bytes;
} ciphers[ZTT_AEAD_CIPHERS] = {
	[ZTT_AEAD_AES_128_GCM] = {"AES-128-GCM", 16},
	[ZTT_AEAD_AES_256_GCM] = {"AES-256-GCM", 32},
	[ZTT_AEAD_CHACHA20_POLY1305] = {"CHACHA20-POLY1305", 32},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct ztt_aead_library *fastest[ZTT_AEAD_CIPHERS];

size_t ztt_aead_key_bytes(enum ztt_aead_cipher cipher)
{
	return ciphers[cipher].key_bytes;
}

const char *ztt_aead_cipher_name(enum ztt_aead_cipher cipher)
{
	return ciphers[cipher].name;
}

static uint64_t probe_round(const struct ztt_aead_library *library, void *seal,
			    void *open)
{
	static const uint8_t aad[9], plain[PROBE_BYTES];
	uint8_t sealed[PROBE_BYTES + ZTT_AEAD_TAG_BYTES], opened[PROBE_BYTES];
	uint8_t nonce[ZTT_AEAD_NONCE_BYTES] = {0};
	const uint64_t begin_ns = ztt_clock_ns();

	for (uint8_t i = 0; i < PROBE_PACKETS; i++) {
		nonce[0] = i;
		if (library->seal(seal, nonce, aad, sizeof(aad), plain,
				  sizeof(plain), sealed) < 0 ||
		    library->open(open, nonce, aad, sizeof(aad), sealed,
				  sizeof(sealed), opened) < 0)
			return UINT64_MAX;
	}
	return ztt_clock_ns() - begin_ns;
}

/* The best of a few rounds: whatever disturbs one makes it only longer. */
static uint64_t probe(const struct ztt_aead_library *library,
		      enum ztt_aead_cipher cipher)
{
	static const uint8_t key[ZTT_AEAD_KEY_MAX_BYTES] = {1};
	void *seal = library->new (cipher, key, true);
	void *open = seal ? library->new (cipher, key, false) : NULL;
	uint64_t best_ns = UINT64_MAX, ns;

	for (int i = 0; open && i < PROBE_ROUNDS; i++) {
		ns = probe_round(library, seal, open);
		if (ns < best_ns)
			best_ns = ns;
	}
	if (seal)
		library->free(seal);
	if (open)
		library->free(open);
	return best_ns;
}

static const struct ztt_aead_library *find(enum ztt_aead_cipher cipher)
{
	const struct ztt_aead_library *best = &ztt_aead_gnutls;
	uint64_t best_ns = UINT64_MAX, ns;

	for (size_t i = 0; ztt_aead_libraries[i]; i++) {
		ns = probe(ztt_aead_libraries[i], cipher);
		if (ns < best_ns) {
			best_ns = ns;
			best = ztt_aead_libraries[i];
		}
	}
	return best;
}

const struct ztt_aead_library *ztt_aead_fastest(enum ztt_aead_cipher cipher)
{
	const struct ztt_aead_library *library;

	pthread_mutex_lock(&lock);
	if (!fastest[cipher])
		fastest[cipher] = find(cipher);
	library = fastest[cipher];
	pthread_mutex_unlock(&lock);
	return library;
}

void ztt_aead_settle(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < ZTT_AEAD_CIPHERS; i++)
		if (!fastest[i])
			fastest[i] = &ztt_aead_gnutls;
	pthread_mutex_unlock(&lock);
}
