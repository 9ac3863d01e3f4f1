/* Inside of quic_loss*.c: the ring of packet numbers that quic_loss.h tells of.
 */
#ifndef ZTT_CAPTURE_QUIC_LOSS_RING_H
#define ZTT_CAPTURE_QUIC_LOSS_RING_H

#include "ztt-capture/analysis/quic_loss.h"

#define ZTT_QUIC_INTERVALS_MAX 64

/* Flags of an entry. */
enum {
	ZTT_ENTRY_SEEN = 1,
	ZTT_ENTRY_ACKED = 2,
	ZTT_ENTRY_ELICITING = 4,
	ZTT_ENTRY_DECLARED = 8, /* given up by the sender */
	ZTT_ENTRY_HOLE = 16,    /* missing: what it carried came later */
	ZTT_ENTRY_OVERDUE =
		32,          /* missing: when something was to be sent again */
	ZTT_ENTRY_ACKS = 64, /* has an ACK frame */
};

struct ztt_quic_entry {
	int64_t at_ns;
	uint32_t acknowledges; /* low half of the largest */
	uint16_t bytes;
	uint8_t flags;
};

struct ztt_quic_space {
	struct ztt_quic_space_plan plan;
	struct ztt_quic_space *peer;
	struct ztt_quic_tally tally;
	struct ztt_quic_entry *ring;
	uint64_t capacity;
	uint64_t base, next; /* numbers that are not settled: [base, next) */
	uint64_t first;      /* since the ring holds them without a jump */
	uint64_t largest_acked, scan;
	uint64_t acknowledged_before; /* by the ACK frame last retired */
	int64_t answer_ns;
	bool begun, gap_before; /* the number before base is missing */
	struct ztt_ack_range acked[ZTT_QUIC_INTERVALS_MAX]; /* highest first */
	size_t acked_count;
};

static inline struct ztt_quic_entry *
ztt_quic_entry_at(const struct ztt_quic_space *space, uint64_t number)
{
	return &space->ring[number & (space->capacity - 1)];
}

/* The lowest number that the ring still knows, settled or not. */
static inline uint64_t ztt_quic_space_lowest(const struct ztt_quic_space *space)
{
	if (space->next < space->capacity ||
	    space->next - space->capacity < space->first)
		return space->first;
	return space->next - space->capacity;
}

/* Makes room up to and with `number`. */
void ztt_quic_space_reach(struct ztt_quic_space *space, uint64_t number);
/* Settles the lowest number that is not settled. */
void ztt_quic_space_retire(struct ztt_quic_space *space);

#endif
