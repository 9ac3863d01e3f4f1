#define _GNU_SOURCE
#include "ztt-doctor/run.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/table.h"
#include "ztt-doctor/doctor.h"

#define STACK_BYTES ((size_t)512 * 1024)

/* One check in a thread of its own. It may outlive the wait for it, so that
 * it has its own storage, which it then frees itself. */
struct job {
	struct pool *pool;
	struct ztt_doctor *doctor;
	struct ztt_answer answer;
	bool done; /* under the pool's lock */
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	size_t running;
	bool abandoned; /* nobody waits any more */
};

static const char *unmet_need(const struct ztt_doctor *doctor, unsigned needs)
{
	switch (ztt_root_kind(doctor->root)) {
	case ZTT_ROOT_BUNDLE:
		return needs & ZTT_IN_BUNDLE ? NULL : "not in a bundle";
	case ZTT_ROOT_DIR:
		if (needs & (ZTT_NEED_LIVE | ZTT_NEED_NETWORK))
			return "needs the host itself, not a copy of its files";
		return NULL;
	case ZTT_ROOT_LIVE:
		break;
	}
	if (needs & ZTT_NEED_NETWORK && doctor->plan.offline)
		return "contacts others: --offline";
	return NULL;
}

static void answer(struct ztt_doctor *doctor, struct ztt_answer *answer)
{
	uint64_t begin_ns = ztt_clock_ns();

	answer->check->run(doctor, &answer->finding);
	if (!answer->finding.concluded)
		ztt_finding_note(&answer->finding, ZTT_STATUS_UNKNOWN,
				 "nothing was seen");
	answer->took_ns = ztt_clock_ns() - begin_ns;
}

static void pool_free(struct pool *pool)
{
	pthread_cond_destroy(&pool->ended);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static void *job_main(void *arg)
{
	struct job *job = arg;
	struct pool *pool = job->pool;
	bool abandoned, last;

	answer(job->doctor, &job->answer);
	/* Else it is freed when the thread is gone, which may be too late. */
	OPENSSL_thread_stop();
	pthread_mutex_lock(&pool->lock);
	job->done = true;
	last = --pool->running == 0;
	abandoned = pool->abandoned;
	pthread_cond_broadcast(&pool->ended);
	pthread_mutex_unlock(&pool->lock);
	if (abandoned)
		free(job);
	if (abandoned && last)
		pool_free(pool);
	return NULL;
}

static struct pool *pool_new(void)
{
	struct pool *pool = ztt_calloc(1, sizeof(*pool));
	pthread_condattr_t attr;

	pthread_mutex_init(&pool->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->ended, &attr);
	pthread_condattr_destroy(&attr);
	return pool;
}

/* -errno of pthread_create: then the check is answered by nobody. */
static int job_start(struct pool *pool, struct ztt_doctor *doctor,
		     const struct ztt_check *check, struct job **ret_job)
{
	struct job *job = ztt_calloc(1, sizeof(*job));
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	job->pool = pool;
	job->doctor = doctor;
	job->answer.check = check;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_mutex_lock(&pool->lock);
	rc = pthread_create(&thread, &attr, job_main, job);
	if (rc == 0)
		pool->running++;
	pthread_mutex_unlock(&pool->lock);
	pthread_attr_destroy(&attr);
	if (rc) {
		free(job);
		return -rc;
	}
	*ret_job = job;
	return 0;
}

/* The check that has been waited for longest: the first not done. */
static const char *waited_for(struct job *const *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (jobs[i] && !jobs[i]->done)
			return jobs[i]->answer.check->id;
	return "";
}

static void wait_all(struct pool *pool, struct job *const *jobs, size_t count,
		     uint64_t deadline_ns, FILE *progress)
{
	pthread_mutex_lock(&pool->lock);
	while (pool->running && ztt_clock_ns() < deadline_ns) {
		uint64_t until_ns = ztt_clock_ns() + ZTT_NS_PER_S / 5;
		struct timespec until;

		if (until_ns > deadline_ns)
			until_ns = deadline_ns;
		until.tv_sec = (time_t)(until_ns / ZTT_NS_PER_S);
		until.tv_nsec = (long)(until_ns % ZTT_NS_PER_S);
		if (progress)
			ztt_progress(progress, "waiting for %zu checks: %s",
				     pool->running, waited_for(jobs, count));
		pthread_cond_timedwait(&pool->ended, &pool->lock, &until);
	}
	pthread_mutex_unlock(&pool->lock);
	if (progress)
		ztt_progress(progress, "%s", "");
}

/* Takes what is done, and gives up the rest. */
static bool collect(struct pool *pool, struct job **jobs, size_t count,
		    struct ztt_answer *answers)
{
	bool all;

	pthread_mutex_lock(&pool->lock);
	for (size_t i = 0; i < count; i++) {
		if (!jobs[i])
			continue;
		if (jobs[i]->done) {
			answers[i] = jobs[i]->answer;
			free(jobs[i]);
		} else {
			ztt_finding_note(&answers[i].finding,
					 ZTT_STATUS_UNKNOWN,
					 "not done in time; see --timeout");
		}
	}
	all = pool->running == 0;
	pool->abandoned = !all;
	pthread_mutex_unlock(&pool->lock);
	if (all)
		pool_free(pool);
	return all;
}

/* Gives each answer its check, and settles those that cannot be run. */
static void begin_answers(const struct ztt_doctor *doctor,
			  const struct ztt_check *const *checks, size_t count,
			  struct ztt_answer *answers)
{
	for (size_t i = 0; i < count; i++) {
		const char *unmet = unmet_need(doctor, checks[i]->needs);

		memset(&answers[i], 0, sizeof(answers[i]));
		answers[i].check = checks[i];
		if (unmet)
			ztt_finding_note(&answers[i].finding, ZTT_STATUS_SKIP,
					 "%s", unmet);
	}
}

static void start_jobs(struct pool *pool, struct ztt_doctor *doctor,
		       struct ztt_answer *answers, size_t count,
		       struct job **jobs)
{
	for (size_t i = 0; i < count; i++) {
		const struct ztt_check *check = answers[i].check;
		int rc;

		if (answers[i].finding.concluded ||
		    !(check->needs & ZTT_NEED_TIME))
			continue;
		rc = job_start(pool, doctor, check, &jobs[i]);
		if (rc < 0)
			ztt_finding_note(&answers[i].finding,
					 ZTT_STATUS_UNKNOWN,
					 "cannot start a thread: %s",
					 strerror(-rc));
	}
}

void ztt_run_checks(struct ztt_doctor *doctor,
		    const struct ztt_check *const *checks, size_t count,
		    struct ztt_answer *ret_answers, FILE *progress,
		    bool *ret_left)
{
	struct job **jobs = ztt_calloc(count, sizeof(struct job *));
	struct pool *pool = pool_new();

	begin_answers(doctor, checks, count, ret_answers);
	start_jobs(pool, doctor, ret_answers, count, jobs);
	for (size_t i = 0; i < count; i++)
		if (!jobs[i] && !ret_answers[i].finding.concluded)
			answer(doctor, &ret_answers[i]);
	wait_all(pool, jobs, count, doctor->deadline_ns, progress);
	*ret_left = !collect(pool, jobs, count, ret_answers);
	free(jobs);
}
