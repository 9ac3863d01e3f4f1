/* What a TCP connection's headers tell: retransmissions, reordering, round
 * trips, stalls. */
#ifndef ZTT_CAPTURE_TCP_STREAM_MEASURE_H
#define ZTT_CAPTURE_TCP_STREAM_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/flow/flows.h"

#define ZTT_TCP_TIMED_MAX 64
#define ZTT_TCP_HOLES_MAX 32

enum {
	ZTT_TCP_FIN = 1,
	ZTT_TCP_SYN = 2,
	ZTT_TCP_RST = 4,
	ZTT_TCP_PSH = 8,
	ZTT_TCP_ACK = 16,
};

/* What one segment was found to be. */
enum {
	ZTT_TCP_SENT_AGAIN = 1,
	ZTT_TCP_SPURIOUS = 2, /* sent again after its ACK was seen */
	ZTT_TCP_REORDERED = 4,
	ZTT_TCP_AFTER_GAP = 8, /* bytes before it have not been seen */
	ZTT_TCP_DUPLICATE_ACK = 16,
	ZTT_TCP_ZERO_WINDOW = 32,
	ZTT_TCP_KEEP_ALIVE = 64,
};

/* What one side sent; sequence numbers are unwrapped (flow/tcp_stream.h). */
struct ztt_tcp_sender {
	bool begun;
	uint64_t first, highest; /* highest: the next never sent before */
	uint64_t acknowledged;   /* by the other side; 0: nothing yet */
	struct ztt_tcp_hole {
		uint64_t from, to; /* not seen while what follows was */
		int64_t at_ns;
	} holes[ZTT_TCP_HOLES_MAX];
	size_t hole_count;
	/* Segments whose ACK gives a round trip; not those sent again (Karn,
	 * RFC 6298 section 3). */
	struct ztt_tcp_timed {
		uint64_t from, to;
		int64_t at_ns;
		bool again;
	} timed[ZTT_TCP_TIMED_MAX];
	size_t timed_first, timed_count;
	/* Of the ACKs that it sends. */
	uint64_t last_ack;
	uint32_t last_window;
	bool has_ack, window_is_zero;
	unsigned duplicate_acks_in_row;
	uint64_t duplicate_acks;
	uint64_t data_segments;
	uint64_t proven; /* sent again where the first was surely missing */
	uint64_t lost_before; /* they filled a gap, a round trip or more late */
	uint64_t missed, missed_bytes; /* gaps acknowledged, never captured */
	uint64_t least_rtt_ns;         /* UINT64_MAX: none yet */
};

struct ztt_tcp_measure {
	struct ztt_flows *flows; /* its histograms */
	struct ztt_tcp_sender up, down;
	int64_t syn_ns; /* first SYN; 0: not seen */
	bool both_syn;  /* SYN and SYN-ACK seen */
};

void ztt_tcp_measure_init(struct ztt_tcp_measure *measure,
			  struct ztt_flows *flows);

/* Whether a SYN is not one that was seen before: the addresses are used
 * again. */
bool ztt_tcp_measure_is_new(const struct ztt_tcp_measure *measure,
			    const struct ztt_datagram *segment, bool up);

/* One captured segment, or super-segment of `segments`; counts into the connection's two directions all but
 * what counts every datagram. `ret_from` is the unwrapped sequence number of
 * its first payload byte. Returns what it was, ZTT_TCP_* ored. */
unsigned ztt_tcp_measure_segment(struct ztt_tcp_measure *measure,
				 struct ztt_connection *connection,
				 const struct ztt_datagram *segment, bool up,
				 unsigned segments, uint64_t *ret_from);

/* A gap that is not looked at any more. */
void ztt_tcp_sender_forget_hole(struct ztt_tcp_sender *self, size_t at);

/* tcp_stream_loss.c: lost segments, their grade and how that was got, of both directions. */
void ztt_tcp_measure_end(struct ztt_tcp_measure *measure,
			 struct ztt_connection *connection);

#endif
