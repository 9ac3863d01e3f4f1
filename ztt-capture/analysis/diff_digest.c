#include "ztt-capture/analysis/diff_digest.h"

#include <string.h>

/* Odd constants with as many ones as zeros, as wyhash takes them. */
#define K1 UINT64_C(0xa0761d6478bd642f)
#define K2 UINT64_C(0xe7037ed1a0b428db)
#define K3 UINT64_C(0x8ebc6af09c88c6e3)

__extension__ typedef unsigned __int128 uint128;

static uint64_t fold(uint64_t one, uint64_t other)
{
	uint128 product = (uint128)one * other;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t u64_at(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void last_words(const uint8_t *at, size_t left, uint64_t words[2])
{
	uint8_t padded[16] = {0};

	memcpy(padded, at, left);
	words[0] = u64_at(padded);
	words[1] = u64_at(padded + 8);
}

void ztt_diff_digest(uint64_t seed, const uint8_t *data, size_t len_bytes,
		     size_t whole_bytes, struct ztt_diff_digest *ret_digest)
{
	uint64_t key = fold(seed ^ K1, K2), other_key = fold(seed ^ K3, K1);
	uint64_t hash = key ^ whole_bytes, check = other_key;
	uint64_t words[2];

	for (; len_bytes >= 16; data += 16, len_bytes -= 16) {
		hash = fold(u64_at(data) ^ key ^ K1, u64_at(data + 8) ^ hash);
		check = fold(u64_at(data) ^ check,
			     u64_at(data + 8) ^ other_key);
	}
	last_words(data, len_bytes, words);
	hash = fold(words[0] ^ key ^ K1, words[1] ^ hash);
	check = fold(words[0] ^ check, words[1] ^ other_key);
	ret_digest->hash = fold(hash ^ K2, key ^ whole_bytes);
	ret_digest->check = fold(check ^ K3, other_key ^ len_bytes);
	ret_digest->len_bytes = (uint32_t)whole_bytes;
}

bool ztt_diff_digest_equal(const struct ztt_diff_digest *one,
			   const struct ztt_diff_digest *other)
{
	return one->hash == other->hash && one->check == other->check &&
	       one->len_bytes == other->len_bytes;
}
