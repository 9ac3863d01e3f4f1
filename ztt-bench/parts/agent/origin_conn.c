#include <stdlib.h>
#include <unistd.h>

#include "common/err.h"
#include "ztt-bench/parts/agent/proxy.h"

#define IDLE_MAX 4096

static void unlink_idle(struct ztt_origin_conn *conn)
{
	if (conn->prev)
		conn->prev->next = conn->next;
	else
		conn->worker->idle = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	conn->prev = conn->next = NULL;
	conn->worker->idle_count--;
}

void ztt_origin_close(struct ztt_origin_conn *conn)
{
	ztt_tcp_close(&conn->tcp);
	free(conn);
}

/* Whatever an idle connection has to say, it is not to be used again. */
static void on_idle_ready(struct ztt_tcp *tcp)
{
	struct ztt_origin_conn *conn =
		ZTT_CONTAINER(tcp, struct ztt_origin_conn, tcp);

	unlink_idle(conn);
	ztt_origin_close(conn);
}

void ztt_origin_keep(struct ztt_origin_conn *conn)
{
	struct ztt_agent_worker *worker = conn->worker;

	if (worker->idle_count >= IDLE_MAX || conn->tcp.hung_up ||
	    conn->tcp.error || conn->tcp.ahead_len) {
		ztt_origin_close(conn);
		return;
	}
	conn->tcp.ready = on_idle_ready;
	conn->tcp.written = NULL;
	conn->next = worker->idle;
	if (worker->idle)
		worker->idle->prev = conn;
	worker->idle = conn;
	worker->idle_count++;
}

static int make(struct ztt_agent_worker *worker,
		const struct ztt_address *address,
		struct ztt_origin_conn **ret_conn, struct ztt_err *err)
{
	struct ztt_origin_conn *conn;
	int fd, rc;

	rc = ztt_tcp_connect(address, &fd, err);
	if (rc < 0)
		return rc;
	conn = ztt_calloc(1, sizeof(*conn));
	rc = ztt_tcp_init(&conn->tcp, fd, worker->loop,
			  ztt_quic_shared_pool(worker->shared), err);
	if (rc < 0) {
		close(fd);
		free(conn);
		return rc;
	}
	conn->worker = worker;
	*ret_conn = conn;
	return 0;
}

int ztt_origin_take(struct ztt_agent_worker *worker,
		    const struct ztt_address *address, bool fresh,
		    struct ztt_origin_conn **ret_conn, struct ztt_err *err)
{
	struct ztt_origin_conn *conn = fresh ? NULL : worker->idle;

	if (!conn)
		return make(worker, address, ret_conn, err);
	unlink_idle(conn);
	conn->reused = true;
	*ret_conn = conn;
	return 0;
}

void ztt_origin_close_idle(struct ztt_agent_worker *worker)
{
	while (worker->idle)
		on_idle_ready(&worker->idle->tcp);
}
