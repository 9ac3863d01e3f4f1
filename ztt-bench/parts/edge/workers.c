#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/tunnel_stream.h"
#include "ztt-bench/parts/edge/tunnel.h"

static void *work(void *argument)
{
	struct ztt_edge_worker *worker = argument;

	ztt_loop_run(worker->loop);
	ztt_eyeball_close_all(worker);
	ztt_edge_close_tunnels(worker);
	return NULL;
}

int ztt_edge_make_workers(struct ztt_edge *edge, struct ztt_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < edge->worker_count && rc == 0; i++) {
		struct ztt_edge_worker *worker = &edge->workers[i];

		worker->edge = edge;
		rc = ztt_loop_new(&worker->loop, err);
		if (rc < 0)
			break;
		worker->shared = ztt_quic_shared_new(worker->loop);
		worker->scratch = ztt_alloc(ZTT_CONNECT_MAX_BYTES);
		worker->keys = ztt_alloc(4 * ZTT_CONNECT_MAX_BYTES);
	}
	return rc;
}

int ztt_edge_start_workers(struct ztt_edge *edge, struct ztt_err *err)
{
	char name[16];
	int rc;

	for (size_t i = 0; i < edge->worker_count; i++) {
		struct ztt_edge_worker *worker = &edge->workers[i];

		rc = pthread_create(&worker->thread, NULL, work, worker);
		if (rc != 0) {
			edge->worker_count = i;
			return ztt_err_set(err, -rc,
					   "cannot start a thread: "
					   "%s",
					   strerror(rc));
		}
		snprintf(name, sizeof(name), "edge-%hhu", (uint8_t)i);
		pthread_setname_np(worker->thread, name);
	}
	return 0;
}

void ztt_edge_stop_workers(struct ztt_edge *edge)
{
	for (size_t i = 0; i < edge->worker_count; i++)
		ztt_loop_stop(edge->workers[i].loop);
	for (size_t i = 0; i < edge->worker_count; i++)
		pthread_join(edge->workers[i].thread, NULL);
}

void ztt_edge_free_workers(struct ztt_edge *edge)
{
	for (size_t i = 0; i < ZTT_EDGE_WORKERS_MAX; i++) {
		struct ztt_edge_worker *worker = &edge->workers[i];

		ztt_quic_shared_free(worker->shared);
		ztt_loop_free(worker->loop);
		free(worker->scratch);
		free(worker->keys);
	}
}
