#define _GNU_SOURCE
#include "measure.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "ztt-bench/floor.h"

#define NONCE_BYTES 12
#define TAG_BYTES 16
/* Packets between two looks at the clock. */
#define BATCH 64

struct packet {
	uint8_t key[32], nonce[NONCE_BYTES], aad[ZTT_FLOOR_AAD_BYTES];
	uint8_t plain[ZTT_FLOOR_PAYLOAD_BYTES];
	uint8_t sealed[ZTT_FLOOR_PAYLOAD_BYTES + TAG_BYTES];
	uint8_t opened[ZTT_FLOOR_PAYLOAD_BYTES];
};

/* Seals `plain` into `sealed`, or opens `sealed` into `opened`; false when the
 * library refuses. */
typedef bool (*step_fn)(void *context, struct packet *packet);

static void fill(struct packet *packet)
{
	memset(packet, 0, sizeof(*packet));
	for (size_t i = 0; i < sizeof(packet->key); i++)
		packet->key[i] = (uint8_t)(i * 7 + 1);
	for (size_t i = 0; i < sizeof(packet->plain); i++)
		packet->plain[i] = (uint8_t)(i * 31);
	memset(packet->aad, 0x43, sizeof(packet->aad));
}

/* RFC 9001, 5.3: the nonce holds the packet number, which grows by one. */
static void next_nonce(struct packet *packet)
{
	for (int i = NONCE_BYTES - 1; i >= 0 && ++packet->nonce[i] == 0; i--)
		;
}

static void repeat(step_fn step, bool seals, void *context,
		   struct packet *packet, uint64_t budget_ns,
		   struct ztt_floor_side *side)
{
	uint64_t due_ns, begin_ns;

	/* Once to warm up. */
	if (!step(context, packet)) {
		ztt_floor_fail(side, "the library refused a packet");
		return;
	}
	due_ns = ztt_clock_ns() + budget_ns;
	begin_ns = ztt_floor_thread_ns();
	do {
		for (int i = 0; i < BATCH; i++) {
			if (seals)
				next_nonce(packet);
			if (!step(context, packet)) {
				ztt_floor_fail(side, "the library refused "
						     "a packet");
				return;
			}
		}
		side->bytes += (uint64_t)BATCH * sizeof(packet->plain);
	} while (ztt_clock_ns() < due_ns);
	side->cpu_ns = ztt_floor_thread_ns() - begin_ns;
}

static void run_both(step_fn seal, step_fn open, void *context,
		     struct packet *packet, uint64_t budget_ns,
		     struct ztt_floor_side sides[ZTT_FLOOR_BOTH])
{
	repeat(seal, true, context, packet, budget_ns / 2,
	       &sides[ZTT_FLOOR_OUT]);
	repeat(open, false, context, packet, budget_ns / 2,
	       &sides[ZTT_FLOOR_IN]);
	if (memcmp(packet->plain, packet->opened, sizeof(packet->plain)) != 0)
		ztt_floor_fail(&sides[ZTT_FLOOR_IN],
			       "what was opened is not what was sealed");
}

static void fail_both(struct ztt_floor_side sides[ZTT_FLOOR_BOTH],
		      const char *why)
{
	ztt_floor_fail(&sides[ZTT_FLOOR_OUT], "%s", why);
	ztt_floor_fail(&sides[ZTT_FLOOR_IN], "%s", why);
}

static bool gnutls_seal(void *context, struct packet *packet)
{
	size_t len = sizeof(packet->sealed);

	return gnutls_aead_cipher_encrypt(context, packet->nonce, NONCE_BYTES,
					  packet->aad, sizeof(packet->aad),
					  TAG_BYTES, packet->plain,
					  sizeof(packet->plain), packet->sealed,
					  &len) == 0;
}

static bool gnutls_open(void *context, struct packet *packet)
{
	size_t len = sizeof(packet->opened);

	return gnutls_aead_cipher_decrypt(context, packet->nonce, NONCE_BYTES,
					  packet->aad, sizeof(packet->aad),
					  TAG_BYTES, packet->sealed,
					  sizeof(packet->sealed),
					  packet->opened, &len) == 0;
}

void ztt_floor_aead_gnutls(const struct ztt_floor_measure *measure,
			   uint64_t budget_ns,
			   struct ztt_floor_side sides[ZTT_FLOOR_BOTH])
{
	gnutls_cipher_algorithm_t cipher =
		(gnutls_cipher_algorithm_t)measure->cipher_id;
	gnutls_aead_cipher_hd_t handle;
	struct packet packet;
	gnutls_datum_t key = {packet.key,
			      (unsigned)gnutls_cipher_get_key_size(cipher)};
	int code;

	fill(&packet);
	code = gnutls_aead_cipher_init(&handle, cipher, &key);
	if (code < 0) {
		fail_both(sides, gnutls_strerror(code));
		return;
	}
	run_both(gnutls_seal, gnutls_open, handle, &packet, budget_ns, sides);
	gnutls_aead_cipher_deinit(handle);
}

struct evp {
	EVP_CIPHER_CTX *seal, *open;
};

static bool evp_seal(void *context, struct packet *packet)
{
	EVP_CIPHER_CTX *ctx = ((struct evp *)context)->seal;
	uint8_t *tag = packet->sealed + sizeof(packet->plain);
	int len;

	return EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, packet->nonce) == 1 &&
	       EVP_EncryptUpdate(ctx, NULL, &len, packet->aad,
				 sizeof(packet->aad)) == 1 &&
	       EVP_EncryptUpdate(ctx, packet->sealed, &len, packet->plain,
				 sizeof(packet->plain)) == 1 &&
	       EVP_EncryptFinal_ex(ctx, tag, &len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES,
				   tag) == 1;
}

static bool evp_open(void *context, struct packet *packet)
{
	EVP_CIPHER_CTX *ctx = ((struct evp *)context)->open;
	uint8_t *tag = packet->sealed + sizeof(packet->plain);
	uint8_t rest[TAG_BYTES];
	int len;

	return EVP_DecryptInit_ex(ctx, NULL, NULL, NULL, packet->nonce) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES,
				   tag) == 1 &&
	       EVP_DecryptUpdate(ctx, NULL, &len, packet->aad,
				 sizeof(packet->aad)) == 1 &&
	       EVP_DecryptUpdate(ctx, packet->opened, &len, packet->sealed,
				 sizeof(packet->plain)) == 1 &&
	       EVP_DecryptFinal_ex(ctx, rest, &len) == 1;
}

static bool evp_init(struct evp *evp, const EVP_CIPHER *cipher,
		     const struct packet *packet)
{
	return evp->seal != NULL && evp->open != NULL &&
	       EVP_EncryptInit_ex(evp->seal, cipher, NULL, packet->key,
				  packet->nonce) == 1 &&
	       EVP_DecryptInit_ex(evp->open, cipher, NULL, packet->key,
				  packet->nonce) == 1;
}

void ztt_floor_aead_libcrypto(const struct ztt_floor_measure *measure,
			      uint64_t budget_ns,
			      struct ztt_floor_side sides[ZTT_FLOOR_BOTH])
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, measure->cipher, NULL);
	struct evp evp = {EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_new()};
	struct packet packet;
	const char *why;

	fill(&packet);
	if (cipher != NULL && evp_init(&evp, cipher, &packet)) {
		run_both(evp_seal, evp_open, &evp, &packet, budget_ns, sides);
	} else {
		why = ERR_reason_error_string(ERR_get_error());
		fail_both(sides, why ? why : "libcrypto lacks this cipher");
	}
	EVP_CIPHER_CTX_free(evp.seal);
	EVP_CIPHER_CTX_free(evp.open);
	EVP_CIPHER_free(cipher);
}
