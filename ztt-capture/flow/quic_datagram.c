#include "ztt-capture/flow/quic_flow.h"

#include <errno.h>

/* What the client sent was answered, though not by an acknowledgement. */
static void answered_otherwise(struct ztt_quic_flow *flow)
{
	struct ztt_quic_space *space = flow->spaces[true][ZTT_LEVEL_INITIAL];
	struct ztt_ack_range all = {0};
	struct ztt_quic_acked acked;

	if (!space || !ztt_quic_space_expected(space))
		return;
	all.most = ztt_quic_space_expected(space) - 1;
	ztt_quic_space_acked(space, &all, 1, &acked);
}

static void retry(struct ztt_quic_flow *flow,
		  const struct ztt_quic_header *header)
{
	if (!flow->has_initial_dcid ||
	    !ztt_quic_retry_is_authentic(header, &flow->initial_dcid))
		return;
	flow->connection->retried = true;
	answered_otherwise(flow);
	ztt_quic_flow_initial_keys(flow, header->version, &header->scid);
}

/* What a long header says in the clear. */
static void long_header(struct ztt_quic_flow *flow,
			const struct ztt_quic_arrival *arrival)
{
	const struct ztt_quic_header *header = arrival->header;
	bool up = arrival->up;

	if (header->type != ZTT_PACKET_INITIAL)
		flow->handshake_seen |= header->type != ZTT_PACKET_0RTT;
	if (up && header->type == ZTT_PACKET_INITIAL) {
		if (!flow->has_initial_dcid) {
			flow->client_first_ns = arrival->datagram->frame->at_ns;
			ztt_quic_flow_initial_keys(flow, header->version,
						   &header->dcid);
			ztt_quic_pending_retry(flow, false);
		}
		if (header->version != flow->initial_version)
			ztt_quic_flow_initial_keys(flow, header->version,
						   &flow->initial_dcid);
	} else if (header->type == ZTT_PACKET_INITIAL &&
		   flow->has_initial_dcid &&
		   header->version != flow->initial_version) {
		ztt_quic_flow_initial_keys(flow, header->version,
					   &flow->initial_dcid);
	}
	ztt_quic_flow_cid(flow, !up, &header->scid);
}

static void short_header(struct ztt_quic_flow *flow,
			 const struct ztt_quic_arrival *arrival)
{
	struct ztt_connection *connection = flow->connection;
	int64_t took_ns =
		arrival->datagram->frame->at_ns - flow->client_first_ns;

	flow->handshake_seen = true;
	if (!arrival->up || connection->handshake_ns || !connection->began ||
	    took_ns <= 0)
		return;
	connection->handshake_ns = (uint64_t)took_ns;
	connection->handshake_round_trips = 1u + connection->retried +
					    connection->version_negotiated +
					    flow->hello_retry;
}

/* What waited for keys by trial need not wait any more. */
static bool trials_are_over(const struct ztt_quic_flow *flow)
{
	return flow->pending && flow->handshake_seen &&
	       !flow->connection->began && !flow->has_late_random &&
	       !ztt_quic_flow_may_try(flow, false) &&
	       !ztt_quic_flow_may_try(flow, true);
}

static void packet_came(struct ztt_quic_flow *flow,
			const struct ztt_quic_arrival *arrival)
{
	const struct ztt_quic_header *header = arrival->header;
	bool had_client = flow->connection->has_client_hello;
	bool had_server = flow->connection->has_server_hello;
	bool had_keys = flow->has_late_random;

	ztt_quic_direction(flow, arrival->up)->packets++;
	if (header->type == ZTT_PACKET_VERSION_NEGOTIATION) {
		flow->connection->version_negotiated = true;
		answered_otherwise(flow);
		ztt_quic_flow_tell(flow, arrival, ZTT_WHY_NO_KEYS);
		return;
	}
	if (header->type == ZTT_PACKET_1RTT)
		short_header(flow, arrival);
	else
		long_header(flow, arrival);
	if (header->type == ZTT_PACKET_RETRY) {
		retry(flow, header);
		ztt_quic_flow_tell(flow, arrival, ZTT_WHY_NO_KEYS);
		return;
	}
	if (!ztt_quic_flow_arrive(flow, arrival, false) &&
	    !ztt_quic_pending_keep(flow, arrival))
		ztt_quic_flow_arrive(flow, arrival, true);
	if (flow->pending &&
	    (had_client != flow->connection->has_client_hello ||
	     had_server != flow->connection->has_server_hello ||
	     had_keys != flow->has_late_random))
		ztt_quic_pending_retry(flow, false);
	if (trials_are_over(flow))
		ztt_quic_pending_retry(flow, true);
}

static void undecodable(struct ztt_quic_flow *flow,
			const struct ztt_quic_arrival *arrival,
			enum ztt_why why)
{
	struct ztt_direction *direction = ztt_quic_direction(flow, arrival->up);

	direction->packets++;
	ztt_flows_undecoded(flow->flows, direction, why);
	ztt_quic_flow_tell(flow, arrival, why);
}

/* A packet whose header cannot be read whole. */
static void broken(struct ztt_quic_flow *flow, struct ztt_quic_arrival *each,
		   int rc)
{
	bool cut = each->datagram->cut;

	flow->hello_cut |= cut;
	if (rc == -EPROTO)
		each->header = NULL;
	undecodable(flow, each,
		    cut              ? ZTT_WHY_CUT
		    : rc == -ENOTSUP ? ZTT_WHY_NO_KEYS
				     : ZTT_WHY_MALFORMED);
}

void ztt_quic_flow_datagram(struct ztt_quic_flow *flow,
			    const struct ztt_quic_arrival *where)
{
	const struct ztt_datagram *datagram = where->datagram;
	struct ztt_quic_header header;
	struct ztt_quic_arrival each = *where;
	size_t at = 0, len = datagram->payload_bytes;
	int rc;

	ztt_flows_count(flow->connection, datagram, each.up);
	each.header = &header;
	if (!len && datagram->cut)
		broken(flow, &each, -EPROTO);
	while (at < len) {
		rc = ztt_quic_header_parse(datagram->payload + at, len - at,
					   flow->dcid_bytes[each.up], &header);
		if (rc == -EPROTO && at)
			return;
		if (rc) {
			broken(flow, &each, rc);
			return;
		}
		packet_came(flow, &each);
		at += header.packet_bytes;
		if (!header.packet_bytes)
			return;
	}
}
