#include "ztt-capture/report/lines.h"

#include "ztt-capture/report/report_frame.h"

#define RANGES_SHOWN 4
#define REASON_SHOWN 60

static void put_ranges(struct ztt_buffer *out,
		       const struct ztt_quic_frame *frame)
{
	size_t count = frame->ack.range_count;
	size_t left = frame->ack.ranges_left_out;

	for (size_t i = 0; i < count && i < RANGES_SHOWN; i++) {
		const struct ztt_ack_range *range = &frame->ack.ranges[i];

		ztt_buffer_char(out, ' ');
		ztt_buffer_uint(out, range->least);
		if (range->most > range->least) {
			ztt_buffer_char(out, '-');
			ztt_buffer_uint(out, range->most);
		}
	}
	if (count > RANGES_SHOWN)
		left += count - RANGES_SHOWN;
	if (left) {
		ztt_buffer_text(out, " and ");
		ztt_buffer_uint(out, left);
		ztt_buffer_text(out, " more");
	}
	if (frame->ack.has_ecn && frame->ack.ce) {
		ztt_buffer_text(out, " CE ");
		ztt_buffer_uint(out, frame->ack.ce);
	}
}

static void put_figure(struct ztt_buffer *out, const char *before,
		       uint64_t value)
{
	ztt_buffer_text(out, before);
	ztt_buffer_uint(out, value);
}

static void put_bytes(struct ztt_buffer *out,
		      const struct ztt_quic_frame *frame)
{
	size_t len = frame->data_bytes < ZTT_LINES_HEX_MAX ? frame->data_bytes
							   : ZTT_LINES_HEX_MAX;

	ztt_buffer_char(out, ' ');
	ztt_buffer_hex(out, frame->data, frame->data ? len : 0);
}

static void put_close(struct ztt_buffer *out,
		      const struct ztt_quic_frame *frame, unsigned shown)
{
	if (frame->type == 0x1d)
		ztt_buffer_text(out, " application");
	if (shown & ZTT_SHOWN_CODE) {
		ztt_buffer_text(out, " code ");
		ztt_buffer_hex_uint(out, frame->code);
	}
	if (shown & ZTT_SHOWN_REASON && frame->data_bytes) {
		ztt_buffer_text(out, " \"");
		ztt_buffer_plain(out, frame->data,
				 frame->data_bytes < REASON_SHOWN
					 ? frame->data_bytes
					 : REASON_SHOWN);
		ztt_buffer_char(out, '"');
	}
}

static void put_numbers(struct ztt_buffer *out,
			const struct ztt_quic_frame *frame, unsigned shown)
{
	if (shown & ZTT_SHOWN_STREAM)
		put_figure(out, " ", frame->stream_id);
	if (shown & ZTT_SHOWN_KIND)
		ztt_buffer_text(out, frame->type & 1 ? " uni" : " bidi");
	if (shown & ZTT_SHOWN_SEQUENCE)
		put_figure(out, " ", frame->sequence);
	if (shown & ZTT_SHOWN_OFFSET)
		put_figure(out, " @", frame->offset);
	if (shown & ZTT_SHOWN_LENGTH)
		put_figure(out, " +", frame->data_bytes);
	if (shown & ZTT_SHOWN_FIN && frame->fin)
		ztt_buffer_text(out, " FIN");
	if (shown & (ZTT_SHOWN_MAXIMUM | ZTT_SHOWN_LIMIT))
		put_figure(out, " ", frame->limit);
	if (shown & ZTT_SHOWN_FINAL)
		put_figure(out, " final ", frame->length);
}

void ztt_lines_put_frame(struct ztt_buffer *out,
			 const struct ztt_quic_frame *frame)
{
	const struct ztt_frame_shape *shape = ztt_frame_shape(frame->type);
	unsigned shown = shape->shown;

	if (!frame->name) {
		ztt_buffer_text(out, "UNKNOWN ");
		ztt_buffer_hex_uint(out, frame->type);
		return;
	}
	ztt_buffer_text(out, frame->name);
	if (shown & ZTT_SHOWN_ACK)
		put_ranges(out, frame);
	if (shown & ZTT_SHOWN_REPEATS && frame->repeats > 1)
		put_figure(out, " x", frame->repeats);
	put_numbers(out, frame, shown);
	if (shown & (ZTT_SHOWN_CID | ZTT_SHOWN_DATA))
		put_bytes(out, frame);
	if (shown & (ZTT_SHOWN_CODE | ZTT_SHOWN_REASON))
		put_close(out, frame, shown);
}
