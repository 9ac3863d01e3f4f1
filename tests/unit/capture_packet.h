/* Packets as the flows would tell them, made by hand. */
#ifndef ZTT_TEST_CAPTURE_PACKET_H
#define ZTT_TEST_CAPTURE_PACKET_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-capture/flow/observer.h"

#define FAKE_AT_NS INT64_C(1763812013123456789)

struct fake {
	struct ztt_frame frame;
	struct ztt_datagram datagram;
	struct ztt_connection connection;
	struct ztt_quic_header header;
	struct ztt_quic_opened opened;
	struct ztt_quic_frame frames[8];
	struct ztt_packet packet;
	uint8_t payload[1300];
};

static inline struct ztt_endpoint fake_endpoint(uint8_t last, uint16_t port)
{
	return (struct ztt_endpoint){.address = {10, 0, 0, last},
				     .port = port,
				     .family = 4};
}

/* An opened QUIC packet of connection 1, from the client, without frames. */
static inline struct fake *fake_quic(enum ztt_packet_type type, uint64_t number)
{
	struct fake *fake = calloc(1, sizeof(*fake));
	static const uint8_t dcid[] = {0x83, 0x94, 0xc8, 0xf0,
				       0x3e, 0x51, 0x57, 0x08};

	fake->frame = (struct ztt_frame){.number = 7,
					 .at_ns = FAKE_AT_NS,
					 .captured_bytes = 1294,
					 .length_bytes = 1294};
	fake->connection = (struct ztt_connection){
		.number = 1,
		.version = ZTT_QUIC_V1,
		.client = fake_endpoint(1, 40000),
		.server = fake_endpoint(2, 7844),
	};
	fake->datagram = (struct ztt_datagram){
		.frame = &fake->frame,
		.from = fake->connection.client,
		.to = fake->connection.server,
		.protocol = 17,
		.ttl = 64,
		.payload = fake->payload,
		.payload_bytes = 1252,
		.payload_whole_bytes = 1252,
	};
	fake->header = (struct ztt_quic_header){.type = type,
						.version = ZTT_QUIC_V1,
						.packet = fake->payload,
						.number_offset = 18,
						.packet_bytes = 1252};
	fake->header.dcid.len_bytes = sizeof(dcid);
	memcpy(fake->header.dcid.data, dcid, sizeof(dcid));
	fake->payload[0] = type == ZTT_PACKET_1RTT ? 0x40 : 0xc0;
	fake->opened = (struct ztt_quic_opened){.number = number,
						.payload_bytes = 1200};
	fake->packet = (struct ztt_packet){
		.frame = &fake->frame,
		.datagram = &fake->datagram,
		.segments = 1,
		.connection = &fake->connection,
		.up = true,
		.protocol = ZTT_PROTOCOL_QUIC,
		.header = &fake->header,
		.opened = &fake->opened,
		.frames = fake->frames,
		.info = "",
	};
	return fake;
}

static inline void fake_turn(struct fake *fake)
{
	fake->packet.up = !fake->packet.up;
	fake->datagram.from = fake->packet.up ? fake->connection.client
					      : fake->connection.server;
	fake->datagram.to = fake->packet.up ? fake->connection.server
					    : fake->connection.client;
}

static inline struct ztt_quic_frame *fake_frame(struct fake *fake,
						uint64_t type, const char *name)
{
	struct ztt_quic_frame *frame =
		&fake->frames[fake->packet.frame_count++];

	frame->type = type;
	frame->name = name;
	frame->repeats = 1;
	return frame;
}

static inline void fake_ack(struct fake *fake, uint64_t least, uint64_t most)
{
	struct ztt_quic_frame *frame = fake_frame(fake, 0x02, "ACK");

	frame->ack.delay = 10;
	frame->ack.ranges[frame->ack.range_count++] =
		(struct ztt_ack_range){least, most};
}

static inline void fake_stream(struct fake *fake, uint64_t id, uint64_t offset,
			       size_t bytes, bool fin)
{
	struct ztt_quic_frame *frame =
		fake_frame(fake, fin ? 0x0f : 0x0e, "STREAM");

	frame->stream_id = id;
	frame->offset = offset;
	frame->length = frame->data_bytes = bytes;
	frame->data = fake->payload;
	frame->fin = fin;
}

#endif
