#include "ztt-capture/analysis/quic_loss.h"

#include <stdlib.h>

#include "common/err.h"
#include "ztt-capture/analysis/quic_loss_ring.h"

#define WINDOW_FIRST 64
#define JUMP_MOST ZTT_LOSS_WINDOW_MOST /* a larger one is no loss */
#define ANSWER_NS_MOST INT64_C(1000000000000)
#define TRACELESS 10
#define START_MOST 16 /* a space begins at 0, or with fewer lost */

static bool reserve(struct ztt_quic_space *space, uint64_t entries, int sign)
{
	long bytes = (long)(entries * sizeof(struct ztt_quic_entry)) * sign;

	return !space->plan.reserve ||
	       space->plan.reserve(space->plan.owner, bytes);
}

struct ztt_quic_space *
ztt_quic_space_new(const struct ztt_quic_space_plan *plan)
{
	struct ztt_quic_space *space = ztt_calloc(1, sizeof(*space));

	space->plan = *plan;
	space->capacity = WINDOW_FIRST;
	space->ring = ztt_calloc(WINDOW_FIRST, sizeof(struct ztt_quic_entry));
	space->largest_acked = ZTT_NUMBER_NONE;
	space->acknowledged_before = ZTT_NUMBER_NONE;
	return space;
}

void ztt_quic_space_free(struct ztt_quic_space *space)
{
	if (!space)
		return;
	reserve(space, space->capacity - WINDOW_FIRST, -1);
	free(space->ring);
	free(space);
}

void ztt_quic_space_peer(struct ztt_quic_space *space,
			 struct ztt_quic_space *peer)
{
	space->peer = peer;
}

uint64_t ztt_quic_space_expected(const struct ztt_quic_space *space)
{
	return space->next;
}

const struct ztt_quic_tally *
ztt_quic_space_tally(const struct ztt_quic_space *space)
{
	return &space->tally;
}

void ztt_quic_space_answer_ns(struct ztt_quic_space *space, int64_t answer_ns)
{
	space->answer_ns =
		answer_ns < ANSWER_NS_MOST ? answer_ns : ANSWER_NS_MOST;
}

static void settle(struct ztt_quic_space *space)
{
	while (space->base < space->next)
		ztt_quic_space_retire(space);
}

/* Where packets are lost before this point anyway, more gaps without a trace
 * than such a sender leaves on average are losses, once one in TRACELESS of the
 * losses without a trace is likelier than another skip. */
static void share_out(struct ztt_quic_tally *tally)
{
	uint64_t lost = tally->lost_before_certain + tally->lost_before_likely;
	uint64_t numbers = tally->seen + lost + tally->skipped;
	uint64_t usual = ztt_quic_skips_plausible(numbers) - 1;
	uint64_t period = UINT64_C(512) << (usual < 9 ? usual : 9);

	if (!usual)
		usual = 1;
	if (tally->skipped <= usual || lost * period < TRACELESS * numbers)
		return;
	tally->lost_before_likely += tally->skipped - usual;
	tally->skipped = usual;
}

void ztt_quic_space_finish(struct ztt_quic_space *space)
{
	settle(space);
	share_out(&space->tally);
}

static bool grow(struct ztt_quic_space *space)
{
	uint64_t capacity = space->capacity * 2;
	struct ztt_quic_entry *ring;

	if (capacity > ZTT_LOSS_WINDOW_MOST ||
	    !reserve(space, space->capacity, 1))
		return false;
	ring = ztt_calloc(capacity, sizeof(*ring));
	for (uint64_t n = ztt_quic_space_lowest(space); n < space->next; n++)
		ring[n & (capacity - 1)] = *ztt_quic_entry_at(space, n);
	free(space->ring);
	space->ring = ring;
	space->capacity = capacity;
	return true;
}

static void restart(struct ztt_quic_space *space, uint64_t number)
{
	settle(space);
	space->base = space->next = space->scan = space->first = number;
	space->gap_before = false;
}

/* Makes room up to and with `number`. */
void ztt_quic_space_reach(struct ztt_quic_space *space, uint64_t number)
{
	if (!space->begun) {
		space->begun = true;
		if (!space->plan.from_start || number > START_MOST)
			restart(space, number);
	}
	if (number >= space->next && number - space->next > JUMP_MOST)
		restart(space, number);
	while (number - space->base >= space->capacity && grow(space))
		;
	while (space->next <= number) {
		while (space->next - space->base >= space->capacity)
			ztt_quic_space_retire(space);
		*ztt_quic_entry_at(space, space->next++) =
			(struct ztt_quic_entry){0};
	}
}

enum ztt_quic_seen ztt_quic_space_sent(struct ztt_quic_space *space,
				       const struct ztt_quic_sent *sent)
{
	enum ztt_quic_seen how = ZTT_SEEN_NEW;
	struct ztt_quic_entry *entry;

	if (space->begun && sent->number < space->base)
		return space->tally.reordered++, ZTT_SEEN_LATE;
	if (sent->number < space->next)
		how = ZTT_SEEN_REORDERED;
	ztt_quic_space_reach(space, sent->number);
	entry = ztt_quic_entry_at(space, sent->number);
	if (entry->flags & ZTT_ENTRY_SEEN)
		return space->tally.duplicated++, ZTT_SEEN_AGAIN;
	space->tally.seen++;
	space->tally.reordered += how == ZTT_SEEN_REORDERED;
	entry->at_ns = sent->at_ns;
	entry->bytes =
		(uint16_t)(sent->bytes < UINT16_MAX ? sent->bytes : UINT16_MAX);
	entry->flags |= ZTT_ENTRY_SEEN |
			(sent->ack_eliciting ? ZTT_ENTRY_ELICITING : 0);
	if (sent->acknowledges != ZTT_NUMBER_NONE) {
		entry->acknowledges = (uint32_t)sent->acknowledges;
		entry->flags |= ZTT_ENTRY_ACKS;
	}
	if (sent->ack_eliciting &&
	    !(entry->flags & (ZTT_ENTRY_ACKED | ZTT_ENTRY_DECLARED)))
		space->tally.in_flight_bytes += entry->bytes;
	if (space->tally.in_flight_bytes > space->tally.in_flight_most_bytes)
		space->tally.in_flight_most_bytes =
			space->tally.in_flight_bytes;
	return how;
}

uint64_t ztt_quic_skips_plausible(uint64_t numbers)
{
	uint64_t skips = 1;

	for (uint64_t mean = 256; numbers > mean && skips < 64; skips++) {
		numbers -= mean;
		if (mean < 131072)
			mean *= 2;
	}
	return skips;
}
