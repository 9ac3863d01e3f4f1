/* One thread of the load: its streams, its clock and what it counted. */
#ifndef ZTT_LOAD_WORKER_H
#define ZTT_LOAD_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/loop.h"
#include "ztt-bench/parts/load/request.h"
#include "ztt-bench/parts/load/result.h"
#include "ztt-bench/parts/load/schedule.h"

struct ztt_blob;
struct ztt_load_plan;
struct ztt_load_stream;

/* Written by the worker alone; the main thread reads them on the way. */
struct ztt_load_counters {
	_Atomic uint64_t requests, bytes_down, bytes_up, errors;
};

/* Plain storage of the caller; `plan`, `blob`, `index`, `start_ns` and
 * `done_fd` are set before ztt_load_worker_init. */
struct ztt_load_worker {
	const struct ztt_load_plan *plan;
	const struct ztt_blob *blob;
	unsigned index;
	uint64_t start_ns; /* the same for all workers */
	int done_fd;       /* eventfd that gets 1 when the worker has ended */

	/* results, the main thread's after ztt_load_worker_join */
	struct ztt_load_counters counters;
	struct ztt_load_result result; /* its numbers but at_ns, duration_ns */
	uint64_t first_error_ns;       /* ZTT_NEVER: none */
	uint64_t ended_ns;

	/* the worker's own */
	pthread_t thread;
	bool running; /* the thread was started */
	struct ztt_loop *loop;
	uint64_t begin_ns, end_ns; /* the window; end ZTT_NEVER: by requests */
	struct ztt_timer begin, end, due, sweep;
	struct ztt_load_requests down, up;
	struct ztt_load_schedule schedule; /* open loop */
	uint64_t random;
	bool counting;  /* the window has begun, for the quota */
	uint64_t quota; /* requests to do in the window; ZTT_NEVER: no end */
	uint64_t started, finished; /* in the window */
	uint64_t busy;              /* streams that wait for a response */
	struct ztt_load_stream *streams;
	unsigned stream_count;
	struct ztt_load_stream *idle_first, **idle_last; /* open loop */
};

/* Allocates what the worker will ever need. -errno of epoll_create1. */
int ztt_load_worker_init(struct ztt_load_worker *worker, struct ztt_err *err);
void ztt_load_worker_release(struct ztt_load_worker *worker);

/* Starts the thread. -errno of pthread_create. */
int ztt_load_worker_start(struct ztt_load_worker *worker, struct ztt_err *err);

/* Ends the window now; may be called from any thread. */
void ztt_load_worker_stop(struct ztt_load_worker *worker);
void ztt_load_worker_join(struct ztt_load_worker *worker);

/* For streams, in the worker's thread. */

/* The stream is connected and free at `now_ns`; it wanted to send since
 * `wanted_ns`. Gives it a request, or lets it wait for one. */
void ztt_load_worker_next(struct ztt_load_worker *worker,
			  struct ztt_load_stream *stream, uint64_t wanted_ns,
			  uint64_t now_ns);
/* It is not free any more. */
void ztt_load_worker_forget(struct ztt_load_worker *worker,
			    struct ztt_load_stream *stream);

void ztt_load_worker_done(struct ztt_load_worker *worker, uint64_t due_ns,
			  uint64_t sent_ns, uint64_t now_ns);
void ztt_load_worker_failed(struct ztt_load_worker *worker,
			    enum ztt_load_error kind,
			    const struct ztt_err *reason);
void ztt_load_worker_count_bytes(struct ztt_load_worker *worker,
				 uint64_t bytes_down, uint64_t bytes_up);

#endif
