#include "ztt-capture/decode/fragments.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"

#define WAITING_MAX 256
#define CHUNK_BYTES 2048
#define CHUNKS ((8 << 20) / CHUNK_BYTES)
#define WHOLE_BYTES_MAX 65535
#define TIMEOUT_NS 30000000000
#define NONE UINT16_MAX

/* A piece of a fragment; a long fragment is several. */
struct chunk {
	uint16_t next;
	uint16_t have_bytes; /* less than `len_bytes` where it was cut */
	uint32_t offset_bytes, len_bytes;
	uint8_t data[CHUNK_BYTES - 12];
};

struct key {
	uint8_t from[16], to[16];
	uint32_t id, place;
	unsigned interface;
	uint8_t family, protocol; /* IPv6: 0, the first fragment tells */
	uint8_t zero[2];
};

/* Chunks by offset; they never overlap, so that the sum of their lengths
 * tells when none is missing. */
struct waiting {
	bool used;
	struct key key;
	int64_t since_ns;
	uint64_t order;
	uint16_t first, last;
	uint32_t sum_bytes, end_bytes; /* 0: the last one has not come */
	uint32_t header_bytes;         /* of the first one's IP headers */
	uint8_t protocol, ecn, ttl;
};

struct ztt_fragments {
	struct waiting waiting[WAITING_MAX];
	struct chunk *chunks; /* NULL before the first fragment */
	uint16_t unused;      /* list of chunks that were used before */
	uint16_t touched;     /* chunks that ever were: memory is needed then */
	uint64_t order, given_up;
	uint8_t whole[WHOLE_BYTES_MAX];
};

struct ztt_fragments *ztt_fragments_new(void)
{
	struct ztt_fragments *fragments = ztt_calloc(1, sizeof(*fragments));

	fragments->unused = NONE;
	return fragments;
}

void ztt_fragments_free(struct ztt_fragments *fragments)
{
	if (fragments)
		free(fragments->chunks);
	free(fragments);
}

uint64_t ztt_fragments_given_up(const struct ztt_fragments *fragments)
{
	return fragments->given_up;
}

uint64_t ztt_fragments_waiting(const struct ztt_fragments *fragments)
{
	uint64_t count = 0;

	for (size_t i = 0; i < WAITING_MAX; i++)
		count += fragments->waiting[i].used;
	return count;
}

static void release(struct ztt_fragments *fragments, struct waiting *waiting)
{
	if (waiting->first != NONE) {
		fragments->chunks[waiting->last].next = fragments->unused;
		fragments->unused = waiting->first;
	}
	waiting->used = false;
}

static void give_up(struct ztt_fragments *fragments, struct waiting *waiting)
{
	release(fragments, waiting);
	fragments->given_up++;
}

static struct waiting *oldest(struct ztt_fragments *fragments,
			      const struct waiting *but)
{
	struct waiting *oldest = NULL;

	for (size_t i = 0; i < WAITING_MAX; i++) {
		struct waiting *each = &fragments->waiting[i];

		if (each->used && each != but &&
		    (!oldest || each->order < oldest->order))
			oldest = each;
	}
	return oldest;
}

static struct waiting *begin(struct ztt_fragments *fragments,
			     struct waiting *waiting, const struct key *key,
			     int64_t at_ns)
{
	if (!waiting) {
		waiting = oldest(fragments, NULL);
		give_up(fragments, waiting);
	}
	*waiting = (struct waiting){
		.used = true,
		.key = *key,
		.since_ns = at_ns,
		.order = fragments->order++,
		.first = NONE,
		.last = NONE,
	};
	return waiting;
}

static struct waiting *find(struct ztt_fragments *fragments,
			    const struct key *key, int64_t at_ns)
{
	struct waiting *unused = NULL;

	for (size_t i = 0; i < WAITING_MAX; i++) {
		struct waiting *each = &fragments->waiting[i];

		if (each->used && at_ns - each->since_ns > TIMEOUT_NS)
			give_up(fragments, each);
		if (!each->used)
			unused = each;
		else if (memcmp(&each->key, key, sizeof(*key)) == 0)
			return each;
	}
	return begin(fragments, unused, key, at_ns);
}

static struct chunk *chunk_at(struct ztt_fragments *fragments, uint16_t index)
{
	return index == NONE ? NULL : &fragments->chunks[index];
}

enum fit {
	FITS,
	TWICE,
	OVERLAPS
};

/* Whether `chunk` and those behind it hold just what the fragment does. */
static bool same(struct ztt_fragments *fragments, const struct chunk *chunk,
		 const struct ztt_ip *ip)
{
	size_t done = 0;

	while (chunk && done < ip->payload_whole_bytes &&
	       chunk->offset_bytes == ip->offset_bytes + done) {
		size_t have = chunk->have_bytes;

		if (done + have > ip->payload_bytes ||
		    memcmp(chunk->data, ip->payload + done, have) != 0)
			return false;
		done += chunk->len_bytes;
		chunk = chunk_at(fragments, chunk->next);
	}
	return done == ip->payload_whole_bytes;
}

/* Where a fragment belongs: behind `ret_after`, NONE: before all. */
static enum fit place_of(struct ztt_fragments *fragments,
			 const struct waiting *waiting, const struct ztt_ip *ip,
			 uint16_t *ret_after)
{
	size_t begin = ip->offset_bytes;
	size_t end = begin + ip->payload_whole_bytes;
	uint16_t after = NONE, at = waiting->first;
	const struct chunk *chunk = chunk_at(fragments, waiting->last);

	if (chunk && begin >= chunk->offset_bytes + chunk->len_bytes) {
		*ret_after = waiting->last;
		return FITS;
	}
	while ((chunk = chunk_at(fragments, at)) &&
	       chunk->offset_bytes + chunk->len_bytes <= begin) {
		after = at;
		at = chunk->next;
	}
	*ret_after = after;
	if (!chunk || chunk->offset_bytes >= end)
		return FITS;
	return same(fragments, chunk, ip) ? TWICE : OVERLAPS;
}

/* A chunk from the list; the oldest others make room. */
static uint16_t take_chunk(struct ztt_fragments *fragments,
			   const struct waiting *waiting)
{
	struct waiting *victim;
	uint16_t taken;

	if (fragments->unused == NONE && fragments->touched < CHUNKS)
		return fragments->touched++;
	while (fragments->unused == NONE) {
		victim = oldest(fragments, waiting);
		if (!victim)
			return NONE;
		give_up(fragments, victim);
	}
	taken = fragments->unused;
	fragments->unused = fragments->chunks[taken].next;
	return taken;
}

static void insert(struct ztt_fragments *fragments, struct waiting *waiting,
		   uint16_t after, uint16_t index)
{
	struct chunk *chunk = &fragments->chunks[index];
	struct chunk *before = chunk_at(fragments, after);
	uint16_t *link = before ? &before->next : &waiting->first;

	chunk->next = *link;
	*link = index;
	if (chunk->next == NONE)
		waiting->last = index;
}

static bool store(struct ztt_fragments *fragments, struct waiting *waiting,
		  uint16_t after, const struct ztt_ip *ip)
{
	size_t done = 0;

	while (done < ip->payload_whole_bytes) {
		size_t have = ip->payload_bytes - done;
		uint16_t index = take_chunk(fragments, waiting);
		struct chunk *chunk = chunk_at(fragments, index);

		if (!chunk)
			return false;
		if (have > sizeof(chunk->data))
			have = sizeof(chunk->data);
		memcpy(chunk->data, ip->payload + done, have);
		chunk->offset_bytes = (uint32_t)(ip->offset_bytes + done);
		chunk->have_bytes = (uint16_t)have;
		chunk->len_bytes = (uint32_t)have;
		done += have;
		if (done == ip->payload_bytes) {
			chunk->len_bytes +=
				(uint32_t)(ip->payload_whole_bytes - done);
			done = ip->payload_whole_bytes;
		}
		insert(fragments, waiting, after, index);
		after = index;
	}
	waiting->sum_bytes += (uint32_t)ip->payload_whole_bytes;
	return true;
}

/* What one fragment says of the whole must not contradict the others. */
static bool agrees(struct ztt_fragments *fragments,
		   const struct waiting *waiting, const struct ztt_ip *ip)
{
	size_t end = ip->offset_bytes + ip->payload_whole_bytes;
	const struct chunk *last = chunk_at(fragments, waiting->last);

	if (!ip->payload_whole_bytes || end > WHOLE_BYTES_MAX)
		return false;
	if (ip->more)
		return ip->payload_whole_bytes % 8 == 0 &&
		       (!waiting->end_bytes || end <= waiting->end_bytes);
	if (waiting->end_bytes)
		return end == waiting->end_bytes;
	return !last || last->offset_bytes + last->len_bytes <= end;
}

static void note(struct waiting *waiting, const struct ztt_ip *ip)
{
	if (!ip->more)
		waiting->end_bytes =
			(uint32_t)(ip->offset_bytes + ip->payload_whole_bytes);
	/* RFC 3168, section 5.3: congestion met by one was met by all. */
	if (ip->ecn == 3)
		waiting->ecn = 3;
	if (ip->offset_bytes)
		return;
	waiting->protocol = ip->protocol;
	waiting->ttl = ip->ttl;
	waiting->header_bytes =
		(uint32_t)(ip->whole_bytes - ip->payload_whole_bytes);
	if (waiting->ecn != 3)
		waiting->ecn = ip->ecn;
}

/* Copies up to the first byte that a capture cut away. */
static void assemble(struct ztt_fragments *fragments, struct waiting *waiting,
		     struct ztt_ip *ip)
{
	const struct chunk *chunk = chunk_at(fragments, waiting->first);
	size_t have = 0;

	for (; chunk; chunk = chunk_at(fragments, chunk->next)) {
		memcpy(fragments->whole + have, chunk->data, chunk->have_bytes);
		have += chunk->have_bytes;
		if (chunk->have_bytes < chunk->len_bytes)
			break;
	}
	ip->protocol = waiting->protocol;
	ip->ecn = waiting->ecn;
	ip->ttl = waiting->ttl;
	ip->whole_bytes = waiting->header_bytes + waiting->end_bytes;
	ip->payload = fragments->whole;
	ip->payload_bytes = have;
	ip->payload_whole_bytes = waiting->end_bytes;
	ip->link_bytes = have;
	ip->link_whole_bytes = waiting->end_bytes;
	ip->fragment = false;
	release(fragments, waiting);
}

static void key_of(unsigned interface, uint32_t place, const struct ztt_ip *ip,
		   struct key *ret_key)
{
	memset(ret_key, 0, sizeof(*ret_key));
	memcpy(ret_key->from, ip->from, 16);
	memcpy(ret_key->to, ip->to, 16);
	ret_key->id = ip->id;
	ret_key->interface = interface;
	ret_key->place = place;
	ret_key->family = ip->family;
	ret_key->protocol = ip->family == 4 ? ip->protocol : 0;
}

enum ztt_undecoded ztt_fragments_add(struct ztt_fragments *fragments,
				     unsigned interface, uint32_t place,
				     int64_t at_ns, struct ztt_ip *ip)
{
	struct waiting *waiting;
	struct key key;
	uint16_t after;
	enum fit fit;

	if (!fragments->chunks)
		fragments->chunks = ztt_alloc(CHUNKS * sizeof(struct chunk));
	key_of(interface, place, ip, &key);
	waiting = find(fragments, &key, at_ns);
	if (!agrees(fragments, waiting, ip)) {
		give_up(fragments, waiting);
		return ZTT_MALFORMED;
	}
	fit = place_of(fragments, waiting, ip, &after);
	if (fit == TWICE)
		return ZTT_FRAGMENT;
	if (fit == OVERLAPS || !store(fragments, waiting, after, ip)) {
		give_up(fragments, waiting);
		return ZTT_MALFORMED;
	}
	note(waiting, ip);
	if (!waiting->end_bytes || waiting->sum_bytes < waiting->end_bytes)
		return ZTT_FRAGMENT;
	assemble(fragments, waiting, ip);
	return ZTT_DECODED;
}
