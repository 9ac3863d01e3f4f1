/* An event loop: file descriptors, timers, work deferred to the end of a
 * round, and messages from other threads. One loop belongs to one thread. */
#ifndef ZTT_LOOP_H
#define ZTT_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_err;
struct ztt_loop; /* opaque */

/* The struct that `member`, at address `at`, is embedded in. */
#define ZTT_CONTAINER(at, type, member) \
	((type *)(void *)((char *)(at)-offsetof(type, member)))

/* Embedded in what waits; `ready` gets EPOLLIN, EPOLLOUT, EPOLLERR, ... and may
 * end any watch, also its own. */
struct ztt_watch {
	int fd;
	void (*ready)(struct ztt_watch *watch, uint32_t events);
};

/* Embedded; `slot` is the loop's own and must begin as 0 (not set). */
struct ztt_timer {
	uint64_t due_ns;
	void (*fire)(struct ztt_timer *timer);
	size_t slot;
};

/* Embedded; run once at the end of the round in which it was queued, before
 * the loop waits again: where a connection that many events touched writes its
 * packets in one go. `queued` and `next` are the loop's own and begin as 0. */
struct ztt_deferred {
	void (*run)(struct ztt_deferred *deferred);
	struct ztt_deferred *next;
	bool queued;
};

/* Allocated by the sender; `receive` runs in the loop's thread and then owns
 * it. */
struct ztt_message {
	void (*receive)(struct ztt_message *message);
	struct ztt_message *next;
};

/* -errno of epoll_create1 or eventfd, e.g. -EMFILE. */
int ztt_loop_new(struct ztt_loop **ret_loop, struct ztt_err *err);
/* Does not run what is still queued. */
void ztt_loop_free(struct ztt_loop *loop);

/* Watches `watch->fd` for `events` (EPOLLET and so on as epoll_ctl takes
 * them). -errno of epoll_ctl. */
int ztt_loop_watch(struct ztt_loop *loop, struct ztt_watch *watch,
		   uint32_t events, struct ztt_err *err);
void ztt_loop_change(struct ztt_loop *loop, struct ztt_watch *watch,
		     uint32_t events);
/* Ends watching; `ready` is not called again, also not for events of the
 * current round. Does not close the fd. */
void ztt_loop_unwatch(struct ztt_loop *loop, struct ztt_watch *watch);

/* Sets or moves the timer; due_ns ZTT_NEVER clears it. */
void ztt_loop_timer(struct ztt_loop *loop, struct ztt_timer *timer,
		    uint64_t due_ns);

void ztt_loop_defer(struct ztt_loop *loop, struct ztt_deferred *deferred);
/* Takes it off the queue again, if it is on it. */
void ztt_loop_undefer(struct ztt_loop *loop, struct ztt_deferred *deferred);

/* May be called from any thread. */
void ztt_loop_post(struct ztt_loop *loop, struct ztt_message *message);

/* The time at which this round began: cheap, and precise enough for timers of
 * protocols; not for latencies. */
uint64_t ztt_loop_now_ns(const struct ztt_loop *loop);

/* Runs until ztt_loop_stop. */
void ztt_loop_run(struct ztt_loop *loop);
/* May be called from any thread and from a signal handler. */
void ztt_loop_stop(struct ztt_loop *loop);

#endif
