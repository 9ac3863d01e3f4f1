#include "ztt-capture/flow/quic_flow.h"

#include <string.h>

#include "common/err.h"
#include "common/text.h"
#include "ztt-capture/decode/tunnel.h"

#define TUNNEL_RESERVED 65536
#define TUNNEL_ALPN "argotunnel"

/* What is known of the packet while its frames are gone through. */
struct within {
	struct ztt_quic_flow *flow;
	const struct ztt_quic_arrival *arrival;
	enum ztt_quic_level level;
	uint64_t number;
	struct ztt_quic_sent *sent;
	struct ztt_line *line; /* NULL: nobody reads it */
	bool again;            /* it carries data again */
};

static void acknowledge(struct within *in, const struct ztt_quic_frame *frame)
{
	struct ztt_quic_flow *flow = in->flow;
	bool up = in->arrival->up, of = !up;
	const struct ztt_connection *connection = flow->connection;
	const struct ztt_hello *hello =
		up ? &connection->client_hello : &connection->server_hello;
	struct ztt_direction *direction = ztt_quic_direction(flow, of);
	struct ztt_quic_acked acked;
	struct ztt_quic_rtt_sample sample = {
		.delay_on_wire = frame->ack.delay,
		.application = in->level == ZTT_LEVEL_1RTT,
		.parameters = &hello->parameters,
	};

	if (frame->ack.range_count)
		in->sent->acknowledges = frame->ack.ranges[0].most;
	ztt_quic_space_acked(ztt_quic_flow_space(flow, of, in->level),
			     frame->ack.ranges, frame->ack.range_count, &acked);
	if (acked.sent_ns == INT64_MIN || !acked.ack_eliciting)
		return;
	if (!direction->rtt_us)
		direction->rtt_us = ztt_flows_hist(flow->flows);
	if (!direction->ack_delay_us)
		direction->ack_delay_us = ztt_flows_hist(flow->flows);
	sample.took_ns = in->arrival->datagram->frame->at_ns - acked.sent_ns;
	ztt_quic_rtt_record(&flow->rtt[of], &sample, direction);
	ztt_quic_space_answer_ns(ztt_quic_flow_space(flow, up, in->level),
				 flow->rtt[of].least_ns);
}

static bool has_tunnel(struct ztt_quic_flow *flow)
{
	const char *alpn = flow->connection->client_hello.alpn;

	if (flow->tunnel)
		return true;
	if (strcmp(alpn, TUNNEL_ALPN) ||
	    !ztt_quic_flow_reserve(flow, TUNNEL_RESERVED))
		return false;
	flow->tunnel = ztt_tunnel_new();
	return true;
}

static void stream_data(struct within *in, const struct ztt_quic_frame *frame)
{
	struct ztt_quic_flow *flow = in->flow;
	bool up = in->arrival->up;
	size_t type = frame->stream_id & 3;
	uint64_t nth = (frame->stream_id >> 2) + 1;

	if (!flow->stream_least[type] || nth < flow->stream_least[type])
		flow->stream_least[type] = nth;
	if (nth > flow->stream_most[type])
		flow->stream_most[type] = nth;
	if (!flow->streams[up] &&
	    ztt_quic_flow_reserve(flow, ZTT_QUIC_STREAMS_BYTES))
		flow->streams[up] = ztt_quic_streams_new(
			ztt_quic_flow_space(flow, up, in->level));
	if (flow->streams[up] &&
	    ztt_quic_streams_data(flow->streams[up], in->number,
				  frame->stream_id, frame->offset,
				  frame->data_bytes))
		in->again = true;
	if (has_tunnel(flow))
		ztt_tunnel_stream(flow->tunnel, frame->stream_id, up,
				  frame->offset, frame->data, frame->data_bytes,
				  in->line);
}

static void closed(struct ztt_connection *connection,
		   const struct ztt_quic_frame *frame)
{
	size_t len = frame->data_bytes;

	if (connection->closed)
		return;
	connection->closed = true;
	connection->close_code = frame->code;
	connection->close_application = frame->type == 0x1d;
	if (len >= sizeof(connection->close_reason))
		len = sizeof(connection->close_reason) - 1;
	if (len)
		memcpy(connection->close_reason, frame->data, len);
	connection->close_reason[len] = 0;
	ztt_text_plain(connection->close_reason);
}

static void new_cid(struct within *in, const struct ztt_quic_frame *frame)
{
	struct ztt_cid cid = {.len_bytes = (uint8_t)frame->data_bytes};

	if (frame->data_bytes > ZTT_CID_BYTES_MAX || !frame->data_bytes)
		return;
	memcpy(cid.data, frame->data, frame->data_bytes);
	ztt_quic_flow_cid(in->flow, !in->arrival->up, &cid);
	if (frame->reset_token)
		ztt_quic_flow_token(in->flow, in->arrival->up,
				    frame->reset_token);
}

static void effect(struct within *in, const struct ztt_quic_frame *frame)
{
	in->sent->ack_eliciting |= frame->ack_eliciting;
	switch (frame->type) {
	case 0x02:
	case 0x03:
		acknowledge(in, frame);
		break;
	case 0x06:
		ztt_quic_flow_crypto(in->flow, in->arrival->up, in->level,
				     frame);
		break;
	case 0x08:
	case 0x09:
	case 0x0a:
	case 0x0b:
	case 0x0c:
	case 0x0d:
	case 0x0e:
	case 0x0f:
		stream_data(in, frame);
		break;
	case 0x14:
	case 0x15:
		ztt_quic_direction(in->flow, in->arrival->up)->blocked++;
		break;
	case 0x18:
		new_cid(in, frame);
		break;
	case 0x1c:
	case 0x1d:
		closed(in->flow->connection, frame);
		break;
	case 0x30:
	case 0x31:
		if (has_tunnel(in->flow))
			ztt_tunnel_datagram(in->flow->tunnel, in->arrival->up,
					    frame->data, frame->data_bytes,
					    in->line);
		break;
	default:
		break;
	}
}

int ztt_quic_flow_frames(struct ztt_quic_flow *flow,
			 const struct ztt_quic_arrival *arrival,
			 const struct ztt_quic_opened *opened,
			 struct ztt_quic_sent *sent, struct ztt_packet *packet)
{
	struct ztt_flows_scratch *scratch = ztt_flows_scratch(flow->flows);
	struct ztt_bytes payload =
		ztt_bytes_of(opened->payload, opened->payload_bytes);
	struct ztt_line line =
		ztt_line_of(scratch->info, sizeof(scratch->info));
	struct within in = {
		.flow = flow,
		.arrival = arrival,
		.level = ztt_quic_level_of(arrival->header->type),
		.number = opened->number,
		.sent = sent,
		.line = packet ? &line : NULL,
	};
	size_t count = 0;
	int rc;

	while ((rc = ztt_quic_frame_next(
			&payload, &scratch->frames[packet ? count : 0])) == 1) {
		effect(&in, &scratch->frames[packet ? count : 0]);
		if (packet && count == ZTT_FRAMES_SHOWN_MAX)
			packet->frames_left_out++;
		else
			count++;
	}
	if (in.again)
		ztt_quic_direction(flow, arrival->up)->retransmitted++;
	if (packet) {
		packet->frames = scratch->frames;
		packet->frame_count = count;
		packet->info = scratch->info;
	}
	return rc;
}
