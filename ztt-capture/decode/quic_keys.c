#include "ztt-capture/decode/quic_keys.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/aead.h"
#include "common/err.h"
#include "ztt-capture/decode/quic_packet.h"
#include "ztt-capture/decode/quic_suite.h"

#define SAMPLE_BYTES 16
#define NUMBER_MAX_BYTES 4
#define KEY_PHASE_BIT 0x04
#define SPIN_BIT 0x20

struct ztt_quic_keys {
	struct ztt_quic_suite suites[2]; /* two: not known yet which */
	size_t suite_count;
	bool is_known;
	unsigned generation;
	uint64_t first_number; /* the least opened with this generation */
};

struct ztt_quic_keys *ztt_quic_keys_of_secret(uint32_t version,
					      uint16_t cipher_suite,
					      const uint8_t *secret,
					      size_t len_bytes)
{
	struct ztt_quic_keys *keys;

	if (version != ZTT_QUIC_V1 && version != ZTT_QUIC_V2)
		return NULL;
	keys = ztt_calloc(1, sizeof(*keys));
	for (size_t i = 0; i < ztt_quic_cipher_count; i++)
		if (ztt_quic_ciphers[i].secret_bytes == len_bytes &&
		    (cipher_suite == 0 ||
		     ztt_quic_ciphers[i].id == cipher_suite) &&
		    ztt_quic_suite_init(&keys->suites[keys->suite_count],
					&ztt_quic_ciphers[i],
					version == ZTT_QUIC_V2, secret))
			keys->suite_count++;
	keys->is_known = keys->suite_count == 1;
	if (keys->suite_count > 0)
		return keys;
	free(keys);
	return NULL;
}

/* RFC 9001 section 5.2 and RFC 9369 section 3.3.1. */
static const uint8_t salt_v1[20] = {
	0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
};
static const uint8_t salt_v2[20] = {
	0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9,
};

struct ztt_quic_keys *
ztt_quic_keys_initial(uint32_t version, const struct ztt_cid *dcid, bool server)
{
	const gnutls_datum_t salt = {
		(uint8_t *)(uintptr_t)(version == ZTT_QUIC_V2 ? salt_v2
							      : salt_v1),
		sizeof(salt_v1)};
	const gnutls_datum_t cid = {(uint8_t *)(uintptr_t)dcid->data,
				    dcid->len_bytes};
	uint8_t initial[32], secret[32];
	const struct ztt_packet_secret extracted = {
		.hash = GNUTLS_MAC_SHA256,
		.secret = initial,
		.len_bytes = sizeof(initial),
	};

	if (gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &cid, &salt, initial) < 0 ||
	    ztt_packet_expand(&extracted, server ? "server in" : "client in",
			      secret, sizeof(secret)) < 0)
		return NULL;
	return ztt_quic_keys_of_secret(version, 0x1301, secret, sizeof(secret));
}

void ztt_quic_keys_free(struct ztt_quic_keys *keys)
{
	if (!keys)
		return;
	for (size_t i = 0; i < keys->suite_count; i++)
		ztt_quic_suite_release(&keys->suites[i]);
	free(keys);
}

const char *ztt_quic_keys_cipher(const struct ztt_quic_keys *keys)
{
	return keys->is_known ? keys->suites[0].name : NULL;
}

/* Only one suite fits; the other of an unknown cipher goes. */
static void settle(struct ztt_quic_keys *keys, size_t fits)
{
	if (keys->suite_count > 1) {
		ztt_quic_suite_release(&keys->suites[1 - fits]);
		if (fits != 0)
			ztt_quic_suite_move(&keys->suites[0], &keys->suites[1]);
		keys->suite_count = 1;
	}
	keys->is_known = true;
}

/* A packet whose header is in the clear at the beginning of `out`. */
struct unmasked {
	const struct ztt_quic_header *header;
	uint64_t number;
	size_t header_bytes;
	uint8_t *out;
};

static bool open_with(const struct ztt_quic_generation *generation,
		      const struct unmasked *packet)
{
	const size_t at = packet->header_bytes;
	uint8_t nonce[ZTT_PACKET_IV_BYTES];

	memcpy(nonce, generation->iv, sizeof(nonce));
	for (size_t i = 0; i < 8; i++)
		nonce[sizeof(nonce) - 1 - i] ^=
			(uint8_t)(packet->number >> 8 * i);
	return ztt_packet_open(generation->key, nonce, packet->out, at,
			       packet->header->packet + at,
			       packet->header->packet_bytes - at,
			       packet->out + at) == 0;
}

/* Opens with the generation that the key phase means: of two with the same
 * phase, by the packet number (RFC 9001 section 6.5). 0, -EBADMSG. */
static int open_phase(struct ztt_quic_keys *keys, struct ztt_quic_suite *suite,
		      const struct unmasked *packet, unsigned *ret_generation)
{
	const bool phase = packet->out[0] & KEY_PHASE_BIT;
	const bool is_earlier =
		suite->previous.key && packet->number < keys->first_number;

	*ret_generation = keys->generation;
	if (packet->header->type != ZTT_PACKET_1RTT ||
	    phase == (keys->generation & 1))
		return open_with(&suite->current, packet) ? 0 : -EBADMSG;
	if (is_earlier) {
		*ret_generation = keys->generation - 1;
		return open_with(&suite->previous, packet) ? 0 : -EBADMSG;
	}
	if (!ztt_quic_suite_derive_next(suite) ||
	    !open_with(&suite->next, packet))
		return -EBADMSG;
	ztt_quic_suite_take_next(suite);
	keys->first_number = UINT64_MAX;
	*ret_generation = ++keys->generation;
	return 0;
}

/* Removes the header protection (RFC 9001 section 5.4). */
static void unmask(struct ztt_quic_suite *suite, uint64_t expected,
		   struct unmasked *packet)
{
	const struct ztt_quic_header *header = packet->header;
	const size_t at = header->number_offset;
	uint8_t mask[ZTT_PACKET_MASK_BYTES] = {0}, *out = packet->out;
	uint64_t truncated = 0;
	size_t width;

	ztt_header_mask(suite->header, header->packet + at + NUMBER_MAX_BYTES,
			mask);
	memcpy(out, header->packet, at);
	out[0] ^= mask[0] & (header->type == ZTT_PACKET_1RTT ? 0x1f : 0x0f);
	width = (out[0] & 3) + 1U;
	for (size_t i = 0; i < width; i++) {
		out[at + i] = header->packet[at + i] ^ mask[1 + i];
		truncated = truncated << 8 | out[at + i];
	}
	packet->number = ztt_quic_number_decode(expected, truncated, width);
	packet->header_bytes = at + width;
}

static void opened_it(struct ztt_quic_keys *keys, size_t suite,
		      const struct unmasked *packet, unsigned generation,
		      struct ztt_quic_opened *ret_opened)
{
	const struct ztt_quic_header *header = packet->header;
	const bool is_short = header->type == ZTT_PACKET_1RTT;

	if (generation == keys->generation &&
	    packet->number < keys->first_number)
		keys->first_number = packet->number;
	*ret_opened = (struct ztt_quic_opened){
		.number = packet->number,
		.key_phase = is_short && packet->out[0] & KEY_PHASE_BIT,
		.spin = is_short && packet->out[0] & SPIN_BIT,
		.generation = generation,
		.payload = packet->out + packet->header_bytes,
		.payload_bytes = header->packet_bytes - packet->header_bytes -
				 ZTT_AEAD_TAG_BYTES,
	};
	settle(keys, suite);
}

static bool is_long_enough(const struct ztt_quic_header *header)
{
	return header->number_offset > 0 &&
	       header->packet_bytes >=
		       header->number_offset + NUMBER_MAX_BYTES + SAMPLE_BYTES;
}

int ztt_quic_unprotect(struct ztt_quic_keys *keys,
		       const struct ztt_quic_header *header, uint64_t expected,
		       uint8_t *out, struct ztt_quic_opened *ret_opened)
{
	struct unmasked packet = {.header = header, .out = out};
	unsigned generation;

	if (!is_long_enough(header))
		return -EMSGSIZE;
	for (size_t i = 0; i < keys->suite_count; i++) {
		unmask(&keys->suites[i], expected, &packet);
		if (open_phase(keys, &keys->suites[i], &packet, &generation) ==
		    0) {
			opened_it(keys, i, &packet, generation, ret_opened);
			return 0;
		}
	}
	return -EBADMSG;
}

/* The numbers below `number_end` that end as the packet's does. */
static bool search_numbers(const struct ztt_quic_generation *generation,
			   struct unmasked *packet, uint64_t number_end,
			   unsigned *tries)
{
	const size_t width =
		packet->header_bytes - packet->header->number_offset;
	const uint64_t window = UINT64_C(1) << 8 * width;

	for (packet->number &= window - 1;
	     *tries > 0 && packet->number < number_end;
	     packet->number += window, --*tries)
		if (open_with(generation, packet))
			return true;
	return false;
}

/* On a copy of the suite that has its own keys. */
static bool search_generations(struct ztt_quic_suite *suite,
			       struct unmasked *packet, unsigned generations,
			       uint64_t number_end, unsigned *tries,
			       unsigned *ret_generation)
{
	const bool phase = packet->out[0] & KEY_PHASE_BIT;

	for (unsigned i = 0; i <= generations && *tries > 0; i++) {
		if (phase == (i & 1) && search_numbers(&suite->current, packet,
						       number_end, tries)) {
			*ret_generation = i;
			return true;
		}
		if (!ztt_quic_suite_derive_next(suite))
			return false;
		ztt_quic_suite_take_next(suite);
	}
	return false;
}

static bool search_suite(struct ztt_quic_keys *keys, size_t at,
			 struct unmasked *packet, unsigned generations,
			 uint64_t number_end, unsigned *tries)
{
	struct ztt_quic_suite *suite = &keys->suites[at], copy = *suite;
	bool found;

	copy.secret.secret = copy.bytes;
	copy.previous.key = copy.next.key = NULL;
	copy.current.key =
		ztt_packet_key_new(&copy.secret, false, copy.current.iv);
	found = copy.current.key &&
		search_generations(&copy, packet, generations, number_end,
				   tries, &keys->generation);
	if (found) {
		suite->header = NULL;
		ztt_quic_suite_release(suite);
		ztt_quic_suite_move(suite, &copy);
		keys->first_number = UINT64_MAX;
	} else {
		copy.header = NULL;
		ztt_quic_suite_release(&copy);
	}
	return found;
}

int ztt_quic_search(struct ztt_quic_keys *keys,
		    const struct ztt_quic_header *header, unsigned generations,
		    uint64_t number_end, unsigned *tries, uint8_t *out,
		    struct ztt_quic_opened *ret_opened)
{
	struct unmasked packet = {.header = header, .out = out};

	if (!is_long_enough(header) || header->type != ZTT_PACKET_1RTT)
		return -EMSGSIZE;
	for (size_t i = 0; keys->generation == 0 && i < keys->suite_count;
	     i++) {
		unmask(&keys->suites[i], 0, &packet);
		if (search_suite(keys, i, &packet, generations, number_end,
				 tries)) {
			opened_it(keys, i, &packet, keys->generation,
				  ret_opened);
			return 0;
		}
	}
	return -EBADMSG;
}
