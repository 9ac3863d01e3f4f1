#include "ztt-capture/flow/quic_flow.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"

/* A packet that came before its keys, with all that it points at. */
struct ztt_quic_pending {
	struct ztt_quic_pending *next;
	struct ztt_frame frame;
	struct ztt_datagram datagram;
	unsigned segment, segments;
	bool inferred, up;
	size_t packet_bytes;
	uint8_t packet[];
};

static size_t size_of(size_t packet_bytes)
{
	return sizeof(struct ztt_quic_pending) + packet_bytes;
}

bool ztt_quic_pending_keep(struct ztt_quic_flow *flow,
			   const struct ztt_quic_arrival *arrival)
{
	const struct ztt_quic_header *header = arrival->header;
	size_t bytes = size_of(header->packet_bytes);
	struct ztt_quic_pending *pending;

	if (flow->pending_bytes + bytes > ZTT_QUIC_PENDING_BYTES ||
	    !ztt_quic_flow_reserve(flow, (long)bytes))
		return false;
	pending = ztt_alloc(bytes);
	*pending = (struct ztt_quic_pending){
		.frame = *arrival->datagram->frame,
		.datagram = *arrival->datagram,
		.segment = arrival->segment,
		.segments = arrival->segments,
		.inferred = arrival->inferred,
		.up = arrival->up,
		.packet_bytes = header->packet_bytes,
	};
	memcpy(pending->packet, header->packet, header->packet_bytes);
	pending->frame.data = pending->packet;
	pending->frame.captured_bytes = (uint32_t)header->packet_bytes;
	pending->datagram.payload = pending->packet;
	pending->datagram.payload_bytes = header->packet_bytes;
	if (!flow->pending)
		flow->pending_end = &flow->pending;
	*flow->pending_end = pending;
	flow->pending_end = &pending->next;
	flow->pending_bytes += bytes;
	return true;
}

static bool arrive(struct ztt_quic_flow *flow, struct ztt_quic_pending *pending,
		   bool last)
{
	struct ztt_quic_header header;
	struct ztt_quic_arrival arrival = {
		.datagram = &pending->datagram,
		.header = &header,
		.segment = pending->segment,
		.segments = pending->segments,
		.inferred = pending->inferred,
		.up = pending->up,
	};

	pending->datagram.frame = &pending->frame;
	if (ztt_quic_header_parse(pending->packet, pending->packet_bytes,
				  flow->dcid_bytes[pending->up], &header))
		return true;
	return ztt_quic_flow_arrive(flow, &arrival, last);
}

static void drop(struct ztt_quic_flow *flow, struct ztt_quic_pending *pending)
{
	size_t bytes = size_of(pending->packet_bytes);

	flow->pending_bytes -= bytes;
	ztt_quic_flow_reserve(flow, -(long)bytes);
	free(pending);
}

void ztt_quic_pending_retry(struct ztt_quic_flow *flow, bool last)
{
	struct ztt_quic_pending *list = flow->pending, *next;
	struct ztt_quic_pending *still = NULL, **end = &still;

	flow->pending = NULL;
	for (; list; list = next) {
		next = list->next;
		list->next = NULL;
		if (arrive(flow, list, last)) {
			drop(flow, list);
			continue;
		}
		*end = list;
		end = &list->next;
	}
	*end = flow->pending;
	flow->pending = still;
	for (end = &flow->pending; *end; end = &(*end)->next)
		;
	flow->pending_end = end;
}

void ztt_quic_pending_free(struct ztt_quic_flow *flow)
{
	struct ztt_quic_pending *next;

	for (; flow->pending; flow->pending = next) {
		next = flow->pending->next;
		drop(flow, flow->pending);
	}
}
