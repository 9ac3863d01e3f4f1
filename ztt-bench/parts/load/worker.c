#define _GNU_SOURCE
#include "ztt-bench/parts/load/worker.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/hist.h"
#include "ztt-bench/parts/load/plan.h"
#include "ztt-bench/parts/load/stream.h"

#define SWEEP_MIN_NS (5 * ZTT_NS_PER_MS)
#define SWEEP_MAX_NS (100 * ZTT_NS_PER_MS)
#define TIMER_SLACK_NS 1 /* instead of 50 us (prctl(2)) */

#define worker_of(timer, member)              \
	((struct ztt_load_worker *)(void *)(( \
		char *)(timer)-offsetof(struct ztt_load_worker, member)))

/* There is one writer, so this needs no locked instruction. */
static void add(_Atomic uint64_t *counter, uint64_t count)
{
	uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, before + count, memory_order_relaxed);
}

static bool in_window(const struct ztt_load_worker *worker, uint64_t at_ns)
{
	return at_ns >= worker->begin_ns && at_ns < worker->end_ns;
}

void ztt_load_worker_count_bytes(struct ztt_load_worker *worker,
				 uint64_t bytes_down, uint64_t bytes_up)
{
	if (!in_window(worker, ztt_loop_now_ns(worker->loop)))
		return;
	add(&worker->counters.bytes_down, bytes_down);
	add(&worker->counters.bytes_up, bytes_up);
}

static void finish_one(struct ztt_load_worker *worker, uint64_t now_ns)
{
	if (++worker->finished != worker->quota)
		return;
	worker->end_ns = now_ns + 1;
	ztt_loop_stop(worker->loop);
}

void ztt_load_worker_done(struct ztt_load_worker *worker, uint64_t due_ns,
			  uint64_t sent_ns, uint64_t now_ns)
{
	if (!in_window(worker, now_ns))
		return;
	add(&worker->counters.requests, 1);
	ztt_hist_record(worker->result.latency, now_ns - due_ns);
	ztt_hist_record(worker->result.service, now_ns - sent_ns);
	finish_one(worker, now_ns);
}

void ztt_load_worker_failed(struct ztt_load_worker *worker,
			    enum ztt_load_error kind,
			    const struct ztt_err *reason)
{
	uint64_t now_ns = ztt_clock_ns();

	if (!in_window(worker, now_ns))
		return;
	if (worker->first_error_ns == ZTT_NEVER) {
		worker->first_error_ns = now_ns;
		strcpy(worker->result.first_error, reason->text);
	}
	worker->result.errors[kind]++;
	add(&worker->counters.errors, 1);
	finish_one(worker, now_ns);
}

static const struct ztt_load_request *
choose(struct ztt_load_worker *worker, const struct ztt_load_stream *stream)
{
	const struct ztt_load_requests *requests =
		stream->up ? &worker->up : &worker->down;

	if (requests->count == 1)
		return requests->all;
	return &requests->all[ztt_load_mix_draw(&worker->plan->mix,
						&worker->random)];
}

static void give(struct ztt_load_worker *worker, struct ztt_load_stream *stream,
		 uint64_t due_ns, uint64_t now_ns)
{
	worker->started += worker->counting;
	ztt_load_stream_send(stream, choose(worker, stream), due_ns, now_ns);
}

static void push_idle(struct ztt_load_worker *worker,
		      struct ztt_load_stream *stream)
{
	stream->idle = true;
	stream->next_idle = NULL;
	*worker->idle_last = stream;
	worker->idle_last = &stream->next_idle;
}

void ztt_load_worker_forget(struct ztt_load_worker *worker,
			    struct ztt_load_stream *stream)
{
	struct ztt_load_stream **at = &worker->idle_first;

	if (!stream->idle)
		return;
	while (*at != stream)
		at = &(*at)->next_idle;
	*at = stream->next_idle;
	if (!*at)
		worker->idle_last = at;
	stream->idle = false;
}

static bool may_start(const struct ztt_load_worker *worker)
{
	return !worker->counting || worker->started < worker->quota;
}

/* Sends what is due while there are streams for it. */
static void send_due(struct ztt_load_worker *worker, uint64_t now_ns)
{
	while (worker->idle_first && may_start(worker)) {
		uint64_t due_ns = ztt_load_schedule_due(&worker->schedule);
		struct ztt_load_stream *stream = worker->idle_first;

		if (due_ns > now_ns) {
			ztt_loop_timer(worker->loop, &worker->due, due_ns);
			return;
		}
		ztt_load_schedule_take(&worker->schedule);
		ztt_load_worker_forget(worker, stream);
		give(worker, stream, due_ns, now_ns);
	}
}

static void on_due(struct ztt_timer *timer)
{
	send_due(worker_of(timer, due), ztt_clock_ns());
}

void ztt_load_worker_next(struct ztt_load_worker *worker,
			  struct ztt_load_stream *stream, uint64_t wanted_ns,
			  uint64_t now_ns)
{
	if (!may_start(worker))
		return;
	if (worker->plan->rate_per_s > 0) {
		push_idle(worker, stream);
		send_due(worker, now_ns);
	} else {
		give(worker, stream, wanted_ns, now_ns);
	}
}

static void on_begin(struct ztt_timer *timer)
{
	struct ztt_load_worker *worker = worker_of(timer, begin);

	worker->counting = true;
	worker->started = worker->busy + worker->finished;
}

static void on_end(struct ztt_timer *timer)
{
	ztt_loop_stop(worker_of(timer, end)->loop);
}

static uint64_t sweep_interval_ns(const struct ztt_load_plan *plan)
{
	uint64_t interval_ns = plan->timeout_ns / 4;

	if (interval_ns < SWEEP_MIN_NS)
		return SWEEP_MIN_NS;
	return interval_ns < SWEEP_MAX_NS ? interval_ns : SWEEP_MAX_NS;
}

/* Timeouts are looked for now and then: a timer per request would cost more
 * than the request's own bookkeeping. */
static void on_sweep(struct ztt_timer *timer)
{
	struct ztt_load_worker *worker = worker_of(timer, sweep);
	uint64_t now_ns = ztt_loop_now_ns(worker->loop);

	for (unsigned i = 0; i < worker->stream_count; i++)
		ztt_load_stream_check(&worker->streams[i],
				      now_ns - worker->plan->timeout_ns);
	ztt_loop_timer(worker->loop, timer,
		       now_ns + sweep_interval_ns(worker->plan));
}

static void init_window(struct ztt_load_worker *worker)
{
	const struct ztt_load_plan *plan = worker->plan;
	uint64_t share = plan->requests / plan->threads;

	worker->begin_ns = worker->start_ns + plan->warmup_ns;
	worker->end_ns = ZTT_NEVER;
	worker->quota = ZTT_NEVER;
	if (plan->requests)
		worker->quota = share + (worker->index <
					 plan->requests % plan->threads);
	else
		worker->end_ns = worker->begin_ns + plan->duration_ns;
	worker->begin.fire = on_begin;
	worker->end.fire = on_end;
	worker->due.fire = on_due;
	worker->sweep.fire = on_sweep;
}

static void init_streams(struct ztt_load_worker *worker)
{
	const struct ztt_load_plan *plan = worker->plan;
	unsigned first = ztt_load_plan_first_stream(plan, worker->index);

	worker->stream_count =
		ztt_load_plan_first_stream(plan, worker->index + 1) - first;
	worker->streams =
		ztt_alloc(worker->stream_count * sizeof(worker->streams[0]));
	for (unsigned i = 0; i < worker->stream_count; i++)
		ztt_load_stream_init(&worker->streams[i], worker,
				     ztt_load_plan_is_up(plan, first + i));
}

int ztt_load_worker_init(struct ztt_load_worker *worker, struct ztt_err *err)
{
	const struct ztt_load_plan *plan = worker->plan;
	int rc = ztt_loop_new(&worker->loop, err);

	if (rc < 0)
		return rc;
	ztt_load_result_init(&worker->result);
	worker->first_error_ns = ZTT_NEVER;
	worker->random = worker->index + 1;
	worker->idle_last = &worker->idle_first;
	init_window(worker);
	ztt_load_schedule_init(&worker->schedule, worker->start_ns,
			       plan->rate_per_s, worker->index, plan->threads);
	ztt_load_requests_init(&worker->down, plan, false);
	ztt_load_requests_init(&worker->up, plan, true);
	init_streams(worker);
	return 0;
}

void ztt_load_worker_release(struct ztt_load_worker *worker)
{
	for (unsigned i = 0; i < worker->stream_count; i++)
		ztt_load_stream_close(&worker->streams[i]);
	free(worker->streams);
	ztt_load_requests_release(&worker->down);
	ztt_load_requests_release(&worker->up);
	ztt_load_result_release(&worker->result);
	ztt_loop_free(worker->loop);
}

static void end_window(struct ztt_load_worker *worker)
{
	struct ztt_load_result *result = &worker->result;
	uint64_t now_ns = ztt_clock_ns();

	worker->ended_ns = now_ns < worker->end_ns ? now_ns : worker->end_ns;
	result->requests = worker->counters.requests;
	result->bytes_down = worker->counters.bytes_down;
	result->bytes_up = worker->counters.bytes_up;
	if (worker->plan->rate_per_s > 0 && !worker->plan->requests)
		result->late = ztt_load_schedule_late(&worker->schedule,
						      worker->ended_ns);
}

static void *run(void *arg)
{
	struct ztt_load_worker *worker = arg;
	const uint64_t one = 1;

	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
	ztt_loop_timer(worker->loop, &worker->begin, worker->begin_ns);
	ztt_loop_timer(worker->loop, &worker->end, worker->end_ns);
	ztt_loop_timer(worker->loop, &worker->sweep,
		       worker->start_ns + sweep_interval_ns(worker->plan));
	if (worker->begin_ns == worker->start_ns)
		worker->counting = true;
	if (worker->quota == 0)
		ztt_loop_stop(worker->loop);
	for (unsigned i = 0; i < worker->stream_count; i++)
		ztt_load_stream_connect(&worker->streams[i]);
	ztt_loop_run(worker->loop);
	end_window(worker);
	(void)!write(worker->done_fd, &one, sizeof(one));
	return NULL;
}

int ztt_load_worker_start(struct ztt_load_worker *worker, struct ztt_err *err)
{
	char name[24];
	int rc = pthread_create(&worker->thread, NULL, run, worker);

	if (rc != 0)
		return ztt_err_set(err, -rc, "cannot start a thread: %s",
				   strerror(rc));
	snprintf(name, sizeof(name), "load/%u", worker->index);
	pthread_setname_np(worker->thread, name);
	worker->running = true;
	return 0;
}

void ztt_load_worker_stop(struct ztt_load_worker *worker)
{
	ztt_loop_stop(worker->loop);
}

void ztt_load_worker_join(struct ztt_load_worker *worker)
{
	if (worker->running)
		pthread_join(worker->thread, NULL);
	worker->running = false;
}
