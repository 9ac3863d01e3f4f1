#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.3. */
static void keep(struct ztt_quic_frame *frame, uint64_t least, uint64_t most)
{
	if (frame->ack.range_count == ZTT_ACK_RANGES_MAX)
		frame->ack.ranges_left_out++;
	else
		frame->ack.ranges[frame->ack.range_count++] =
			(struct ztt_ack_range){least, most};
}

void ztt_quic_frame_ack(struct ztt_bytes *payload, struct ztt_quic_frame *frame)
{
	uint64_t most = ztt_bytes_varint(payload), more, length, gap;

	frame->ack.delay = ztt_bytes_varint(payload);
	more = ztt_bytes_varint(payload);
	length = ztt_bytes_varint(payload);
	while (!payload->truncated && length <= most) {
		keep(frame, most - length, most);
		if (more-- == 0)
			break;
		gap = ztt_bytes_varint(payload) + 2;
		payload->truncated |= gap > most - length;
		most -= length + gap;
		length = ztt_bytes_varint(payload);
	}
	payload->truncated |= length > most;
	frame->ack.has_ecn = frame->type == 0x03;
	if (!frame->ack.has_ecn)
		return;
	frame->ack.ect0 = ztt_bytes_varint(payload);
	frame->ack.ect1 = ztt_bytes_varint(payload);
	frame->ack.ce = ztt_bytes_varint(payload);
}
