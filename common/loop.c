#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"

#define EVENTS_MAX 128

struct ztt_loop {
	int epoll_fd;
	struct ztt_watch wake; /* the eventfd behind post and stop */
	uint64_t now_ns;
	atomic_bool stopping;

	struct ztt_timer **heap; /* 1-based: a timer's slot is its index */
	size_t heap_len, heap_cap;

	struct ztt_deferred *deferred_first, **deferred_last;

	struct epoll_event events[EVENTS_MAX]; /* of this round */
	int event_count, event_at;

	pthread_mutex_t lock;
	struct ztt_message *inbox_first, **inbox_last; /* under lock */
};

static void receive_messages(struct ztt_loop *loop)
{
	struct ztt_message *message, *next;

	pthread_mutex_lock(&loop->lock);
	message = loop->inbox_first;
	loop->inbox_first = NULL;
	loop->inbox_last = &loop->inbox_first;
	pthread_mutex_unlock(&loop->lock);

	for (; message; message = next) {
		next = message->next;
		message->receive(message);
	}
}

static void drain_wake(struct ztt_watch *watch, uint32_t events)
{
	uint64_t count;

	(void)events;
	while (read(watch->fd, &count, sizeof(count)) > 0)
		;
}

int ztt_loop_new(struct ztt_loop **ret_loop, struct ztt_err *err)
{
	struct ztt_loop *loop = ztt_calloc(1, sizeof(*loop));
	int rc;

	loop->deferred_last = &loop->deferred_first;
	loop->inbox_last = &loop->inbox_first;
	loop->now_ns = ztt_clock_ns();
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->wake.ready = drain_wake;
	pthread_mutex_init(&loop->lock, NULL);
	if (loop->epoll_fd < 0 || loop->wake.fd < 0) {
		rc = ztt_err_set(err, -errno, "cannot make an event loop: %s",
				 strerror(errno));
		goto fail;
	}
	rc = ztt_loop_watch(loop, &loop->wake, EPOLLIN, err);
	if (rc < 0)
		goto fail;
	*ret_loop = loop;
	return 0;
fail:
	ztt_loop_free(loop);
	return rc;
}

void ztt_loop_free(struct ztt_loop *loop)
{
	if (!loop)
		return;
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->wake.fd >= 0)
		close(loop->wake.fd);
	pthread_mutex_destroy(&loop->lock);
	free(loop->heap);
	free(loop);
}

int ztt_loop_watch(struct ztt_loop *loop, struct ztt_watch *watch,
		   uint32_t events, struct ztt_err *err)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0)
		return 0;
	return ztt_err_set(err, -errno, "cannot watch descriptor %d: %s",
			   watch->fd, strerror(errno));
}

void ztt_loop_change(struct ztt_loop *loop, struct ztt_watch *watch,
		     uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void ztt_loop_unwatch(struct ztt_loop *loop, struct ztt_watch *watch)
{
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	for (int i = loop->event_at; i < loop->event_count; i++)
		if (loop->events[i].data.ptr == watch)
			loop->events[i].data.ptr = NULL;
}

static void heap_put(struct ztt_loop *loop, size_t slot,
		     struct ztt_timer *timer)
{
	loop->heap[slot] = timer;
	timer->slot = slot;
}

static void heap_up(struct ztt_loop *loop, size_t slot)
{
	struct ztt_timer *timer = loop->heap[slot];

	while (slot > 1 && loop->heap[slot / 2]->due_ns > timer->due_ns) {
		heap_put(loop, slot, loop->heap[slot / 2]);
		slot /= 2;
	}
	heap_put(loop, slot, timer);
}

static void heap_down(struct ztt_loop *loop, size_t slot)
{
	struct ztt_timer *timer = loop->heap[slot];
	size_t child;

	while ((child = slot * 2) <= loop->heap_len) {
		if (child < loop->heap_len &&
		    loop->heap[child + 1]->due_ns < loop->heap[child]->due_ns)
			child++;
		if (loop->heap[child]->due_ns >= timer->due_ns)
			break;
		heap_put(loop, slot, loop->heap[child]);
		slot = child;
	}
	heap_put(loop, slot, timer);
}

static void heap_remove(struct ztt_loop *loop, struct ztt_timer *timer)
{
	size_t slot = timer->slot;
	struct ztt_timer *last = loop->heap[loop->heap_len--];

	timer->slot = 0;
	if (last == timer)
		return;
	heap_put(loop, slot, last);
	heap_up(loop, slot);
	heap_down(loop, last->slot);
}

void ztt_loop_timer(struct ztt_loop *loop, struct ztt_timer *timer,
		    uint64_t due_ns)
{
	if (timer->slot && timer->due_ns == due_ns)
		return;
	if (timer->slot)
		heap_remove(loop, timer);
	timer->due_ns = due_ns;
	if (due_ns == ZTT_NEVER)
		return;
	if (loop->heap_len + 2 > loop->heap_cap) {
		loop->heap_cap = loop->heap_cap ? loop->heap_cap * 2 : 64;
		loop->heap = ztt_realloc(loop->heap,
					 loop->heap_cap * sizeof(*loop->heap));
	}
	loop->heap[++loop->heap_len] = timer;
	heap_up(loop, loop->heap_len);
}

static void fire_timers(struct ztt_loop *loop)
{
	while (loop->heap_len && loop->heap[1]->due_ns <= loop->now_ns) {
		struct ztt_timer *timer = loop->heap[1];

		heap_remove(loop, timer);
		timer->fire(timer);
	}
}

void ztt_loop_defer(struct ztt_loop *loop, struct ztt_deferred *deferred)
{
	if (deferred->queued)
		return;
	deferred->queued = true;
	deferred->next = NULL;
	*loop->deferred_last = deferred;
	loop->deferred_last = &deferred->next;
}

void ztt_loop_undefer(struct ztt_loop *loop, struct ztt_deferred *deferred)
{
	struct ztt_deferred **at = &loop->deferred_first;

	if (!deferred->queued)
		return;
	while (*at != deferred)
		at = &(*at)->next;
	*at = deferred->next;
	if (!*at)
		loop->deferred_last = at;
	deferred->queued = false;
}

/* Only what was queued before this round's end: what queues itself again waits
 * for the next round, after the events. */
static void run_deferred(struct ztt_loop *loop)
{
	struct ztt_deferred last = {.run = NULL};
	struct ztt_deferred *deferred;

	if (!loop->deferred_first)
		return;
	ztt_loop_defer(loop, &last);
	while ((deferred = loop->deferred_first) != &last) {
		ztt_loop_undefer(loop, deferred);
		deferred->run(deferred);
	}
	ztt_loop_undefer(loop, &last);
}

void ztt_loop_post(struct ztt_loop *loop, struct ztt_message *message)
{
	const uint64_t one = 1;

	message->next = NULL;
	pthread_mutex_lock(&loop->lock);
	*loop->inbox_last = message;
	loop->inbox_last = &message->next;
	pthread_mutex_unlock(&loop->lock);
	(void)!write(loop->wake.fd, &one, sizeof(one));
}

uint64_t ztt_loop_now_ns(const struct ztt_loop *loop)
{
	return loop->now_ns;
}

static void wait_for_events(struct ztt_loop *loop)
{
	struct timespec timeout, *until = NULL;
	uint64_t wait_ns = 0;

	if (loop->heap_len || loop->deferred_first) {
		loop->now_ns = ztt_clock_ns();
		if (!loop->deferred_first &&
		    loop->heap[1]->due_ns > loop->now_ns)
			wait_ns = loop->heap[1]->due_ns - loop->now_ns;
		timeout.tv_sec = (time_t)(wait_ns / ZTT_NS_PER_S);
		timeout.tv_nsec = (long)(wait_ns % ZTT_NS_PER_S);
		until = &timeout;
	}
	loop->event_at = 0;
	loop->event_count = epoll_pwait2(loop->epoll_fd, loop->events,
					 EVENTS_MAX, until, NULL);
	loop->now_ns = ztt_clock_ns();
}

static void dispatch_events(struct ztt_loop *loop)
{
	while (loop->event_at < loop->event_count) {
		const struct epoll_event *event =
			&loop->events[loop->event_at++];
		struct ztt_watch *watch = event->data.ptr;

		if (watch)
			watch->ready(watch, event->events);
	}
	loop->event_at = loop->event_count = 0;
}

void ztt_loop_run(struct ztt_loop *loop)
{
	while (!loop->stopping) {
		wait_for_events(loop);
		dispatch_events(loop);
		receive_messages(loop);
		fire_timers(loop);
		run_deferred(loop);
	}
	loop->stopping = false;
}

void ztt_loop_stop(struct ztt_loop *loop)
{
	const uint64_t one = 1;

	loop->stopping = true;
	(void)!write(loop->wake.fd, &one, sizeof(one));
}
