#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.11: at most 2^60 streams can be told apart. */
void ztt_quic_frame_max_streams(struct ztt_bytes *payload,
				struct ztt_quic_frame *frame)
{
	frame->limit = ztt_bytes_varint(payload);
	payload->truncated |= frame->limit > UINT64_C(1) << 60;
}
