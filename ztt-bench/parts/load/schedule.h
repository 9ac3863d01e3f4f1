/* When the requests of an open loop are due: request i of the whole load at
 * start + i / rate, whatever became of the others. Each thread takes every
 * n-th. */
#ifndef ZTT_LOAD_SCHEDULE_H
#define ZTT_LOAD_SCHEDULE_H

#include <stdint.h>

/* Plain data. */
struct ztt_load_schedule {
	uint64_t start_ns;
	double rate_per_s;
	uint64_t next; /* of this thread: index in the whole load */
	uint64_t step; /* threads */
};

void ztt_load_schedule_init(struct ztt_load_schedule *schedule,
			    uint64_t start_ns, double rate_per_s,
			    unsigned thread, unsigned threads);

/* When the next request of this thread is due. */
uint64_t ztt_load_schedule_due(const struct ztt_load_schedule *schedule);

/* The next request is being sent. */
void ztt_load_schedule_take(struct ztt_load_schedule *schedule);

/* Requests of this thread that were due before `now_ns` and not taken. */
uint64_t ztt_load_schedule_late(const struct ztt_load_schedule *schedule,
				uint64_t now_ns);

#endif
