/* What a datagram is recognised by: a keyed hash of its payload. */
#ifndef ZTT_DIFF_DIGEST_H
#define ZTT_DIFF_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_diff_digest {
	uint64_t hash, check; /* two hashes, keyed apart */
	uint32_t len_bytes;   /* of the whole payload */
};

/* Of the first `len_bytes` of a payload of `whole_bytes`. */
void ztt_diff_digest(uint64_t seed, const uint8_t *data, size_t len_bytes,
		     size_t whole_bytes, struct ztt_diff_digest *ret_digest);
bool ztt_diff_digest_equal(const struct ztt_diff_digest *one,
			   const struct ztt_diff_digest *other);

#endif
