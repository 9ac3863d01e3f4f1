#include <errno.h>
#include <stdlib.h>

#include "aead.h"

#if defined(__x86_64__) && __has_include(<intel-ipsec-mb.h>)
#include <gnutls/gnutls.h>
#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <string.h>

/* The manager is a table of functions for this CPU; the calls used here keep
 * their state in the context alone. */
static IMB_MGR *manager;
static pthread_once_t once = PTHREAD_ONCE_INIT;

struct context {
	struct gcm_key_data key; /* first: it is aligned as the context is */
	struct gcm_context_data state;
	uint8_t chacha_key[ZTT_AEAD_KEY_MAX_BYTES];
	struct chacha20_poly1305_context_data chacha;
	enum ztt_aead_cipher cipher;
};

static void make_manager(void)
{
	IMB_ARCH arch;

	manager = alloc_mb_mgr(0);
	if (manager)
		init_mb_mgr_auto(manager, &arch);
}

static void *new (enum ztt_aead_cipher cipher, const uint8_t *key, bool seals)
{
	struct context *context;

	(void)seals;
	pthread_once(&once, make_manager);
	if (!manager)
		return NULL;
	context = aligned_alloc(64, (sizeof(*context) + 63) / 64 * 64);
	if (!context)
		return NULL;
	context->cipher = cipher;
	if (cipher == ZTT_AEAD_CHACHA20_POLY1305)
		memcpy(context->chacha_key, key, sizeof(context->chacha_key));
	else if (cipher == ZTT_AEAD_AES_256_GCM)
		IMB_AES256_GCM_PRE(manager, key, &context->key);
	else
		IMB_AES128_GCM_PRE(manager, key, &context->key);
	return context;
}

static void release(void *context)
{
	gnutls_memset(context, 0, sizeof(struct context));
	free(context);
}

static void seal_chacha(struct context *context, const uint8_t *nonce,
			const uint8_t *aad, size_t aad_bytes,
			const uint8_t *plain, size_t len_bytes, uint8_t *out)
{
	IMB_CHACHA20_POLY1305_INIT(manager, context->chacha_key,
				   &context->chacha, nonce, aad, aad_bytes);
	IMB_CHACHA20_POLY1305_ENC_UPDATE(manager, context->chacha_key,
					 &context->chacha, out, plain,
					 len_bytes);
	IMB_CHACHA20_POLY1305_ENC_FINALIZE(manager, &context->chacha,
					   out + len_bytes, ZTT_AEAD_TAG_BYTES);
}

static int seal(void *opaque, const uint8_t *nonce, const uint8_t *aad,
		size_t aad_bytes, const uint8_t *plain, size_t len_bytes,
		uint8_t *out)
{
	struct context *context = opaque;

	if (context->cipher == ZTT_AEAD_CHACHA20_POLY1305)
		seal_chacha(context, nonce, aad, aad_bytes, plain, len_bytes,
			    out);
	else if (context->cipher == ZTT_AEAD_AES_256_GCM)
		IMB_AES256_GCM_ENC(manager, &context->key, &context->state, out,
				   plain, len_bytes, nonce, aad, aad_bytes,
				   out + len_bytes, ZTT_AEAD_TAG_BYTES);
	else
		IMB_AES128_GCM_ENC(manager, &context->key, &context->state, out,
				   plain, len_bytes, nonce, aad, aad_bytes,
				   out + len_bytes, ZTT_AEAD_TAG_BYTES);
	return 0;
}

static void open_chacha(struct context *context, const uint8_t *nonce,
			const uint8_t *aad, size_t aad_bytes,
			const uint8_t *sealed, size_t plain_bytes, uint8_t *out,
			uint8_t *tag)
{
	IMB_CHACHA20_POLY1305_INIT(manager, context->chacha_key,
				   &context->chacha, nonce, aad, aad_bytes);
	IMB_CHACHA20_POLY1305_DEC_UPDATE(manager, context->chacha_key,
					 &context->chacha, out, sealed,
					 plain_bytes);
	IMB_CHACHA20_POLY1305_DEC_FINALIZE(manager, &context->chacha, tag,
					   ZTT_AEAD_TAG_BYTES);
}

static int open(void *opaque, const uint8_t *nonce, const uint8_t *aad,
		size_t aad_bytes, const uint8_t *sealed, size_t len_bytes,
		uint8_t *out)
{
	const size_t plain_bytes = len_bytes - ZTT_AEAD_TAG_BYTES;
	struct context *context = opaque;
	uint8_t tag[ZTT_AEAD_TAG_BYTES];

	if (context->cipher == ZTT_AEAD_CHACHA20_POLY1305)
		open_chacha(context, nonce, aad, aad_bytes, sealed, plain_bytes,
			    out, tag);
	else if (context->cipher == ZTT_AEAD_AES_256_GCM)
		IMB_AES256_GCM_DEC(manager, &context->key, &context->state, out,
				   sealed, plain_bytes, nonce, aad, aad_bytes,
				   tag, sizeof(tag));
	else
		IMB_AES128_GCM_DEC(manager, &context->key, &context->state, out,
				   sealed, plain_bytes, nonce, aad, aad_bytes,
				   tag, sizeof(tag));
	return gnutls_memcmp(tag, sealed + plain_bytes, sizeof(tag)) == 0
		       ? 0
		       : -EBADMSG;
}

const struct ztt_aead_library ztt_aead_ipsec_mb = {
	.name = "ipsec-mb",
	.new = new,
	.free = release,
	.seal = seal,
	.open = open,
};

#else

static void *new (enum ztt_aead_cipher cipher, const uint8_t *key, bool seals)
{
	(void)cipher;
	(void)key;
	(void)seals;
	return NULL;
}

const struct ztt_aead_library ztt_aead_ipsec_mb = {
	.name = "ipsec-mb",
	.new = new,
};

#endif
