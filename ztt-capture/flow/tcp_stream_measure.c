#define _GNU_SOURCE
#include "ztt-capture/flow/tcp_stream_measure.h"

#include <string.h>

#include "ztt-capture/flow/tcp_stream.h"

#define REORDER_NS_DEFAULT 3000000 /* as Wireshark while no RTT is known */
#define DUPLICATE_ACKS_PROVE 3     /* RFC 5681, section 3.2 */
#define NS_PER_US 1000

/* One segment of one side. */
struct look {
	struct ztt_flows *flows;
	struct ztt_tcp_sender *self, *other;
	struct ztt_direction *direction, *back;
	const struct ztt_datagram *segment;
	int64_t at_ns;
	uint64_t from, to; /* with SYN and FIN, one each */
	uint64_t ack;
	unsigned segments; /* in it */
	unsigned seen;
};

void ztt_tcp_measure_init(struct ztt_tcp_measure *measure,
			  struct ztt_flows *flows)
{
	memset(measure, 0, sizeof(*measure));
	measure->flows = flows;
	measure->up.least_rtt_ns = UINT64_MAX;
	measure->down.least_rtt_ns = UINT64_MAX;
}

static bool has(const struct look *look, unsigned flag)
{
	return look->segment->tcp_flags & flag;
}

static void record_rtt(const struct look *look, int64_t rtt_ns)
{
	if (rtt_ns < 0)
		return;
	if (!look->back->rtt_us)
		look->back->rtt_us = ztt_flows_hist(look->flows);
	if (look->back->rtt_us)
		ztt_hist_record(look->back->rtt_us,
				(uint64_t)rtt_ns / NS_PER_US);
	if ((uint64_t)rtt_ns < look->other->least_rtt_ns)
		look->other->least_rtt_ns = (uint64_t)rtt_ns;
}

static void time_segment(struct ztt_tcp_sender *self, const struct look *look)
{
	const size_t at =
		(self->timed_first + self->timed_count) % ZTT_TCP_TIMED_MAX;

	if (self->timed_count == ZTT_TCP_TIMED_MAX)
		return;
	self->timed_count++;
	self->timed[at] =
		(struct ztt_tcp_timed){.from = look->from,
				       .to = look->to,
				       .at_ns = look->at_ns,
				       .again = look->from < self->highest};
}

static void distrust_times(struct ztt_tcp_sender *self, const struct look *look)
{
	for (size_t i = 0; i < self->timed_count; i++) {
		struct ztt_tcp_timed *timed =
			&self->timed[(self->timed_first + i) %
				     ZTT_TCP_TIMED_MAX];

		if (timed->from < look->to && look->from < timed->to)
			timed->again = true;
	}
}

static void drop_hole(struct ztt_tcp_sender *self, size_t at)
{
	self->hole_count--;
	memmove(self->holes + at, self->holes + at + 1,
		(self->hole_count - at) * sizeof(self->holes[0]));
}

/* Acknowledged, it was there and the capture missed it. */
void ztt_tcp_sender_forget_hole(struct ztt_tcp_sender *self, size_t at)
{
	if (self->holes[at].to <= self->acknowledged) {
		self->missed++;
		self->missed_bytes += self->holes[at].to - self->holes[at].from;
	}
	drop_hole(self, at);
}

static void add_hole(struct ztt_tcp_sender *self, uint64_t from, uint64_t to,
		     int64_t at_ns)
{
	if (self->hole_count == ZTT_TCP_HOLES_MAX)
		ztt_tcp_sender_forget_hole(self, 0);
	self->holes[self->hole_count++] =
		(struct ztt_tcp_hole){from, to, at_ns};
}

/* Takes the segment out of the holes that it touches; true: it touches one,
 * the time since the oldest of them in `ret_age_ns`. */
static bool fill_holes(struct ztt_tcp_sender *self, const struct look *look,
		       int64_t *ret_age_ns)
{
	bool any = false;

	for (size_t i = 0; i < self->hole_count;) {
		struct ztt_tcp_hole hole = self->holes[i];

		if (hole.from >= look->to || hole.to <= look->from) {
			i++;
			continue;
		}
		if (!any || look->at_ns - hole.at_ns > *ret_age_ns)
			*ret_age_ns = look->at_ns - hole.at_ns;
		any = true;
		drop_hole(self, i);
		if (hole.from < look->from)
			add_hole(self, hole.from, look->from, hole.at_ns);
		if (hole.to > look->to)
			add_hole(self, look->to, hole.to, hole.at_ns);
	}
	return any;
}

/* Sooner than a round trip of the whole path, nobody can have asked for it. */
static int64_t reorder_ns(const struct look *look)
{
	const uint64_t a = look->self->least_rtt_ns,
		       b = look->other->least_rtt_ns;

	return a == UINT64_MAX || b == UINT64_MAX || a + b > INT64_MAX
		       ? REORDER_NS_DEFAULT
		       : (int64_t)(a + b);
}

static void sent_again(struct look *look, bool fills)
{
	look->seen |= ZTT_TCP_SENT_AGAIN;
	look->direction->retransmitted += look->segments;
	distrust_times(look->self, look);
	if (look->to <= look->self->acknowledged) {
		look->seen |= ZTT_TCP_SPURIOUS;
		look->direction->spurious += look->segments;
	} else if (fills || (look->other->last_ack == look->from &&
			     look->other->duplicate_acks_in_row >=
				     DUPLICATE_ACKS_PROVE)) {
		look->self->proven += look->segments;
		look->self->lost_before += fills ? look->segments : 0;
	}
}

static bool is_keep_alive(const struct look *look)
{
	return look->segment->payload_whole_bytes <= 1 &&
	       look->from + 1 == look->self->highest &&
	       !has(look, ZTT_TCP_SYN | ZTT_TCP_FIN);
}

static void see_old(struct look *look)
{
	int64_t age_ns = 0;

	if (is_keep_alive(look)) {
		look->seen |= ZTT_TCP_KEEP_ALIVE;
	} else if (!fill_holes(look->self, look, &age_ns)) {
		sent_again(look, false);
	} else if (age_ns < reorder_ns(look)) {
		look->seen |= ZTT_TCP_REORDERED;
		look->direction->reordered += look->segments;
	} else {
		sent_again(look, true);
	}
}

static void see_new(struct look *look)
{
	struct ztt_tcp_sender *self = look->self;

	if (look->from > self->highest) {
		look->seen |= ZTT_TCP_AFTER_GAP;
		add_hole(self, self->highest, look->from, look->at_ns);
	}
	time_segment(self, look);
	self->highest = look->to;
}

static void see_data(struct look *look)
{
	struct ztt_tcp_sender *self = look->self;
	uint64_t in_flight;

	if (look->segment->payload_whole_bytes)
		self->data_segments += look->segments;
	if (look->to <= self->highest)
		see_old(look);
	else
		see_new(look);
	in_flight = self->acknowledged && self->highest > self->acknowledged
			    ? self->highest - self->acknowledged
			    : 0;
	if (in_flight > look->direction->in_flight_most_bytes)
		look->direction->in_flight_most_bytes = in_flight;
}

/* The newest segment that an ACK covers gives the round trip. */
static void pop_timed(const struct look *look)
{
	struct ztt_tcp_sender *sender = look->other;
	const struct ztt_tcp_timed *newest = NULL;

	while (sender->timed_count) {
		const struct ztt_tcp_timed *timed =
			&sender->timed[sender->timed_first];

		if (timed->to > look->ack)
			break;
		newest = timed;
		sender->timed_first =
			(sender->timed_first + 1) % ZTT_TCP_TIMED_MAX;
		sender->timed_count--;
	}
	if (newest && !newest->again)
		record_rtt(look, look->at_ns - newest->at_ns);
}

static bool is_duplicate_ack(const struct look *look)
{
	const struct ztt_tcp_sender *self = look->self;

	return self->has_ack && look->ack == self->last_ack &&
	       look->segment->window == self->last_window &&
	       look->segment->payload_whole_bytes == 0 &&
	       !has(look, ZTT_TCP_SYN | ZTT_TCP_FIN | ZTT_TCP_RST) &&
	       look->other->highest > look->ack;
}

/* What the capture did not see, and the other side has. */
static void see_unseen(struct ztt_tcp_sender *sender, uint64_t ack)
{
	if (ack <= sender->highest)
		return;
	sender->missed++;
	sender->missed_bytes += ack - sender->highest;
	sender->highest = ack;
	sender->timed_count = 0;
}

static void see_ack(struct look *look)
{
	struct ztt_tcp_sender *self = look->self, *other = look->other;

	if (!other->begun) {
		other->begun = true;
		other->first = other->highest = look->ack;
	}
	if (is_duplicate_ack(look)) {
		look->seen |= ZTT_TCP_DUPLICATE_ACK;
		self->duplicate_acks++;
		self->duplicate_acks_in_row++;
	} else if (!self->has_ack || look->ack != self->last_ack) {
		self->duplicate_acks_in_row = 0;
	}
	pop_timed(look);
	see_unseen(other, look->ack);
	if (look->ack > other->acknowledged)
		other->acknowledged = look->ack;
	if (!self->has_ack || look->ack >= self->last_ack)
		self->last_ack = look->ack;
	self->last_window = look->segment->window;
	self->has_ack = true;
}

/* It stops the other side, which is who is blocked. */
static void see_window(struct look *look)
{
	const bool zero = look->segment->window == 0 &&
			  !has(look, ZTT_TCP_SYN | ZTT_TCP_FIN | ZTT_TCP_RST);

	if (zero)
		look->seen |= ZTT_TCP_ZERO_WINDOW;
	if (zero && !look->self->window_is_zero)
		look->back->blocked++;
	look->self->window_is_zero = zero;
}

static void see_syn(struct ztt_tcp_measure *measure, const struct look *look,
		    bool up)
{
	if (!has(look, ZTT_TCP_SYN))
		return;
	if (up && !measure->syn_ns)
		measure->syn_ns = look->at_ns;
	if (!up && measure->syn_ns)
		measure->both_syn = true;
}

bool ztt_tcp_measure_is_new(const struct ztt_tcp_measure *measure,
			    const struct ztt_datagram *segment, bool up)
{
	const struct ztt_tcp_sender *sender =
		up ? &measure->up : &measure->down;

	return (segment->tcp_flags & (ZTT_TCP_SYN | ZTT_TCP_ACK)) ==
		       ZTT_TCP_SYN &&
	       sender->begun && segment->sequence != (uint32_t)sender->first;
}

static struct look look_at(struct ztt_tcp_measure *measure,
			   struct ztt_connection *connection,
			   const struct ztt_datagram *segment, bool up)
{
	return (struct look){
		.flows = measure->flows,
		.self = up ? &measure->up : &measure->down,
		.other = up ? &measure->down : &measure->up,
		.direction = up ? &connection->up : &connection->down,
		.back = up ? &connection->down : &connection->up,
		.segment = segment,
		.at_ns = segment->frame->at_ns,
	};
}

unsigned ztt_tcp_measure_segment(struct ztt_tcp_measure *measure,
				 struct ztt_connection *connection,
				 const struct ztt_datagram *segment, bool up,
				 unsigned segments, uint64_t *ret_from)
{
	struct look look = look_at(measure, connection, segment, up);
	const uint32_t sequence = segment->sequence;

	look.segments = segments;
	if (!look.self->begun) {
		look.self->begun = true;
		look.self->first = look.self->highest = ztt_tcp_first(sequence);
	}
	look.from = ztt_tcp_unwrap(look.self->highest, sequence);
	look.to = look.from + segment->payload_whole_bytes +
		  has(&look, ZTT_TCP_SYN) + has(&look, ZTT_TCP_FIN);
	*ret_from = look.from + has(&look, ZTT_TCP_SYN);
	see_syn(measure, &look, up);
	if (has(&look, ZTT_TCP_ACK) && !has(&look, ZTT_TCP_RST)) {
		look.ack = look.other->begun
				   ? ztt_tcp_unwrap(look.other->highest,
						    segment->acknowledgement)
				   : ztt_tcp_first(segment->acknowledgement);
		see_ack(&look);
		see_window(&look);
	}
	if (look.to > look.from && !has(&look, ZTT_TCP_RST))
		see_data(&look);
	return look.seen;
}
