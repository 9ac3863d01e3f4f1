#include "ztt-capture/flow/quic_flow.h"

#include <string.h>

#define PACKETS_MOST 8     /* of a direction, that are tried */
#define TRIALS_MOST 200000 /* in a capture: half a second at most */
#define NUMBERS_EACH 65536 /* what a packet number of two bytes tells */
#define NUMBERS_MOST 64    /* of these */
#define UPDATES_MOST 50  /* quic-go: one after 100 packets, then each 100,000 */
#define TRIALS_EACH 2048 /* of a secret and a length */
#define KEYS_COST 16     /* to derive, in trials */
#define LENGTHS_MOST 8

/* A packet that is tried. */
struct late {
	struct ztt_quic_flow *flow;
	bool up;
	struct ztt_quic_header *header;
	struct ztt_quic_opened *opened;
	size_t lengths[LENGTHS_MOST], length_count;
};

bool ztt_quic_flow_may_try(const struct ztt_quic_flow *flow, bool up)
{
	const struct ztt_key_log *log = ztt_flows_plan(flow->flows)->keys;

	return log && ztt_key_log_count(log) && !flow->connection->began &&
	       !flow->connection->has_client_hello && !flow->hello_cut &&
	       flow->late[up].packets < PACKETS_MOST &&
	       ztt_flows_scratch(flow->flows)->trials < TRIALS_MOST;
}

/* A DCID is what all packets of a direction begin with. */
static void learn_prefix(struct ztt_quic_flow *flow, bool up,
			 const struct ztt_quic_header *header)
{
	size_t bytes = header->packet_bytes - 1, same = 0;
	uint8_t *prefix = flow->late[up].prefix;

	if (bytes > ZTT_CID_BYTES_MAX)
		bytes = ZTT_CID_BYTES_MAX;
	if (!flow->late[up].packets++) {
		memcpy(prefix, header->packet + 1, bytes);
		flow->late[up].prefix_bytes = bytes;
		return;
	}
	while (same < bytes && same < flow->late[up].prefix_bytes &&
	       prefix[same] == header->packet[1 + same])
		same++;
	flow->late[up].prefix_bytes = same;
}

static void add_length(struct late *late, size_t length)
{
	for (size_t i = 0; i < late->length_count; i++)
		if (late->lengths[i] == length)
			return;
	if (late->length_count < LENGTHS_MOST)
		late->lengths[late->length_count++] = length;
}

static void choose_lengths(struct late *late)
{
	static const size_t usual[] = {0, 8, 20, 16, 18, 17, 4};
	const struct ztt_quic_flow *flow = late->flow;

	if (flow->dcid_known[late->up]) {
		add_length(late, flow->dcid_bytes[late->up]);
		return;
	}
	add_length(late, flow->late[late->up].prefix_bytes);
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		if (usual[i] <= flow->late[late->up].prefix_bytes)
			add_length(late, usual[i]);
}

static bool opens_at(struct late *late, struct ztt_quic_keys *keys,
		     size_t length)
{
	struct ztt_flows_scratch *scratch =
		ztt_flows_scratch(late->flow->flows);
	struct ztt_quic_header header;
	unsigned tries, before;
	bool found;

	if (scratch->trials >= TRIALS_MOST ||
	    ztt_quic_header_parse(late->header->packet,
				  late->header->packet_bytes, length, &header))
		return false;
	before = tries = TRIALS_MOST > scratch->trials + TRIALS_EACH
				 ? TRIALS_EACH
				 : TRIALS_MOST - (unsigned)scratch->trials;
	found = !ztt_quic_search(keys, &header, UPDATES_MOST,
				 NUMBERS_MOST * NUMBERS_EACH, &tries,
				 scratch->opened, late->opened);
	scratch->trials += before - tries;
	if (found) {
		*late->header = header;
		late->flow->dcid_bytes[late->up] = (uint8_t)length;
		late->flow->dcid_known[late->up] = true;
	}
	return found;
}

static bool opens_with(struct late *late,
		       const struct ztt_key_log_secret *secret)
{
	struct ztt_quic_flow *flow = late->flow;
	uint32_t version = flow->connection->version;
	struct ztt_quic_keys *keys =
		ztt_quic_keys_of_secret(version ? version : ZTT_QUIC_V1, 0,
					secret->secret, secret->len_bytes);

	ztt_flows_scratch(flow->flows)->trials += KEYS_COST;
	for (size_t i = 0; keys && i < late->length_count; i++) {
		if (!opens_at(late, keys, late->lengths[i]))
			continue;
		flow->keys[late->up][ZTT_LEVEL_1RTT] = keys;
		memcpy(flow->late_random, secret->client_random,
		       sizeof(flow->late_random));
		flow->has_late_random = true;
		return true;
	}
	ztt_quic_keys_free(keys);
	return false;
}

bool ztt_quic_flow_keys_by_trial(struct ztt_quic_flow *flow, bool up,
				 struct ztt_quic_header *header,
				 struct ztt_quic_opened *ret_opened)
{
	const struct ztt_key_log *log = ztt_flows_plan(flow->flows)->keys;
	const enum ztt_secret_kind kind =
		up ? ZTT_SECRET_CLIENT_TRAFFIC : ZTT_SECRET_SERVER_TRAFFIC;
	struct late late = {flow, up, header, ret_opened, {0}, 0};
	struct ztt_key_log_secret secret;
	size_t cursor = 0;

	if (!ztt_quic_flow_may_try(flow, up))
		return false;
	learn_prefix(flow, up, header);
	choose_lengths(&late);
	while (ztt_flows_scratch(flow->flows)->trials < TRIALS_MOST &&
	       ztt_key_log_walk(log, &cursor, &secret)) {
		if (secret.kind != kind ||
		    (flow->has_late_random &&
		     memcmp(secret.client_random, flow->late_random,
			    sizeof(flow->late_random)) != 0))
			continue;
		if (opens_with(&late, &secret))
			return true;
	}
	return false;
}
