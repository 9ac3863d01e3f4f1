#define _GNU_SOURCE
#include "ztt-capture/flow/tcp_stream_measure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add_text(struct ztt_direction *direction, const char *text)
{
	const size_t len = strlen(direction->loss_how);

	snprintf(direction->loss_how + len, sizeof(direction->loss_how) - len,
		 "%s", text);
}

static void say_how(const struct ztt_tcp_sender *sender,
		    const struct ztt_tcp_sender *other,
		    struct ztt_direction *direction)
{
	char text[96];

	snprintf(direction->loss_how, sizeof(direction->loss_how),
		 "%" PRIu64 " of %" PRIu64 " segments sent again",
		 direction->retransmitted, sender->data_segments);
	if (direction->spurious) {
		snprintf(text, sizeof(text),
			 ", less %" PRIu64 " already acknowledged",
			 direction->spurious);
		add_text(direction, text);
	}
	if (other->duplicate_acks) {
		snprintf(text, sizeof(text), "; %" PRIu64 " duplicate ACKs",
			 other->duplicate_acks);
		add_text(direction, text);
	}
	if (sender->missed_bytes) {
		snprintf(text, sizeof(text),
			 "; the capture missed %" PRIu64 " bytes",
			 sender->missed_bytes);
		add_text(direction, text);
	}
}

static void grade(struct ztt_tcp_sender *sender,
		  const struct ztt_tcp_sender *other,
		  struct ztt_direction *direction)
{
	while (sender->hole_count)
		ztt_tcp_sender_forget_hole(sender, 0);
	direction->lost = direction->retransmitted - direction->spurious;
	direction->lost_before = sender->lost_before;
	direction->lost_after = direction->lost - sender->lost_before;
	direction->missed = sender->missed;
	if (sender->data_segments == 0 && direction->lost == 0) {
		direction->loss_grade = ZTT_GRADE_UNKNOWN;
		snprintf(direction->loss_how, sizeof(direction->loss_how),
			 "no data was sent this way, and a lost ACK leaves no "
			 "trace");
		return;
	}
	if (direction->retransmitted || sender->missed_bytes) {
		say_how(sender, other, direction);
	} else {
		snprintf(direction->loss_how, sizeof(direction->loss_how),
			 "none of %" PRIu64 " segments of data was sent again; "
			 "a lost ACK leaves no trace",
			 sender->data_segments);
	}
	direction->loss_grade =
		sender->proven >= direction->lost && !sender->missed_bytes
			? ZTT_GRADE_BOUNDED
			: ZTT_GRADE_HEURISTIC;
}

void ztt_tcp_measure_end(struct ztt_tcp_measure *measure,
			 struct ztt_connection *connection)
{
	grade(&measure->up, &measure->down, &connection->up);
	grade(&measure->down, &measure->up, &connection->down);
}
