#include "ztt-capture/report/qlog_event.h"

#include "ztt-capture/report/report_frame.h"

#define EXPONENT_PRESET 3 /* RFC 9000 section 18.2 */
#define EXPONENT_MAX 20

/* Initial and Handshake packets use the preset (section 19.3). */
static unsigned ack_exponent(const struct ztt_packet *packet)
{
	const struct ztt_connection *at = packet->connection;
	const struct ztt_hello *hello =
		packet->up ? &at->client_hello : &at->server_hello;
	bool known = packet->up ? at->has_client_hello : at->has_server_hello;

	if (!known || packet->header->type != ZTT_PACKET_1RTT ||
	    !hello->parameters.present ||
	    hello->parameters.ack_delay_exponent > EXPONENT_MAX)
		return EXPONENT_PRESET;
	return (unsigned)hello->parameters.ack_delay_exponent;
}

static void put_ack(struct ztt_buffer *out, const struct ztt_packet *packet,
		    const struct ztt_quic_frame *frame)
{
	uint64_t delay_us = frame->ack.delay;
	unsigned exponent = ack_exponent(packet);

	if (delay_us <= (uint64_t)INT64_MAX >> exponent) {
		ztt_qlog_key(out, "ack_delay");
		ztt_buffer_fixed(out, (int64_t)(delay_us << exponent), 3);
	}
	ztt_qlog_key(out, "acked_ranges");
	ztt_buffer_char(out, '[');
	for (size_t i = 0; i < frame->ack.range_count; i++) {
		const struct ztt_ack_range *range = &frame->ack.ranges[i];

		ztt_buffer_text(out, i ? ",[" : "[");
		ztt_buffer_uint(out, range->least);
		if (range->most != range->least) {
			ztt_buffer_char(out, ',');
			ztt_buffer_uint(out, range->most);
		}
		ztt_buffer_char(out, ']');
	}
	ztt_buffer_char(out, ']');
	if (!frame->ack.has_ecn)
		return;
	ztt_qlog_uint(out, "ect1", frame->ack.ect1);
	ztt_qlog_uint(out, "ect0", frame->ack.ect0);
	ztt_qlog_uint(out, "ce", frame->ack.ce);
}

/* 0.3 has its lengths in the frame, later drafts in `raw`. */
static void put_length(struct ztt_buffer *out, enum ztt_qlog_version version,
		       const char *key, uint64_t value)
{
	if (version == ZTT_QLOG_03) {
		ztt_qlog_uint(out, key, value);
		return;
	}
	ztt_qlog_key(out, "raw");
	ztt_buffer_char(out, '{');
	ztt_qlog_uint(out, key, value);
	ztt_buffer_char(out, '}');
}

static void put_token(struct ztt_buffer *out, enum ztt_qlog_version version,
		      const struct ztt_quic_frame *frame)
{
	ztt_qlog_key(out, "token");
	ztt_buffer_char(out, '{');
	ztt_qlog_word(out, "type", "resumption");
	put_length(out, version, "length", frame->data_bytes);
	ztt_buffer_char(out, '}');
}

static void put_error(struct ztt_buffer *out, enum ztt_qlog_version version,
		      const struct ztt_quic_frame *frame)
{
	char text[ZTT_QLOG_ERROR_LEN];
	const char *name = frame->type == 0x1c
				   ? ztt_qlog_transport_error(frame->code, text)
				   : NULL;

	if (frame->type == 0x1c || frame->type == 0x1d)
		ztt_qlog_word(out, "error_space",
			      frame->type == 0x1c ? "transport"
						  : "application");
	if (version != ZTT_QLOG_03)
		ztt_qlog_word(out, "error", name ? name : "unknown");
	else if (name)
		ztt_qlog_word(out, "error_code", name);
	if (version == ZTT_QLOG_03 && name)
		ztt_qlog_uint(out, "raw_error_code", frame->code);
	else if (!name)
		ztt_qlog_uint(out, "error_code", frame->code);
}

static void put_data(struct ztt_buffer *out, enum ztt_qlog_version version,
		     const struct ztt_quic_frame *frame, unsigned shown)
{
	if (frame->type == 0x07)
		put_token(out, version, frame);
	else if (shown & ZTT_SHOWN_LENGTH)
		put_length(out, version, "length", frame->data_bytes);
	if (shown & ZTT_SHOWN_CID) {
		ztt_qlog_uint(out, "connection_id_length", frame->data_bytes);
		ztt_qlog_hex(out, "connection_id", frame->data,
			     frame->data_bytes);
	}
	if (shown & ZTT_SHOWN_DATA)
		ztt_qlog_hex(out, "data", frame->data, frame->data_bytes);
	if (shown & ZTT_SHOWN_CODE)
		put_error(out, version, frame);
	if (shown & ZTT_SHOWN_REASON) {
		ztt_qlog_key(out, "reason");
		ztt_buffer_json(out, frame->data, frame->data_bytes);
	}
	if (shown & ZTT_SHOWN_CAUSE && frame->frame_type)
		ztt_qlog_uint(out, "trigger_frame_type", frame->frame_type);
}

static void put_numbers(struct ztt_buffer *out,
			const struct ztt_quic_frame *frame, unsigned shown)
{
	if (shown & ZTT_SHOWN_STREAM)
		ztt_qlog_uint(out, "stream_id", frame->stream_id);
	if (shown & ZTT_SHOWN_KIND)
		ztt_qlog_word(out, "stream_type",
			      frame->type & 1 ? "unidirectional"
					      : "bidirectional");
	if (shown & ZTT_SHOWN_SEQUENCE)
		ztt_qlog_uint(out, "sequence_number", frame->sequence);
	if (shown & ZTT_SHOWN_RETIRE)
		ztt_qlog_uint(out, "retire_prior_to", frame->limit);
	if (shown & ZTT_SHOWN_OFFSET)
		ztt_qlog_uint(out, "offset", frame->offset);
	if (shown & ZTT_SHOWN_FIN && frame->fin) {
		ztt_qlog_key(out, "fin");
		ztt_buffer_text(out, "true");
	}
	if (shown & ZTT_SHOWN_MAXIMUM)
		ztt_qlog_uint(out, "maximum", frame->limit);
	if (shown & ZTT_SHOWN_LIMIT)
		ztt_qlog_uint(out, "limit", frame->limit);
	if (shown & ZTT_SHOWN_FINAL)
		ztt_qlog_uint(out, "final_size", frame->length);
}

void ztt_qlog_frame(struct ztt_buffer *out, enum ztt_qlog_version version,
		    const struct ztt_packet *packet,
		    const struct ztt_quic_frame *frame)
{
	const struct ztt_frame_shape *shape = ztt_frame_shape(frame->type);

	ztt_buffer_char(out, '{');
	ztt_qlog_word(out, "frame_type", shape->qlog);
	if (strcmp(shape->qlog, "unknown") == 0) {
		ztt_qlog_uint(out,
			      version == ZTT_QLOG_03 ? "raw_frame_type"
						     : "frame_type_bytes",
			      frame->type);
		ztt_buffer_char(out, '}');
		return;
	}
	if (shape->shown & ZTT_SHOWN_ACK)
		put_ack(out, packet, frame);
	if (frame->type == 0)
		put_length(out, version, "payload_length", frame->repeats);
	put_numbers(out, frame, shape->shown);
	put_data(out, version, frame, shape->shown);
	ztt_buffer_char(out, '}');
}
