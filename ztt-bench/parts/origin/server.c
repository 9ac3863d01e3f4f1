#define _GNU_SOURCE
#include "ztt-bench/parts/origin/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/address.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/loop.h"
#include "ztt-bench/parts/origin/blob.h"
#include "ztt-bench/parts/origin/conn.h"

#define ACCEPTS_IN_A_TURN 64
#define FULL_WAIT_NS (100 * ZTT_NS_PER_MS)

struct worker {
	struct ztt_loop *loop;
	struct ztt_origin_conn *conns;
	struct ztt_message stop;
	pthread_t thread;
};

struct ztt_origin_server {
	struct ztt_watch listener;     /* in the first worker's loop */
	struct ztt_timer accept_again; /* when descriptors ran out */
	struct ztt_blob blob;
	unsigned next, worker_count, started_count;
	struct worker workers[];
};

/* What a message carries to its thread. */
struct handed {
	struct ztt_message message;
	struct worker *worker;
	struct ztt_origin_conn *conn;
};

static void receive_conn(struct ztt_message *message)
{
	struct handed *handed = (struct handed *)message;

	ztt_origin_conn_start(handed->conn, handed->worker->loop,
			      &handed->worker->conns);
	free(handed);
}

static void hand_over(struct ztt_origin_server *server, int fd)
{
	struct worker *worker =
		&server->workers[server->next++ % server->worker_count];
	struct ztt_origin_conn *conn = ztt_origin_conn_new(fd, &server->blob);
	struct handed *handed;

	if (worker == server->workers) {
		ztt_origin_conn_start(conn, worker->loop, &worker->conns);
		return;
	}
	handed = ztt_calloc(1, sizeof(*handed));
	handed->message.receive = receive_conn;
	handed->worker = worker;
	handed->conn = conn;
	ztt_loop_post(worker->loop, &handed->message);
}

static void on_accept_again(struct ztt_timer *timer)
{
	struct ztt_origin_server *server =
		(struct ztt_origin_server *)((char *)timer -
					     offsetof(struct ztt_origin_server,
						      accept_again));

	ztt_loop_change(server->workers[0].loop, &server->listener, EPOLLIN);
}

/* Out of descriptors or memory: the connection stays in the backlog, so the
 * listener would be ready again at once. */
static void pause_accepting(struct ztt_origin_server *server)
{
	struct ztt_loop *loop = server->workers[0].loop;

	ztt_loop_change(loop, &server->listener, 0);
	ztt_loop_timer(loop, &server->accept_again,
		       ztt_loop_now_ns(loop) + FULL_WAIT_NS);
}

static void on_connection(struct ztt_watch *watch, uint32_t events)
{
	struct ztt_origin_server *server = (struct ztt_origin_server *)watch;
	int fd, rc;

	(void)events;
	for (int i = 0; i < ACCEPTS_IN_A_TURN; i++) {
		rc = ztt_tcp_accept(watch->fd, &fd);
		if (rc == -EAGAIN)
			return;
		if (rc < 0) {
			pause_accepting(server);
			return;
		}
		hand_over(server, fd);
	}
}

static void receive_stop(struct ztt_message *message)
{
	struct worker *worker =
		(struct worker *)((char *)message -
				  offsetof(struct worker, stop));

	ztt_loop_stop(worker->loop);
}

static void *run_worker(void *arg)
{
	struct worker *worker = arg;

	ztt_loop_run(worker->loop);
	while (worker->conns)
		ztt_origin_conn_free(worker->conns);
	return NULL;
}

static int start_worker(struct ztt_origin_server *server, unsigned index,
			struct ztt_err *err)
{
	struct worker *worker = &server->workers[index];
	char name[24];
	int rc;

	worker->stop.receive = receive_stop;
	rc = pthread_create(&worker->thread, NULL, run_worker, worker);
	if (rc != 0)
		return ztt_err_set(err, -rc, "cannot start a thread: %s",
				   strerror(rc));
	snprintf(name, sizeof(name), "origin/%u", index);
	pthread_setname_np(worker->thread, name);
	server->started_count++;
	return 0;
}

static int make_loops(struct ztt_origin_server *server, struct ztt_err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < server->worker_count && rc == 0; i++)
		rc = ztt_loop_new(&server->workers[i].loop, err);
	if (rc == 0)
		rc = ztt_loop_watch(server->workers[0].loop, &server->listener,
				    EPOLLIN, err);
	return rc;
}

int ztt_origin_server_start(int listen_fd, unsigned threads,
			    struct ztt_origin_server **ret_server,
			    struct ztt_err *err)
{
	struct ztt_origin_server *server =
		ztt_calloc(1, sizeof(*server) +
				      threads * sizeof(server->workers[0]));
	int rc;

	server->listener.fd = listen_fd;
	server->listener.ready = on_connection;
	server->accept_again.fire = on_accept_again;
	ztt_blob_init(&server->blob);
	server->worker_count = threads;
	rc = make_loops(server, err);
	for (unsigned i = threads; i-- > 0 && rc == 0;)
		rc = start_worker(server, i, err);
	if (rc < 0)
		ztt_origin_server_stop(server);
	else
		*ret_server = server;
	return rc;
}

/* The first worker deals out connections, so it ends first: what it handed over
 * then comes before the others' stop. Workers were started last to first. */
void ztt_origin_server_stop(struct ztt_origin_server *server)
{
	unsigned first = server->worker_count - server->started_count;

	for (unsigned i = first; i < server->worker_count; i++) {
		struct worker *worker = &server->workers[i];

		ztt_loop_post(worker->loop, &worker->stop);
		pthread_join(worker->thread, NULL);
	}
	for (unsigned i = 0; i < server->worker_count; i++)
		ztt_loop_free(server->workers[i].loop);
	close(server->listener.fd);
	ztt_blob_release(&server->blob);
	free(server);
}
