#define _GNU_SOURCE
#include "ztt-doctor/probes/resolve.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/err.h"

/* Modules of nsswitch.conf run on it. */
#define STACK_BYTES (512 * 1024)

struct job {
	struct batch *batch;
	struct ztt_resolve item;
};

/* Of the caller and of each thread that is at work; the last one frees it. */
struct batch {
	pthread_mutex_t mutex;
	pthread_cond_t done;
	size_t users, open_count;
	struct job jobs[];
};

static struct batch *batch_new(const struct ztt_resolve *items, size_t count)
{
	struct batch *batch =
		ztt_calloc(1, sizeof(*batch) + count * sizeof(batch->jobs[0]));
	pthread_condattr_t attr;

	pthread_mutex_init(&batch->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&batch->done, &attr);
	pthread_condattr_destroy(&attr);
	batch->users = 1;
	for (size_t i = 0; i < count; i++) {
		batch->jobs[i].batch = batch;
		batch->jobs[i].item = items[i];
		batch->jobs[i].item.rc = -ETIMEDOUT;
	}
	return batch;
}

/* Called with the mutex held. */
static void leave(struct batch *batch)
{
	bool last = --batch->users == 0;

	pthread_mutex_unlock(&batch->mutex);
	if (!last)
		return;
	pthread_cond_destroy(&batch->done);
	pthread_mutex_destroy(&batch->mutex);
	free(batch);
}

static void *run(void *at)
{
	struct job *job = at;
	struct ztt_address address;
	int rc = ztt_address_parse(job->item.text, &address, NULL);

	pthread_mutex_lock(&job->batch->mutex);
	job->item.rc = rc;
	if (rc == 0)
		job->item.address = address;
	job->batch->open_count--;
	pthread_cond_signal(&job->batch->done);
	leave(job->batch);
	return NULL;
}

/* Literal addresses need no thread. With the mutex held. */
static void start(struct job *job, const pthread_attr_t *attr)
{
	struct ztt_resolve *item = &job->item;
	pthread_t thread;

	if (ztt_address_parse_numeric(item->text, &item->address, NULL) == 0) {
		item->rc = 0;
		return;
	}
	job->batch->users++;
	job->batch->open_count++;
	if (pthread_create(&thread, attr, run, job) == 0)
		return;
	job->batch->users--;
	job->batch->open_count--;
}

void ztt_resolve(struct ztt_resolve *items, size_t count, uint64_t due_ns)
{
	struct batch *batch = batch_new(items, count);
	struct timespec due = {
		.tv_sec = (time_t)(due_ns / ZTT_NS_PER_S),
		.tv_nsec = (long)(due_ns % ZTT_NS_PER_S),
	};
	pthread_attr_t attr;
	int rc = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_mutex_lock(&batch->mutex);
	for (size_t i = 0; i < count; i++)
		start(&batch->jobs[i], &attr);
	pthread_attr_destroy(&attr);
	while (batch->open_count > 0 && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&batch->done, &batch->mutex, &due);
	for (size_t i = 0; i < count; i++)
		items[i] = batch->jobs[i].item;
	leave(batch);
}
