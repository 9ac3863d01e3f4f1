#include "ztt-capture/decode/crypto_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

#define HEAD_BYTES 4
#define FIRST_BYTES 2048

/* What is there, from `base` on. */
struct piece {
	size_t begin, end;
};

struct ztt_crypto_stream {
	uint64_t base; /* offset of data[0] */
	size_t taken;  /* bytes of the message given last */
	uint8_t *data;
	size_t size;
	struct piece pieces[ZTT_CRYPTO_PIECES_MAX]; /* in order, apart */
	size_t piece_count;
};

struct ztt_crypto_stream *ztt_crypto_stream_new(void)
{
	return ztt_calloc(1, sizeof(struct ztt_crypto_stream));
}

void ztt_crypto_stream_free(struct ztt_crypto_stream *stream)
{
	if (!stream)
		return;
	free(stream->data);
	free(stream);
}

/* Forgets the message given last. */
static void advance(struct ztt_crypto_stream *stream)
{
	const size_t taken = stream->taken;
	size_t last;

	if (taken == 0)
		return;
	last = stream->pieces[stream->piece_count - 1].end;
	memmove(stream->data, stream->data + taken, last - taken);
	for (size_t i = 0; i < stream->piece_count; i++) {
		stream->pieces[i].begin -= i == 0 ? 0 : taken;
		stream->pieces[i].end -= taken;
	}
	if (stream->pieces[0].end == 0) {
		stream->piece_count--;
		memmove(stream->pieces, stream->pieces + 1,
			stream->piece_count * sizeof(*stream->pieces));
	}
	stream->base += taken;
	stream->taken = 0;
}

static void make_room(struct ztt_crypto_stream *stream, size_t end)
{
	size_t size = stream->size ? stream->size : FIRST_BYTES;

	if (end <= stream->size)
		return;
	while (size < end)
		size *= 2;
	stream->data = ztt_realloc(stream->data, size);
	stream->size = size;
}

/* Copies what is not there yet of [begin, end). */
static void fill(struct ztt_crypto_stream *stream, size_t begin, size_t end,
		 const uint8_t *data)
{
	size_t at = begin, stop;

	for (size_t i = 0; i <= stream->piece_count && at < end; i++) {
		const struct piece *piece =
			i < stream->piece_count ? &stream->pieces[i] : NULL;

		stop = piece && piece->begin < end ? piece->begin : end;
		if (at < stop)
			memcpy(stream->data + at, data + (at - begin),
			       stop - at);
		if (piece && piece->end > at)
			at = piece->end;
	}
}

/* Joins [begin, end) with the pieces that it overlaps or touches. */
static int join(struct ztt_crypto_stream *stream, size_t begin, size_t end)
{
	struct piece *pieces = stream->pieces;
	size_t first = 0, after;

	while (first < stream->piece_count && pieces[first].end < begin)
		first++;
	for (after = first;
	     after < stream->piece_count && pieces[after].begin <= end; after++)
		;
	if (after == first && stream->piece_count == ZTT_CRYPTO_PIECES_MAX)
		return -ENOBUFS;
	if (after > first) {
		if (pieces[first].begin < begin)
			begin = pieces[first].begin;
		if (pieces[after - 1].end > end)
			end = pieces[after - 1].end;
	}
	memmove(pieces + first + 1, pieces + after,
		(stream->piece_count - after) * sizeof(*pieces));
	stream->piece_count += first + 1 - after;
	pieces[first] = (struct piece){begin, end};
	return 0;
}

int ztt_crypto_stream_add(struct ztt_crypto_stream *stream, uint64_t offset,
			  const uint8_t *data, size_t len_bytes)
{
	size_t begin, end;

	advance(stream);
	if (offset < stream->base) {
		if (len_bytes <= stream->base - offset)
			return 0;
		data += stream->base - offset;
		len_bytes -= (size_t)(stream->base - offset);
		offset = stream->base;
	}
	if (len_bytes == 0)
		return 0;
	if (offset - stream->base > ZTT_CRYPTO_WINDOW_BYTES ||
	    len_bytes > ZTT_CRYPTO_WINDOW_BYTES - (offset - stream->base))
		return -EMSGSIZE;
	begin = (size_t)(offset - stream->base);
	end = begin + len_bytes;
	make_room(stream, end);
	fill(stream, begin, end, data);
	return join(stream, begin, end);
}

int ztt_crypto_stream_next(struct ztt_crypto_stream *stream,
			   const uint8_t **ret_message, size_t *ret_len_bytes)
{
	const uint8_t *data = stream->data;
	size_t there, len_bytes;

	advance(stream);
	if (stream->piece_count == 0 || stream->pieces[0].begin > 0)
		return 0;
	there = stream->pieces[0].end;
	if (there < HEAD_BYTES)
		return 0;
	len_bytes = HEAD_BYTES +
		    ((size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3]);
	if (len_bytes > ZTT_CRYPTO_WINDOW_BYTES)
		return -EMSGSIZE;
	if (there < len_bytes)
		return 0;
	*ret_message = data;
	*ret_len_bytes = len_bytes;
	stream->taken = len_bytes;
	return 1;
}
