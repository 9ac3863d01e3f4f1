#define _GNU_SOURCE
#include "ztt-capture/flow/tls_flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

#define PORT_TUNNEL 7844
#define PORT_HTTPS 443
#define PROTOCOL_TCP 6
/* Of TCP's payload over IPv4 on Ethernet, without and with timestamps. */
#define SEGMENT_BYTES_MOST 1460
#define SEGMENT_BYTES_USUAL 1448
#define SEGMENT_BYTES_LEAST 1200
#define JUMBO_BYTES 8960

static bool is_server_port(uint16_t port)
{
	return port == PORT_TUNNEL || port == PORT_HTTPS;
}

static bool claims(const struct ztt_datagram *datagram, bool *ret_up)
{
	const unsigned syn = datagram->tcp_flags & ZTT_TCP_SYN;

	if (datagram->protocol != PROTOCOL_TCP)
		return false;
	if (ztt_tls_is_client_hello(datagram->payload,
				    datagram->payload_bytes)) {
		*ret_up = true;
		return true;
	}
	if (!is_server_port(datagram->from.port) &&
	    !is_server_port(datagram->to.port))
		return false;
	if (!syn && datagram->payload_whole_bytes == 0)
		return false;
	*ret_up = syn ? !(datagram->tcp_flags & ZTT_TCP_ACK)
		      : is_server_port(datagram->to.port);
	return true;
}

bool ztt_tls_flow_reserve(void *owner, long size_bytes)
{
	const struct ztt_tls_way *way = owner;

	if (!ztt_flows_reserve(way->flow->flows, size_bytes))
		return false;
	way->flow->reserved_bytes += size_bytes;
	return true;
}

static void stream_data(void *owner, const uint8_t *bytes, size_t len_bytes)
{
	struct ztt_tls_way *way = owner;

	ztt_tls_reader_data(&way->reader, bytes, len_bytes);
}

static void stream_gap(void *owner, uint64_t len_bytes)
{
	ztt_tls_session_gap(owner, len_bytes);
}

static void begin_way(struct ztt_tls_flow *flow, bool up)
{
	struct ztt_tls_way *way = &flow->ways[up];

	way->flow = flow;
	way->up = up;
	way->secrets_seen = SIZE_MAX;
	way->stream.data = stream_data;
	way->stream.gap = stream_gap;
	way->stream.reserve = ztt_tls_flow_reserve;
	way->stream.owner = way;
	way->reader.record = ztt_tls_session_record;
	way->reader.wants = ztt_tls_session_wants;
	way->reader.reserve = ztt_tls_flow_reserve;
	way->reader.owner = way;
}

static void begin(struct ztt_flows *flows, struct ztt_connection *connection,
		  const struct ztt_datagram *first)
{
	struct ztt_tls_flow *flow = ztt_calloc(1, sizeof(*flow));

	connection->flow = flow;
	flow->flows = flows;
	flow->connection = connection;
	if (ztt_flows_reserve(flows, (long)sizeof(*flow)))
		flow->reserved_bytes = (long)sizeof(*flow);
	ztt_tcp_measure_init(&flow->measure, flows);
	begin_way(flow, false);
	begin_way(flow, true);
	connection->began =
		first->tcp_flags & ZTT_TCP_SYN ||
		ztt_tls_is_client_hello(first->payload, first->payload_bytes);
	flow->ways[0].reader.lost = flow->ways[1].reader.lost =
		!connection->began;
}

static bool again(struct ztt_flows *flows,
		  const struct ztt_connection *connection,
		  const struct ztt_datagram *datagram, bool up)
{
	const struct ztt_tls_flow *flow = connection->flow;

	(void)flows;
	return ztt_tcp_measure_is_new(&flow->measure, datagram, up);
}

/* Between two addresses of one host the MTU is loopback's, 65536. */
static bool is_within_host(const struct ztt_datagram *datagram)
{
	return !memcmp(datagram->from.address, datagram->to.address,
		       sizeof(datagram->from.address)) ||
	       (datagram->from.family == 4 && datagram->from.address[0] == 127);
}

/* Payload bytes of a super-segment's segments; 0: it is one segment. Where the
 * capture does not say, more than a jumbo frame holds is one, and so is a
 * multiple of what Ethernet carries; then all that are longer than that are. */
static size_t segment_bytes(struct ztt_tls_way *way,
			    const struct ztt_datagram *datagram)
{
	const size_t bytes = datagram->payload_whole_bytes;
	const size_t single = way->single_most_bytes < SEGMENT_BYTES_LEAST
				      ? SEGMENT_BYTES_USUAL
				      : way->single_most_bytes;

	if (datagram->frame->has_vnet || datagram->frame->segment_bytes)
		return datagram->frame->segment_bytes < bytes
			       ? datagram->frame->segment_bytes
			       : 0;
	if (bytes <= SEGMENT_BYTES_MOST) {
		if (bytes > way->single_most_bytes)
			way->single_most_bytes = bytes;
		return 0;
	}
	if (is_within_host(datagram))
		return 0;
	way->offloads |= bytes > JUMBO_BYTES || bytes % single == 0;
	return way->offloads ? single : 0;
}

/* What was one segment each on the wire. */
static unsigned count(struct ztt_tls_flow *flow,
		      const struct ztt_datagram *datagram, bool up,
		      bool *ret_inferred)
{
	struct ztt_connection *connection = flow->connection;
	struct ztt_capture *capture = ztt_flows_capture(flow->flows);
	struct ztt_direction *direction =
		up ? &connection->up : &connection->down;
	const size_t most = segment_bytes(&flow->ways[up], datagram);
	size_t left = datagram->payload_whole_bytes;
	struct ztt_datagram part = *datagram;
	unsigned segments = 0;

	do {
		part.payload_whole_bytes = most && left > most ? most : left;
		left -= part.payload_whole_bytes;
		ztt_flows_count(connection, &part, up);
		direction->packets++;
		segments++;
	} while (left);
	*ret_inferred = segments > 1 && !datagram->frame->segment_bytes;
	direction->super_datagrams += segments > 1;
	capture->super_datagrams += segments > 1;
	capture->inferred_super_datagrams += *ret_inferred;
	return segments;
}

static void close_side(struct ztt_tls_flow *flow,
		       const struct ztt_datagram *datagram, bool up)
{
	struct ztt_connection *connection = flow->connection;

	if (datagram->tcp_flags & ZTT_TCP_FIN)
		flow->ways[up].closed = true;
	if (datagram->tcp_flags & ZTT_TCP_RST && !connection->closed) {
		connection->closed = true;
		snprintf(connection->close_reason,
			 sizeof(connection->close_reason), "reset by the %s",
			 up ? "client" : "server");
	}
	if (flow->ways[0].closed && flow->ways[1].closed)
		connection->closed = true;
}

static void see_unreadable(struct ztt_tls_flow *flow, bool up)
{
	struct ztt_connection *connection = flow->connection;

	if (flow->why != ZTT_WHYS)
		ztt_flows_undecoded(flow->flows,
				    up ? &connection->up : &connection->down,
				    flow->why);
}

static void tell(struct ztt_tls_flow *flow, const struct ztt_datagram *datagram,
		 bool up, unsigned segments, bool inferred)
{
	struct ztt_packet packet = {
		.frame = datagram->frame,
		.datagram = datagram,
		.segments = segments,
		.inferred = inferred,
		.connection = flow->connection,
		.up = up,
		.protocol = ZTT_PROTOCOL_TLS,
		.why = flow->why,
		.info = flow->line->at,
	};

	ztt_flows_tell(flow->flows, &packet);
}

/* The other side's data up to here is there. */
static void acknowledge(struct ztt_tls_flow *flow, bool up)
{
	const struct ztt_tcp_sender *other =
		up ? &flow->measure.down : &flow->measure.up;

	ztt_tcp_stream_acknowledge(&flow->ways[!up].stream,
				   other->acknowledged);
}

static void read_segment(struct ztt_tls_flow *flow,
			 const struct ztt_datagram *datagram, bool up,
			 uint64_t from)
{
	struct ztt_tcp_stream *stream = &flow->ways[up].stream;

	acknowledge(flow, up);
	flow->ways[up].cut |=
		datagram->payload_bytes < datagram->payload_whole_bytes;
	if (datagram->tcp_flags & ZTT_TCP_RST)
		return;
	if (datagram->payload_whole_bytes || datagram->tcp_flags & ZTT_TCP_SYN)
		ztt_tcp_stream_segment(stream, from, datagram->payload,
				       datagram->payload_bytes,
				       datagram->payload_whole_bytes -
					       datagram->payload_bytes);
}

static void see_segment(struct ztt_tls_flow *flow,
			const struct ztt_datagram *segment, bool up)
{
	bool inferred;
	const unsigned segments = count(flow, segment, up, &inferred);
	unsigned seen;
	uint64_t from;

	seen = ztt_tcp_measure_segment(&flow->measure, flow->connection,
				       segment, up, segments, &from);
	ztt_tls_flow_say(flow->line, segment->tcp_flags, seen);
	read_segment(flow, segment, up, from);
	close_side(flow, segment, up);
	see_unreadable(flow, up);
	if (flow->line)
		tell(flow, segment, up, segments, inferred);
}

static void datagram(struct ztt_flows *flows, struct ztt_connection *connection,
		     const struct ztt_datagram *segment, bool up)
{
	struct ztt_tls_flow *flow = connection->flow;
	struct ztt_flows_scratch *scratch = ztt_flows_scratch(flows);
	struct ztt_line line;

	flow->at_ns = segment->frame->at_ns;
	flow->why = ZTT_WHYS;
	if (ztt_flows_observed(flows)) {
		line = ztt_line_of(scratch->info, sizeof(scratch->info));
		flow->line = &line;
	}
	if (!ztt_tcp_hops_is_copy(&flow->ways[up].hops, segment)) {
		see_segment(flow, segment, up);
	} else if (flow->line) {
		ztt_line_add(flow->line, "seen at another interface before");
		tell(flow, segment, up, 1, false);
	}
	flow->line = NULL;
}

static void close_as_told(struct ztt_tls_flow *flow)
{
	struct ztt_connection *connection = flow->connection;
	const struct ztt_http2_facts *facts;

	if (!flow->http2)
		return;
	facts = ztt_http2_facts(flow->http2);
	if (!facts->going_away || connection->close_reason[0])
		return;
	connection->close_application = true;
	connection->close_code = facts->going_away_code;
}

static void finish(struct ztt_flows *flows, struct ztt_connection *connection)
{
	struct ztt_tls_flow *flow = connection->flow;

	(void)flows;
	for (size_t up = 0; up < 2; up++)
		ztt_tcp_stream_end(&flow->ways[up].stream);
	ztt_tcp_measure_end(&flow->measure, connection);
	close_as_told(flow);
}

static void release(struct ztt_connection *connection)
{
	struct ztt_tls_flow *flow = connection->flow;

	if (!flow)
		return;
	for (size_t up = 0; up < 2; up++) {
		ztt_tcp_stream_release(&flow->ways[up].stream);
		ztt_tls_session_release(&flow->ways[up]);
	}
	ztt_http2_free(flow->http2);
	ztt_tunnel_free(flow->tunnel);
	ztt_flows_reserve(flow->flows, -flow->reserved_bytes);
	free(flow);
	connection->flow = NULL;
}

const struct ztt_flow_protocol ztt_flow_tls = {
	.protocol = ZTT_PROTOCOL_TLS,
	.claims = claims,
	.again = again,
	.begin = begin,
	.datagram = datagram,
	.finish = finish,
	.free = release,
};
