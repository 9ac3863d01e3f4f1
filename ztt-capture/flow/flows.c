#include "ztt-capture/flow/flows.h"
#include "ztt-capture/analysis/grade.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-capture/analysis/verdict.h"
#include "ztt-capture/flow/flows_table.h"

#define LIVE_MOST 1024
#define STATE_BYTES_KEPT (20L << 20) /* above, idle ones are folded */
#define STATE_BYTES_MOST (24L << 20)
#define HISTS_MOST 96
#define LEFT_OUT_KEPT 4096 /* 5-tuples that are known to be left out */
#define NOBODY UINT32_MAX

/* A connection that still has its state, in order of use. */
struct live {
	const struct ztt_flow_protocol *protocol; /* NULL: folded */
	uint32_t newer, older;
};

struct ztt_flows {
	struct ztt_flows_plan plan;
	struct ztt_capture capture;
	struct ztt_fragments *fragments;
	struct ztt_flow_table *table;
	struct ztt_flows_scratch *scratch;
	struct live live[ZTT_CONNECTIONS_MAX];
	uint32_t newest, oldest;
	size_t live_count, hist_count;
	long state_bytes;
	bool finished;
	struct ztt_flow_key last_key; /* of the datagram before */
	uint32_t last_holder;
	bool last_up_from_lower;
	struct ztt_flow_key left_out[LEFT_OUT_KEPT];
};

#define ZTT_FLOW(name) extern const struct ztt_flow_protocol ztt_flow_##name;
#include "ztt-capture/flow/protocols.def"
#undef ZTT_FLOW

#define ZTT_FLOW(name) &ztt_flow_##name,
const struct ztt_flow_protocol *const ztt_flow_protocols[] = {
#include "ztt-capture/flow/protocols.def"
	NULL};
#undef ZTT_FLOW

struct ztt_flows *ztt_flows_new(const struct ztt_flows_plan *plan)
{
	struct ztt_flows *flows = ztt_calloc(1, sizeof(*flows));

	flows->plan = *plan;
	flows->fragments = ztt_fragments_new();
	flows->table = ztt_flow_table_new();
	flows->scratch = ztt_calloc(1, sizeof(*flows->scratch));
	flows->capture.connections =
		ztt_calloc(ZTT_CONNECTIONS_MAX,
			   sizeof(*flows->capture.connections));
	flows->newest = flows->oldest = flows->last_holder = NOBODY;
	return flows;
}

const struct ztt_flows_plan *ztt_flows_plan(const struct ztt_flows *flows)
{
	return &flows->plan;
}

struct ztt_capture *ztt_flows_capture(struct ztt_flows *flows)
{
	return &flows->capture;
}

struct ztt_flows_scratch *ztt_flows_scratch(struct ztt_flows *flows)
{
	return flows->scratch;
}

bool ztt_flows_observed(const struct ztt_flows *flows)
{
	return flows->plan.observer.packet;
}

void ztt_flows_tell(struct ztt_flows *flows, struct ztt_packet *packet)
{
	if (flows->plan.observer.packet)
		flows->plan.observer.packet(flows->plan.observer.owner, packet);
}

void ztt_flows_undecoded(struct ztt_flows *flows,
			 struct ztt_direction *direction, enum ztt_why why)
{
	flows->capture.undecoded_by[why]++;
	if (why == ZTT_WHY_NO_KEYS)
		return;
	flows->capture.undecoded++;
	if (direction)
		direction->undecoded++;
}

struct ztt_hist *ztt_flows_hist(struct ztt_flows *flows)
{
	if (flows->hist_count >= HISTS_MOST)
		return NULL;
	flows->hist_count++;
	return ztt_hist_new();
}

static int64_t last_seen_ns(const struct ztt_connection *connection)
{
	int64_t up_ns = connection->up.last_ns;
	int64_t down_ns = connection->down.last_ns;

	return up_ns > down_ns ? up_ns : down_ns;
}

void ztt_flows_count(struct ztt_connection *connection,
		     const struct ztt_datagram *datagram, bool up)
{
	struct ztt_direction *direction =
		up ? &connection->up : &connection->down;
	int64_t at_ns = datagram->frame->at_ns;
	int64_t gap_ns = at_ns - last_seen_ns(connection);

	if ((connection->up.datagrams || connection->down.datagrams) &&
	    gap_ns > (int64_t)connection->longest_gap_ns)
		connection->longest_gap_ns = (uint64_t)gap_ns;
	if (!direction->datagrams++)
		direction->first_ns = direction->last_ns = at_ns;
	if (at_ns > direction->last_ns)
		direction->last_ns = at_ns;
	direction->bytes += datagram->payload_whole_bytes;
	direction->ecn[datagram->ecn & 3]++;
	if (datagram->payload_whole_bytes > direction->payload_most_bytes)
		direction->payload_most_bytes = datagram->payload_whole_bytes;
}

static void unlink_live(struct ztt_flows *flows, uint32_t holder)
{
	struct live *live = &flows->live[holder];

	if (live->newer == NOBODY)
		flows->newest = live->older;
	else
		flows->live[live->newer].older = live->older;
	if (live->older == NOBODY)
		flows->oldest = live->newer;
	else
		flows->live[live->older].newer = live->newer;
}

static void link_newest(struct ztt_flows *flows, uint32_t holder)
{
	struct live *live = &flows->live[holder];

	live->newer = NOBODY;
	live->older = flows->newest;
	if (flows->newest == NOBODY)
		flows->oldest = holder;
	else
		flows->live[flows->newest].newer = holder;
	flows->newest = holder;
}

static void touch(struct ztt_flows *flows, uint32_t holder)
{
	if (flows->newest == holder)
		return;
	unlink_live(flows, holder);
	link_newest(flows, holder);
}

static void fold(struct ztt_flows *flows, uint32_t holder)
{
	struct ztt_connection *connection = flows->capture.connections[holder];
	const struct ztt_flow_protocol *protocol = flows->live[holder].protocol;

	protocol->finish(flows, connection);
	protocol->free(connection);
	connection->flow = NULL;
	flows->live[holder].protocol = NULL;
	unlink_live(flows, holder);
	flows->live_count--;
	if (flows->last_holder == holder)
		flows->last_holder = NOBODY;
}

/* Folds the connection that was idle the longest, never the newest one. */
static bool fold_idle(struct ztt_flows *flows)
{
	if (flows->oldest == NOBODY || flows->oldest == flows->newest)
		return false;
	fold(flows, flows->oldest);
	return true;
}

bool ztt_flows_reserve(struct ztt_flows *flows, long size_bytes)
{
	if (size_bytes > 0 &&
	    flows->state_bytes + size_bytes > STATE_BYTES_MOST)
		return false;
	flows->state_bytes += size_bytes;
	return true;
}

/* Between frames, when nothing of a connection is in use. */
static void fold_what_is_too_much(struct ztt_flows *flows)
{
	while (flows->state_bytes > STATE_BYTES_KEPT ||
	       flows->live_count > LIVE_MOST)
		if (!fold_idle(flows))
			return;
}

static bool holds(void *owner, uint32_t holder)
{
	const struct ztt_flows *flows = owner;

	return flows->live[holder].protocol;
}

static uint32_t holder_of(const struct ztt_connection *connection)
{
	return (uint32_t)(connection->number - 1);
}

void ztt_flows_also(struct ztt_flows *flows, struct ztt_connection *connection,
		    const struct ztt_datagram *datagram, bool up)
{
	bool lower;
	struct ztt_flow_key key = ztt_flow_key_tuple(datagram, &lower);

	flows->last_holder = NOBODY;
	ztt_flow_table_put(flows->table, &key, holder_of(connection),
			   up == lower, holds, flows);
}

void ztt_flows_name(struct ztt_flows *flows, struct ztt_connection *connection,
		    const uint8_t *name, size_t len_bytes, bool up)
{
	struct ztt_flow_key key =
		ztt_flow_key_name(connection->protocol, name, len_bytes);

	ztt_flow_table_put(flows->table, &key, holder_of(connection), up, holds,
			   flows);
}

struct ztt_connection *ztt_flows_named(struct ztt_flows *flows,
				       enum ztt_protocol protocol,
				       const uint8_t *name, size_t len_bytes,
				       bool *ret_up)
{
	struct ztt_flow_key key = ztt_flow_key_name(protocol, name, len_bytes);
	const struct ztt_flow_entry *entry =
		ztt_flow_table_find(flows->table, &key);

	if (!entry || !holds(flows, entry->holder_and_1 - 1))
		return NULL;
	*ret_up = entry->up;
	return flows->capture.connections[entry->holder_and_1 - 1];
}

static void leave_out(struct ztt_flows *flows,
		      const struct ztt_datagram *datagram)
{
	bool lower;
	struct ztt_flow_key key = ztt_flow_key_tuple(datagram, &lower);
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < sizeof(key.data); i++)
		hash = (hash ^ key.data[i]) * 16777619u;
	hash %= LEFT_OUT_KEPT;
	if (!memcmp(&flows->left_out[hash], &key, sizeof(key)))
		return;
	flows->left_out[hash] = key;
	flows->capture.connections_left_out++;
}

static struct ztt_connection *begin(struct ztt_flows *flows,
				    const struct ztt_flow_protocol *protocol,
				    const struct ztt_datagram *datagram,
				    bool up)
{
	struct ztt_capture *capture = &flows->capture;
	struct ztt_connection *connection;
	uint32_t holder = (uint32_t)capture->connection_count;

	if (holder == ZTT_CONNECTIONS_MAX)
		return leave_out(flows, datagram), NULL;
	connection = ztt_calloc(1, sizeof(*connection));
	capture->connections[capture->connection_count++] = connection;
	connection->number = capture->connection_count;
	connection->protocol = protocol->protocol;
	connection->client = up ? datagram->from : datagram->to;
	connection->server = up ? datagram->to : datagram->from;
	connection->up.from = connection->client;
	connection->down.from = connection->server;
	flows->live[holder].protocol = protocol;
	flows->live_count++;
	link_newest(flows, holder);
	ztt_flows_also(flows, connection, datagram, up);
	protocol->begin(flows, connection, datagram);
	return connection;
}

static struct ztt_connection *find_or_begin(struct ztt_flows *flows,
					    const struct ztt_datagram *datagram,
					    bool *ret_up)
{
	const struct ztt_flow_protocol *const *row;
	struct ztt_connection *connection;

	for (row = ztt_flow_protocols; *row; row++) {
		connection = (*row)->find
				     ? (*row)->find(flows, datagram, ret_up)
				     : NULL;
		if (connection) {
			connection->migrations++;
			ztt_flows_also(flows, connection, datagram, *ret_up);
			return connection;
		}
	}
	for (row = ztt_flow_protocols; *row; row++)
		if ((*row)->claims(datagram, ret_up))
			return begin(flows, *row, datagram, *ret_up);
	flows->capture.other++;
	return NULL;
}

/* Who has the 5-tuple. */
static uint32_t look_up(struct ztt_flows *flows,
			const struct ztt_datagram *datagram, bool *ret_up)
{
	const struct ztt_flow_entry *entry;
	struct ztt_flow_key key;
	bool lower;

	key = ztt_flow_key_tuple(datagram, &lower);
	if (flows->last_holder == NOBODY ||
	    memcmp(&key, &flows->last_key, sizeof(key))) {
		entry = ztt_flow_table_find(flows->table, &key);
		if (!entry || !holds(flows, entry->holder_and_1 - 1))
			return NOBODY;
		flows->last_key = key;
		flows->last_holder = entry->holder_and_1 - 1;
		flows->last_up_from_lower = entry->up;
	}
	*ret_up = lower == flows->last_up_from_lower;
	return flows->last_holder;
}

static void take(struct ztt_flows *flows, const struct ztt_datagram *datagram)
{
	const struct ztt_flow_protocol *protocol;
	struct ztt_connection *connection;
	bool up = false;
	uint32_t holder = look_up(flows, datagram, &up);

	if (holder != NOBODY) {
		connection = flows->capture.connections[holder];
		protocol = flows->live[holder].protocol;
		touch(flows, holder);
		if (protocol->again &&
		    protocol->again(flows, connection, datagram, up)) {
			fold(flows, holder);
			connection = begin(flows, protocol, datagram, up);
		}
	} else {
		connection = find_or_begin(flows, datagram, &up);
		flows->last_holder = NOBODY;
	}
	if (!connection)
		return;
	touch(flows, holder_of(connection));
	flows->live[holder_of(connection)].protocol->datagram(flows, connection,
							      datagram, up);
}

void ztt_flows_frame(struct ztt_flows *flows, const struct ztt_frame *frame)
{
	struct ztt_datagram datagram;

	flows->capture.frames++;
	flows->capture.bytes += frame->length_bytes;
	switch (ztt_datagram_decode(flows->fragments, frame, &datagram)) {
	case ZTT_DECODED:
		take(flows, &datagram);
		break;
	case ZTT_OTHER:
		flows->capture.other++;
		break;
	case ZTT_FRAGMENT:
		break;
	case ZTT_LINK_UNKNOWN:
		ztt_flows_undecoded(flows, NULL, ZTT_WHY_LINK);
		break;
	case ZTT_TRUNCATED:
		ztt_flows_undecoded(flows, NULL,
				    frame->captured_bytes < frame->length_bytes
					    ? ZTT_WHY_CUT
					    : ZTT_WHY_MALFORMED);
		break;
	case ZTT_MALFORMED:
		ztt_flows_undecoded(flows, NULL, ZTT_WHY_MALFORMED);
		break;
	}
	fold_what_is_too_much(flows);
}

static void count_fragments(struct ztt_flows *flows)
{
	uint64_t incomplete = ztt_fragments_waiting(flows->fragments) +
			      ztt_fragments_given_up(flows->fragments);

	flows->capture.undecoded += incomplete;
	flows->capture.undecoded_by[ZTT_WHY_FRAGMENT] += incomplete;
}

const struct ztt_capture *
ztt_flows_finish(struct ztt_flows *flows,
		 const struct ztt_source_figures *source)
{
	struct ztt_capture *capture = &flows->capture;

	if (source)
		capture->source = *source;
	if (!flows->finished)
		count_fragments(flows);
	for (uint32_t i = 0; !flows->finished && i < capture->connection_count;
	     i++)
		if (flows->live[i].protocol)
			fold(flows, i);
	flows->finished = true;
	for (size_t i = 0; i < capture->connection_count; i++)
		if (capture->source.dropped &&
		    capture->connections[i]->protocol !=
			    ZTT_PROTOCOL_WIREGUARD) {
			ztt_grade_capture_dropped(&capture->connections[i]->up,
						  capture->source.dropped);
			ztt_grade_capture_dropped(
				&capture->connections[i]->down,
				capture->source.dropped);
		}
	for (size_t i = 0; i < capture->connection_count; i++)
		ztt_verdict_make(capture->connections[i]);
	return capture;
}

static void free_direction(struct ztt_direction *direction)
{
	ztt_hist_free(direction->rtt_us);
	ztt_hist_free(direction->ack_delay_us);
}

void ztt_flows_free(struct ztt_flows *flows)
{
	if (!flows)
		return;
	for (uint32_t i = 0; i < flows->capture.connection_count; i++) {
		struct ztt_connection *connection =
			flows->capture.connections[i];

		if (flows->live[i].protocol)
			flows->live[i].protocol->free(connection);
		free_direction(&connection->up);
		free_direction(&connection->down);
		free(connection);
	}
	free(flows->capture.connections);
	ztt_fragments_free(flows->fragments);
	ztt_flow_table_free(flows->table);
	free(flows->scratch);
	free(flows);
}
