#include "ztt-capture/analysis/diff_flow.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-capture/analysis/diff_digest.h"
#include "ztt-capture/decode/interface.h"
#include "ztt-capture/decode/wireguard.h"

#define SLOTS (ZTT_DIFF_FLOWS_MAX * 2)

struct ztt_diff_flows {
	struct ztt_diff_flow *at[ZTT_DIFF_FLOWS_MAX];
	size_t count;
	uint16_t slots[SLOTS]; /* index + 1; 0: free */
};

struct ztt_diff_flows *ztt_diff_flows_new(void)
{
	return ztt_calloc(1, sizeof(struct ztt_diff_flows));
}

void ztt_diff_flows_free(struct ztt_diff_flows *flows)
{
	if (!flows)
		return;
	for (size_t i = 0; i < flows->count; i++)
		free(flows->at[i]);
	free(flows);
}

size_t ztt_diff_flows_count(const struct ztt_diff_flows *flows)
{
	return flows->count;
}

struct ztt_diff_flow *ztt_diff_flows_at(struct ztt_diff_flows *flows,
					size_t index)
{
	return flows->at[index];
}

/* QUIC's and WireGuard's, of which a server has one and a client none. */
static bool is_tunnel_port(uint16_t port)
{
	return port == 7844 || port == 443 || port == 51820 || port == 2408;
}

static bool equal(const struct ztt_endpoint *one,
		  const struct ztt_endpoint *other)
{
	return memcmp(one, other, sizeof(*one)) == 0;
}

static size_t slot_of(const struct ztt_endpoint *from,
		      const struct ztt_endpoint *to, uint32_t interface)
{
	struct ztt_diff_digest one, other;

	/* The same for both directions */
	ztt_diff_digest(interface, (const uint8_t *)from, sizeof(*from), 0,
			&one);
	ztt_diff_digest(interface, (const uint8_t *)to, sizeof(*to), 0, &other);
	return (one.hash + other.hash) % SLOTS;
}

/* Whether it came from the server, and how that is known. */
static bool is_from_server(const struct ztt_datagram *datagram,
			   enum ztt_diff_known *ret_known)
{
	bool from = is_tunnel_port(datagram->from.port);
	bool to = is_tunnel_port(datagram->to.port);
	struct ztt_wg_message message;

	*ret_known = ZTT_DIFF_CONTENT;
	if (ztt_wg_parse(datagram->payload, datagram->payload_bytes,
			 datagram->payload_whole_bytes, &message) == 0 &&
	    message.type != ZTT_WG_TRANSPORT)
		return message.type != ZTT_WG_INITIATION;
	*ret_known = from != to ? ZTT_DIFF_PORT : ZTT_DIFF_BEGAN;
	return from && !to;
}

static struct ztt_diff_flow *new_flow(const struct ztt_datagram *datagram,
				      uint32_t interface)
{
	struct ztt_diff_flow *flow = ztt_calloc(1, sizeof(*flow));
	bool from_server = is_from_server(datagram, &flow->known);

	flow->client = from_server ? datagram->to : datagram->from;
	flow->server = from_server ? datagram->from : datagram->to;
	flow->interface = interface;
	return flow;
}

struct ztt_diff_flow *ztt_diff_flows_of(struct ztt_diff_flows *flows,
					const struct ztt_datagram *datagram,
					bool *ret_up)
{
	const struct ztt_endpoint *from = &datagram->from, *to = &datagram->to;
	uint32_t interface = ztt_frame_interface(datagram->frame);
	size_t slot = slot_of(from, to, interface);
	struct ztt_diff_flow *flow;

	for (; flows->slots[slot]; slot = (slot + 1) % SLOTS) {
		flow = flows->at[flows->slots[slot] - 1];
		if (flow->interface != interface)
			continue;
		*ret_up =
			equal(&flow->client, from) && equal(&flow->server, to);
		if (*ret_up ||
		    (equal(&flow->client, to) && equal(&flow->server, from)))
			return flow;
	}
	if (flows->count == ZTT_DIFF_FLOWS_MAX)
		return NULL;
	flow = new_flow(datagram, interface);
	flows->at[flows->count++] = flow;
	flows->slots[slot] = (uint16_t)flows->count;
	*ret_up = equal(&flow->client, from);
	return flow;
}

void ztt_diff_flow_turn(struct ztt_diff_flow *flow)
{
	struct ztt_endpoint client = flow->client;
	struct ztt_diff_way up = flow->up;

	flow->client = flow->server;
	flow->server = client;
	flow->up = flow->down;
	flow->down = up;
}
