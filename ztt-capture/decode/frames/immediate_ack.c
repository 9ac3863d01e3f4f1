#include "ztt-capture/decode/quic_frame.h"

/* draft-ietf-quic-ack-frequency section 5: the type is all. */
void ztt_quic_frame_immediate_ack(struct ztt_bytes *payload,
				  struct ztt_quic_frame *frame)
{
	(void)payload;
	(void)frame;
}
