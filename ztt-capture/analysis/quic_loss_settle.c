#include "ztt-capture/analysis/quic_loss_ring.h"

#define NEIGHBOURS 64       /* to look for an ACK frame among */
#define HOLE_MOST 1024      /* numbers searched for what a hole was */
#define ACK_DUE_ELICITING 2 /* RFC 9000, 13.2.2 */

static bool answered(const struct ztt_quic_space *space, uint64_t number)
{
	return space->largest_acked != ZTT_NUMBER_NONE &&
	       number < space->largest_acked;
}

/* When the first packet after `number` passed here; INT64_MIN: none did. */
static int64_t passed_after_ns(const struct ztt_quic_space *space,
			       uint64_t number)
{
	uint64_t end = number + 1 + NEIGHBOURS;

	for (uint64_t n = number + 1; n < end && n < space->next; n++)
		if (ztt_quic_entry_at(space, n)->flags & ZTT_ENTRY_SEEN)
			return ztt_quic_entry_at(space, n)->at_ns;
	return INT64_MIN;
}

/* Whether an acknowledgement was due in a gap: enough of the other side's
 * packets had come to the sender that nothing before the gap acknowledges. */
static bool ack_was_due(const struct ztt_quic_space *space, uint64_t number)
{
	const struct ztt_quic_space *peer = space->peer;
	int64_t until_ns = passed_after_ns(space, number);
	uint64_t first = space->acknowledged_before, eliciting = 0;

	if (!peer || until_ns == INT64_MIN)
		return false;
	until_ns -= space->answer_ns;
	first = first == ZTT_NUMBER_NONE ? 0 : first + 1;
	if (first < ztt_quic_space_lowest(peer))
		first = ztt_quic_space_lowest(peer);
	for (uint64_t n = first; n < peer->next && n < first + NEIGHBOURS; n++)
		if ((ztt_quic_entry_at(peer, n)->flags &
		     (ZTT_ENTRY_SEEN | ZTT_ENTRY_ELICITING)) ==
			    (ZTT_ENTRY_SEEN | ZTT_ENTRY_ELICITING) &&
		    ztt_quic_entry_at(peer, n)->at_ns <= until_ns)
			eliciting++;
	return eliciting >= ACK_DUE_ELICITING;
}

static void settle_missing(struct ztt_quic_space *space, uint64_t number,
			   const struct ztt_quic_entry *entry)
{
	bool next_missing = number + 1 < space->next &&
			    !(ztt_quic_entry_at(space, number + 1)->flags &
			      (ZTT_ENTRY_SEEN | ZTT_ENTRY_ACKED));

	if (entry->flags & ZTT_ENTRY_ACKED)
		space->tally.missed++;
	else if ((entry->flags & ZTT_ENTRY_HOLE) || space->gap_before ||
		 next_missing)
		space->tally.lost_before_certain++;
	else if ((entry->flags & ZTT_ENTRY_OVERDUE) ||
		 ack_was_due(space, number))
		space->tally.lost_before_likely++;
	else
		space->tally.skipped++;
	space->gap_before = !(entry->flags & ZTT_ENTRY_ACKED);
}

/* The number of the peer that has this lower half and is the nearest. */
static uint64_t whole(const struct ztt_quic_space *space, uint32_t low)
{
	uint64_t near = space->peer ? space->peer->next : 0;

	return near - (uint32_t)((uint32_t)near - low);
}

static void settle_seen(struct ztt_quic_space *space, uint64_t number,
			const struct ztt_quic_entry *entry)
{
	space->gap_before = false;
	if (entry->flags & ZTT_ENTRY_ACKS)
		space->acknowledged_before = whole(space, entry->acknowledges);
	if (entry->flags & ZTT_ENTRY_ACKED)
		return;
	if ((entry->flags & ZTT_ENTRY_ELICITING) &&
	    !(entry->flags & ZTT_ENTRY_DECLARED))
		space->tally.in_flight_bytes -= entry->bytes;
	if (answered(space, number))
		space->tally.lost_after++;
	else
		space->tally.unanswered++;
}

/* Settles the lowest number of the ring. */
void ztt_quic_space_retire(struct ztt_quic_space *space)
{
	struct ztt_quic_entry *entry = ztt_quic_entry_at(space, space->base);

	if (entry->flags & ZTT_ENTRY_SEEN)
		settle_seen(space, space->base, entry);
	else
		settle_missing(space, space->base, entry);
	space->base++;
}

/* What was in a hole came so late that it was sent again in vain before: marks
 * the packet that is missing at least a round trip after the hole, and one
 * before it was filled. */
static void mark_overdue(struct ztt_quic_space *space, uint64_t high)
{
	int64_t rtt_ns = space->answer_ns;
	int64_t hole_ns, now_ns, at_ns;
	uint64_t n = high;

	if (!space->peer || high < ztt_quic_space_lowest(space) ||
	    high >= space->next || !rtt_ns || !space->peer->answer_ns)
		return;
	rtt_ns += space->peer->answer_ns;
	hole_ns = ztt_quic_entry_at(space, high)->at_ns;
	now_ns = ztt_quic_entry_at(space, space->next - 1)->at_ns;
	if (n + HOLE_MOST < space->next)
		n = space->next - HOLE_MOST;
	if (n < space->base)
		n = space->base;
	for (; n < space->next; n++) {
		struct ztt_quic_entry *entry = ztt_quic_entry_at(space, n);

		if (entry->flags & (ZTT_ENTRY_SEEN | ZTT_ENTRY_ACKED |
				    ZTT_ENTRY_HOLE | ZTT_ENTRY_OVERDUE))
			continue;
		at_ns = passed_after_ns(space, n);
		if (at_ns == INT64_MIN || at_ns - hole_ns < rtt_ns ||
		    now_ns - at_ns < rtt_ns)
			continue;
		entry->flags |= ZTT_ENTRY_OVERDUE;
		return;
	}
}

void ztt_quic_space_hole(struct ztt_quic_space *space, uint64_t low,
			 uint64_t high, uint64_t packets)
{
	uint64_t least = low;

	if (high > space->next)
		high = space->next;
	if (high > HOLE_MOST && low < high - HOLE_MOST)
		least = high - HOLE_MOST;
	for (uint64_t n = high; packets && n > least + 1 && n > space->base;) {
		struct ztt_quic_entry *entry = ztt_quic_entry_at(space, --n);

		if (entry->flags &
		    (ZTT_ENTRY_SEEN | ZTT_ENTRY_ACKED | ZTT_ENTRY_HOLE))
			continue;
		entry->flags |= ZTT_ENTRY_HOLE;
		packets--;
	}
	mark_overdue(space, high);
}
