#include "ztt-capture/report/qlog_event.h"

#define CRC32C_REVERSED UINT32_C(0x82f63b78)

uint32_t ztt_qlog_checksum(const uint8_t *data, size_t len_bytes)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len_bytes; i++) {
		crc ^= data[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC32C_REVERSED : 0);
	}
	return ~crc;
}

/* A datagram that begins with a long header may hold several packets. */
static bool is_coalescing(const struct ztt_packet *packet)
{
	const struct ztt_datagram *at = packet->datagram;

	return !at->cut && at->payload_bytes && at->payload[0] & 0x80;
}

void ztt_qlog_datagram(const struct ztt_qlog_event *event,
		       const struct ztt_packet *packet, bool ecn)
{
	static const char *const names[] = {"Not-ECT", "ECT(1)", "ECT(0)",
					    "CE"};
	const struct ztt_datagram *at = packet->datagram;
	struct ztt_buffer *out = event->out;

	ztt_qlog_begin(event, "transport",
		       packet->up ? "udp_datagrams_sent"
				  : "udp_datagrams_received");
	ztt_qlog_uint(out, "count", 1);
	ztt_buffer_text(out, ",\"raw\":[{");
	ztt_qlog_uint(out, "length", at->payload_whole_bytes);
	ztt_buffer_text(out, "}]");
	if (ecn) {
		ztt_buffer_text(out, ",\"ecn\":[\"");
		ztt_buffer_text(out, names[at->ecn & 3]);
		ztt_buffer_text(out, "\"]");
	}
	if (is_coalescing(packet)) {
		ztt_buffer_text(out, ",\"datagram_payload_checksums\":[");
		ztt_buffer_uint(out, ztt_qlog_checksum(at->payload,
						       at->payload_bytes));
		ztt_buffer_char(out, ']');
	}
	ztt_qlog_end(event);
}

static const char *type_name(enum ztt_packet_type type)
{
	switch (type) {
	case ZTT_PACKET_INITIAL:
		return "initial";
	case ZTT_PACKET_0RTT:
		return "0RTT";
	case ZTT_PACKET_HANDSHAKE:
		return "handshake";
	case ZTT_PACKET_RETRY:
		return "retry";
	case ZTT_PACKET_VERSION_NEGOTIATION:
		return "version_negotiation";
	case ZTT_PACKET_1RTT:
		return "1RTT";
	case ZTT_PACKET_STATELESS_RESET:
		return "stateless_reset";
	default:
		return "unknown";
	}
}

static void put_version(struct ztt_buffer *out, uint32_t version)
{
	const uint8_t bytes[] = {(uint8_t)(version >> 24),
				 (uint8_t)(version >> 16),
				 (uint8_t)(version >> 8), (uint8_t)version};

	ztt_qlog_hex(out, "version", bytes, sizeof(bytes));
}

static void put_long(struct ztt_buffer *out, enum ztt_qlog_version version,
		     const struct ztt_quic_header *header)
{
	if (header->type != ZTT_PACKET_RETRY &&
	    header->type != ZTT_PACKET_VERSION_NEGOTIATION &&
	    header->packet_bytes >= header->number_offset)
		ztt_qlog_uint(out, "length",
			      header->packet_bytes - header->number_offset);
	put_version(out, header->version);
	ztt_qlog_uint(out, "scil", header->scid.len_bytes);
	ztt_qlog_uint(out, "dcil", header->dcid.len_bytes);
	ztt_qlog_hex(out, "scid", header->scid.data, header->scid.len_bytes);
	ztt_qlog_hex(out, "dcid", header->dcid.data, header->dcid.len_bytes);
	if (!header->token_bytes)
		return;
	ztt_buffer_text(out, version == ZTT_QLOG_03 ? ",\"token\":{"
						    : ",\"token\":{\"raw\":{");
	ztt_qlog_uint(out, "length", header->token_bytes);
	ztt_buffer_text(out, version == ZTT_QLOG_03 ? "}" : "}}");
}

static void put_header(struct ztt_buffer *out, enum ztt_qlog_version version,
		       const struct ztt_packet *packet)
{
	const struct ztt_quic_header *header = packet->header;
	const struct ztt_quic_opened *opened = packet->opened;

	ztt_buffer_text(out, "\"header\":{");
	ztt_qlog_word(out, "packet_type", type_name(header->type));
	if (opened)
		ztt_qlog_uint(out, "packet_number", opened->number);
	if (header->type == ZTT_PACKET_1RTT) {
		if (opened && version != ZTT_QLOG_03)
			ztt_qlog_uint(out, "key_phase", opened->generation);
		ztt_qlog_hex(out, "dcid", header->dcid.data,
			     header->dcid.len_bytes);
	} else if (header->type != ZTT_PACKET_STATELESS_RESET) {
		put_long(out, version, header);
	}
	ztt_buffer_char(out, '}');
}

void ztt_qlog_packet_event(const struct ztt_qlog_event *event,
			   const struct ztt_packet *packet)
{
	struct ztt_buffer *out = event->out;

	ztt_qlog_begin(event, "transport",
		       packet->up ? "packet_sent" : "packet_received");
	put_header(out, event->version, packet);
	ztt_buffer_text(out, ",\"raw\":{");
	ztt_qlog_uint(out, "length", packet->header->packet_bytes);
	if (packet->opened)
		ztt_qlog_uint(out, "payload_length",
			      packet->opened->payload_bytes);
	ztt_buffer_char(out, '}');
	if (event->version != ZTT_QLOG_03 && is_coalescing(packet))
		ztt_qlog_uint(
			out, "datagram_payload_checksum",
			ztt_qlog_checksum(packet->datagram->payload,
					  packet->datagram->payload_bytes));
	if (packet->opened) {
		ztt_buffer_text(out, ",\"frames\":[");
		for (size_t i = 0; i < packet->frame_count; i++) {
			if (i)
				ztt_buffer_char(out, ',');
			ztt_qlog_frame(out, event->version, packet,
				       &packet->frames[i]);
		}
		ztt_buffer_char(out, ']');
	}
	ztt_qlog_end(event);
}
