#include "ztt-capture/flow/quic_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-capture/decode/tunnel.h"

#define TUNNEL_PORT 7844
#define HTTPS_PORT 443
#define UDP 17
#define LONG_HEADER_LEAST 7
#define FLOW_RESERVED 24576 /* the state itself, and its keys */

bool ztt_quic_flow_reserve(void *owner, long size_bytes)
{
	struct ztt_quic_flow *flow = owner;

	if (!ztt_flows_reserve(flow->flows, size_bytes))
		return false;
	flow->reserved_bytes += size_bytes;
	return true;
}

static bool known_port(uint16_t port)
{
	return port == TUNNEL_PORT || port == HTTPS_PORT;
}

static uint32_t version_of(const struct ztt_datagram *datagram)
{
	struct ztt_bytes bytes =
		ztt_bytes_of(datagram->payload + 1, LONG_HEADER_LEAST - 1);

	return ztt_bytes_u32(&bytes);
}

static bool is_long(const struct ztt_datagram *datagram)
{
	return datagram->payload_bytes >= LONG_HEADER_LEAST &&
	       (datagram->payload[0] & 0x80);
}

static bool claims(const struct ztt_datagram *datagram, bool *ret_up)
{
	bool port = known_port(datagram->from.port) ||
		    known_port(datagram->to.port);
	struct ztt_quic_header header;
	uint32_t version;

	if (datagram->protocol != UDP || !datagram->payload_bytes)
		return false;
	*ret_up = known_port(datagram->to.port) ||
		  (!known_port(datagram->from.port) &&
		   (is_long(datagram) ||
		    datagram->to.port < datagram->from.port));
	if (!is_long(datagram))
		/* RFC 9287: the bit may be 0 all of a connection long. */
		return datagram->from.port == TUNNEL_PORT ||
		       datagram->to.port == TUNNEL_PORT ||
		       (port && (datagram->payload[0] & 0x40));
	version = version_of(datagram);
	if (version == ZTT_QUIC_V1 || version == ZTT_QUIC_V2)
		return ztt_quic_header_parse(datagram->payload,
					     datagram->payload_bytes, 0,
					     &header) != -EPROTO;
	return port;
}

/* The client's Initial with a DCID that nobody here gave: cloudflared comes
 * back from the same port. */
static bool again(struct ztt_flows *flows,
		  const struct ztt_connection *connection,
		  const struct ztt_datagram *datagram, bool up)
{
	struct ztt_quic_flow *flow = connection->flow;
	struct ztt_quic_header header;
	struct ztt_quic_opened opened;

	if (!up || !is_long(datagram) || !flow->has_initial_dcid ||
	    ztt_quic_header_parse(datagram->payload, datagram->payload_bytes, 0,
				  &header) ||
	    header.type != ZTT_PACKET_INITIAL ||
	    header.packet_bytes > sizeof(ztt_flows_scratch(flows)->opened) ||
	    !memcmp(&header.dcid, &flow->initial_dcid, sizeof(header.dcid)) ||
	    ztt_quic_flow_has_cid(flow, true, &header.dcid) ||
	    !flow->keys[true][ZTT_LEVEL_INITIAL])
		return false;
	return ztt_quic_unprotect(flow->keys[true][ZTT_LEVEL_INITIAL], &header,
				  0, ztt_flows_scratch(flows)->opened, &opened);
}

static void begin(struct ztt_flows *flows, struct ztt_connection *connection,
		  const struct ztt_datagram *first)
{
	struct ztt_quic_flow *flow = ztt_calloc(1, sizeof(*flow));

	flow->flows = flows;
	flow->connection = connection;
	flow->crypto_done[true][ZTT_LEVEL_HANDSHAKE] = true;
	ztt_quic_flow_reserve(flow, FLOW_RESERVED);
	connection->flow = flow;
	if (is_long(first))
		connection->version = version_of(first);
}

static void retry_with_new_secrets(struct ztt_quic_flow *flow)
{
	const struct ztt_key_log *log = ztt_flows_plan(flow->flows)->keys;

	if (!flow->pending || !log ||
	    ztt_key_log_count(log) == flow->log_count_seen)
		return;
	flow->log_count_seen = ztt_key_log_count(log);
	ztt_quic_pending_retry(flow, false);
}

static void came(struct ztt_flows *flows, struct ztt_connection *connection,
		 const struct ztt_datagram *datagram, bool up)
{
	(void)flows;
	retry_with_new_secrets(connection->flow);
	ztt_quic_flow_split(connection->flow, datagram, up);
}

static void finish(struct ztt_flows *flows, struct ztt_connection *connection)
{
	(void)flows;
	ztt_quic_pending_retry(connection->flow, true);
	ztt_quic_flow_sum(connection->flow);
}

static void release(struct ztt_connection *connection)
{
	struct ztt_quic_flow *flow = connection->flow;

	if (!flow)
		return;
	ztt_quic_pending_free(flow);
	for (int up = 0; up < 2; up++) {
		for (int i = 0; i < ZTT_LEVELS; i++)
			ztt_quic_keys_free(flow->keys[up][i]);
		for (int i = 0; i < ZTT_SPACES; i++)
			ztt_quic_space_free(flow->spaces[up][i]);
		ztt_crypto_stream_free(flow->crypto[up][0]);
		ztt_crypto_stream_free(flow->crypto[up][1]);
		ztt_quic_streams_free(flow->streams[up]);
	}
	ztt_tunnel_free(flow->tunnel);
	ztt_flows_reserve(flow->flows, -flow->reserved_bytes);
	free(flow);
}

const struct ztt_flow_protocol ztt_flow_quic = {
	.protocol = ZTT_PROTOCOL_QUIC,
	.claims = claims,
	.find = ztt_quic_find,
	.again = again,
	.begin = begin,
	.datagram = came,
	.finish = finish,
	.free = release,
};
