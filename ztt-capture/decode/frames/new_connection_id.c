#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.15: 1 to 20 bytes, and none newer is retired. */
void ztt_quic_frame_new_connection_id(struct ztt_bytes *payload,
				      struct ztt_quic_frame *frame)
{
	frame->sequence = ztt_bytes_varint(payload);
	frame->limit = ztt_bytes_varint(payload);
	ztt_quic_frame_data(payload, frame, ztt_bytes_u8(payload));
	frame->reset_token = ztt_bytes_take(payload, 16);
	payload->truncated |= frame->length < 1 || frame->length > 20 ||
			      frame->limit > frame->sequence;
}
