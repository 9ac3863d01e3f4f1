#include "ztt-capture/analysis/quic_loss_ring.h"

#include <string.h>

#define AHEAD_MOST 4096    /* acknowledged before it was seen */
#define PACKET_THRESHOLD 3 /* RFC 9002, 6.1.1 */

static void mark(struct ztt_quic_space *space, uint64_t number,
		 struct ztt_quic_acked *acked)
{
	struct ztt_quic_entry *entry = ztt_quic_entry_at(space, number);

	if (entry->flags & ZTT_ENTRY_ACKED)
		return;
	entry->flags |= ZTT_ENTRY_ACKED;
	acked->packets++;
	if (!(entry->flags & ZTT_ENTRY_SEEN) ||
	    !(entry->flags & ZTT_ENTRY_ELICITING))
		return;
	acked->ack_eliciting = true;
	if (entry->flags & ZTT_ENTRY_DECLARED)
		space->tally.spurious++;
	else
		space->tally.in_flight_bytes -= entry->bytes;
}

static void mark_range(struct ztt_quic_space *space, uint64_t least,
		       uint64_t most, struct ztt_quic_acked *acked)
{
	if (least < space->base)
		least = space->base;
	for (uint64_t n = least; n <= most && n < space->next; n++)
		mark(space, n, acked);
}

/* Marks what of a range no interval from `*index` on holds yet, and moves
 * `*index` past the intervals above the range. */
static void mark_new(struct ztt_quic_space *space, struct ztt_ack_range range,
		     size_t *index, struct ztt_quic_acked *acked)
{
	size_t i = *index;

	while (i < space->acked_count && space->acked[i].least > range.most)
		i++;
	*index = i;
	for (; i < space->acked_count; i++) {
		const struct ztt_ack_range *have = &space->acked[i];

		if (have->most < range.least)
			break;
		if (have->most < range.most)
			mark_range(space, have->most + 1, range.most, acked);
		if (have->least <= range.least)
			return;
		range.most = have->least - 1;
	}
	mark_range(space, range.least, range.most, acked);
}

static void push(struct ztt_ack_range *out, size_t *count,
		 struct ztt_ack_range range)
{
	struct ztt_ack_range *last = *count ? &out[*count - 1] : NULL;

	if (last && range.most + 1 >= last->least) {
		if (range.least < last->least)
			last->least = range.least;
		return;
	}
	if (*count < ZTT_QUIC_INTERVALS_MAX)
		out[(*count)++] = range;
}

/* Joins the frame's ranges with what was acknowledged before. */
static void merge(struct ztt_quic_space *space,
		  const struct ztt_ack_range *ranges, size_t count)
{
	struct ztt_ack_range out[ZTT_QUIC_INTERVALS_MAX];
	size_t used = 0, a = 0, b = 0;

	while (a < count || b < space->acked_count)
		if (b == space->acked_count ||
		    (a < count && ranges[a].most >= space->acked[b].most))
			push(out, &used, ranges[a++]);
		else
			push(out, &used, space->acked[b++]);
	memcpy(space->acked, out, used * sizeof(*out));
	space->acked_count = used;
}

/* The usual frame: the highest range went on, the others are as they were. */
static bool extends(const struct ztt_quic_space *space,
		    const struct ztt_ack_range *ranges, size_t count)
{
	if (!space->acked_count || ranges[0].least > space->acked[0].most + 1 ||
	    ranges[0].least < space->acked[0].least ||
	    count > space->acked_count)
		return false;
	for (size_t i = 1; i < count; i++)
		if (ranges[i].least < space->acked[i].least ||
		    ranges[i].most > space->acked[i].most)
			return false;
	return true;
}

/* The sender gives up what is three or more below the largest acknowledged. */
static void declare_lost(struct ztt_quic_space *space)
{
	if (space->scan < space->base)
		space->scan = space->base;
	for (; space->scan < space->next &&
	       space->scan + PACKET_THRESHOLD <= space->largest_acked;
	     space->scan++) {
		struct ztt_quic_entry *entry =
			ztt_quic_entry_at(space, space->scan);

		if ((entry->flags & (ZTT_ENTRY_SEEN | ZTT_ENTRY_ACKED |
				     ZTT_ENTRY_ELICITING)) !=
		    (ZTT_ENTRY_SEEN | ZTT_ENTRY_ELICITING))
			continue;
		entry->flags |= ZTT_ENTRY_DECLARED;
		space->tally.in_flight_bytes -= entry->bytes;
	}
}

static int64_t newly_sent_ns(const struct ztt_quic_space *space,
			     uint64_t largest)
{
	const struct ztt_quic_entry *entry = ztt_quic_entry_at(space, largest);

	if (largest < space->base || largest >= space->next ||
	    (space->largest_acked != ZTT_NUMBER_NONE &&
	     largest <= space->largest_acked) ||
	    (entry->flags & (ZTT_ENTRY_SEEN | ZTT_ENTRY_ACKED)) !=
		    ZTT_ENTRY_SEEN)
		return INT64_MIN;
	return entry->at_ns;
}

void ztt_quic_space_acked(struct ztt_quic_space *space,
			  const struct ztt_ack_range *ranges, size_t count,
			  struct ztt_quic_acked *ret_acked)
{
	size_t index = 0;
	uint64_t largest = count ? ranges[0].most : 0;

	*ret_acked = (struct ztt_quic_acked){.sent_ns = INT64_MIN};
	if (!count || !space->begun || largest >= space->next + AHEAD_MOST)
		return;
	if (largest >= space->next)
		ztt_quic_space_reach(space, largest);
	ret_acked->sent_ns = newly_sent_ns(space, largest);
	if (extends(space, ranges, count)) {
		if (largest > space->acked[0].most) {
			mark_range(space, space->acked[0].most + 1, largest,
				   ret_acked);
			space->acked[0].most = largest;
		}
	} else {
		for (size_t i = 0; i < count; i++)
			mark_new(space, ranges[i], &index, ret_acked);
		merge(space, ranges, count);
	}
	if (space->largest_acked == ZTT_NUMBER_NONE ||
	    largest > space->largest_acked)
		space->largest_acked = largest;
	declare_lost(space);
}
