/* Which stream of a connection sends next, and which may be given more to send:
 * the part of quic.c that knows no QUIC. Its state in a stream are the fields of
 * struct ztt_quic_stream. */
#ifndef ZTT_SEND_QUEUE_H
#define ZTT_SEND_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "quic.h"

struct ztt_send_queue {
	struct ztt_quic_stream *first, **last;               /* to send */
	struct ztt_quic_stream *hungry_first, **hungry_last; /* for room */
	struct ztt_quic_stream *turn; /* has its turn to be given room */
	size_t budget_bytes;
	size_t out_bytes;   /* in all streams' `out` */
	size_t ready_bytes; /* of these, unsent and not blocked */
};

void ztt_send_queue_init(struct ztt_send_queue *queue, size_t budget_bytes);

/* The stream has something to send, bytes or its end: it gets in line. */
void ztt_send_queue_put(struct ztt_send_queue *queue,
			struct ztt_quic_stream *stream);
/* `len_bytes` were added to its `out`. */
void ztt_send_queue_added(struct ztt_send_queue *queue,
			  struct ztt_quic_stream *stream, size_t len_bytes);
/* `len_bytes` of it went into a packet; with `end` nothing is to follow. */
void ztt_send_queue_written(struct ztt_send_queue *queue,
			    struct ztt_quic_stream *stream, size_t len_bytes,
			    bool end);
/* The peer has `len_bytes` more of it. */
void ztt_send_queue_acked(struct ztt_send_queue *queue,
			  struct ztt_quic_stream *stream, size_t len_bytes);
/* The peer's flow control holds it back, or no longer. */
void ztt_send_queue_block(struct ztt_send_queue *queue,
			  struct ztt_quic_stream *stream, bool blocked);
/* Nothing more of it will be sent; what is unacknowledged stays in `out`. */
void ztt_send_queue_forget(struct ztt_send_queue *queue,
			   struct ztt_quic_stream *stream);

/* The stream to write next, or NULL: with `blocked`, for want of credit of the
 * connection, one that has only its end to send. */
struct ztt_quic_stream *ztt_send_queue_first(const struct ztt_send_queue *queue,
					     bool blocked);
/* The first one has had its turn: it goes to the end of the line. */
void ztt_send_queue_rotate(struct ztt_send_queue *queue);

/* How many bytes a stream may take now; 0: it waits for its turn. In turn, a
 * quantum each: what is read is sent while it is in the caches, and the streams
 * together hold little. The first bytes of a stream need not wait, so that small
 * answers pass large ones. */
size_t ztt_send_queue_room(struct ztt_send_queue *queue,
			   struct ztt_quic_stream *stream);
/* The next stream that waits for room when there is some: it has its turn until
 * the next call. NULL when none may have more. */
struct ztt_quic_stream *ztt_send_queue_feed(struct ztt_send_queue *queue);

#endif
