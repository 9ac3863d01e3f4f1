/* One connection of the load, kept open from request to request: sends what the
 * worker gives it, follows the response, tells the worker, and connects anew
 * when it must. */
#ifndef ZTT_LOAD_STREAM_H
#define ZTT_LOAD_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/loop.h"
#include "ztt-bench/parts/load/request.h"
#include "ztt-bench/parts/load/response.h"

struct ztt_load_worker;

#define ZTT_LOAD_IN_BYTES 16384

enum ztt_load_stream_state {
	ZTT_LOAD_CLOSED,
	ZTT_LOAD_CONNECTING,
	ZTT_LOAD_FREE, /* connected, nothing asked */
	ZTT_LOAD_BUSY,
};

struct ztt_load_stream {
	struct ztt_watch watch;
	struct ztt_timer again; /* closed: connect; busy: go on */
	struct ztt_load_worker *worker;
	enum ztt_load_stream_state state;
	bool up;
	bool readable, peer_ended; /* as the edge-triggered events say */
	bool idle;                 /* in the worker's list */
	struct ztt_load_stream *next_idle;
	uint64_t backoff_ns; /* before the next attempt; 0: none */
	uint64_t wanted_ns;  /* since when it wants to be connected */
	uint64_t due_ns, sent_ns;
	uint64_t moved_ns; /* when a byte moved last, by the loop's clock */

	const struct ztt_load_request *request;
	int low_water_bytes; /* SO_RCVLOWAT of this connection */
	size_t head_at_bytes;
	uint64_t body_at_bytes;
	struct ztt_load_response response;
	size_t in_len_bytes;
	char in[ZTT_LOAD_IN_BYTES];
};

void ztt_load_stream_init(struct ztt_load_stream *stream,
			  struct ztt_load_worker *worker, bool up);
/* Begins to connect. */
void ztt_load_stream_connect(struct ztt_load_stream *stream);
/* Closes without counting anything. */
void ztt_load_stream_close(struct ztt_load_stream *stream);

/* Sends `request` on a free stream. */
void ztt_load_stream_send(struct ztt_load_stream *stream,
			  const struct ztt_load_request *request,
			  uint64_t due_ns, uint64_t now_ns);

/* Fails it as timed out when it has waited since before `since_ns`. */
void ztt_load_stream_check(struct ztt_load_stream *stream, uint64_t since_ns);

#endif
