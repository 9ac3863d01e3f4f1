#include "ztt-capture/analysis/diff_match.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"

#define NONE UINT32_MAX
#define LEAST 1024

/* One content: what of it waits, in order, at either end. */
struct content {
	struct ztt_diff_digest digest;
	uint32_t next;       /* of its bucket, or of the free ones */
	uint32_t references; /* records */
	bool matched;
	struct {
		const struct ztt_diff_flow *flow; /* that it was seen in */
		uint32_t head, tail;              /* records; NONE */
	} ends[2];
};

struct waiting {
	struct ztt_diff_record record;
	uint32_t content;
	uint32_t next; /* of the same content and end */
	bool matched;
};

struct ztt_diff_matches {
	struct ztt_diff_match_plan plan;
	struct waiting *ring; /* in order of coming */
	uint32_t cap, head, count;
	struct content *contents;
	uint32_t *buckets;
	uint32_t free_content;
	uint64_t forgotten;
};

static void all_free(struct ztt_diff_matches *matches, uint32_t from)
{
	for (uint32_t i = matches->cap; i-- > from;) {
		matches->contents[i].next = matches->free_content;
		matches->free_content = i;
	}
}

/* Every index is kept: the ring is unrolled, so that they still count from its
 * head. */
static uint32_t unrolled(const struct ztt_diff_matches *matches, uint32_t index)
{
	if (index == NONE)
		return NONE;
	return (index + matches->cap - matches->head) % matches->cap;
}

static void fill_buckets(struct ztt_diff_matches *matches)
{
	memset(matches->buckets, 0xff, matches->cap * sizeof(uint32_t));
	for (uint32_t i = 0; i < matches->cap; i++) {
		struct content *content = &matches->contents[i];
		uint32_t *bucket;

		if (content->references == 0)
			continue;
		bucket = &matches->buckets[content->digest.hash % matches->cap];
		content->next = *bucket;
		*bucket = i;
	}
}

static void grow(struct ztt_diff_matches *matches)
{
	uint32_t old_cap = matches->cap, cap = old_cap * 2;
	struct waiting *ring = ztt_calloc(cap, sizeof(*ring));

	for (uint32_t i = 0; i < matches->count; i++) {
		ring[i] = matches->ring[(matches->head + i) % old_cap];
		ring[i].next = unrolled(matches, ring[i].next);
	}
	for (uint32_t i = 0; i < old_cap; i++)
		for (unsigned end = 0; end < 2; end++) {
			struct content *content = &matches->contents[i];

			content->ends[end].head =
				unrolled(matches, content->ends[end].head);
			content->ends[end].tail =
				unrolled(matches, content->ends[end].tail);
		}
	free(matches->ring);
	free(matches->buckets);
	matches->ring = ring;
	matches->head = 0;
	matches->cap = cap;
	matches->contents = ztt_realloc(matches->contents,
					cap * sizeof(*matches->contents));
	memset(matches->contents + old_cap, 0,
	       old_cap * sizeof(*matches->contents));
	matches->buckets = ztt_alloc(cap * sizeof(*matches->buckets));
	all_free(matches, old_cap);
	fill_buckets(matches);
}

struct ztt_diff_matches *
ztt_diff_matches_new(const struct ztt_diff_match_plan *plan)
{
	struct ztt_diff_matches *matches = ztt_calloc(1, sizeof(*matches));

	matches->plan = *plan;
	if (matches->plan.most == 0 ||
	    matches->plan.most > ZTT_DIFF_WAITING_MAX)
		matches->plan.most = ZTT_DIFF_WAITING_MAX;
	matches->cap = LEAST;
	matches->ring = ztt_calloc(LEAST, sizeof(*matches->ring));
	matches->contents = ztt_calloc(LEAST, sizeof(*matches->contents));
	matches->buckets = ztt_alloc(LEAST * sizeof(*matches->buckets));
	matches->free_content = NONE;
	all_free(matches, 0);
	fill_buckets(matches);
	return matches;
}

void ztt_diff_matches_free(struct ztt_diff_matches *matches)
{
	if (!matches)
		return;
	free(matches->ring);
	free(matches->contents);
	free(matches->buckets);
	free(matches);
}

static uint32_t *bucket_of(struct ztt_diff_matches *matches,
			   const struct ztt_diff_digest *digest)
{
	return &matches->buckets[digest->hash % matches->cap];
}

static struct content *find(struct ztt_diff_matches *matches,
			    const struct ztt_diff_digest *digest)
{
	uint32_t at = *bucket_of(matches, digest);

	while (at != NONE &&
	       !ztt_diff_digest_equal(&matches->contents[at].digest, digest))
		at = matches->contents[at].next;
	return at == NONE ? NULL : &matches->contents[at];
}

/* There is a free one: no more contents than records. */
static struct content *make(struct ztt_diff_matches *matches,
			    const struct ztt_diff_digest *digest)
{
	uint32_t at = matches->free_content;
	uint32_t *bucket = bucket_of(matches, digest);
	struct content *content = &matches->contents[at];

	matches->free_content = content->next;
	memset(content, 0, sizeof(*content));
	content->digest = *digest;
	for (unsigned end = 0; end < 2; end++)
		content->ends[end].head = content->ends[end].tail = NONE;
	content->next = *bucket;
	*bucket = at;
	return content;
}

static void drop(struct ztt_diff_matches *matches, uint32_t index)
{
	struct content *content = &matches->contents[index];
	uint32_t *link = bucket_of(matches, &content->digest);

	while (*link != index)
		link = &matches->contents[*link].next;
	*link = content->next;
	content->next = matches->free_content;
	matches->free_content = index;
}

static struct waiting *pop(struct ztt_diff_matches *matches,
			   struct content *content, enum ztt_diff_end end)
{
	uint32_t at = content->ends[end].head;

	if (at == NONE)
		return NULL;
	content->ends[end].head = matches->ring[at].next;
	if (content->ends[end].head == NONE)
		content->ends[end].tail = NONE;
	return &matches->ring[at];
}

/* The oldest of all: when it waits still, it is the first of its content. */
static void expire(struct ztt_diff_matches *matches)
{
	struct waiting *waiting = &matches->ring[matches->head];
	struct content *content = &matches->contents[waiting->content];

	if (!waiting->matched) {
		pop(matches, content, waiting->record.end);
		matches->plan.alone(matches->plan.owner, &waiting->record);
	}
	if (--content->references == 0)
		drop(matches, waiting->content);
	matches->head = (matches->head + 1) % matches->cap;
	matches->count--;
}

static void append(struct ztt_diff_matches *matches, struct content *content,
		   const struct ztt_diff_record *record, bool matched)
{
	uint32_t at = (matches->head + matches->count++) % matches->cap;
	uint32_t *tail = &content->ends[record->end].tail;

	matches->ring[at] = (struct waiting){
		.record = *record,
		.content = (uint32_t)(content - matches->contents),
		.next = NONE,
		.matched = matched,
	};
	content->references++;
	if (matched)
		return;
	if (*tail == NONE)
		content->ends[record->end].head = at;
	else
		matches->ring[*tail].next = at;
	*tail = at;
}

static void make_room(struct ztt_diff_matches *matches, int64_t now_ns)
{
	while (matches->count > 0 &&
	       now_ns - matches->ring[matches->head].record.at_ns >
		       (int64_t)matches->plan.window_ns)
		expire(matches);
	if (matches->count < matches->cap &&
	    matches->count < matches->plan.most)
		return;
	if (matches->cap < matches->plan.most) {
		grow(matches);
		return;
	}
	matches->forgotten += !matches->ring[matches->head].matched;
	expire(matches);
}

void ztt_diff_matches_add(struct ztt_diff_matches *matches,
			  const struct ztt_diff_record *record)
{
	enum ztt_diff_end far =
		record->end == ZTT_DIFF_FIRST ? ZTT_DIFF_OTHER : ZTT_DIFF_FIRST;
	struct ztt_diff_match_plan *plan = &matches->plan;
	struct ztt_diff_record mine = *record;
	struct content *content;
	struct waiting *peer;

	make_room(matches, record->at_ns);
	content = find(matches, &record->digest);
	if (!content)
		content = make(matches, &record->digest);
	if (content->ends[record->end].flow &&
	    content->ends[record->end].flow != record->flow) {
		plan->again(plan->owner, record);
		return;
	}
	content->ends[record->end].flow = record->flow;
	peer = pop(matches, content, far);
	mine.copy = content->matched;
	if (!peer) {
		append(matches, content, &mine, false);
		return;
	}
	peer->matched = content->matched = true;
	if (record->end == ZTT_DIFF_FIRST)
		plan->matched(plan->owner, &mine, &peer->record);
	else
		plan->matched(plan->owner, &peer->record, &mine);
}

void ztt_diff_matches_end(struct ztt_diff_matches *matches)
{
	while (matches->count > 0)
		expire(matches);
}

uint64_t ztt_diff_matches_forgotten(const struct ztt_diff_matches *matches)
{
	return matches->forgotten;
}
