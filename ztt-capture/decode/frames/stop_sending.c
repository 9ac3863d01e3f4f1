#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.5. */
void ztt_quic_frame_stop_sending(struct ztt_bytes *payload,
				 struct ztt_quic_frame *frame)
{
	frame->stream_id = ztt_bytes_varint(payload);
	frame->code = ztt_bytes_varint(payload);
}
