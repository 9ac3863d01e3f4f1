/* The measures behind floor.h: one row of the table in floor.c each. */
#ifndef ZTT_FLOOR_MEASURE_H
#define ZTT_FLOOR_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/aead.h"
#include "common/clock.h"

/* What one direction of a measure found in one repetition. */
struct ztt_floor_side {
	uint64_t cpu_ns;
	uint64_t bytes;
	bool failed;
	char why_not[128];
};

/* The two directions of one thing. */
enum ztt_floor_direction {
	ZTT_FLOOR_OUT,
	ZTT_FLOOR_IN,
	ZTT_FLOOR_BOTH
};

/* A row of the table. */
struct ztt_floor_measure {
	const char *id[ZTT_FLOOR_BOTH];
	const char *what[ZTT_FLOOR_BOTH];
	/* Runs for about `budget_ns` and fills both sides, which begin as {0};
	 * on failure the side says why. */
	void (*run)(const struct ztt_floor_measure *measure, uint64_t budget_ns,
		    struct ztt_floor_side sides[ZTT_FLOOR_BOTH]);
	const struct ztt_aead_library *library;
	enum ztt_aead_cipher cipher;
	bool segmented;
};

void ztt_floor_aead(const struct ztt_floor_measure *measure, uint64_t budget_ns,
		    struct ztt_floor_side sides[ZTT_FLOOR_BOTH]);
void ztt_floor_udp(const struct ztt_floor_measure *measure, uint64_t budget_ns,
		   struct ztt_floor_side sides[ZTT_FLOOR_BOTH]);
void ztt_floor_tcp(const struct ztt_floor_measure *measure, uint64_t budget_ns,
		   struct ztt_floor_side sides[ZTT_FLOOR_BOTH]);

/* Marks a side as failed; the first reason stays. */
void ztt_floor_fail(struct ztt_floor_side *side, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* CPU time of the calling thread. */
static inline uint64_t ztt_floor_thread_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * ZTT_NS_PER_S + (uint64_t)used.tv_nsec;
}

#endif
