#include "ztt-capture/decode/quic_frame.h"

/* RFC 9000 section 19.20: the type is all. */
void ztt_quic_frame_handshake_done(struct ztt_bytes *payload,
				   struct ztt_quic_frame *frame)
{
	(void)payload;
	(void)frame;
}
