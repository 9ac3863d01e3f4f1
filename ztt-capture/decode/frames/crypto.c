#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.6. */
void ztt_quic_frame_crypto(struct ztt_bytes *payload,
			   struct ztt_quic_frame *frame)
{
	frame->offset = ztt_bytes_varint(payload);
	ztt_quic_frame_data(payload, frame, ztt_bytes_varint(payload));
	payload->truncated |= (frame->offset + frame->length) >> 62 != 0;
}
