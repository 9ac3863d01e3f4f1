#include "ztt-capture/flow/wireguard_flow.h"

#include <errno.h>
#include <stdlib.h>

#include "common/err.h"

#define UDP 17
#define LISTEN_PORT 51820 /* as wg-quick(8) suggests */

static void undecoded(struct ztt_flows *flows, struct ztt_wg_path *path,
		      enum ztt_why why)
{
	path->undecoded++;
	ztt_flows_undecoded(flows, NULL, why);
}

static void tell(struct ztt_flows *flows,
		 const struct ztt_connection *connection,
		 const struct ztt_datagram *datagram,
		 const struct ztt_wg_message *message, bool up,
		 unsigned segment, unsigned segments, bool inferred)
{
	struct ztt_packet packet = {
		.frame = datagram->frame,
		.datagram = datagram,
		.segment = segment,
		.segments = segments,
		.inferred = inferred,
		.connection = connection,
		.up = up,
		.protocol = ZTT_PROTOCOL_WIREGUARD,
		.wg_type = (uint8_t)message->type,
		.wg_receiver = message->receiver,
		.wg_sender = message->sender,
		.wg_counter = message->counter,
		.info = message->keepalive ? "keepalive" : "",
	};

	if (ztt_flows_observed(flows))
		ztt_flows_tell(flows, &packet);
}

/* The length of each segment but the last; the whole length of a single. */
static size_t segment_bytes_of(const struct ztt_datagram *datagram)
{
	size_t whole = datagram->payload_whole_bytes;
	size_t stride = datagram->frame->segment_bytes;

	if (!datagram->frame->has_vnet)
		stride = ztt_wg_stride(datagram->payload,
				       datagram->payload_bytes, whole);
	return stride == 0 || stride > whole ? whole : stride;
}

static void one_message(struct ztt_flows *flows,
			struct ztt_connection *connection,
			struct ztt_wg_path *path,
			const struct ztt_datagram *segment, bool up,
			unsigned number, unsigned segments)
{
	struct ztt_wg_flow *wg = connection->flow;
	struct ztt_wg_message message;
	int rc = ztt_wg_parse(segment->payload, segment->payload_bytes,
			      segment->payload_whole_bytes, &message);

	if (rc < 0) {
		undecoded(flows, path,
			  rc == -EMSGSIZE ? ZTT_WHY_CUT : ZTT_WHY_MALFORMED);
		return;
	}
	ztt_wg_session_note(wg, connection, path, &message, up,
			    segment->frame->at_ns);
	tell(flows, connection, segment, &message, up, number, segments,
	     segments > 1 && !segment->frame->has_vnet);
}

static void each_segment(struct ztt_flows *flows,
			 struct ztt_connection *connection,
			 struct ztt_wg_path *path,
			 const struct ztt_datagram *datagram, size_t stride,
			 bool up)
{
	size_t whole = datagram->payload_whole_bytes, at = 0;
	unsigned segments = (unsigned)((whole + stride - 1) / stride);

	for (unsigned i = 0; at < datagram->payload_bytes; i++, at += stride) {
		struct ztt_datagram segment = *datagram;

		segment.payload += at;
		segment.payload_bytes = datagram->payload_bytes - at;
		segment.payload_whole_bytes = whole - at;
		if (segment.payload_bytes > stride)
			segment.payload_bytes = stride;
		if (segment.payload_whole_bytes > stride)
			segment.payload_whole_bytes = stride;
		one_message(flows, connection, path, &segment, up, i, segments);
	}
}

static void note_gap(struct ztt_wg_flow *wg, struct ztt_connection *connection,
		     int64_t at_ns)
{
	uint64_t gap_ns = at_ns > wg->last_ns && wg->last_ns != 0
				  ? (uint64_t)(at_ns - wg->last_ns)
				  : 0;

	if (gap_ns > connection->longest_gap_ns)
		connection->longest_gap_ns = gap_ns;
	wg->last_ns = at_ns;
}

static void wg_datagram(struct ztt_flows *flows,
			struct ztt_connection *connection,
			const struct ztt_datagram *datagram, bool up)
{
	size_t whole = datagram->payload_whole_bytes;
	size_t stride = segment_bytes_of(datagram);
	struct ztt_wg_flow *wg = connection->flow;
	struct ztt_wg_message first;
	struct ztt_wg_path *path;
	struct ztt_wg_way *way;
	int rc;

	if (!wg) {
		ztt_flows_count(connection, datagram, up);
		return;
	}
	rc = ztt_wg_parse(datagram->payload, datagram->payload_bytes, stride,
			  &first);

	up = rc == 0 ? ztt_wg_session_is_up(wg, &first, up) : up;
	way = ztt_wg_way(wg, up);
	path = ztt_wg_path_of(wg, way, datagram);
	note_gap(wg, connection, datagram->frame->at_ns);
	ztt_wg_path_count(wg, way, path, datagram, stride);
	if (whole == 0)
		undecoded(flows, path, ZTT_WHY_MALFORMED);
	else
		each_segment(flows, connection, path, datagram, stride, up);
	if (rc == 0 && datagram->cut)
		ztt_wg_path_cut(way, path, datagram, stride, &first);
}

static bool first_of(const struct ztt_datagram *datagram,
		     struct ztt_wg_message *ret_message)
{
	return datagram->protocol == UDP &&
	       ztt_wg_parse(datagram->payload, datagram->payload_bytes,
			    segment_bytes_of(datagram), ret_message) == 0;
}

/* Of transport data alone nobody knows who began: the one that does not have
 * WireGuard's port, or the higher one. */
static bool is_client(const struct ztt_datagram *datagram)
{
	uint16_t from = datagram->from.port, to = datagram->to.port;

	if (from == LISTEN_PORT || to == LISTEN_PORT)
		return to == LISTEN_PORT;
	return from >= to;
}

static bool wg_claims(const struct ztt_datagram *datagram, bool *ret_up)
{
	struct ztt_wg_message first;

	if (!first_of(datagram, &first))
		return false;
	if (first.type == ZTT_WG_TRANSPORT)
		*ret_up = is_client(datagram);
	else
		*ret_up = first.type == ZTT_WG_INITIATION;
	return true;
}

static struct ztt_connection *wg_find(struct ztt_flows *flows,
				      const struct ztt_datagram *datagram,
				      bool *ret_up)
{
	struct ztt_wg_message first;

	if (!first_of(datagram, &first))
		return NULL;
	return ztt_wg_session_find(flows, &first, ret_up);
}

static void wg_begin(struct ztt_flows *flows, struct ztt_connection *connection,
		     const struct ztt_datagram *first)
{
	struct ztt_wg_flow *wg;

	(void)first;
	if (!ztt_flows_reserve(flows, sizeof(*wg)))
		return;
	wg = ztt_calloc(1, sizeof(*wg));
	wg->flows = flows;
	connection->flow = wg;
}

static void wg_finish(struct ztt_flows *flows,
		      struct ztt_connection *connection)
{
	(void)flows;
	if (connection->flow)
		ztt_wg_sum(connection->flow, connection);
}

static void wg_free(struct ztt_connection *connection)
{
	struct ztt_wg_flow *wg = connection->flow;

	if (!wg)
		return;
	for (unsigned i = 0; i < ZTT_WG_STREAMS; i++) {
		ztt_wg_session_end(wg, &wg->ways[0], &wg->ways[0].streams[i]);
		ztt_wg_session_end(wg, &wg->ways[1], &wg->ways[1].streams[i]);
	}
	ztt_flows_reserve(wg->flows, -(long)sizeof(*wg));
	free(wg);
	connection->flow = NULL;
}

const struct ztt_flow_protocol ztt_flow_wireguard = {
	.protocol = ZTT_PROTOCOL_WIREGUARD,
	.claims = wg_claims,
	.find = wg_find,
	.begin = wg_begin,
	.datagram = wg_datagram,
	.finish = wg_finish,
	.free = wg_free,
};
