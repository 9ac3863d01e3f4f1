#include "ztt-capture/flow/quic_flow.h"

#include <string.h>

#include "common/err.h"

static int space_of(enum ztt_quic_level level)
{
	return level < ZTT_LEVEL_0RTT ? (int)level : ZTT_SPACES - 1;
}

struct ztt_quic_space *ztt_quic_flow_space(struct ztt_quic_flow *flow, bool up,
					   enum ztt_quic_level level)
{
	int at = space_of(level);
	struct ztt_quic_space_plan plan = {
		.from_start = flow->connection->began,
		.reserve = ztt_quic_flow_reserve,
		.owner = flow,
	};

	if (!flow->spaces[up][at]) {
		flow->spaces[0][at] = ztt_quic_space_new(&plan);
		flow->spaces[1][at] = ztt_quic_space_new(&plan);
		ztt_quic_space_peer(flow->spaces[0][at], flow->spaces[1][at]);
		ztt_quic_space_peer(flow->spaces[1][at], flow->spaces[0][at]);
	}
	return flow->spaces[up][at];
}

void ztt_quic_flow_tell(struct ztt_quic_flow *flow,
			const struct ztt_quic_arrival *arrival,
			enum ztt_why why)
{
	struct ztt_packet packet;

	if (!ztt_flows_observed(flow->flows))
		return;
	packet = (struct ztt_packet){
		.frame = arrival->datagram->frame,
		.datagram = arrival->datagram,
		.segment = arrival->segment,
		.segments = arrival->segments,
		.inferred = arrival->inferred,
		.connection = flow->connection,
		.up = arrival->up,
		.protocol = ZTT_PROTOCOL_QUIC,
		.header = arrival->header,
		.why = why,
		.info = "",
	};
	ztt_flows_tell(flow->flows, &packet);
}

static void fail(struct ztt_quic_flow *flow,
		 const struct ztt_quic_arrival *arrival, enum ztt_why why)
{
	struct ztt_direction *direction = ztt_quic_direction(flow, arrival->up);

	direction->unopened += arrival->header->type == ZTT_PACKET_1RTT;
	ztt_flows_undecoded(flow->flows, direction, why);
	ztt_quic_flow_tell(flow, arrival, why);
}

static void count_sent(struct ztt_quic_flow *flow,
		       const struct ztt_quic_arrival *arrival,
		       struct ztt_quic_sent *sent,
		       const struct ztt_quic_opened *opened)
{
	struct ztt_direction *direction = ztt_quic_direction(flow, arrival->up);
	enum ztt_quic_level level = ztt_quic_level_of(arrival->header->type);

	sent->number = opened->number;
	sent->at_ns = arrival->datagram->frame->at_ns;
	sent->bytes = (uint32_t)arrival->header->packet_bytes;
	ztt_quic_space_sent(ztt_quic_flow_space(flow, arrival->up, level),
			    sent);
	if (level == ZTT_LEVEL_1RTT &&
	    opened->generation > direction->key_updates)
		direction->key_updates = opened->generation;
}

static void learn(struct ztt_quic_flow *flow,
		  const struct ztt_quic_arrival *arrival)
{
	struct ztt_connection *connection = flow->connection;
	const struct ztt_quic_header *header = arrival->header;
	enum ztt_quic_level level = ztt_quic_level_of(header->type);

	if (level == ZTT_LEVEL_1RTT) {
		connection->decrypted = true;
		if (!connection->cipher)
			connection->cipher = ztt_quic_keys_cipher(
				flow->keys[arrival->up][level]);
		return;
	}
	if (level != ZTT_LEVEL_INITIAL)
		return;
	if (arrival->up && !connection->has_client_hello)
		connection->began = true;
	if (!arrival->up || !connection->version)
		connection->version = header->version;
}

static void opened_it(struct ztt_quic_flow *flow,
		      const struct ztt_quic_arrival *arrival,
		      const struct ztt_quic_opened *opened)
{
	struct ztt_quic_sent sent = {.acknowledges = ZTT_NUMBER_NONE};
	struct ztt_packet packet = {
		.frame = arrival->datagram->frame,
		.datagram = arrival->datagram,
		.segment = arrival->segment,
		.segments = arrival->segments,
		.inferred = arrival->inferred,
		.connection = flow->connection,
		.up = arrival->up,
		.protocol = ZTT_PROTOCOL_QUIC,
		.header = arrival->header,
		.opened = opened,
		.info = "",
	};
	bool observed = ztt_flows_observed(flow->flows);

	learn(flow, arrival);
	if (ztt_quic_flow_frames(flow, arrival, opened, &sent,
				 observed ? &packet : NULL)) {
		packet.why = ZTT_WHY_FRAME;
		ztt_flows_undecoded(flow->flows,
				    ztt_quic_direction(flow, arrival->up),
				    ZTT_WHY_FRAME);
	}
	count_sent(flow, arrival, &sent, opened);
	if (observed)
		ztt_flows_tell(flow->flows, &packet);
}

/* Whether a key for it may still come. */
static bool may_wait(const struct ztt_quic_flow *flow,
		     const struct ztt_quic_arrival *arrival)
{
	const struct ztt_key_log *log = ztt_flows_plan(flow->flows)->keys;

	if (arrival->header->type == ZTT_PACKET_INITIAL)
		return !flow->has_initial_dcid;
	return log && (flow->connection->began || !flow->handshake_seen ||
		       ztt_quic_flow_may_try(flow, arrival->up));
}

static enum ztt_why why_no_keys(const struct ztt_quic_flow *flow,
				const struct ztt_quic_arrival *arrival)
{
	const struct ztt_key_log *log = ztt_flows_plan(flow->flows)->keys;

	if (!log || !ztt_key_log_count(log))
		return ZTT_WHY_NO_KEYS;
	if (arrival->datagram->cut)
		return ZTT_WHY_CUT;
	return flow->connection->began || flow->hello_cut ? ZTT_WHY_NO_KEYS
							  : ZTT_WHY_UNMATCHED;
}

static bool no_keys(struct ztt_quic_flow *flow,
		    const struct ztt_quic_arrival *arrival, bool last)
{
	if (!last && may_wait(flow, arrival))
		return false;
	fail(flow, arrival, why_no_keys(flow, arrival));
	return true;
}

static void not_authentic(struct ztt_quic_flow *flow,
			  const struct ztt_quic_arrival *arrival)
{
	const struct ztt_quic_header *header = arrival->header;
	struct ztt_quic_header reset = *header;
	struct ztt_quic_arrival told = *arrival;

	if (header->type != ZTT_PACKET_1RTT ||
	    !ztt_quic_flow_is_reset(flow, arrival->up, header->packet,
				    header->packet_bytes)) {
		fail(flow, arrival,
		     arrival->datagram->cut ? ZTT_WHY_CUT : ZTT_WHY_KEYS_FAIL);
		return;
	}
	flow->connection->stateless_reset = true;
	reset.type = ZTT_PACKET_STATELESS_RESET;
	told.header = &reset;
	ztt_quic_flow_tell(flow, &told, ZTT_WHY_NO_KEYS);
}

static bool by_trial(struct ztt_quic_flow *flow,
		     const struct ztt_quic_arrival *arrival)
{
	struct ztt_quic_header header = *arrival->header;
	struct ztt_quic_arrival told = *arrival;
	struct ztt_quic_opened opened;

	if (header.type != ZTT_PACKET_1RTT || arrival->datagram->cut ||
	    !ztt_quic_flow_keys_by_trial(flow, arrival->up, &header, &opened))
		return false;
	told.header = &header;
	opened_it(flow, &told, &opened);
	return true;
}

bool ztt_quic_flow_arrive(struct ztt_quic_flow *flow,
			  const struct ztt_quic_arrival *arrival, bool last)
{
	const struct ztt_quic_header *header = arrival->header;
	enum ztt_quic_level level = ztt_quic_level_of(header->type);
	struct ztt_quic_keys *keys =
		ztt_quic_flow_keys(flow, arrival->up, level);
	struct ztt_flows_scratch *scratch = ztt_flows_scratch(flow->flows);
	struct ztt_quic_opened opened;
	struct ztt_quic_space *space;

	if (header->packet_bytes > sizeof(scratch->opened))
		return fail(flow, arrival, ZTT_WHY_MALFORMED), true;
	if (!keys)
		return by_trial(flow, arrival) || no_keys(flow, arrival, last);
	space = ztt_quic_flow_space(flow, arrival->up, level);
	if (ztt_quic_unprotect(keys, header, ztt_quic_space_expected(space),
			       scratch->opened, &opened))
		not_authentic(flow, arrival);
	else
		opened_it(flow, arrival, &opened);
	return true;
}
