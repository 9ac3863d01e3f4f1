#include "ztt-capture/flow/quic_flow.h"

#include <string.h>

#define NAME_BYTES_LEAST 4 /* a shorter connection ID is met by chance */

bool ztt_quic_flow_has_cid(const struct ztt_quic_flow *flow, bool up,
			   const struct ztt_cid *cid)
{
	for (size_t i = 0; i < flow->cid_count[up]; i++)
		if (!memcmp(&flow->cids[up][i], cid, sizeof(*cid)))
			return true;
	return false;
}

void ztt_quic_flow_cid(struct ztt_quic_flow *flow, bool up,
		       const struct ztt_cid *cid)
{
	if (ztt_quic_flow_has_cid(flow, up, cid))
		return;
	if (!flow->dcid_known[up]) {
		flow->dcid_known[up] = true;
		flow->dcid_bytes[up] = cid->len_bytes;
	}
	if (flow->cid_count[up] == ZTT_QUIC_CIDS_KEPT)
		return;
	flow->cids[up][flow->cid_count[up]++] = *cid;
	if (cid->len_bytes >= NAME_BYTES_LEAST)
		ztt_flows_name(flow->flows, flow->connection, cid->data,
			       cid->len_bytes, up);
}

void ztt_quic_flow_token(struct ztt_quic_flow *flow, bool up,
			 const uint8_t *token)
{
	size_t at = flow->token_count[up]++ % ZTT_QUIC_CIDS_KEPT;

	memcpy(flow->tokens[up][at], token, ZTT_RESET_TOKEN_BYTES);
}

bool ztt_quic_flow_is_reset(const struct ztt_quic_flow *flow, bool up,
			    const uint8_t *data, size_t len_bytes)
{
	for (size_t i = 0; i < flow->token_count[up] && i < ZTT_QUIC_CIDS_KEPT;
	     i++)
		if (ztt_quic_is_stateless_reset(data, len_bytes,
						flow->tokens[up][i]))
			return true;
	return false;
}

struct ztt_connection *ztt_quic_find(struct ztt_flows *flows,
				     const struct ztt_datagram *datagram,
				     bool *ret_up)
{
	struct ztt_connection *connection;

	if (datagram->protocol != 17 || !datagram->payload_bytes ||
	    (datagram->payload[0] & 0x80))
		return NULL;
	for (size_t len = ZTT_CID_BYTES_MAX; len >= NAME_BYTES_LEAST; len--) {
		if (datagram->payload_bytes < 1 + len)
			continue;
		connection =
			ztt_flows_named(flows, ZTT_PROTOCOL_QUIC,
					datagram->payload + 1, len, ret_up);
		if (connection)
			return connection;
	}
	return NULL;
}
