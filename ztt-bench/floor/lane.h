/* Two threads, each on a core of its own where there are two, that carry batches
 * in turn: one sends a batch, then the other takes it out. Buffers never
 * overflow, nobody is woken for a single datagram, and only the calls themselves
 * are counted, not the handing over. */
#ifndef ZTT_FLOOR_LANE_H
#define ZTT_FLOOR_LANE_H

#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "measure.h"

struct ztt_floor_lane {
	/* Sends one batch; the bytes, or -errno. */
	ssize_t (*send)(void *context);
	/* Receives these bytes; the bytes really received, or -errno. */
	ssize_t (*receive)(void *context, size_t len_bytes);
	void *context; /* of the caller; both threads use it */
	const char *send_name, *receive_name; /* "UDP_SEGMENT": for reasons */
	/* Bytes before counting begins. */
	uint64_t warm_bytes;

	/* The lane's own. */
	struct ztt_floor_side *sides;
	uint64_t due_ns;
	size_t batch_bytes;
	bool over;
	int send_core; /* -1: wherever */
	sem_t sent, taken;
};

/* Carries batches for `budget_ns`, the calling thread receiving; both sides
 * are filled or say why not. The affinity of the calling thread is restored. */
void ztt_floor_lane_run(struct ztt_floor_lane *lane, uint64_t budget_ns,
			struct ztt_floor_side sides[ZTT_FLOOR_BOTH]);

#endif
