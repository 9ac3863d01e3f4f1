#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.9. */
void ztt_quic_frame_max_data(struct ztt_bytes *payload,
			     struct ztt_quic_frame *frame)
{
	frame->limit = ztt_bytes_varint(payload);
}
