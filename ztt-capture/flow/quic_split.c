#include "ztt-capture/flow/quic_flow.h"

struct trial {
	struct ztt_quic_flow *flow;
	const struct ztt_datagram *datagram;
	bool up;
};

/* Whether the payload's first bytes are whole packets, and the short one among
 * them opens. */
static bool opens(void *owner, size_t bytes)
{
	const struct trial *trial = owner;
	struct ztt_quic_flow *flow = trial->flow;
	struct ztt_quic_keys *keys = flow->keys[trial->up][ZTT_LEVEL_1RTT];
	struct ztt_quic_header header;
	struct ztt_quic_opened opened;
	size_t at = 0;

	while (at < bytes) {
		if (ztt_quic_header_parse(trial->datagram->payload + at,
					  bytes - at,
					  flow->dcid_bytes[trial->up],
					  &header) ||
		    !header.packet_bytes)
			return false;
		at += header.packet_bytes;
		if (header.type == ZTT_PACKET_1RTT)
			return !ztt_quic_unprotect(
				keys, &header,
				ztt_quic_space_expected(
					ztt_quic_flow_space(flow, trial->up,
							    ZTT_LEVEL_1RTT)),
				ztt_flows_scratch(flow->flows)->opened,
				&opened);
	}
	return false;
}

/* Bytes of each segment; 0: it is one datagram. */
static size_t segment_bytes(struct ztt_quic_flow *flow,
			    const struct ztt_datagram *datagram, bool up,
			    bool *ret_inferred)
{
	struct ztt_segment_sizes *sizes = &flow->sizes[up];
	struct trial trial = {flow, datagram, up};
	struct ztt_segment_search search = {
		.payload = datagram->payload,
		.payload_bytes = datagram->payload_bytes,
		.dcid_bytes = flow->dcid_bytes[up],
		.owner = &trial,
	};

	*ret_inferred = false;
	if (datagram->frame->has_vnet || datagram->frame->segment_bytes)
		return datagram->frame->segment_bytes;
	if (!ztt_segments_suspect(sizes, datagram->payload_whole_bytes))
		return 0;
	*ret_inferred = true;
	if (ztt_quic_flow_keys(flow, up, ZTT_LEVEL_1RTT))
		search.opens = opens;
	return ztt_segments_find(sizes, &search);
}

/* One datagram, or a super-datagram that nothing shows how to split. */
static void whole_came(struct ztt_quic_flow *flow,
		       struct ztt_quic_arrival *arrival)
{
	size_t bytes = arrival->datagram->payload_whole_bytes;
	struct ztt_direction *direction = ztt_quic_direction(flow, arrival->up);
	uint64_t most_bytes = direction->payload_most_bytes;

	arrival->inferred = false;
	if (!ztt_segments_suspect(&flow->sizes[arrival->up], bytes)) {
		ztt_segments_saw(&flow->sizes[arrival->up], (uint32_t)bytes);
		ztt_quic_flow_datagram(flow, arrival);
		return;
	}
	ztt_quic_flow_datagram(flow, arrival);
	direction->payload_most_bytes = most_bytes;
	direction->super_datagrams++;
	ztt_flows_capture(flow->flows)->super_datagrams++;
}

void ztt_quic_flow_split(struct ztt_quic_flow *flow,
			 const struct ztt_datagram *datagram, bool up)
{
	struct ztt_flows *flows = flow->flows;
	struct ztt_quic_arrival arrival = {.segments = 1, .up = up};
	struct ztt_datagram part = *datagram;
	size_t whole = datagram->payload_whole_bytes;
	size_t step = segment_bytes(flow, datagram, up, &arrival.inferred);

	arrival.datagram = &part;
	if (!step || step >= whole) {
		whole_came(flow, &arrival);
		return;
	}
	ztt_quic_direction(flow, up)->super_datagrams++;
	ztt_flows_capture(flows)->super_datagrams++;
	ztt_flows_capture(flows)->inferred_super_datagrams += arrival.inferred;
	arrival.segments = (unsigned)((whole + step - 1) / step);
	for (size_t at = 0; at < whole; at += step, arrival.segment++) {
		size_t there = datagram->payload_bytes;

		part.payload_whole_bytes =
			whole - at < step ? whole - at : step;
		part.payload_bytes = there > at ? there - at : 0;
		if (part.payload_bytes > part.payload_whole_bytes)
			part.payload_bytes = part.payload_whole_bytes;
		part.payload = datagram->payload + (there > at ? at : there);
		part.cut = part.payload_bytes < part.payload_whole_bytes;
		part.ip_bytes = (uint32_t)(datagram->ip_bytes - whole +
					   part.payload_whole_bytes);
		ztt_quic_flow_datagram(flow, &arrival);
	}
}
