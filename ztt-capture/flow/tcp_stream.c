#define _GNU_SOURCE
#include "ztt-capture/flow/tcp_stream.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"

#define WINDOW_BYTES_LEAST 16384
/* Frames of several processors come out of order by so many. */
#define PATIENCE_SEGMENTS 16

uint64_t ztt_tcp_first(uint32_t sequence)
{
	return UINT64_C(0x100000000) + sequence;
}

uint64_t ztt_tcp_unwrap(uint64_t near, uint32_t sequence)
{
	return near + (uint64_t)(int64_t)(int32_t)(sequence - (uint32_t)near);
}

static void give(struct ztt_tcp_stream *stream, const uint8_t *data,
		 size_t len_bytes)
{
	if (len_bytes == 0)
		return;
	stream->next += len_bytes;
	stream->data(stream->owner, data, len_bytes);
}

static void pass_over(struct ztt_tcp_stream *stream, uint64_t to)
{
	const uint64_t len = to - stream->next;

	if (to <= stream->next)
		return;
	stream->gaps++;
	stream->gap_bytes += len;
	stream->next = to;
	stream->gap(stream->owner, len);
}

static void remove_held(struct ztt_tcp_stream *stream, size_t at, size_t count)
{
	stream->held_count -= count;
	memmove(stream->held + at, stream->held + at + count,
		(stream->held_count - at) * sizeof(stream->held[0]));
}

/* Gives what is held and has come to be next. */
static void give_held(struct ztt_tcp_stream *stream)
{
	while (stream->held_count && stream->held[0].from <= stream->next) {
		const uint64_t to = stream->held[0].to;

		remove_held(stream, 0, 1);
		if (to > stream->next)
			give(stream,
			     stream->window + (stream->next - stream->base),
			     (size_t)(to - stream->next));
	}
}

static void pass_first_gap(struct ztt_tcp_stream *stream)
{
	pass_over(stream, stream->held[0].from);
	give_held(stream);
	stream->waited = 0;
}

static bool grow(struct ztt_tcp_stream *stream, size_t cap_bytes)
{
	if (stream->reserve &&
	    !stream->reserve(stream->owner,
			     (long)(cap_bytes - stream->window_bytes)))
		return false;
	stream->window = ztt_realloc(stream->window, cap_bytes);
	stream->window_bytes = cap_bytes;
	return true;
}

/* Makes room for bytes up to `to`, which is no further from `next` than
 * ZTT_TCP_HELD_BYTES_MAX. False: there is no memory for it. */
static bool make_room(struct ztt_tcp_stream *stream, uint64_t to)
{
	size_t cap = stream->window_bytes;

	if (stream->held_count == 0)
		stream->base = stream->next;
	if (to - stream->base > ZTT_TCP_HELD_BYTES_MAX) {
		const size_t done = (size_t)(stream->next - stream->base);

		memmove(stream->window, stream->window + done,
			stream->window_bytes - done);
		stream->base = stream->next;
	}
	while (cap < to - stream->base)
		cap = cap ? 2 * cap : WINDOW_BYTES_LEAST;
	return cap == stream->window_bytes || grow(stream, cap);
}

/* Adds a range, joined with those that it touches. There is room for one more. */
static void add_range(struct ztt_tcp_stream *stream, uint64_t from, uint64_t to)
{
	size_t at = 0, end;

	while (at < stream->held_count && stream->held[at].to < from)
		at++;
	end = at;
	while (end < stream->held_count && stream->held[end].from <= to) {
		if (stream->held[end].from < from)
			from = stream->held[end].from;
		if (stream->held[end].to > to)
			to = stream->held[end].to;
		end++;
	}
	if (end == at) {
		memmove(stream->held + at + 1, stream->held + at,
			(stream->held_count - at) * sizeof(stream->held[0]));
		stream->held_count++;
	} else {
		remove_held(stream, at + 1, end - at - 1);
	}
	stream->held[at] = (struct ztt_tcp_range){from, to};
}

static bool hold(struct ztt_tcp_stream *stream, uint64_t from,
		 const uint8_t *data, size_t len_bytes)
{
	if (!make_room(stream, from + len_bytes))
		return false;
	memcpy(stream->window + (from - stream->base), data, len_bytes);
	add_range(stream, from, from + len_bytes);
	return true;
}

static bool is_full(const struct ztt_tcp_stream *stream, uint64_t to)
{
	return to - stream->next > ZTT_TCP_HELD_BYTES_MAX ||
	       stream->held_count == ZTT_TCP_HELD_MAX;
}

/* Gives up gaps until a piece that comes past one can be held. */
static void give_up_for(struct ztt_tcp_stream *stream, uint64_t from,
			uint64_t to)
{
	while (stream->next < from && is_full(stream, to)) {
		if (stream->held_count && stream->held[0].from < from)
			pass_first_gap(stream);
		else
			pass_over(stream, from);
	}
}

static void wait_for_gap(struct ztt_tcp_stream *stream)
{
	if (stream->held_count == 0 ||
	    stream->held[0].from > stream->acknowledged) {
		stream->waited = 0;
		return;
	}
	if (++stream->waited > PATIENCE_SEGMENTS)
		pass_first_gap(stream);
}

static void take(struct ztt_tcp_stream *stream, uint64_t from,
		 const uint8_t *data, size_t len_bytes)
{
	const uint64_t to = from + len_bytes;

	if (from > stream->next)
		give_up_for(stream, from, to);
	if (from > stream->next && hold(stream, from, data, len_bytes))
		return;
	while (from > stream->next && stream->held_count &&
	       stream->held[0].from < from)
		pass_first_gap(stream);
	pass_over(stream, from);
	if (to <= stream->next)
		return;
	give(stream, data + (stream->next - from), (size_t)(to - stream->next));
	give_held(stream);
	stream->waited = 0;
}

void ztt_tcp_stream_segment(struct ztt_tcp_stream *stream, uint64_t from,
			    const uint8_t *data, size_t len_bytes,
			    size_t missing_bytes)
{
	if (!stream->begun) {
		stream->begun = true;
		stream->next = from;
	}
	if (len_bytes)
		take(stream, from, data, len_bytes);
	if (missing_bytes && stream->held_count == 0 &&
	    from + len_bytes == stream->next)
		pass_over(stream, from + len_bytes + missing_bytes);
	wait_for_gap(stream);
}

void ztt_tcp_stream_acknowledge(struct ztt_tcp_stream *stream, uint64_t to)
{
	if (to > stream->acknowledged)
		stream->acknowledged = to;
}

void ztt_tcp_stream_end(struct ztt_tcp_stream *stream)
{
	while (stream->held_count)
		pass_first_gap(stream);
	ztt_tcp_stream_release(stream);
}

void ztt_tcp_stream_release(struct ztt_tcp_stream *stream)
{
	if (stream->reserve)
		stream->reserve(stream->owner, -(long)stream->window_bytes);
	free(stream->window);
	stream->window = NULL;
	stream->window_bytes = 0;
	stream->held_count = 0;
}
