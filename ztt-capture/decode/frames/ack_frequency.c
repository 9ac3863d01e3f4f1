#include "ztt-capture/decode/quic_frame.h"

/* draft-ietf-quic-ack-frequency section 4. */
void ztt_quic_frame_ack_frequency(struct ztt_bytes *payload,
				  struct ztt_quic_frame *frame)
{
	frame->sequence = ztt_bytes_varint(payload);
	frame->limit = ztt_bytes_varint(payload);
	frame->delay_us = ztt_bytes_varint(payload);
	frame->reordering = ztt_bytes_varint(payload);
}
