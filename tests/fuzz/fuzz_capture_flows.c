/* Whole captures through flow and analysis; and, as no mutation of a sealed
 * packet opens, frames of packets that are taken as opened. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/err.h"
#include "ztt-capture/flow/quic_flow.h"

#define CONNECTIONS_ANYWHERE_MOST ZTT_CONNECTIONS_MAX

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(const void *data, size_t len)
{
	const volatile uint8_t *at = data;
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + at[i]);
	(void)sum;
}

static void seen(void *owner, const struct ztt_packet *packet)
{
	(void)owner;
	touch(packet->datagram->payload, packet->datagram->payload_bytes);
	touch(packet->frame->data, packet->frame->captured_bytes);
	touch(packet->info, strlen(packet->info));
	if (packet->opened)
		touch(packet->opened->payload, packet->opened->payload_bytes);
	for (size_t i = 0; i < packet->frame_count; i++)
		touch(packet->frames[i].data, packet->frames[i].data_bytes);
}

static void secrets(void *owner, const char *text, size_t len_bytes)
{
	ztt_key_log_add(owner, text, len_bytes);
}

static void check_direction(const struct ztt_direction *direction)
{
	if (direction->lost != direction->lost_before + direction->lost_after ||
	    strlen(direction->loss_how) >= sizeof(direction->loss_how))
		abort();
}

static void check(const struct ztt_capture *capture)
{
	if (capture->connection_count > CONNECTIONS_ANYWHERE_MOST)
		abort();
	for (size_t i = 0; i < capture->connection_count; i++) {
		const struct ztt_connection *connection =
			capture->connections[i];

		if (connection->protocol == ZTT_PROTOCOL_QUIC) {
			check_direction(&connection->up);
			check_direction(&connection->down);
		}
		touch(connection->verdict, strlen(connection->verdict));
	}
}

static void whole_capture(const uint8_t *data, size_t size, bool observed)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct ztt_flows_plan plan = {.keys = ztt_key_log_new()};
	struct ztt_source_figures figures;
	struct ztt_source *source;
	struct ztt_flows *flows;
	struct ztt_frame frame;
	struct ztt_err err;

	if (observed)
		plan.observer.packet = seen;
	if (fd < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	if (ztt_source_open_fd(fd, "fuzz", &source, &err) == 0) {
		flows = ztt_flows_new(&plan);
		ztt_source_on_secrets(source, secrets, plan.keys);
		while (ztt_source_next(source, &frame, &err) > 0)
			ztt_flows_frame(flows, &frame);
		ztt_source_figures(source, &figures);
		check(ztt_flows_finish(flows, &figures));
		ztt_flows_free(flows);
		ztt_source_close(source);
	}
	ztt_key_log_free(plan.keys);
}

/* A connection to put frames in: one datagram to the tunnel's port. */
static struct ztt_connection *begin(struct ztt_flows *flows)
{
	static uint8_t data[28 + 40] = {
		0x45, 0, 0,    68,   0, 0,  0,   0, 64,   17,
		0,    0, 127,  0,    0, 1,  127, 0, 0,    2,
		0x80, 1, 0x1e, 0xa4, 0, 48, 0,   0, 0x40,
	};
	struct ztt_frame frame = {
		.number = 1,
		.link = ZTT_LINK_RAW,
		.captured_bytes = sizeof(data),
		.length_bytes = sizeof(data),
		.data = data,
	};
	struct ztt_connection *connection;

	ztt_flows_frame(flows, &frame);
	if (ztt_flows_capture(flows)->connection_count != 1)
		abort();
	connection = ztt_flows_capture(flows)->connections[0];
	connection->began = true;
	snprintf(connection->client_hello.alpn,
		 sizeof(connection->client_hello.alpn), "argotunnel");
	return connection;
}

/* One packet: flags, number (2 bytes), length (2 bytes), frames. */
static size_t one_packet(struct ztt_quic_flow *flow, const uint8_t *data,
			 size_t size, int64_t at_ns, bool observed)
{
	static const enum ztt_packet_type types[] = {ZTT_PACKET_1RTT,
						     ZTT_PACKET_1RTT,
						     ZTT_PACKET_INITIAL,
						     ZTT_PACKET_HANDSHAKE};
	struct ztt_frame frame = {.at_ns = at_ns};
	struct ztt_datagram datagram = {.frame = &frame};
	struct ztt_quic_header header = {.packet_bytes = 1000};
	struct ztt_quic_arrival arrival = {&datagram, &header, 0, 1, 0, 0};
	struct ztt_quic_opened opened = {0};
	struct ztt_quic_sent sent = {.acknowledges = ZTT_NUMBER_NONE};
	struct ztt_packet packet = {.frame = &frame, .datagram = &datagram};
	size_t len;

	if (size < 5)
		return size;
	arrival.up = data[0] & 1;
	header.type = types[data[0] >> 1 & 3];
	opened.number = (uint64_t)(data[1] << 8 | data[2])
			<< (data[0] & 0x80 ? 20 : 0);
	len = (size_t)(data[3] << 8 | data[4]);
	if (len > size - 5)
		len = size - 5;
	opened.payload = data + 5;
	opened.payload_bytes = len;
	ztt_quic_flow_frames(flow, &arrival, &opened, &sent,
			     observed ? &packet : NULL);
	packet.opened = &opened;
	if (observed)
		seen(NULL, &packet);
	sent.number = opened.number;
	sent.at_ns = at_ns;
	sent.bytes = 1000;
	ztt_quic_space_sent(ztt_quic_flow_space(flow, arrival.up,
						ztt_quic_level_of(header.type)),
			    &sent);
	return 5 + len;
}

static void opened_packets(const uint8_t *data, size_t size)
{
	struct ztt_flows_plan plan = {0};
	struct ztt_flows *flows = ztt_flows_new(&plan);
	struct ztt_connection *connection = begin(flows);
	int64_t at_ns = 0;

	connection->decrypted = true;
	for (size_t at = 0; at < size; at_ns += 100000)
		at += one_packet(connection->flow, data + at, size - at, at_ns,
				 at_ns % 300000 == 0);
	check(ztt_flows_finish(flows, NULL));
	ztt_flows_free(flows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t magics[][4] = {{0xd4, 0xc3, 0xb2, 0xa1},
					    {0x0a, 0x0d, 0x0d, 0x0a},
					    {0xa1, 0xb2, 0xc3, 0xd4}};

	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++)
		if (size > 4 && !memcmp(data, magics[i], 4)) {
			whole_capture(data, size, size & 1);
			return 0;
		}
	opened_packets(data, size);
	return 0;
}
