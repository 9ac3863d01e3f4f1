#define _GNU_SOURCE
#include "ztt-capture/decode/http2_frame.h"

#include <stdio.h>

#include "ztt-capture/decode/bytes.h"

/* Of the SETTINGS shown, so many. */
#define SETTINGS_SHOWN_MAX 8
#define LENGTH_PLAUSIBLE (UINT32_C(1) << 20)

bool ztt_http2_frame_has_headers(const struct ztt_http2_frame *frame)
{
	return frame->type == NGHTTP2_HEADERS ||
	       frame->type == NGHTTP2_CONTINUATION ||
	       frame->type == NGHTTP2_PUSH_PROMISE;
}

/* Bytes before what a frame carries, the length of its padding among them. */
static uint32_t prefix_of(const struct ztt_http2_frame *frame)
{
	uint32_t bytes = 0;

	if (frame->type == NGHTTP2_CONTINUATION)
		return 0;
	if (frame->flags & ZTT_HTTP2_PADDED)
		bytes++;
	if (frame->type == NGHTTP2_HEADERS && frame->flags & ZTT_HTTP2_PRIORITY)
		bytes += 5;
	if (frame->type == NGHTTP2_PUSH_PROMISE)
		bytes += 4;
	return bytes;
}

/* Length, type and stream ID go together (RFC 9113, section 6). */
bool ztt_http2_frame_is_plausible(const struct ztt_http2_frame *frame)
{
	const bool on_stream = frame->stream_id != 0;

	if (frame->length > LENGTH_PLAUSIBLE)
		return false;
	switch (frame->type) {
	case NGHTTP2_DATA:
	case NGHTTP2_HEADERS:
	case NGHTTP2_PUSH_PROMISE:
	case NGHTTP2_CONTINUATION:
		return on_stream;
	case NGHTTP2_PRIORITY:
		return on_stream && frame->length == 5;
	case NGHTTP2_RST_STREAM:
		return on_stream && frame->length == 4;
	case NGHTTP2_SETTINGS:
		return !on_stream && frame->length % 6 == 0;
	case NGHTTP2_PING:
		return !on_stream && frame->length == 8;
	case NGHTTP2_GOAWAY:
		return !on_stream && frame->length >= 8;
	case NGHTTP2_WINDOW_UPDATE:
		return frame->length == 4;
	default:
		return false;
	}
}

struct ztt_http2_frame ztt_http2_frame_parse(const uint8_t *head)
{
	struct ztt_bytes bytes = ztt_bytes_of(head, ZTT_HTTP2_HEAD_BYTES);
	struct ztt_http2_frame frame = {0};

	frame.length = frame.left = (uint32_t)ztt_bytes_uint(&bytes, 3);
	frame.type = ztt_bytes_u8(&bytes);
	frame.flags = ztt_bytes_u8(&bytes);
	frame.stream_id = ztt_bytes_u32(&bytes) & 0x7fffffffu;
	if (frame.type == NGHTTP2_DATA || ztt_http2_frame_has_headers(&frame))
		frame.prefix = prefix_of(&frame);
	return frame;
}

const char *ztt_http2_type_name(uint8_t type, char out[ZTT_HTTP2_NAME_LEN])
{
	static const char *const names[] = {
		"DATA",          "HEADERS",      "PRIORITY", "RST_STREAM",
		"SETTINGS",      "PUSH_PROMISE", "PING",     "GOAWAY",
		"WINDOW_UPDATE", "CONTINUATION",
	};

	if (type < sizeof(names) / sizeof(names[0]))
		return names[type];
	snprintf(out, ZTT_HTTP2_NAME_LEN, "type 0x%02x", type);
	return out;
}

static const char *code_name(uint32_t code)
{
	static const char *const names[] = {
		"NO_ERROR",
		"PROTOCOL_ERROR",
		"INTERNAL_ERROR",
		"FLOW_CONTROL_ERROR",
		"SETTINGS_TIMEOUT",
		"STREAM_CLOSED",
		"FRAME_SIZE_ERROR",
		"REFUSED_STREAM",
		"CANCEL",
		"COMPRESSION_ERROR",
		"CONNECT_ERROR",
		"ENHANCE_YOUR_CALM",
		"INADEQUATE_SECURITY",
		"HTTP_1_1_REQUIRED",
	};

	return code < sizeof(names) / sizeof(names[0]) ? names[code]
						       : "unknown code";
}

static const char *setting_name(uint16_t id)
{
	static const char *const names[] = {
		[1] = "header_table",   [2] = "enable_push",
		[3] = "max_concurrent", [4] = "initial_window",
		[5] = "max_frame",      [6] = "max_header_list",
		[8] = "enable_connect", [9] = "no_rfc7540_priorities",
	};

	return id < sizeof(names) / sizeof(names[0]) ? names[id] : NULL;
}

static void say_settings(struct ztt_bytes *payload, struct ztt_line *line)
{
	for (int i = 0; i < SETTINGS_SHOWN_MAX; i++) {
		uint16_t id;
		uint32_t value;

		if (ztt_bytes_left(payload) < 6)
			return;
		id = ztt_bytes_u16(payload);
		value = ztt_bytes_u32(payload);
		ztt_line_add(line, i ? ", " : " ");
		if (setting_name(id))
			ztt_line_add(line, "%s %u", setting_name(id), value);
		else
			ztt_line_add(line, "0x%x %u", id, value);
	}
}

void ztt_http2_frame_say(const struct ztt_http2_frame *frame,
			 const uint8_t *payload, size_t payload_bytes,
			 struct ztt_line *line)
{
	struct ztt_bytes bytes = ztt_bytes_of(payload, payload_bytes);
	char name[ZTT_HTTP2_NAME_LEN];
	uint32_t last;

	if (!line)
		return;
	ztt_line_add(line, "%s", ztt_http2_type_name(frame->type, name));
	if (frame->stream_id || frame->type == NGHTTP2_WINDOW_UPDATE)
		ztt_line_add(line, " %u", frame->stream_id);
	switch (frame->type) {
	case NGHTTP2_SETTINGS:
	case NGHTTP2_PING:
		if (frame->flags & ZTT_HTTP2_ACK)
			ztt_line_add(line, " ack");
		else if (frame->type == NGHTTP2_SETTINGS)
			say_settings(&bytes, line);
		break;
	case NGHTTP2_WINDOW_UPDATE:
		ztt_line_add(line, " +%u", ztt_bytes_u32(&bytes) & 0x7fffffffu);
		break;
	case NGHTTP2_RST_STREAM:
		ztt_line_add(line, " %s", code_name(ztt_bytes_u32(&bytes)));
		break;
	case NGHTTP2_GOAWAY:
		last = ztt_bytes_u32(&bytes) & 0x7fffffffu;
		ztt_line_add(line, " after %u %s", last,
			     code_name(ztt_bytes_u32(&bytes)));
		break;
	default:
		break;
	}
}
