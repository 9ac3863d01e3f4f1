#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.13. */
void ztt_quic_frame_stream_data_blocked(struct ztt_bytes *payload,
					struct ztt_quic_frame *frame)
{
	frame->stream_id = ztt_bytes_varint(payload);
	frame->limit = ztt_bytes_varint(payload);
}
