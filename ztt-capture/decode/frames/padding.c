#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.1. */
void ztt_quic_frame_padding(struct ztt_bytes *payload,
			    struct ztt_quic_frame *frame)
{
	while (payload->at < payload->end && *payload->at == 0x00) {
		payload->at++;
		frame->repeats++;
	}
}
