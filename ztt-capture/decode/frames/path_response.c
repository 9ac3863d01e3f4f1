#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.18. */
void ztt_quic_frame_path_response(struct ztt_bytes *payload,
				  struct ztt_quic_frame *frame)
{
	ztt_quic_frame_data(payload, frame, 8);
}
