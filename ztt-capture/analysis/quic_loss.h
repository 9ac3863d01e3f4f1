/* Which packets of one QUIC packet-number space and direction were lost, from
 * the numbers that passed this point and the peer's acknowledgements that came
 * back past it.
 *
 * What `lost` means at a point between sender and receiver:
 * - seen here and never acknowledged although later ones were: lost after this
 *   point (a receiver names every number it has);
 * - not seen here and acknowledged: missed by the capture, not lost;
 * - not seen here, never acknowledged: lost before this point, or left out by
 *   the sender: quic-go skips a number at random, on average after 256, then
 *   512, 1024 .. 131,072 more, so that a receiver that acknowledges what it
 *   cannot have is found out (RFC 9000, 21.4; packet_number_generator.go). The
 *   two are told apart by what the gap left behind:
 *   - a hole in a stream that is filled later with a higher number, or two
 *     numbers or more in a row: lost, certain;
 *   - an acknowledgement that was due, as two ack-eliciting packets or more
 *     (RFC 9000, 13.2.2) of the other side, which nothing before the gap
 *     acknowledges, had passed here one round trip or longer before the packet
 *     after the gap did: lost, likely;
 *   - a hole elsewhere that was filled only a round trip after the gap, and
 *     opened a round trip before it: what was sent again was lost, likely;
 *   - nothing: left out; but where packets are lost before this point, more of
 *     these than such a sender leaves out on average are lost, likely.
 * - the last ones, with nothing later acknowledged: unanswered.
 * The count is exact when nothing was only likely and no more was left out than
 * such a sender would; else bounded.
 *
 * Memory: a ring of at most 65,536 numbers, 16 bytes each, which begins with 64
 * and doubles as numbers come. A packet's fate is settled when its number
 * leaves the ring, or at the end. */
#ifndef ZTT_CAPTURE_QUIC_LOSS_H
#define ZTT_CAPTURE_QUIC_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "ztt-capture/decode/quic_frame.h"

#define ZTT_NUMBER_NONE UINT64_MAX
#define ZTT_LOSS_WINDOW_MOST 65536

struct ztt_quic_space; /* opaque */

/* A packet that passed this point. */
struct ztt_quic_sent {
	uint64_t number;
	int64_t at_ns;
	uint32_t bytes;
	bool ack_eliciting;
	uint64_t acknowledges; /* largest, ZTT_NUMBER_NONE: no ACK frame */
};

enum ztt_quic_seen {
	ZTT_SEEN_NEW,       /* the highest number so far */
	ZTT_SEEN_REORDERED, /* lower, not seen before */
	ZTT_SEEN_AGAIN,     /* a duplicate */
	ZTT_SEEN_LATE,      /* too old to know which of the two */
};

/* What an ACK frame told for the first time. */
struct ztt_quic_acked {
	uint64_t packets;
	int64_t sent_ns;    /* when the largest passed here; INT64_MIN: it did
			       not, or was acknowledged before */
	bool ack_eliciting; /* some newly acknowledged packet was */
};

struct ztt_quic_tally {
	uint64_t seen, reordered, duplicated;
	uint64_t lost_after, lost_before_certain, lost_before_likely;
	uint64_t skipped, missed, unanswered, spurious;
	uint64_t in_flight_bytes, in_flight_most_bytes;
};

/* `from_start`: the space's first packets are in the capture, so that a missing
 * number 0 is a gap. `reserve` is asked before the ring grows (and told, with a
 * negative size, when it is freed); NULL: always granted. */
struct ztt_quic_space_plan {
	bool from_start;
	bool (*reserve)(void *owner, long size_bytes);
	void *owner;
};

struct ztt_quic_space *
ztt_quic_space_new(const struct ztt_quic_space_plan *plan);
void ztt_quic_space_free(struct ztt_quic_space *space);
/* The same space of the other direction, borrowed: whose packets the
 * acknowledgements of this one are for. NULL: none any more. */
void ztt_quic_space_peer(struct ztt_quic_space *space,
			 struct ztt_quic_space *peer);

/* The shortest time from a packet of the other direction passing here to its
 * acknowledgement passing here; 0, as at first: not known. */
void ztt_quic_space_answer_ns(struct ztt_quic_space *space, int64_t answer_ns);

/* The next number that is expected (RFC 9000, A.3). */
uint64_t ztt_quic_space_expected(const struct ztt_quic_space *space);

enum ztt_quic_seen ztt_quic_space_sent(struct ztt_quic_space *space,
				       const struct ztt_quic_sent *sent);

/* An ACK frame of the other direction, for packets of this one. */
void ztt_quic_space_acked(struct ztt_quic_space *space,
			  const struct ztt_ack_range *ranges, size_t count,
			  struct ztt_quic_acked *ret_acked);

/* A hole in a stream between packets `low` and `high` was filled by a later
 * packet: at least `packets` of those missing between were lost. */
void ztt_quic_space_hole(struct ztt_quic_space *space, uint64_t low,
			 uint64_t high, uint64_t packets);

/* Settles all that is left; called for both directions before either is
 * freed. */
void ztt_quic_space_finish(struct ztt_quic_space *space);
const struct ztt_quic_tally *
ztt_quic_space_tally(const struct ztt_quic_space *space);

/* Numbers that a sender like quic-go may have left out of the first `numbers`.
 */
uint64_t ztt_quic_skips_plausible(uint64_t numbers);

#endif
