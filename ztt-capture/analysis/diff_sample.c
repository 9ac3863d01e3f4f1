#include "ztt-capture/analysis/diff_sample.h"

#include <stdlib.h>

#include "common/err.h"

#define SLOTS_LEAST 1024U
#define SLOTS_MOST (1U << 17) /* half of them are used */

struct ztt_diff_sample {
	uint64_t limit; /* hashes from here on are not kept */
	unsigned count, slot_count;
	struct ztt_diff_seen *slots;
};

struct ztt_diff_sample *ztt_diff_sample_new(void)
{
	struct ztt_diff_sample *sample = ztt_calloc(1, sizeof(*sample));

	sample->limit = UINT64_MAX;
	sample->slot_count = SLOTS_LEAST;
	sample->slots = ztt_calloc(SLOTS_LEAST, sizeof(*sample->slots));
	return sample;
}

void ztt_diff_sample_free(struct ztt_diff_sample *sample)
{
	if (!sample)
		return;
	free(sample->slots);
	free(sample);
}

/* Where it is, or the free slot where it would be. */
static struct ztt_diff_seen *slot_of(const struct ztt_diff_sample *sample,
				     const struct ztt_diff_digest *digest)
{
	/* Its lower bits: the upper ones are all zero when the limit is low */
	size_t slot = digest->hash % sample->slot_count;

	while (sample->slots[slot].used &&
	       !ztt_diff_digest_equal(&sample->slots[slot].digest, digest))
		slot = (slot + 1) % sample->slot_count;
	return &sample->slots[slot];
}

static void place(struct ztt_diff_sample *sample,
		  const struct ztt_diff_seen *seen)
{
	struct ztt_diff_seen *at = slot_of(sample, &seen->digest);

	if (at->used) {
		at->twice = at->twice || at->flow == seen->flow;
		return;
	}
	*at = *seen;
	at->used = true;
	sample->count++;
}

/* Twice the slots, or half of the hashes when they are as many as may be. */
static void make_room(struct ztt_diff_sample *sample)
{
	struct ztt_diff_seen *old = sample->slots;
	unsigned old_count = sample->slot_count;

	if (old_count < SLOTS_MOST)
		sample->slot_count *= 2;
	else
		sample->limit /= 2;
	sample->count = 0;
	sample->slots = ztt_calloc(sample->slot_count, sizeof(*sample->slots));
	for (size_t i = 0; i < old_count; i++)
		if (old[i].used && old[i].digest.hash < sample->limit)
			place(sample, &old[i]);
	free(old);
}

void ztt_diff_sample_add(struct ztt_diff_sample *sample,
			 const struct ztt_diff_seen *seen)
{
	if (seen->digest.hash >= sample->limit)
		return;
	place(sample, seen);
	while (sample->count > sample->slot_count / 2)
		make_room(sample);
}

size_t ztt_diff_sample_pairs(const struct ztt_diff_sample *a,
			     const struct ztt_diff_sample *b, bool repeated,
			     void (*pair)(void *owner,
					  const struct ztt_diff_seen *of_a,
					  const struct ztt_diff_seen *of_b),
			     void *owner)
{
	size_t count = 0;

	for (size_t i = 0; i < a->slot_count; i++) {
		const struct ztt_diff_seen *of_a = &a->slots[i], *of_b;

		if (!of_a->used)
			continue;
		of_b = slot_of(b, &of_a->digest);
		if (!of_b->used || (of_a->twice || of_b->twice) != repeated)
			continue;
		pair(owner, of_a, of_b);
		count++;
	}
	return count;
}
