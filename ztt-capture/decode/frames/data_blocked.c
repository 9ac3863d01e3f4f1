#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.12. */
void ztt_quic_frame_data_blocked(struct ztt_bytes *payload,
				 struct ztt_quic_frame *frame)
{
	frame->limit = ztt_bytes_varint(payload);
}
