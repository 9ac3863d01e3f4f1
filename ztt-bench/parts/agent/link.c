#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/tls.h"
#include "ztt-bench/parts/agent/proxy.h"

#define RETRY_MAX_S 32
#define KEEP_ALIVE_NS ZTT_NS_PER_S /* as cloudflared, quic/constants.go */

static bool is_control(const struct ztt_link *link,
		       const struct ztt_quic_stream *stream)
{
	return stream == &link->control;
}

static struct ztt_link *link_of(struct ztt_quic_stream *stream)
{
	if (stream->id == 0)
		return ZTT_CONTAINER(stream, struct ztt_link, control);
	return ZTT_CONTAINER(stream, struct ztt_proxied, relay.stream)->link;
}

static void on_established(void *owner)
{
	struct ztt_link *link = owner;

	memset(&link->control, 0, sizeof(link->control));
	link->rpc_len = 0;
	if (ztt_quic_open(link->quic, &link->control) < 0) {
		ztt_quic_close(link->quic, 0, "no control stream");
		return;
	}
	link->has_control = true;
	ztt_link_register(link);
}

static struct ztt_quic_stream *on_opened(void *owner, int64_t id)
{
	(void)id;
	return ztt_proxy_opened(owner);
}

static void on_data(struct ztt_quic_stream *stream, const uint8_t *data,
		    size_t len_bytes, bool fin)
{
	struct ztt_link *link = link_of(stream);

	if (!is_control(link, stream)) {
		ztt_proxy_data(stream, data, len_bytes, fin);
		return;
	}
	ztt_quic_consumed(stream, len_bytes);
	ztt_link_control(link, data, len_bytes);
}

static void on_writable(struct ztt_quic_stream *stream)
{
	if (!is_control(link_of(stream), stream))
		ztt_proxy_writable(stream);
}

static void on_reset(struct ztt_quic_stream *stream, uint64_t code)
{
	if (!is_control(link_of(stream), stream))
		ztt_proxy_reset(stream, code);
}

static void on_stopped(struct ztt_quic_stream *stream)
{
	if (!is_control(link_of(stream), stream))
		ztt_proxy_stopped(stream);
}

static void on_closed(struct ztt_quic_stream *stream)
{
	struct ztt_link *link = link_of(stream);

	if (is_control(link, stream))
		link->has_control = false;
	else
		ztt_proxy_closed(stream);
}

static void connect_link(struct ztt_link *link);

static void on_retry(struct ztt_timer *timer)
{
	connect_link(ZTT_CONTAINER(timer, struct ztt_link, retry));
}

/* Doubles from one second; where nothing listens, a try costs nothing and is
 * made soon. */
static void retry_later(struct ztt_link *link)
{
	uint64_t wait_s = 1;

	for (unsigned i = 1; i < link->attempts && wait_s < RETRY_MAX_S; i++)
		wait_s *= 2;
	link->attempts++;
	ztt_loop_timer(link->worker->loop, &link->retry,
		       ztt_clock_ns() + wait_s * ZTT_NS_PER_S);
}

static void free_link(struct ztt_link *link)
{
	struct ztt_agent_worker *worker = link->worker;
	struct ztt_link **at = &worker->links;

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	ztt_loop_timer(worker->loop, &link->retry, ZTT_NEVER);
	free(link->rpc);
	free(link);
	if (--worker->link_count == 0)
		ztt_loop_stop(worker->loop);
}

/* What trying again cannot mend. */
static bool is_final(const struct ztt_link *link,
		     const struct ztt_quic_end *end)
{
	return end->kind == ZTT_QUIC_TLS ||
	       (end->kind == ZTT_QUIC_PEER && !end->application &&
		!link->registered);
}

static void on_ended(void *owner, const struct ztt_quic_end *end)
{
	struct ztt_link *link = owner;
	struct ztt_agent *agent = link->worker->agent;
	const bool final = is_final(link, end);

	ztt_quic_free(link->quic);
	link->quic = NULL;
	link->registered = false;
	if (link->draining) {
		free_link(link);
		return;
	}
	ztt_agent_say(agent, "connection %u ended: %s", link->index, end->text);
	if (final)
		ztt_agent_fail(agent, "connection %u to the edge: %s",
			       link->index, end->text);
	else
		retry_later(link);
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

static void connect_link(struct ztt_link *link)
{
	struct ztt_agent_worker *worker = link->worker;
	struct ztt_quic_plan plan = worker->agent->plan;
	struct ztt_err err;

	plan.shared = worker->shared;
	plan.tls = worker->agent->tls;
	plan.alpn = ZTT_TLS_EDGE_ALPN;
	plan.server_name = ZTT_TLS_EDGE_NAME;
	plan.peer = worker->agent->edge;
	plan.keep_alive_ns = KEEP_ALIVE_NS;
	plan.events = &events;
	plan.owner = link;
	if (ztt_quic_connect(&plan, &link->quic, &err) == 0)
		return;
	link->quic = NULL;
	ztt_agent_say(worker->agent, "connection %u: %s", link->index,
		      err.text);
	retry_later(link);
}

void ztt_link_start(struct ztt_agent_worker *worker, unsigned index)
{
	struct ztt_link *link = ztt_calloc(1, sizeof(*link));

	link->worker = worker;
	link->index = (uint8_t)index;
	link->retry.fire = on_retry;
	link->next = worker->links;
	worker->links = link;
	worker->link_count++;
	connect_link(link);
}

void ztt_link_registered(struct ztt_link *link)
{
	link->registered = true;
	link->attempts = 0;
	ztt_agent_say(link->worker->agent, "connection %u is registered",
		      link->index);
}

void ztt_link_refused(struct ztt_link *link, const char *cause, bool retry)
{
	struct ztt_agent *agent = link->worker->agent;

	ztt_quic_close(link->quic, 0, "registration refused");
	if (retry)
		ztt_agent_say(agent, "the edge refused connection %u: %s",
			      link->index, cause);
	else
		ztt_agent_fail(agent, "the edge refused connection %u: %s",
			       link->index, cause);
}

static void close_if_done(struct ztt_link *link)
{
	if (link->draining && !link->unregistering && !link->stream_count &&
	    link->quic)
		ztt_quic_close(link->quic, 0, "");
}

void ztt_link_unregistered(struct ztt_link *link)
{
	link->unregistering = false;
	close_if_done(link);
}

void ztt_link_stream_ended(struct ztt_link *link)
{
	link->stream_count--;
	close_if_done(link);
}

static void drain_link(struct ztt_link *link)
{
	link->draining = true;
	if (!link->quic) {
		free_link(link);
		return;
	}
	link->unregistering = link->registered && link->has_control;
	if (link->unregistering)
		ztt_link_unregister(link);
	close_if_done(link);
}

void ztt_link_drain(struct ztt_agent_worker *worker)
{
	struct ztt_link *link, *next;

	for (link = worker->links; link; link = next) {
		next = link->next;
		drain_link(link);
	}
	if (!worker->link_count)
		ztt_loop_stop(worker->loop);
}

void ztt_link_free_all(struct ztt_agent_worker *worker)
{
	struct ztt_link *link;

	while ((link = worker->links)) {
		if (link->quic)
			ztt_quic_abandon(link->quic, 0, "");
		link->quic = NULL;
		free_link(link);
	}
	ztt_origin_close_idle(worker);
}
