#include "ztt-bench/parts/edge/tunnel.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/tls.h"

static bool is_control(const struct ztt_quic_stream *stream)
{
	return stream->id == 0;
}

static struct ztt_tunnel *tunnel_of_control(struct ztt_quic_stream *stream)
{
	return ZTT_CONTAINER(stream, struct ztt_tunnel, control);
}

static void on_established(void *owner)
{
	struct ztt_tunnel *tunnel = owner;
	char text[ZTT_ADDRESS_LEN];

	if (tunnel->quic)
		ztt_edge_say(tunnel->worker->edge, "%s connected",
			     ztt_address_text(ztt_quic_peer(tunnel->quic),
					      text));
}

/* Only the control stream is taken; cloudflared opens others merely to end UDP
 * sessions, of which there are none. */
static struct ztt_quic_stream *on_opened(void *owner, int64_t id)
{
	struct ztt_tunnel *tunnel = owner;

	if (id != 0 || tunnel->has_control)
		return NULL;
	tunnel->has_control = true;
	return &tunnel->control;
}

static void on_data(struct ztt_quic_stream *stream, const uint8_t *data,
		    size_t len_bytes, bool fin)
{
	if (!is_control(stream)) {
		ztt_request_data(stream, data, len_bytes, fin);
		return;
	}
	ztt_quic_consumed(stream, len_bytes);
	ztt_tunnel_control(tunnel_of_control(stream), data, len_bytes, fin);
}

static void on_writable(struct ztt_quic_stream *stream)
{
	if (!is_control(stream))
		ztt_request_writable(stream);
}

static void on_reset(struct ztt_quic_stream *stream, uint64_t code)
{
	if (!is_control(stream))
		ztt_request_reset(stream, code);
}

static void on_stopped(struct ztt_quic_stream *stream)
{
	if (!is_control(stream))
		ztt_request_stopped(stream);
}

static void on_closed(struct ztt_quic_stream *stream)
{
	if (!is_control(stream))
		ztt_request_closed(stream);
}

static void unlink_tunnel(struct ztt_tunnel *tunnel)
{
	struct ztt_tunnel **at = &tunnel->worker->tunnels;

	while (*at != tunnel)
		at = &(*at)->next;
	*at = tunnel->next;
}

static void free_tunnel(struct ztt_tunnel *tunnel)
{
	ztt_eyeball_forget_tunnel(tunnel->worker, tunnel);
	unlink_tunnel(tunnel);
	free(tunnel->rpc);
	free(tunnel);
}

static void on_ended(void *owner, const struct ztt_quic_end *end)
{
	struct ztt_tunnel *tunnel = owner;
	char text[ZTT_ADDRESS_LEN];

	ztt_edge_say(tunnel->worker->edge, "%s ended: %s",
		     ztt_address_text(ztt_quic_peer(tunnel->quic), text),
		     end->text);
	ztt_edge_unregistered(tunnel, end->text);
	ztt_quic_free(tunnel->quic);
	free_tunnel(tunnel);
}

static const struct ztt_quic_events events = {
	.established = on_established,
	.opened = on_opened,
	.data = on_data,
	.writable = on_writable,
	.reset = on_reset,
	.stopped = on_stopped,
	.closed = on_closed,
	.ended = on_ended,
};

static struct ztt_tunnel *find_tunnel(struct ztt_edge_worker *worker,
				      const struct ztt_address *peer)
{
	struct ztt_tunnel *tunnel = worker->tunnels;

	while (tunnel && !ztt_address_equal(ztt_quic_peer(tunnel->quic), peer))
		tunnel = tunnel->next;
	return tunnel;
}

static void accept_tunnel(struct ztt_edge_worker *worker,
			  const struct ztt_address *peer,
			  const struct ztt_address *local, const uint8_t *data,
			  size_t len_bytes)
{
	struct ztt_quic_plan plan = worker->edge->plan;
	struct ztt_tunnel *tunnel = ztt_calloc(1, sizeof(*tunnel));
	struct ztt_err err;
	int rc;

	tunnel->worker = worker;
	plan.shared = worker->shared;
	plan.tls = worker->edge->tls;
	plan.alpn = ZTT_TLS_EDGE_ALPN;
	plan.local = *local;
	plan.peer = *peer;
	plan.events = &events;
	plan.owner = tunnel;
	rc = ztt_quic_accept(&plan, data, len_bytes, &tunnel->quic, &err);
	if (rc < 0) {
		ztt_edge_say(worker->edge, "%s", err.text);
		free(tunnel);
		return;
	}
	tunnel->next = worker->tunnels;
	worker->tunnels = tunnel;
}

void ztt_edge_datagram(struct ztt_edge_worker *worker,
		       const struct ztt_address *peer,
		       const struct ztt_address *local, const uint8_t *data,
		       size_t len_bytes)
{
	struct ztt_tunnel *tunnel = find_tunnel(worker, peer);

	if (tunnel)
		ztt_quic_input(tunnel->quic, data, len_bytes);
	else if (ztt_quic_classify(data, len_bytes) == ZTT_QUIC_FIRST_INITIAL)
		accept_tunnel(worker, peer, local, data, len_bytes);
}

void ztt_edge_close_tunnels(struct ztt_edge_worker *worker)
{
	struct ztt_tunnel *tunnel;

	while ((tunnel = worker->tunnels)) {
		ztt_quic_abandon(tunnel->quic, 0, "the edge is going away");
		free_tunnel(tunnel);
	}
}

struct ztt_tunnel *ztt_tunnel_pick(struct ztt_edge_worker *worker)
{
	struct ztt_tunnel *best = NULL;

	for (struct ztt_tunnel *t = worker->tunnels; t; t = t->next)
		if (t->registered && ztt_quic_is_established(t->quic) &&
		    (!best || t->eyeball_count < best->eyeball_count))
			best = t;
	return best;
}
