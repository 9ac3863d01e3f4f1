/* Where on the host a frame was seen: a capture on all interfaces shows a
 * packet once at each that it passes. */
#ifndef ZTT_CAPTURE_INTERFACE_H
#define ZTT_CAPTURE_INTERFACE_H

#include "ztt-capture/decode/bytes.h"
#include "ztt-capture/source/source.h"

/* The kernel's index from a cooked (v2) header, else the file's. */
static inline uint32_t ztt_frame_interface(const struct ztt_frame *frame)
{
	struct ztt_bytes bytes =
		ztt_bytes_of(frame->data, frame->captured_bytes);

	if (frame->link != ZTT_LINK_LINUX_SLL2)
		return frame->interface;
	ztt_bytes_take(&bytes, 4);
	return ztt_bytes_u32(&bytes);
}

#endif
