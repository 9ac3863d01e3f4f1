#define _GNU_SOURCE
#include "ztt-capture/decode/http2_frame.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-capture/decode/bytes.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define PREFACE_BYTES (sizeof(PREFACE) - 1)
#define HEADER_TABLE_BYTES 4096 /* until SETTINGS say otherwise */

enum phase {
	PHASE_START,   /* preface or SETTINGS */
	PHASE_PREFACE, /* within it */
	PHASE_FRAMES,
	PHASE_LOST,
	PHASE_OTHER, /* no HTTP/2 */
};

struct way {
	enum phase phase;
	uint8_t head[PREFACE_BYTES];
	size_t head_bytes;
	struct ztt_http2_frame frame;
	uint8_t small[ZTT_HTTP2_SMALL_BYTES];
	size_t small_bytes;
	struct ztt_http2_headers headers;
	uint32_t table_bytes; /* that it allows the other way's headers */
	uint64_t control_bytes;
};

struct ztt_http2 {
	struct ztt_http2_facts facts;
	struct way ways[2]; /* by `up` */
	struct ztt_tunnel *(*ask_tunnel)(void *owner);
	void *owner;
	struct ztt_tunnel *tunnel; /* NULL: none yet */
	uint32_t control_id;       /* 0: none yet */
};

struct input {
	struct ztt_http2 *http2;
	struct way *way, *other;
	bool up;
	struct ztt_line *line;
};

struct ztt_http2 *ztt_http2_new(struct ztt_tunnel *(*tunnel)(void *owner),
				void *owner)
{
	struct ztt_http2 *http2 = ztt_calloc(1, sizeof(*http2));

	http2->ask_tunnel = tunnel;
	http2->owner = owner;
	for (size_t i = 0; i < 2; i++) {
		ztt_http2_headers_init(&http2->ways[i].headers);
		http2->ways[i].table_bytes = HEADER_TABLE_BYTES;
	}
	return http2;
}

void ztt_http2_free(struct ztt_http2 *http2)
{
	if (!http2)
		return;
	for (size_t i = 0; i < 2; i++)
		ztt_http2_headers_lose(&http2->ways[i].headers);
	free(http2);
}

const struct ztt_http2_facts *ztt_http2_facts(const struct ztt_http2 *http2)
{
	return &http2->facts;
}

static void read_settings(struct input *input)
{
	struct way *way = input->way;
	struct ztt_bytes bytes = ztt_bytes_of(way->small, way->small_bytes);

	if (way->frame.flags & ZTT_HTTP2_ACK) {
		ztt_http2_headers_limit(&way->headers,
					input->other->table_bytes);
		return;
	}
	while (ztt_bytes_left(&bytes) >= 6) {
		const uint16_t id = ztt_bytes_u16(&bytes);
		const uint32_t value = ztt_bytes_u32(&bytes);

		if (id == NGHTTP2_SETTINGS_HEADER_TABLE_SIZE)
			way->table_bytes = value;
	}
}

static void read_goaway(struct input *input)
{
	struct ztt_bytes bytes =
		ztt_bytes_of(input->way->small, input->way->small_bytes);

	ztt_bytes_u32(&bytes);
	input->http2->facts.going_away = true;
	input->http2->facts.going_away_code = ztt_bytes_u32(&bytes);
}

/* Requests that are about the tunnel itself are no requests of its users. */
static bool is_for_users(const struct ztt_http2_headers *headers)
{
	return strcmp(headers->upgrade, "control-stream") != 0 &&
	       strcmp(headers->upgrade, "update-configuration") != 0;
}

static void end_headers(struct input *input)
{
	struct ztt_http2 *http2 = input->http2;
	struct ztt_http2_headers *headers = &input->way->headers;

	headers->open = false;
	if (!headers->inflater)
		http2->facts.unread_headers++;
	else if (headers->method[0])
		http2->facts.streams++;
	if (headers->inflater && headers->method[0] && is_for_users(headers))
		http2->facts.requests++;
	if (strcmp(headers->upgrade, "control-stream") == 0 &&
	    !http2->control_id) {
		http2->control_id = headers->stream_id;
		http2->facts.control_stream = true;
		if (http2->ask_tunnel)
			http2->tunnel = http2->ask_tunnel(http2->owner);
	}
	ztt_line_next(input->line);
	ztt_http2_headers_say(headers, input->line);
}

static void end_frame(struct input *input)
{
	struct way *way = input->way;
	const struct ztt_http2_frame *frame = &way->frame;

	way->head_bytes = 0;
	if (ztt_http2_frame_has_headers(frame)) {
		if (!(frame->flags & ZTT_HTTP2_END_HEADERS))
			return;
		ztt_http2_headers_fragment(&way->headers, (const uint8_t *)"",
					   0, true);
		end_headers(input);
		return;
	}
	if (frame->type == NGHTTP2_DATA)
		return;
	if (frame->type == NGHTTP2_SETTINGS)
		read_settings(input);
	else if (frame->type == NGHTTP2_GOAWAY)
		read_goaway(input);
	ztt_line_next(input->line);
	ztt_http2_frame_say(frame, way->small, way->small_bytes, input->line);
}

static void begin_frame(struct input *input)
{
	struct way *way = input->way;
	struct ztt_http2_frame *frame = &way->frame;
	const bool continues = way->headers.open;

	*frame = ztt_http2_frame_parse(way->head);
	input->http2->facts.frames++;
	way->small_bytes = 0;
	if (continues != (frame->type == NGHTTP2_CONTINUATION)) {
		input->http2->facts.malformed++;
		ztt_http2_headers_lose(&way->headers);
		way->headers.open = false;
	}
	if (ztt_http2_frame_has_headers(frame) && !continues)
		ztt_http2_headers_begin(&way->headers, frame);
	if (frame->type == NGHTTP2_DATA) {
		ztt_line_next(input->line);
		ztt_line_add(input->line, "DATA %u %u bytes%s",
			     frame->stream_id, frame->length,
			     frame->flags & ZTT_HTTP2_END_STREAM ? " end" : "");
	}
	if (frame->left == 0)
		end_frame(input);
}

static size_t take_head(struct input *input, const uint8_t *data,
			size_t len_bytes)
{
	struct way *way = input->way;
	size_t len = ZTT_HTTP2_HEAD_BYTES - way->head_bytes;

	if (len > len_bytes)
		len = len_bytes;
	memcpy(way->head + way->head_bytes, data, len);
	way->head_bytes += len;
	if (way->head_bytes == ZTT_HTTP2_HEAD_BYTES)
		begin_frame(input);
	return len;
}

/* Padding's length is the first byte of a padded frame. */
static void take_prefix(struct way *way, const uint8_t *data, size_t len_bytes)
{
	struct ztt_http2_frame *frame = &way->frame;

	if (len_bytes && frame->left == frame->length &&
	    frame->flags & ZTT_HTTP2_PADDED &&
	    frame->type != NGHTTP2_CONTINUATION)
		frame->padding = data[0];
}

/* What a frame carries, without prefix and padding. */
static void take_carried(struct input *input, const uint8_t *data,
			 size_t len_bytes)
{
	struct way *way = input->way;
	struct ztt_http2 *http2 = input->http2;

	if (ztt_http2_frame_has_headers(&way->frame)) {
		ztt_http2_headers_fragment(&way->headers, data, len_bytes,
					   false);
		return;
	}
	if (!http2->tunnel || !http2->control_id ||
	    way->frame.stream_id != http2->control_id)
		return;
	ztt_tunnel_control(http2->tunnel, input->up, way->control_bytes, data,
			   len_bytes, input->line);
	way->control_bytes += len_bytes;
}

static void take_small(struct way *way, const uint8_t *data, size_t len_bytes)
{
	size_t len = sizeof(way->small) - way->small_bytes;

	if (len > len_bytes)
		len = len_bytes;
	memcpy(way->small + way->small_bytes, data, len);
	way->small_bytes += len;
}

/* From `at` within the payload, `len_bytes` of it are at `data`. */
static void take_part(struct input *input, const uint8_t *data,
		      size_t len_bytes)
{
	struct ztt_http2_frame *frame = &input->way->frame;
	const uint32_t at = frame->length - frame->left;
	uint32_t end, skip = 0;

	take_prefix(input->way, data, len_bytes);
	end = frame->length > frame->padding ? frame->length - frame->padding
					     : 0;
	if (at < frame->prefix)
		skip = frame->prefix - at;
	if (skip >= len_bytes || at + skip >= end)
		return;
	len_bytes -= skip;
	if (len_bytes > end - at - skip)
		len_bytes = end - at - skip;
	take_carried(input, data + skip, len_bytes);
}

static size_t take_payload(struct input *input, const uint8_t *data,
			   size_t len_bytes)
{
	struct way *way = input->way;
	const size_t len =
		len_bytes < way->frame.left ? len_bytes : way->frame.left;

	if (way->frame.type == NGHTTP2_DATA ||
	    ztt_http2_frame_has_headers(&way->frame))
		take_part(input, data, len);
	else
		take_small(way, data, len);
	way->frame.left -= (uint32_t)len;
	if (way->frame.left == 0)
		end_frame(input);
	return len;
}

static bool begins_frames(const uint8_t *head)
{
	const struct ztt_http2_frame frame = ztt_http2_frame_parse(head);

	return frame.type == NGHTTP2_SETTINGS &&
	       ztt_http2_frame_is_plausible(&frame) &&
	       !(frame.flags & ~ZTT_HTTP2_ACK);
}

/* The client begins with its preface, the server with SETTINGS. */
static size_t take_start(struct input *input, const uint8_t *data,
			 size_t len_bytes)
{
	struct way *way = input->way;
	const size_t most = way->phase == PHASE_PREFACE ? PREFACE_BYTES
							: ZTT_HTTP2_HEAD_BYTES;
	size_t len = most - way->head_bytes;

	if (len > len_bytes)
		len = len_bytes;
	memcpy(way->head + way->head_bytes, data, len);
	way->head_bytes += len;
	if (way->head_bytes < most)
		return len;
	if (memcmp(way->head, PREFACE, most) == 0) {
		way->phase =
			most == PREFACE_BYTES ? PHASE_FRAMES : PHASE_PREFACE;
		if (way->phase == PHASE_FRAMES)
			way->head_bytes = 0;
	} else if (way->phase == PHASE_START && begins_frames(way->head)) {
		way->phase = PHASE_FRAMES;
		begin_frame(input);
	} else {
		way->phase = PHASE_OTHER;
	}
	input->http2->facts.seen |= way->phase == PHASE_FRAMES;
	return len;
}

static void look_for_frames(struct input *input, const uint8_t *data,
			    size_t len_bytes)
{
	struct ztt_http2_frame frame;

	if (len_bytes < ZTT_HTTP2_HEAD_BYTES)
		return;
	frame = ztt_http2_frame_parse(data);
	if (ztt_http2_frame_is_plausible(&frame))
		input->way->phase = PHASE_FRAMES;
}

void ztt_http2_data(struct ztt_http2 *http2, bool up, const uint8_t *data,
		    size_t len_bytes, struct ztt_line *line)
{
	struct way *way = &http2->ways[up];
	struct input input = {http2, way, &http2->ways[!up], up, line};

	if (way->phase == PHASE_LOST)
		look_for_frames(&input, data, len_bytes);
	while (len_bytes && way->phase < PHASE_LOST) {
		size_t taken;

		if (way->phase != PHASE_FRAMES)
			taken = take_start(&input, data, len_bytes);
		else if (way->head_bytes < ZTT_HTTP2_HEAD_BYTES)
			taken = take_head(&input, data, len_bytes);
		else
			taken = take_payload(&input, data, len_bytes);
		data += taken;
		len_bytes -= taken;
	}
}

void ztt_http2_gap(struct ztt_http2 *http2, bool up, uint64_t len_bytes)
{
	struct way *way = &http2->ways[up];
	struct input input = {http2, way, &http2->ways[!up], up, NULL};

	if (way->phase == PHASE_OTHER)
		return;
	if (way->phase == PHASE_FRAMES && len_bytes &&
	    way->head_bytes == ZTT_HTTP2_HEAD_BYTES &&
	    way->frame.type == NGHTTP2_DATA && len_bytes <= way->frame.left) {
		if (way->frame.stream_id == http2->control_id)
			way->control_bytes += len_bytes;
		way->frame.left -= (uint32_t)len_bytes;
		if (way->frame.left == 0)
			end_frame(&input);
		return;
	}
	way->phase = PHASE_LOST;
	way->head_bytes = 0;
	way->headers.open = false;
	ztt_http2_headers_lose(&way->headers);
}
