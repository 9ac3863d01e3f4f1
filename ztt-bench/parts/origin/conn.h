/* One connection of the origin: reads requests one after the other and lets an
 * endpoint answer each. What it holds is bounded: one buffer each way. */
#ifndef ZTT_ORIGIN_CONN_H
#define ZTT_ORIGIN_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/http1.h"
#include "common/loop.h"
#include "ztt-bench/parts/origin/websocket.h"

struct ztt_blob;

#define ZTT_ORIGIN_IN_BYTES ZTT_HTTP1_HEAD_MAX_BYTES
#define ZTT_ORIGIN_OUT_BYTES 16384

/* What a step returns: negative ends the connection; ON: there is more to do at
 * once; YIELD: the same, and the other connections have waited long enough. */
enum {
	ZTT_ORIGIN_WAIT = 0,
	ZTT_ORIGIN_ON = 1,
	ZTT_ORIGIN_YIELD = 2
};

struct ztt_origin_conn {
	struct ztt_watch watch;
	struct ztt_timer timer; /* of /delay, and of the wait for the end */
	struct ztt_timer yield; /* lets the others have their turn */
	struct ztt_loop *loop;
	const struct ztt_blob *blob;
	struct ztt_origin_conn **list; /* where it hangs, or NULL */
	struct ztt_origin_conn *next, *previous;

	/* Does the next bit of work; called until it waits. */
	int (*step)(struct ztt_origin_conn *conn);
	bool readable, peer_ended; /* as the edge-triggered events say */

	/* the request */
	int (*answer)(struct ztt_origin_conn *conn); /* after its body */
	uint64_t param; /* `bytes` or `ms` of the query */
	bool keep_alive, head_only;
	bool body_chunked, body_done;
	uint64_t body_left_bytes; /* when not chunked */
	uint64_t body_bytes;      /* seen so far */
	struct ztt_http1_chunks chunks;

	/* the answer */
	uint64_t blob_at_bytes, blob_left_bytes;
	bool echo_done, frame_open, closing;
	struct ztt_websocket_frame frame;
	uint64_t frame_at_bytes;

	size_t in_at_bytes, in_len_bytes;
	size_t out_at_bytes, out_len_bytes;
	char in[ZTT_ORIGIN_IN_BYTES];
	char out[ZTT_ORIGIN_OUT_BYTES];
};

/* Takes `fd` over. `blob` stays the caller's. */
struct ztt_origin_conn *ztt_origin_conn_new(int fd,
					    const struct ztt_blob *blob);
/* Begins to serve it in the loop's thread; hangs it into `list`, off which it
 * takes itself when it ends and is freed. */
void ztt_origin_conn_start(struct ztt_origin_conn *conn, struct ztt_loop *loop,
			   struct ztt_origin_conn **list);
void ztt_origin_conn_free(struct ztt_origin_conn *conn);

/* For the endpoints. */

/* Appends to `out`; what does not fit is our own bug. */
void ztt_origin_put(struct ztt_origin_conn *conn, const void *data,
		    size_t len_bytes);
void ztt_origin_putf(struct ztt_origin_conn *conn, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Receives into `in`: ON, WAIT, or -EPIPE at the end. -EPROTO: `in` is full of
 * what nobody takes. */
int ztt_origin_fill(struct ztt_origin_conn *conn);

/* Sends `out`: ON when all is sent; `more`: more follows at once. */
int ztt_origin_flush(struct ztt_origin_conn *conn, bool more);

/* Takes the next run of body bytes out of `in`, at most `max_bytes` with their
 * framing, and sets `body_done` at the end: ON, WAIT when `in` holds too
 * little, -EPROTO. The run is good until `in` changes. */
int ztt_origin_body(struct ztt_origin_conn *conn, size_t max_bytes,
		    struct ztt_slice *ret_body);

/* Puts the head of an answer; `reason` as in "200 OK". */
void ztt_origin_put_head(struct ztt_origin_conn *conn, const char *reason,
			 const char *type, uint64_t len_bytes);

/* Answers with a text and goes on to the next request. Returns ON. */
int ztt_origin_answer(struct ztt_origin_conn *conn, const char *reason,
		      const char *type, const char *text);

/* A step: sends `out` and then the blob bytes, and goes on to the next request.
 */
int ztt_origin_send(struct ztt_origin_conn *conn);

/* Goes on to the next request, or ends the connection. Returns ON. */
int ztt_origin_next(struct ztt_origin_conn *conn);

/* Ends the sending side and waits a little for the peer to end, so that what
 * was sent is not lost to a reset. Returns ON. */
int ztt_origin_linger(struct ztt_origin_conn *conn);

/* Does nothing until the timer fires, and calls `answer` then. */
int ztt_origin_wait(struct ztt_origin_conn *conn, uint64_t wait_ns);

#endif
