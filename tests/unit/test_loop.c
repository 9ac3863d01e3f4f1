#define _GNU_SOURCE
#include "common/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/err.h"

#define TIMERS 300
#define MESSAGES 1000

static struct ztt_loop *loop;

static int set_up(void **state)
{
	struct ztt_err err;

	(void)state;
	return ztt_loop_new(&loop, &err);
}

static int tear_down(void **state)
{
	(void)state;
	ztt_loop_free(loop);
	return 0;
}

static void watch(struct ztt_watch *w, uint32_t events)
{
	struct ztt_err err;

	assert_int_equal(ztt_loop_watch(loop, w, events, &err), 0);
}

static void stop_at(struct ztt_timer *timer)
{
	(void)timer;
	ztt_loop_stop(loop);
}

/* --- timers -------------------------------------------------------------- */

static struct ztt_timer timers[TIMERS];
static size_t fired_count;
static uint64_t fired_due[TIMERS];

static void note(struct ztt_timer *timer)
{
	assert_true(fired_count < TIMERS);
	assert_int_equal(timer->slot, 0);
	fired_due[fired_count++] = timer->due_ns;
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
	struct ztt_timer end = {.fire = stop_at};
	const uint64_t now = ztt_clock_ns();
	unsigned seed = 7;

	(void)state;
	fired_count = 0;
	for (size_t i = 0; i < TIMERS; i++) {
		seed = seed * 1664525U + 1013904223U;
		timers[i] = (struct ztt_timer){.fire = note};
		ztt_loop_timer(loop, &timers[i], now + (seed >> 8) % 1000000);
	}
	for (size_t i = 0; i < TIMERS; i += 3)
		ztt_loop_timer(loop, &timers[i], ZTT_NEVER);
	for (size_t i = 1; i < TIMERS; i += 3)
		ztt_loop_timer(loop, &timers[i], now + (i * 7919) % 1000000);
	ztt_loop_timer(loop, &end, now + 1000000);
	ztt_loop_run(loop);
	assert_int_equal(fired_count, TIMERS - TIMERS / 3);
	for (size_t i = 1; i < fired_count; i++)
		assert_true(fired_due[i - 1] <= fired_due[i]);
}

static struct ztt_timer first, second, third;
static int second_count, third_count;

static void clear_second_move_third(struct ztt_timer *timer)
{
	const uint64_t now = ztt_clock_ns();

	ztt_loop_timer(loop, &second, ZTT_NEVER);
	if (third.due_ns < now)
		ztt_loop_timer(loop, &third, now + 1);
	if (timer == &first)
		ztt_loop_timer(loop, &first, now + ZTT_NS_PER_MS);
	first.fire = stop_at;
}

static void count_second(struct ztt_timer *timer)
{
	(void)timer;
	second_count++;
}

static void count_third(struct ztt_timer *timer)
{
	(void)timer;
	third_count++;
}

static void a_timer_can_clear_and_move_timers_that_are_due(void **state)
{
	const uint64_t now = ztt_clock_ns();

	(void)state;
	first = (struct ztt_timer){.fire = clear_second_move_third};
	second = (struct ztt_timer){.fire = count_second};
	third = (struct ztt_timer){.fire = count_third};
	second_count = third_count = 0;
	ztt_loop_timer(loop, &first, now - 3);
	ztt_loop_timer(loop, &second, now - 2);
	ztt_loop_timer(loop, &third, now - 1);
	ztt_loop_run(loop);
	assert_int_equal(second_count, 0);
	assert_int_equal(third_count, 1);
	assert_int_equal(second.slot, 0);
	assert_int_equal(third.slot, 0);
}

static void a_cleared_timer_can_be_set_again(void **state)
{
	struct ztt_timer timer = {.fire = stop_at};

	(void)state;
	ztt_loop_timer(loop, &timer, ZTT_NEVER);
	assert_int_equal(timer.slot, 0);
	ztt_loop_timer(loop, &timer, ztt_clock_ns() + ZTT_NS_PER_S);
	ztt_loop_timer(loop, &timer, ZTT_NEVER);
	ztt_loop_timer(loop, &timer, ztt_clock_ns());
	ztt_loop_run(loop);
	assert_int_equal(timer.slot, 0);
}

/* --- watches ------------------------------------------------------------- */

struct end {
	struct ztt_watch watch;
	struct end *other;
	int count;
};

static void unwatch_both(struct ztt_watch *w, uint32_t events)
{
	struct end *end = ZTT_CONTAINER(w, struct end, watch);

	assert_true(events & EPOLLIN);
	end->count++;
	ztt_loop_unwatch(loop, &end->other->watch);
	ztt_loop_unwatch(loop, &end->watch);
	close(end->other->watch.fd);
	ztt_loop_stop(loop);
}

static void unwatch_holds_for_events_of_the_same_round(void **state)
{
	struct end ends[2];
	int pipes[2][2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		assert_int_equal(write(pipes[i][1], "x", 1), 1);
		ends[i] = (struct end){{pipes[i][0], unwatch_both},
				       &ends[1 - i],
				       0};
		watch(&ends[i].watch, EPOLLIN);
	}
	ztt_loop_run(loop);
	assert_int_equal(ends[0].count + ends[1].count, 1);
	for (int i = 0; i < 2; i++) {
		if (ends[i].count)
			close(pipes[i][0]);
		close(pipes[i][1]);
	}
}

static void read_one(struct ztt_watch *w, uint32_t events)
{
	struct end *end = ZTT_CONTAINER(w, struct end, watch);
	char byte;

	(void)events;
	assert_int_equal(read(w->fd, &byte, 1), 1);
	if (++end->count == 2)
		ztt_loop_stop(loop);
	else
		ztt_loop_change(loop, w, EPOLLIN);
}

static void a_change_of_events_takes_effect(void **state)
{
	struct end end = {.count = 0};
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "xy", 2), 2);
	end.watch = (struct ztt_watch){fds[0], read_one};
	watch(&end.watch, EPOLLIN | EPOLLET);
	ztt_loop_run(loop);
	assert_int_equal(end.count, 2);
	ztt_loop_unwatch(loop, &end.watch);
	close(fds[0]);
	close(fds[1]);
}

static void watching_a_bad_descriptor_says_so(void **state)
{
	struct ztt_watch bad = {.fd = -1};
	struct ztt_err err = {""};

	(void)state;
	assert_true(ztt_loop_watch(loop, &bad, EPOLLIN, &err) < 0);
	assert_non_null(strstr(err.text, "cannot watch"));
}

/* --- deferred ------------------------------------------------------------ */

struct again {
	struct ztt_deferred deferred;
	int runs, events_seen;
	const struct end *end;
};

/* Writes in each run; each byte must have been read before the next. */
static int again_fd;

static void run_again(struct ztt_deferred *deferred)
{
	struct again *again = ZTT_CONTAINER(deferred, struct again, deferred);

	assert_int_equal(again->end->count, again->runs);
	if (++again->runs == 100) {
		ztt_loop_stop(loop);
		return;
	}
	assert_int_equal(write(again_fd, "x", 1), 1);
	ztt_loop_defer(loop, deferred);
	ztt_loop_defer(loop, deferred);
}

static void read_each(struct ztt_watch *w, uint32_t events)
{
	struct end *end = ZTT_CONTAINER(w, struct end, watch);
	char byte;

	(void)events;
	assert_int_equal(read(w->fd, &byte, 1), 1);
	end->count++;
}

static void what_defers_itself_again_waits_for_the_next_round(void **state)
{
	struct end end = {.count = 0};
	struct again again = {.deferred = {.run = run_again}, .end = &end};
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	end.watch = (struct ztt_watch){fds[0], read_each};
	again_fd = fds[1];
	watch(&end.watch, EPOLLIN);
	ztt_loop_defer(loop, &again.deferred);
	ztt_loop_run(loop);
	assert_int_equal(again.runs, 100);
	assert_int_equal(end.count, 99);
	ztt_loop_unwatch(loop, &end.watch);
	close(fds[0]);
	close(fds[1]);
}

static void run_forever(struct ztt_deferred *deferred)
{
	ztt_loop_defer(loop, deferred);
}

static void timers_fire_beside_what_defers_itself_forever(void **state)
{
	struct ztt_timer end = {.fire = stop_at};
	struct ztt_deferred forever = {.run = run_forever};

	(void)state;
	ztt_loop_defer(loop, &forever);
	ztt_loop_timer(loop, &end, ztt_clock_ns() + ZTT_NS_PER_MS);
	ztt_loop_run(loop);
	assert_true(forever.queued);
	ztt_loop_undefer(loop, &forever);
	assert_false(forever.queued);
}

static struct ztt_deferred chain[3];
static char order[8];
static size_t order_len;

static void run_chain(struct ztt_deferred *deferred)
{
	const size_t which = (size_t)(deferred - chain);

	order[order_len++] = (char)('0' + which);
	if (which == 0) {
		ztt_loop_undefer(loop, &chain[1]);
		ztt_loop_defer(loop, &chain[2]);
	} else {
		ztt_loop_stop(loop);
	}
}

static void deferred_work_can_be_taken_off_within_a_round(void **state)
{
	(void)state;
	order_len = 0;
	for (size_t i = 0; i < 3; i++) {
		chain[i] = (struct ztt_deferred){.run = run_chain};
		ztt_loop_defer(loop, &chain[i]);
	}
	ztt_loop_undefer(loop, &chain[2]);
	ztt_loop_undefer(loop, &chain[2]);
	ztt_loop_run(loop);
	assert_int_equal(order_len, 2);
	assert_memory_equal(order, "02", 2);
}

/* --- other threads ------------------------------------------------------- */

struct letter {
	struct ztt_message message;
	int number;
};

static int next_number;
static pthread_t loop_thread;

static void receive(struct ztt_message *message)
{
	struct letter *letter = ZTT_CONTAINER(message, struct letter, message);

	assert_true(pthread_equal(pthread_self(), loop_thread));
	assert_int_equal(letter->number, next_number++);
	if (letter->number == MESSAGES - 1)
		ztt_loop_stop(loop);
	free(letter);
}

static void *post_all(void *argument)
{
	(void)argument;
	for (int i = 0; i < MESSAGES; i++) {
		struct letter *letter = calloc(1, sizeof(*letter));

		letter->message.receive = receive;
		letter->number = i;
		ztt_loop_post(loop, &letter->message);
	}
	return NULL;
}

static void messages_of_a_thread_come_in_order(void **state)
{
	pthread_t thread;

	(void)state;
	next_number = 0;
	loop_thread = pthread_self();
	assert_int_equal(pthread_create(&thread, NULL, post_all, NULL), 0);
	ztt_loop_run(loop);
	pthread_join(thread, NULL);
	assert_int_equal(next_number, MESSAGES);
}

static void *stop(void *argument)
{
	ztt_loop_stop(argument);
	return NULL;
}

static void a_thread_stops_a_loop_that_waits_for_nothing(void **state)
{
	pthread_t thread;

	(void)state;
	for (int i = 0; i < 50; i++) {
		assert_int_equal(pthread_create(&thread, NULL, stop, loop), 0);
		ztt_loop_run(loop);
		pthread_join(thread, NULL);
	}
}

static void on_signal(int number)
{
	(void)number;
	ztt_loop_stop(loop);
}

static void raise_signal(struct ztt_deferred *deferred)
{
	(void)deferred;
	raise(SIGUSR1);
}

static void a_signal_handler_stops_it(void **state)
{
	struct ztt_deferred deferred = {.run = raise_signal};
	void (*before)(int) = signal(SIGUSR1, on_signal);

	(void)state;
	ztt_loop_defer(loop, &deferred);
	ztt_loop_run(loop);
	signal(SIGUSR1, before);
}

static void stop_before_run_ends_it_at_once(void **state)
{
	(void)state;
	ztt_loop_stop(loop);
	ztt_loop_run(loop);
	assert_true(ztt_loop_now_ns(loop) <= ztt_clock_ns());
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(timers_fire_in_the_order_of_their_times),
		CASE(a_timer_can_clear_and_move_timers_that_are_due),
		CASE(a_cleared_timer_can_be_set_again),
		CASE(unwatch_holds_for_events_of_the_same_round),
		CASE(a_change_of_events_takes_effect),
		CASE(watching_a_bad_descriptor_says_so),
		CASE(what_defers_itself_again_waits_for_the_next_round),
		CASE(timers_fire_beside_what_defers_itself_forever),
		CASE(deferred_work_can_be_taken_off_within_a_round),
		CASE(messages_of_a_thread_come_in_order),
		CASE(a_thread_stops_a_loop_that_waits_for_nothing),
		CASE(a_signal_handler_stops_it),
		CASE(stop_before_run_ends_it_at_once),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
