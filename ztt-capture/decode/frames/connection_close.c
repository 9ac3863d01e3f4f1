#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.19: 0x1c of QUIC, 0x1d of the application. */
void ztt_quic_frame_connection_close(struct ztt_bytes *payload,
				     struct ztt_quic_frame *frame)
{
	frame->code = ztt_bytes_varint(payload);
	if (frame->type == 0x1c)
		frame->frame_type = ztt_bytes_varint(payload);
	ztt_quic_frame_data(payload, frame, ztt_bytes_varint(payload));
}
