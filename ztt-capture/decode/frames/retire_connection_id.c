#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.16. */
void ztt_quic_frame_retire_connection_id(struct ztt_bytes *payload,
					 struct ztt_quic_frame *frame)
{
	frame->sequence = ztt_bytes_varint(payload);
}
