#include "ztt-capture/analysis/quic_loss_streams.h"

#include <stdlib.h>

#include "common/err.h"
#include "ztt-capture/analysis/quic_loss.h"

#define SLOTS 256
#define HOLES 64
#define NEAR 64 /* before a stream whose beginning is missing */

struct stream {
	uint64_t id_and_1;     /* 0: free */
	uint64_t end;          /* highest offset seen */
	uint64_t number_and_1; /* of the packet that brought it; 0: none */
};

struct hole {
	uint64_t stream_id, start, end;
	uint64_t low, high; /* packets around it */
};

struct ztt_quic_streams {
	struct ztt_quic_space *space;
	size_t hole_next, hole_count, data_most_bytes;
	struct stream slots[SLOTS];
	struct hole holes[HOLES];
};

struct ztt_quic_streams *ztt_quic_streams_new(struct ztt_quic_space *space)
{
	struct ztt_quic_streams *streams = ztt_calloc(1, sizeof(*streams));

	_Static_assert(sizeof(*streams) <= ZTT_QUIC_STREAMS_BYTES, "reserved");
	streams->space = space;
	streams->data_most_bytes = 1;
	return streams;
}

void ztt_quic_streams_free(struct ztt_quic_streams *streams)
{
	free(streams);
}

static bool is_open(const struct hole *hole)
{
	return hole->start < hole->end;
}

/* Takes a place that is free, or the oldest one. */
static void dig(struct ztt_quic_streams *streams, const struct hole *hole)
{
	if (!is_open(hole))
		return;
	for (size_t i = 0; i < streams->hole_count; i++)
		if (!is_open(&streams->holes[i])) {
			streams->holes[i] = *hole;
			return;
		}
	if (streams->hole_count < HOLES)
		streams->holes[streams->hole_count++] = *hole;
	else
		streams->holes[streams->hole_next++ % HOLES] = *hole;
}

/* Packet `number`, one of those around a hole, brought [start, end) of it: what
 * is left lies before and after that packet. */
static void narrow(struct ztt_quic_streams *streams, struct hole *hole,
		   uint64_t number, uint64_t start, uint64_t end)
{
	struct hole right = *hole;

	right.start = end;
	if (number > right.low)
		right.low = number;
	hole->end = start > hole->start ? start : hole->start;
	hole->high = number;
	dig(streams, &right);
}

/* Data at [start, end) came in packet `number`: a hole that it touches was
 * reordering when the packet is one of those between, else a loss. */
static void fill(struct ztt_quic_streams *streams, uint64_t number,
		 uint64_t stream_id, uint64_t start, uint64_t end)
{
	size_t count = streams->hole_count;

	for (size_t i = 0; i < count; i++) {
		struct hole *hole = &streams->holes[i];
		uint64_t bytes = hole->end - hole->start;

		if (!is_open(hole) || hole->stream_id != stream_id ||
		    hole->start >= end || hole->end <= start)
			continue;
		if (number < hole->high) {
			narrow(streams, hole, number, start, end);
			continue;
		}
		ztt_quic_space_hole(streams->space, hole->low, hole->high,
				    (bytes - 1) / streams->data_most_bytes + 1);
		hole->end = hole->start;
	}
}

bool ztt_quic_streams_data(struct ztt_quic_streams *streams, uint64_t number,
			   uint64_t stream_id, uint64_t offset, size_t bytes)
{
	struct stream *stream =
		&streams->slots[(stream_id ^ stream_id >> 2) % SLOTS];
	uint64_t end = offset + bytes, low;
	bool again;

	if (bytes > streams->data_most_bytes)
		streams->data_most_bytes = bytes;
	if (stream->id_and_1 != stream_id + 1)
		*stream = (struct stream){.id_and_1 = stream_id + 1};
	again = offset < stream->end && number >= stream->number_and_1;
	low = stream->number_and_1 ? stream->number_and_1 - 1
				   : number - (number < NEAR ? number : NEAR);
	if (offset > stream->end)
		dig(streams, &(struct hole){stream_id, stream->end, offset, low,
					    number});
	else if (offset < stream->end)
		fill(streams, number, stream_id, offset, end);
	if (end > stream->end || !stream->number_and_1) {
		stream->end = end > stream->end ? end : stream->end;
		stream->number_and_1 = number + 1;
	}
	return again && bytes;
}
