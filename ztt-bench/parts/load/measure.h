/* Runs a load: starts the threads, tells the run that watches, adds up. */
#ifndef ZTT_LOAD_MEASURE_H
#define ZTT_LOAD_MEASURE_H

#include <stdbool.h>

struct ztt_err;
struct ztt_load_plan;
struct ztt_load_result;

/* Loads the target as planned and fills an initialised, empty result. With a
 * `control_fd` it sends the events begin, progress and end, and returns when
 * the other side has closed it; `live` shows progress on a terminal's stderr.
 * SIGINT and SIGTERM end the window at once. Blocks; changes the signal mask.
 * -EINTR: ended before the window began; -EPIPE: the run closed `control_fd`
 * before the end; -errno of signalfd, eventfd,
 * pthread_create or epoll_create1. */
int ztt_load_measure(const struct ztt_load_plan *plan, int control_fd,
		     bool live, struct ztt_load_result *result,
		     struct ztt_err *err);

#endif
