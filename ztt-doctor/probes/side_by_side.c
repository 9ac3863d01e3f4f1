#include "ztt-doctor/probes/side_by_side.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/err.h"

#define STACK_BYTES (256 * 1024)

struct job {
	pthread_t thread;
	void (*run)(void *item);
	void *item;
	bool begun;
};

static void *run_job(void *at)
{
	const struct job *job = at;

	job->run(job->item);
	return NULL;
}

void ztt_side_by_side(void (*run)(void *item), void *items, size_t size_bytes,
		      size_t count)
{
	struct job *jobs = ztt_calloc(count, sizeof(*jobs));
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (size_t i = 0; i < count; i++) {
		jobs[i].run = run;
		jobs[i].item = (uint8_t *)items + i * size_bytes;
		/* The last one has this thread. */
		jobs[i].begun =
			i + 1 < count && pthread_create(&jobs[i].thread, &attr,
							run_job, &jobs[i]) == 0;
		if (!jobs[i].begun)
			run_job(&jobs[i]);
	}
	for (size_t i = 0; i < count; i++)
		if (jobs[i].begun)
			pthread_join(jobs[i].thread, NULL);
	pthread_attr_destroy(&attr);
	free(jobs);
}
