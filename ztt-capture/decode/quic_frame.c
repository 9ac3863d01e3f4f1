#include "ztt-capture/decode/quic_frame.h"

#include <errno.h>

const struct ztt_quic_frame_kind ztt_quic_frame_kinds[] = {
#define ZTT_QUIC_FRAME(id, least, most, name, ack_eliciting) \
	{least, most, name, ack_eliciting, ztt_quic_frame_##id},
#include "ztt-capture/decode/frames.def"
#undef ZTT_QUIC_FRAME
	{0},
};

static const struct ztt_quic_frame_kind *find(uint64_t type)
{
	const struct ztt_quic_frame_kind *kind = ztt_quic_frame_kinds;

	while (kind->name && type > kind->most)
		kind++;
	return kind->name && type >= kind->least ? kind : NULL;
}

void ztt_quic_frame_data(struct ztt_bytes *payload,
			 struct ztt_quic_frame *frame, uint64_t length)
{
	if (length > ztt_bytes_left(payload)) {
		payload->truncated = true;
		return;
	}
	frame->length = length;
	frame->data_bytes = (size_t)length;
	frame->data = ztt_bytes_take(payload, frame->data_bytes);
}

int ztt_quic_frame_next(struct ztt_bytes *payload,
			struct ztt_quic_frame *ret_frame)
{
	const struct ztt_quic_frame_kind *kind;

	if (ztt_bytes_left(payload) == 0)
		return 0;
	/* All but the ranges, which are 4 KiB. */
	memset(ret_frame, 0, offsetof(struct ztt_quic_frame, ack.ranges));
	ret_frame->type = ztt_bytes_varint(payload);
	ret_frame->name = "UNKNOWN";
	kind = payload->truncated ? NULL : find(ret_frame->type);
	if (!kind)
		return -EPROTO;
	ret_frame->name = kind->name;
	ret_frame->ack_eliciting = kind->ack_eliciting;
	ret_frame->repeats = 1;
	kind->decode(payload, ret_frame);
	return payload->truncated ? -EPROTO : 1;
}
