#include "send_queue.h"

#define QUANTUM_BYTES ((size_t)512 << 10)   /* given to a stream at a time */
#define READY_MAX_BYTES ((size_t)256 << 10) /* unsent, of all streams */

void ztt_send_queue_init(struct ztt_send_queue *queue, size_t budget_bytes)
{
	*queue = (struct ztt_send_queue){.budget_bytes = budget_bytes};
	queue->last = &queue->first;
	queue->hungry_last = &queue->hungry_first;
}

void ztt_send_queue_put(struct ztt_send_queue *queue,
			struct ztt_quic_stream *stream)
{
	if (stream->queued || stream->blocked || stream->finished)
		return;
	stream->queued = true;
	stream->queue_next = NULL;
	*queue->last = stream;
	queue->last = &stream->queue_next;
}

static void take_out(struct ztt_send_queue *queue,
		     struct ztt_quic_stream *stream)
{
	struct ztt_quic_stream **at = &queue->first;

	if (!stream->queued)
		return;
	while (*at != stream)
		at = &(*at)->queue_next;
	*at = stream->queue_next;
	if (!*at)
		queue->last = at;
	stream->queued = false;
}

static void join_hungry(struct ztt_send_queue *queue,
			struct ztt_quic_stream *stream)
{
	if (stream->hungry)
		return;
	stream->hungry = true;
	stream->hungry_next = NULL;
	*queue->hungry_last = stream;
	queue->hungry_last = &stream->hungry_next;
}

static void leave_hungry(struct ztt_send_queue *queue,
			 struct ztt_quic_stream *stream)
{
	struct ztt_quic_stream **at = &queue->hungry_first;

	if (!stream->hungry)
		return;
	while (*at != stream)
		at = &(*at)->hungry_next;
	*at = stream->hungry_next;
	if (!*at)
		queue->hungry_last = at;
	stream->hungry = false;
}

void ztt_send_queue_added(struct ztt_send_queue *queue,
			  struct ztt_quic_stream *stream, size_t len_bytes)
{
	stream->unsent_bytes += len_bytes;
	queue->out_bytes += len_bytes;
	if (!stream->blocked)
		queue->ready_bytes += len_bytes;
	ztt_send_queue_put(queue, stream);
}

void ztt_send_queue_written(struct ztt_send_queue *queue,
			    struct ztt_quic_stream *stream, size_t len_bytes,
			    bool end)
{
	ztt_chain_advance(&stream->out, &stream->unsent_at, len_bytes);
	stream->unsent_bytes -= len_bytes;
	queue->ready_bytes -= len_bytes;
	if (stream->starved && stream->unsent_bytes < QUANTUM_BYTES / 2)
		join_hungry(queue, stream);
	if (stream->unsent_bytes)
		return;
	take_out(queue, stream);
	if (end)
		stream->finished = true;
	else if (stream->finishing)
		ztt_send_queue_put(queue, stream);
}

void ztt_send_queue_acked(struct ztt_send_queue *queue,
			  struct ztt_quic_stream *stream, size_t len_bytes)
{
	ztt_chain_drop(&stream->out, len_bytes, &stream->unsent_at);
	queue->out_bytes -= len_bytes;
}

void ztt_send_queue_block(struct ztt_send_queue *queue,
			  struct ztt_quic_stream *stream, bool blocked)
{
	if (blocked == stream->blocked)
		return;
	stream->blocked = blocked;
	if (blocked) {
		take_out(queue, stream);
		queue->ready_bytes -= stream->unsent_bytes;
	} else {
		queue->ready_bytes += stream->unsent_bytes;
		ztt_send_queue_put(queue, stream);
	}
}

void ztt_send_queue_forget(struct ztt_send_queue *queue,
			   struct ztt_quic_stream *stream)
{
	stream->finishing = stream->finished = true;
	ztt_send_queue_block(queue, stream, false);
	take_out(queue, stream);
	leave_hungry(queue, stream);
	queue->ready_bytes -= stream->unsent_bytes;
	stream->unsent_bytes = 0;
	stream->starved = false;
}

struct ztt_quic_stream *ztt_send_queue_first(const struct ztt_send_queue *queue,
					     bool blocked)
{
	struct ztt_quic_stream *stream = queue->first;

	while (blocked && stream && stream->unsent_bytes)
		stream = stream->queue_next;
	return stream;
}

void ztt_send_queue_rotate(struct ztt_send_queue *queue)
{
	struct ztt_quic_stream *stream = queue->first;

	if (!stream || !stream->queue_next)
		return;
	take_out(queue, stream);
	ztt_send_queue_put(queue, stream);
}

/* Past the budget a stream that holds nothing may still have a chunk: others,
 * whose peer does not read, must not stop it. */
static size_t room_for(const struct ztt_send_queue *queue,
		       const struct ztt_quic_stream *stream)
{
	if (queue->ready_bytes >= READY_MAX_BYTES)
		return 0;
	if (queue->out_bytes < queue->budget_bytes)
		return QUANTUM_BYTES;
	return stream->out.len_bytes ? 0 : ZTT_CHUNK_BYTES;
}

/* A stream that has enough to send waits until that has gone out; one that
 * could have more gets in line. */
static void starve(struct ztt_send_queue *queue, struct ztt_quic_stream *stream)
{
	stream->starved = true;
	if (stream->unsent_bytes < QUANTUM_BYTES / 2)
		join_hungry(queue, stream);
}

size_t ztt_send_queue_room(struct ztt_send_queue *queue,
			   struct ztt_quic_stream *stream)
{
	if (stream->taken_bytes < ZTT_CHUNK_BYTES)
		return ZTT_CHUNK_BYTES - stream->taken_bytes;
	if (queue->turn == stream) {
		queue->turn = NULL;
		return room_for(queue, stream);
	}
	if (stream->unsent_bytes < QUANTUM_BYTES / 2 && !queue->hungry_first &&
	    room_for(queue, stream))
		return room_for(queue, stream);
	starve(queue, stream);
	return 0;
}

struct ztt_quic_stream *ztt_send_queue_feed(struct ztt_send_queue *queue)
{
	struct ztt_quic_stream *stream = queue->hungry_first;

	queue->turn = NULL;
	if (queue->ready_bytes >= READY_MAX_BYTES)
		return NULL;
	while (stream && !room_for(queue, stream))
		stream = stream->hungry_next;
	if (!stream)
		return NULL;
	leave_hungry(queue, stream);
	stream->starved = false;
	queue->turn = stream;
	return stream;
}
