#include "ztt-capture/flow/quic_flow.h"

enum ztt_quic_level ztt_quic_level_of(enum ztt_packet_type type)
{
	switch (type) {
	case ZTT_PACKET_INITIAL:
		return ZTT_LEVEL_INITIAL;
	case ZTT_PACKET_0RTT:
		return ZTT_LEVEL_0RTT;
	case ZTT_PACKET_HANDSHAKE:
		return ZTT_LEVEL_HANDSHAKE;
	default:
		return ZTT_LEVEL_1RTT;
	}
}

static int secret_kind(bool up, enum ztt_quic_level level)
{
	switch (level) {
	case ZTT_LEVEL_HANDSHAKE:
		return up ? ZTT_SECRET_CLIENT_HANDSHAKE
			  : ZTT_SECRET_SERVER_HANDSHAKE;
	case ZTT_LEVEL_0RTT:
		return up ? ZTT_SECRET_CLIENT_EARLY : -1;
	case ZTT_LEVEL_1RTT:
		return up ? ZTT_SECRET_CLIENT_TRAFFIC
			  : ZTT_SECRET_SERVER_TRAFFIC;
	default:
		return -1;
	}
}

void ztt_quic_flow_initial_keys(struct ztt_quic_flow *flow, uint32_t version,
				const struct ztt_cid *dcid)
{
	for (int up = 0; up < 2; up++) {
		ztt_quic_keys_free(flow->keys[up][ZTT_LEVEL_INITIAL]);
		flow->keys[up][ZTT_LEVEL_INITIAL] =
			ztt_quic_keys_initial(version, dcid, !up);
	}
	flow->initial_dcid = *dcid;
	flow->initial_version = version;
	flow->has_initial_dcid = true;
}

struct ztt_quic_keys *ztt_quic_flow_keys(struct ztt_quic_flow *flow, bool up,
					 enum ztt_quic_level level)
{
	const struct ztt_connection *connection = flow->connection;
	const struct ztt_key_log *log = ztt_flows_plan(flow->flows)->keys;
	struct ztt_quic_keys **keys = &flow->keys[up][level];
	int kind = secret_kind(up, level);
	const uint8_t *secret;
	size_t len_bytes;
	uint16_t suite = 0;

	if (*keys || kind < 0 || !log || !connection->has_client_hello ||
	    flow->log_count_tried[up][level] == ztt_key_log_count(log) + 1)
		return *keys;
	flow->log_count_tried[up][level] = ztt_key_log_count(log) + 1;
	secret = ztt_key_log_find(log, connection->client_hello.random,
				  (enum ztt_secret_kind)kind, &len_bytes);
	if (connection->has_server_hello && level != ZTT_LEVEL_0RTT)
		suite = connection->server_hello.cipher_suite;
	if (secret)
		*keys = ztt_quic_keys_of_secret(connection->version, suite,
						secret, len_bytes);
	return *keys;
}
