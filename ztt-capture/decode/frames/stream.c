#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.8. */
#define OFF_BIT 0x04
#define LEN_BIT 0x02
#define FIN_BIT 0x01

void ztt_quic_frame_stream(struct ztt_bytes *payload,
			   struct ztt_quic_frame *frame)
{
	frame->fin = frame->type & FIN_BIT;
	frame->stream_id = ztt_bytes_varint(payload);
	if (frame->type & OFF_BIT)
		frame->offset = ztt_bytes_varint(payload);
	ztt_quic_frame_data(payload, frame,
			    frame->type & LEN_BIT ? ztt_bytes_varint(payload)
						  : ztt_bytes_left(payload));
	payload->truncated |= (frame->offset + frame->length) >> 62 != 0;
}
