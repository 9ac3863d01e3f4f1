#include "ztt-capture/report/lines.h"

#include <time.h>

#include "ztt-capture/report/report.h"
#include "ztt-capture/report/report_frame.h"

#define NS_PER_S 1000000000
#define LABEL_WIDTH 26
#define TOKEN_SHOWN 32

/* A line "    name   " that its value is to follow. */
static void label(struct ztt_buffer *out, unsigned depth, const char *name)
{
	size_t start = out->len_bytes;

	for (unsigned i = 0; i < depth; i++)
		ztt_buffer_text(out, "  ");
	ztt_buffer_text(out, name);
	ztt_buffer_left(out, start, LABEL_WIDTH);
}

static void end(struct ztt_buffer *out)
{
	ztt_buffer_char(out, '\n');
}

static void line_text(struct ztt_buffer *out, unsigned depth, const char *name,
		      const char *text)
{
	label(out, depth, name);
	ztt_buffer_text(out, text);
	end(out);
}

static void line_uint(struct ztt_buffer *out, unsigned depth, const char *name,
		      uint64_t value)
{
	label(out, depth, name);
	ztt_buffer_uint(out, value);
	end(out);
}

static void line_hex(struct ztt_buffer *out, unsigned depth, const char *name,
		     const uint8_t *bytes, size_t len_bytes, size_t shown_most)
{
	label(out, depth, name);
	ztt_buffer_uint(out, len_bytes);
	ztt_buffer_text(out, " bytes");
	if (bytes && len_bytes) {
		ztt_buffer_text(out, ": ");
		ztt_buffer_hex(out, bytes,
			       len_bytes < shown_most ? len_bytes : shown_most);
	}
	if (len_bytes > shown_most)
		ztt_buffer_text(out, "...");
	end(out);
}

static void line_code(struct ztt_buffer *out, unsigned depth, const char *name,
		      uint64_t code)
{
	label(out, depth, name);
	ztt_buffer_hex_uint(out, code);
	end(out);
}

static void put_frame_head(struct ztt_buffer *out,
			   const struct ztt_frame *frame, int64_t since_ns)
{
	time_t at_s = (time_t)(frame->at_ns / NS_PER_S);
	int64_t rest_ns = frame->at_ns % NS_PER_S;
	char text[64];
	struct tm tm;

	if (rest_ns < 0) {
		rest_ns += NS_PER_S;
		at_s--;
	}
	ztt_buffer_text(out, "frame ");
	ztt_buffer_uint(out, frame->number);
	ztt_buffer_text(out, ": ");
	if (gmtime_r(&at_s, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm)) {
		ztt_buffer_text(out, text);
		snprintf(text, sizeof(text), ".%09d", (int)rest_ns);
		ztt_buffer_text(out, text);
		ztt_buffer_text(out, " UTC, ");
	}
	ztt_buffer_fixed(out, since_ns, 9);
	ztt_buffer_text(out, " s\n");
	label(out, 1, "captured");
	ztt_buffer_uint(out, frame->captured_bytes);
	ztt_buffer_text(out, " of ");
	ztt_buffer_uint(out, frame->length_bytes);
	ztt_buffer_text(out, " bytes\n");
}

static void put_datagram(struct ztt_buffer *out,
			 const struct ztt_packet *packet)
{
	static const char *const ecn[] = {"Not-ECT", "ECT(1)", "ECT(0)", "CE"};
	const struct ztt_datagram *datagram = packet->datagram;
	char text[ZTT_ENDPOINT_LEN];

	ztt_buffer_text(out, datagram->protocol == 6 ? "  TCP " : "  UDP ");
	ztt_buffer_text(out, ztt_endpoint_text(&datagram->from, text));
	ztt_buffer_text(out, " > ");
	ztt_buffer_text(out, ztt_endpoint_text(&datagram->to, text));
	end(out);
	line_uint(out, 2, "payload bytes", datagram->payload_whole_bytes);
	if (datagram->cut)
		line_uint(out, 2, "captured of them", datagram->payload_bytes);
	line_uint(out, 2, "TTL", datagram->ttl);
	line_text(out, 2, "ECN", ecn[datagram->ecn & 3]);
	if (packet->segments > 1) {
		label(out, 2, "segment");
		ztt_buffer_uint(out, packet->segment + 1);
		ztt_buffer_text(out, " of ");
		ztt_buffer_uint(out, packet->segments);
		ztt_buffer_text(out, packet->inferred
					     ? ", inferred\n"
					     : ", as the capture says\n");
	}
	if (datagram->protocol == 6) {
		line_uint(out, 2, "sequence", datagram->sequence);
		line_uint(out, 2, "acknowledgement", datagram->acknowledgement);
		line_uint(out, 2, "window", datagram->window);
	}
}

static void put_cid(struct ztt_buffer *out, const char *name,
		    const struct ztt_cid *cid)
{
	label(out, 2, name);
	if (cid->len_bytes)
		ztt_buffer_hex(out, cid->data, cid->len_bytes);
	else
		ztt_buffer_text(out, "none");
	end(out);
}

static void put_header(struct ztt_buffer *out, const struct ztt_packet *packet)
{
	const struct ztt_quic_header *header = packet->header;
	char version[ZTT_VERSION_LEN];

	ztt_buffer_text(out, "  QUIC ");
	ztt_buffer_text(out, ztt_packet_type_name(header->type));
	end(out);
	line_uint(out, 2, "bytes", header->packet_bytes);
	if (header->type != ZTT_PACKET_1RTT &&
	    header->type != ZTT_PACKET_STATELESS_RESET) {
		line_text(out, 2, "version",
			  ztt_quic_version_text(header->version, version));
		put_cid(out, "source ID", &header->scid);
	}
	if (header->type != ZTT_PACKET_STATELESS_RESET)
		put_cid(out, "destination ID", &header->dcid);
	if (header->token_bytes)
		line_hex(out, 2, "token", header->token, header->token_bytes,
			 TOKEN_SHOWN);
}

static void put_opened(struct ztt_buffer *out, const struct ztt_packet *packet)
{
	const struct ztt_quic_opened *opened = packet->opened;

	line_uint(out, 2, "packet number", opened->number);
	line_uint(out, 2, "content bytes", opened->payload_bytes);
	if (packet->header->type != ZTT_PACKET_1RTT)
		return;
	line_uint(out, 2, "key phase", opened->key_phase);
	line_uint(out, 2, "key updates before", opened->generation);
	line_uint(out, 2, "spin bit", opened->spin);
}

static void put_ack(struct ztt_buffer *out, const struct ztt_quic_frame *frame)
{
	line_uint(out, 3, "delay, not scaled", frame->ack.delay);
	label(out, 3, "acknowledged");
	for (size_t i = 0; i < frame->ack.range_count; i++) {
		ztt_buffer_text(out, i ? ", " : "");
		ztt_buffer_uint(out, frame->ack.ranges[i].least);
		ztt_buffer_char(out, '-');
		ztt_buffer_uint(out, frame->ack.ranges[i].most);
	}
	if (frame->ack.ranges_left_out) {
		ztt_buffer_text(out, ", and more: ");
		ztt_buffer_uint(out, frame->ack.ranges_left_out);
	}
	end(out);
	if (!frame->ack.has_ecn)
		return;
	line_uint(out, 3, "ECT(0)", frame->ack.ect0);
	line_uint(out, 3, "ECT(1)", frame->ack.ect1);
	line_uint(out, 3, "CE", frame->ack.ce);
}

static void put_reason(struct ztt_buffer *out,
		       const struct ztt_quic_frame *frame)
{
	label(out, 3, "reason");
	ztt_buffer_char(out, '"');
	ztt_buffer_plain(out, frame->data, frame->data_bytes);
	ztt_buffer_text(out, "\"\n");
}

static void put_stream(struct ztt_buffer *out,
		       const struct ztt_quic_frame *frame, unsigned shown)
{
	static const char *const kinds[] = {"client, bidirectional",
					    "server, bidirectional",
					    "client, unidirectional",
					    "server, unidirectional"};

	if (shown & ZTT_SHOWN_STREAM) {
		line_uint(out, 3, "stream", frame->stream_id);
		line_text(out, 3, "opened by", kinds[frame->stream_id & 3]);
	}
	if (shown & ZTT_SHOWN_KIND)
		line_text(out, 3, "streams",
			  frame->type & 1 ? "unidirectional" : "bidirectional");
	if (shown & ZTT_SHOWN_OFFSET)
		line_uint(out, 3, "offset", frame->offset);
	if (shown & ZTT_SHOWN_LENGTH)
		line_hex(out, 3, "data", NULL, frame->data_bytes, SIZE_MAX);
	if (shown & ZTT_SHOWN_FIN)
		line_text(out, 3, "FIN", frame->fin ? "yes" : "no");
	if (shown & ZTT_SHOWN_FINAL)
		line_uint(out, 3, "final size", frame->length);
}

static void put_rest(struct ztt_buffer *out, const struct ztt_quic_frame *frame,
		     unsigned shown)
{
	if (shown & ZTT_SHOWN_REPEATS)
		line_uint(out, 3, "in a row", frame->repeats);
	if (shown & ZTT_SHOWN_SEQUENCE)
		line_uint(out, 3, "sequence", frame->sequence);
	if (shown & ZTT_SHOWN_RETIRE)
		line_uint(out, 3, "retire prior to", frame->limit);
	if (shown & (ZTT_SHOWN_MAXIMUM | ZTT_SHOWN_LIMIT))
		line_uint(out, 3,
			  shown & ZTT_SHOWN_MAXIMUM ? "maximum" : "limit",
			  frame->limit);
	if (shown & (ZTT_SHOWN_CID | ZTT_SHOWN_DATA))
		line_hex(out, 3,
			 shown & ZTT_SHOWN_CID ? "connection ID" : "data",
			 frame->data, frame->data_bytes, ZTT_LINES_HEX_MAX);
	if (shown & ZTT_SHOWN_CODE)
		line_code(out, 3, "code", frame->code);
	if (shown & ZTT_SHOWN_CAUSE)
		line_code(out, 3, "caused by frame", frame->frame_type);
	if (shown & ZTT_SHOWN_REASON)
		put_reason(out, frame);
}

static void put_frame(struct ztt_buffer *out,
		      const struct ztt_quic_frame *frame)
{
	unsigned shown = ztt_frame_shape(frame->type)->shown;

	ztt_buffer_text(out, "    ");
	ztt_buffer_text(out, frame->name ? frame->name : "UNKNOWN");
	ztt_buffer_text(out, " (type ");
	ztt_buffer_hex_uint(out, frame->type);
	ztt_buffer_text(out, ")\n");
	if (shown & ZTT_SHOWN_ACK)
		put_ack(out, frame);
	put_stream(out, frame, shown);
	put_rest(out, frame, shown);
}

static void put_wireguard(struct ztt_buffer *out,
			  const struct ztt_packet *packet)
{
	ztt_buffer_text(out, "  WireGuard ");
	ztt_lines_put_type(out, packet);
	end(out);
	if (packet->wg_type == 1 || packet->wg_type == 2)
		line_code(out, 2, "sender", packet->wg_sender);
	if (packet->wg_type != 1)
		line_code(out, 2, "receiver", packet->wg_receiver);
	if (packet->wg_type == 4)
		line_uint(out, 2, "counter", packet->wg_counter);
}

static void put_quic(struct ztt_buffer *out, const struct ztt_packet *packet)
{
	put_header(out, packet);
	if (packet->opened)
		put_opened(out, packet);
	else if (ztt_lines_is_protected(packet))
		line_text(out, 2, "not opened", ztt_why_text(packet->why));
	for (size_t i = 0; i < packet->frame_count; i++)
		put_frame(out, &packet->frames[i]);
	if (packet->frames_left_out)
		line_uint(out, 2, "further frames", packet->frames_left_out);
}

void ztt_lines_put_tree(struct ztt_buffer *out, const struct ztt_packet *packet,
			int64_t since_ns)
{
	put_frame_head(out, packet->frame, since_ns);
	put_datagram(out, packet);
	if (packet->connection) {
		label(out, 1, "connection");
		ztt_buffer_uint(out, packet->connection->number);
		ztt_buffer_text(out, packet->up ? ", from the client\n"
						: ", from the server\n");
	}
	if (packet->protocol == ZTT_PROTOCOL_QUIC && packet->header)
		put_quic(out, packet);
	else if (packet->protocol == ZTT_PROTOCOL_WIREGUARD)
		put_wireguard(out, packet);
	if (packet->info && packet->info[0]) {
		label(out, 1, "within");
		ztt_buffer_plain(out, packet->info, strlen(packet->info));
		end(out);
	}
	end(out);
}
