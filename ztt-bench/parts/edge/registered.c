#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "ztt-bench/control.h"
#include "ztt-bench/parts/edge/tunnel.h"

void ztt_edge_say(struct ztt_edge *edge, const char *fmt, ...)
{
	char line[1024];
	va_list args;

	if (edge->quiet)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	fprintf(stderr, "edge: %s\n", line);
}

static void tell(struct ztt_tunnel *tunnel, const char *event,
		 const char *reason)
{
	struct ztt_quic_figures figures;
	struct ztt_json json;

	ztt_quic_figures(tunnel->quic, &figures);
	ztt_control_begin(&json, event);
	ztt_json_uint(&json, "index", tunnel->conn_index);
	ztt_json_string(&json, "version", tunnel->version);
	ztt_json_string(&json, "cipher", figures.cipher);
	if (reason)
		ztt_json_string(&json, "reason", reason);
	ztt_control_send(tunnel->worker->edge->control_fd, &json);
}

void ztt_edge_registered(struct ztt_tunnel *tunnel)
{
	struct ztt_edge *edge = tunnel->worker->edge;

	if (tunnel->registered)
		return;
	pthread_mutex_lock(&edge->lock);
	if (edge->registered_count < ZTT_EDGE_REGISTERED_MAX) {
		edge->registered[edge->registered_count++] = tunnel->worker;
		tunnel->registered = true;
		tell(tunnel, "registered", NULL);
	}
	pthread_mutex_unlock(&edge->lock);
	ztt_edge_say(edge, "registered connection %u of connector %s",
		     tunnel->conn_index, tunnel->version);
}

void ztt_edge_unregistered(struct ztt_tunnel *tunnel, const char *reason)
{
	struct ztt_edge *edge = tunnel->worker->edge;

	if (!tunnel->registered)
		return;
	tunnel->registered = false;
	pthread_mutex_lock(&edge->lock);
	for (size_t i = 0; i < edge->registered_count; i++) {
		if (edge->registered[i] != tunnel->worker)
			continue;
		edge->registered[i] =
			edge->registered[--edge->registered_count];
		break;
	}
	tell(tunnel, "lost", reason);
	pthread_mutex_unlock(&edge->lock);
	ztt_edge_say(edge, "connection %u of connector %s is unregistered: %s",
		     tunnel->conn_index, tunnel->version, reason);
}

struct ztt_edge_worker *ztt_edge_next_worker(struct ztt_edge *edge)
{
	struct ztt_edge_worker *worker = &edge->workers[0];

	pthread_mutex_lock(&edge->lock);
	if (edge->registered_count)
		worker = edge->registered[edge->next_registered++ %
					  edge->registered_count];
	pthread_mutex_unlock(&edge->lock);
	return worker;
}
