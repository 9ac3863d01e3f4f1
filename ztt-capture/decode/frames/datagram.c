#include "ztt-capture/decode/quic_frame.h"

/* RFC 9221 section 4. */
#define LEN_BIT 0x01

void ztt_quic_frame_datagram(struct ztt_bytes *payload,
			     struct ztt_quic_frame *frame)
{
	ztt_quic_frame_data(payload, frame,
			    frame->type & LEN_BIT ? ztt_bytes_varint(payload)
						  : ztt_bytes_left(payload));
}
