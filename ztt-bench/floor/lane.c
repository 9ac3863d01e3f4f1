#define _GNU_SOURCE
#include "lane.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

static void wait_for(sem_t *turn)
{
	while (sem_wait(turn) < 0)
		; /* EINTR */
}

static void pin_to(int core)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)core, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void count(struct ztt_floor_side *side, uint64_t *warm_bytes,
		  uint64_t begin_ns, size_t len)
{
	uint64_t cpu_ns = ztt_floor_thread_ns() - begin_ns;

	if (*warm_bytes > 0) {
		*warm_bytes -= len < *warm_bytes ? len : *warm_bytes;
		return;
	}
	side->cpu_ns += cpu_ns;
	side->bytes += len;
}

/* `over` and `batch_bytes` belong to the thread whose turn it is. */
static void *run_sender(void *arg)
{
	struct ztt_floor_lane *lane = arg;
	struct ztt_floor_side *side = &lane->sides[ZTT_FLOOR_OUT];
	uint64_t warm_bytes = lane->warm_bytes;

	if (lane->send_core >= 0)
		pin_to(lane->send_core);
	while (!lane->over) {
		uint64_t begin_ns = ztt_floor_thread_ns();
		ssize_t len = lane->send(lane->context);

		if (len < 0) {
			ztt_floor_fail(side, "%s: %s", lane->send_name,
				       strerror((int)-len));
			lane->over = true;
		} else {
			count(side, &warm_bytes, begin_ns, (size_t)len);
			lane->batch_bytes = (size_t)len;
			lane->over = ztt_clock_ns() >= lane->due_ns;
		}
		sem_post(&lane->sent);
		wait_for(&lane->taken);
	}
	return NULL;
}

static void receive_batch(struct ztt_floor_lane *lane, uint64_t *warm_bytes)
{
	struct ztt_floor_side *side = &lane->sides[ZTT_FLOOR_IN];
	uint64_t begin_ns = ztt_floor_thread_ns();
	ssize_t len = lane->receive(lane->context, lane->batch_bytes);

	if (len >= 0) {
		count(side, warm_bytes, begin_ns, (size_t)len);
		return;
	}
	ztt_floor_fail(side, "%s: %s", lane->receive_name,
		       len == -EAGAIN ? "data were lost on loopback"
				      : strerror((int)-len));
	lane->over = true;
}

static void run_receiver(struct ztt_floor_lane *lane)
{
	uint64_t warm_bytes = lane->warm_bytes;
	bool over = false;

	while (!over) {
		wait_for(&lane->sent);
		if (lane->sides[ZTT_FLOOR_OUT].failed)
			ztt_floor_fail(&lane->sides[ZTT_FLOOR_IN],
				       "nothing was sent to receive");
		else
			receive_batch(lane, &warm_bytes);
		over = lane->over;
		sem_post(&lane->taken);
	}
}

/* The other core of those allowed, or this one when it is alone. */
static int next_core(const cpu_set_t *allowed, int core)
{
	for (int i = 1; i <= CPU_SETSIZE; i++)
		if (CPU_ISSET((size_t)((core + i) % CPU_SETSIZE), allowed))
			return (core + i) % CPU_SETSIZE;
	return core;
}

/* One thread a core, as the processes of a tunnel run: what is received was
 * written by another core. Left to the scheduler the figures double, or not. */
static void pin(struct ztt_floor_lane *lane, cpu_set_t *ret_before)
{
	const int core = sched_getcpu();

	lane->send_core = -1;
	CPU_ZERO(ret_before);
	if (core < 0 || core >= CPU_SETSIZE ||
	    sched_getaffinity(0, sizeof(*ret_before), ret_before) < 0)
		return;
	lane->send_core = next_core(ret_before, core);
	pin_to(core);
}

static void unpin(const cpu_set_t *before)
{
	if (CPU_COUNT(before) > 0)
		sched_setaffinity(0, sizeof(*before), before);
}

void ztt_floor_lane_run(struct ztt_floor_lane *lane, uint64_t budget_ns,
			struct ztt_floor_side sides[ZTT_FLOOR_BOTH])
{
	cpu_set_t before;
	pthread_t sender;
	int code;

	pin(lane, &before);
	lane->sides = sides;
	lane->due_ns = ztt_clock_ns() + budget_ns;
	lane->over = false;
	sem_init(&lane->sent, 0, 0);
	sem_init(&lane->taken, 0, 0);
	code = pthread_create(&sender, NULL, run_sender, lane);
	if (code == 0) {
		run_receiver(lane);
		pthread_join(sender, NULL);
	}
	for (int i = 0; code != 0 && i < ZTT_FLOOR_BOTH; i++)
		ztt_floor_fail(&sides[i], "thread: %s", strerror(code));
	sem_destroy(&lane->sent);
	sem_destroy(&lane->taken);
	unpin(&before);
}
