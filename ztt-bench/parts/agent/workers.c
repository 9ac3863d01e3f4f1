#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/tunnel_stream.h"
#include "ztt-bench/parts/agent/agent.h"

static void *work(void *argument)
{
	struct ztt_agent_worker *worker = argument;

	ztt_loop_run(worker->loop);
	ztt_link_free_all(worker);
	return NULL;
}

static void receive_drain(struct ztt_message *message)
{
	ztt_link_drain(ZTT_CONTAINER(message, struct ztt_agent_worker, drain));
}

int ztt_agent_make_workers(struct ztt_agent *agent, unsigned connections,
			   struct ztt_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < agent->worker_count && rc == 0; i++) {
		struct ztt_agent_worker *worker = &agent->workers[i];

		worker->agent = agent;
		worker->drain.receive = receive_drain;
		rc = ztt_loop_new(&worker->loop, err);
		if (rc < 0)
			break;
		worker->shared = ztt_quic_shared_new(worker->loop);
		worker->scratch = ztt_alloc(ZTT_CONNECT_MAX_BYTES);
		worker->keys = ztt_alloc(4 * ZTT_CONNECT_MAX_BYTES);
	}
	for (unsigned i = 0; i < connections && rc == 0; i++)
		ztt_link_start(&agent->workers[i % agent->worker_count], i);
	return rc;
}

int ztt_agent_start_workers(struct ztt_agent *agent, struct ztt_err *err)
{
	char name[16];
	int rc;

	for (size_t i = 0; i < agent->worker_count; i++) {
		struct ztt_agent_worker *worker = &agent->workers[i];

		rc = pthread_create(&worker->thread, NULL, work, worker);
		if (rc != 0) {
			agent->worker_count = i;
			return ztt_err_set(err, -rc,
					   "cannot start a thread: "
					   "%s",
					   strerror(rc));
		}
		snprintf(name, sizeof(name), "agent-%hhu", (uint8_t)i);
		pthread_setname_np(worker->thread, name);
	}
	return 0;
}

void ztt_agent_stop_workers(struct ztt_agent *agent, bool drain)
{
	const uint64_t due_ns = ztt_clock_ns() + (drain ? agent->grace_ns : 0);
	struct timespec until;

	for (size_t i = 0; i < agent->worker_count; i++)
		ztt_loop_post(agent->workers[i].loop, &agent->workers[i].drain);
	for (size_t i = 0; i < agent->worker_count; i++) {
		const uint64_t now_ns = ztt_clock_ns();

		clock_gettime(CLOCK_REALTIME, &until);
		if (due_ns > now_ns) {
			until.tv_sec +=
				(time_t)((due_ns - now_ns) / ZTT_NS_PER_S);
			until.tv_nsec +=
				(long)((due_ns - now_ns) % ZTT_NS_PER_S);
			if (until.tv_nsec >= (long)ZTT_NS_PER_S) {
				until.tv_nsec -= (long)ZTT_NS_PER_S;
				until.tv_sec++;
			}
		}
		if (pthread_timedjoin_np(agent->workers[i].thread, NULL,
					 &until) == 0)
			continue;
		ztt_loop_stop(agent->workers[i].loop);
		pthread_join(agent->workers[i].thread, NULL);
	}
}

void ztt_agent_free_workers(struct ztt_agent *agent)
{
	for (size_t i = 0; i < ZTT_AGENT_WORKERS_MAX; i++) {
		struct ztt_agent_worker *worker = &agent->workers[i];

		ztt_quic_shared_free(worker->shared);
		ztt_loop_free(worker->loop);
		free(worker->scratch);
		free(worker->keys);
	}
}
