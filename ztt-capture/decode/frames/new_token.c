#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.7: no empty token. */
void ztt_quic_frame_new_token(struct ztt_bytes *payload,
			      struct ztt_quic_frame *frame)
{
	ztt_quic_frame_data(payload, frame, ztt_bytes_varint(payload));
	payload->truncated |= frame->length == 0;
}
