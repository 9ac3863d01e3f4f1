#define _GNU_SOURCE
#include "ztt-capture/decode/tunnel.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/tunnel_stream.h"
#include "ztt-capture/decode/tunnel_held.h"
#include "ztt-capture/decode/tunnel_say.h"

#define CONTROL_ID UINT64_MAX
#define SEEN_WORDS 16
#define SEEN_STREAMS (64 * SEEN_WORDS)

/* A stream's ID (RFC 9000, section 2.1). */
enum {
	ID_SERVER = 1,
	ID_UNIDIRECTIONAL = 2,
};

enum reading {
	READ_REQUEST,
	READ_RESPONSE,
	READ_CONTROL,
	READ_SESSION,
};

/* One direction of a stream that is read on. */
struct half {
	uint64_t stream_id, base; /* the next offset to be read */
	uint64_t used_at;
	struct ztt_tunnel_held *held; /* NULL: none */
	enum reading reading;
	bool from_client, given_up;
};

/* Of the latest streams, those whose head was counted. */
struct seen {
	uint64_t most;
	uint64_t bits[SEEN_WORDS];
};

struct piece {
	uint64_t stream_id, offset;
	const uint8_t *data;
	size_t len_bytes;
	bool from_client;
	struct ztt_line *line;
};

struct ztt_tunnel {
	struct ztt_tunnel_facts facts;
	enum ztt_datagram_version version;
	struct half control[2]; /* by whether it is from the client */
	struct half halves[ZTT_TUNNEL_STREAMS_MAX];
	size_t half_count, held_count;
	uint64_t now; /* counts pieces */
	struct seen requests, responses;
};

struct ztt_tunnel *ztt_tunnel_new(void)
{
	struct ztt_tunnel *tunnel = ztt_calloc(1, sizeof(*tunnel));

	for (size_t i = 0; i < 2; i++)
		tunnel->control[i] = (struct half){
			.stream_id = CONTROL_ID,
			.reading = READ_CONTROL,
			.from_client = i,
		};
	return tunnel;
}

void ztt_tunnel_free(struct ztt_tunnel *tunnel)
{
	if (!tunnel)
		return;
	for (size_t i = 0; i < 2; i++)
		free(tunnel->control[i].held);
	for (size_t i = 0; i < ZTT_TUNNEL_STREAMS_MAX; i++)
		free(tunnel->halves[i].held);
	free(tunnel);
}

const struct ztt_tunnel_facts *ztt_tunnel_facts(const struct ztt_tunnel *tunnel)
{
	return &tunnel->facts;
}

/* Marks a stream; true: for the first time, as far as is remembered. */
static bool mark(struct seen *seen, uint64_t number)
{
	uint64_t *word = &seen->bits[number / 64 % SEEN_WORDS];
	const uint64_t bit = UINT64_C(1) << number % 64;

	if (number / 64 > seen->most / 64) {
		uint64_t steps = number / 64 - seen->most / 64;

		for (uint64_t i = 0; i < steps && i < SEEN_WORDS; i++)
			seen->bits[(number / 64 - i) % SEEN_WORDS] = 0;
	} else if (number / 64 + SEEN_WORDS <= seen->most / 64) {
		return false;
	}
	if (number > seen->most)
		seen->most = number;
	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

static bool is_marked(const struct seen *seen, uint64_t number)
{
	if (number / 64 > seen->most / 64)
		return false;
	return number / 64 + SEEN_WORDS <= seen->most / 64 ||
	       (seen->bits[number / 64 % SEEN_WORDS] >> number % 64 & 1);
}

static struct half *find(struct ztt_tunnel *tunnel, uint64_t stream_id,
			 bool from_client)
{
	for (size_t i = 0; i < tunnel->half_count; i++)
		if (tunnel->halves[i].stream_id == stream_id &&
		    tunnel->halves[i].from_client == from_client)
			return &tunnel->halves[i];
	return NULL;
}

/* The halves in use come first; a freed one keeps its storage for the next. */
static void drop(struct ztt_tunnel *tunnel, struct half *half)
{
	struct half *last = &tunnel->halves[--tunnel->half_count];
	struct ztt_tunnel_held *held = half->held;

	if (half != last)
		*half = *last;
	*last = (struct half){.held = held};
}

static struct half *add(struct ztt_tunnel *tunnel, const struct piece *piece,
			enum reading reading, bool from_client)
{
	struct half *half = find(tunnel, piece->stream_id, from_client);
	struct ztt_tunnel_held *held;

	if (half)
		return half;
	if (tunnel->half_count == ZTT_TUNNEL_STREAMS_MAX) {
		half = tunnel->halves;
		for (size_t i = 1; i < ZTT_TUNNEL_STREAMS_MAX; i++)
			if (tunnel->halves[i].used_at < half->used_at)
				half = &tunnel->halves[i];
		drop(tunnel, half);
	}
	half = &tunnel->halves[tunnel->half_count++];
	held = half->held;
	if (held)
		held->range_count = 0;
	*half = (struct half){.stream_id = piece->stream_id,
			      .reading = reading,
			      .from_client = from_client,
			      .used_at = tunnel->now,
			      .held = held};
	return half;
}

static void say_head(struct ztt_tunnel *tunnel, const struct half *half,
		     int result)
{
	const bool request = half->reading == READ_REQUEST;

	if (!mark(request ? &tunnel->requests : &tunnel->responses,
		  half->stream_id / 4))
		return;
	if (result < 0)
		tunnel->facts.malformed++;
	else if (request)
		tunnel->facts.requests++;
	else
		tunnel->facts.responses++;
}

/* Reads what is whole at the beginning; the bytes taken, 0 when more are
 * needed, negative when nothing can come of this half any more. */
static ssize_t read_one(struct ztt_tunnel *tunnel, const struct half *half,
			const uint8_t *data, size_t len_bytes,
			struct ztt_line *line)
{
	int result;

	switch (half->reading) {
	case READ_CONTROL:
	case READ_SESSION:
		return ztt_tunnel_say_rpc(data, len_bytes,
					  ZTT_TUNNEL_HEAD_BYTES,
					  half->reading == READ_CONTROL,
					  &tunnel->facts, &tunnel->version,
					  line);
	case READ_REQUEST:
		result = ztt_tunnel_say_request(data, len_bytes,
						ZTT_TUNNEL_HEAD_BYTES, line);
		break;
	default:
		result = ztt_tunnel_say_response(data, len_bytes,
						 ZTT_TUNNEL_HEAD_BYTES, line);
		break;
	}
	if (result == 0)
		return 0;
	say_head(tunnel, half, result);
	return -1;
}

/* Moves `base` on over bytes that were held. */
static void forget(struct half *half, uint64_t len_bytes)
{
	half->base += len_bytes;
	if (half->held)
		ztt_tunnel_held_forget(half->held, len_bytes);
}

static bool holds_any(const struct half *half)
{
	return half->held && half->held->range_count;
}

/* The storage of the half that was used least lately. */
static struct ztt_tunnel_held *take_storage(struct ztt_tunnel *tunnel)
{
	struct half *oldest = NULL;
	struct ztt_tunnel_held *held;

	for (size_t i = 0; i < ZTT_TUNNEL_STREAMS_MAX; i++)
		if (tunnel->halves[i].held &&
		    (!oldest || tunnel->halves[i].used_at < oldest->used_at))
			oldest = &tunnel->halves[i];
	if (!oldest)
		return NULL;
	held = oldest->held;
	oldest->held = NULL;
	held->range_count = 0;
	return held;
}

static struct ztt_tunnel_held *get_storage(struct ztt_tunnel *tunnel)
{
	if (tunnel->held_count == ZTT_TUNNEL_HELD_MAX)
		return take_storage(tunnel);
	tunnel->held_count++;
	return ztt_calloc(1, sizeof(struct ztt_tunnel_held));
}

static void hold(struct ztt_tunnel *tunnel, struct half *half,
		 const struct piece *piece)
{
	if (piece->offset - half->base >= ZTT_TUNNEL_HEAD_BYTES)
		return;
	if (!half->held)
		half->held = get_storage(tunnel);
	if (half->held)
		ztt_tunnel_held_add(half->held, piece->offset - half->base,
				    piece->data, piece->len_bytes);
}

static void skip(struct piece *piece, uint64_t to)
{
	const uint64_t skipped = to - piece->offset;

	piece->data += skipped;
	piece->len_bytes -= (size_t)skipped;
	piece->offset = to;
}

/* What is read of the piece itself, while nothing is held before it. False:
 * the half is at its end. */
static bool read_piece(struct ztt_tunnel *tunnel, struct half *half,
		       struct piece *piece)
{
	while (piece->len_bytes && piece->offset == half->base) {
		ssize_t read = read_one(tunnel, half, piece->data,
					piece->len_bytes, piece->line);

		if (read < 0)
			return false;
		if (read == 0)
			return true;
		half->base += (uint64_t)read;
		skip(piece, (size_t)read < piece->len_bytes
				    ? half->base
				    : piece->offset + piece->len_bytes);
	}
	return true;
}

static bool read_held(struct ztt_tunnel *tunnel, struct half *half,
		      struct ztt_line *line)
{
	size_t len;

	while (half->held && (len = ztt_tunnel_held_bytes(half->held)) > 0) {
		ssize_t read =
			read_one(tunnel, half, half->held->data, len, line);

		if (read < 0)
			return false;
		if (read == 0)
			return true;
		forget(half, (uint64_t)read);
	}
	return true;
}

/* So far ahead, what lies between will not come (it was not captured, or is
 * past what is held): messages mostly begin where a piece does. */
static void resume(struct half *half, const struct piece *piece)
{
	if (piece->offset < half->base ||
	    piece->offset - half->base < ZTT_TUNNEL_HEAD_BYTES)
		return;
	if (half->held)
		half->held->range_count = 0;
	half->base = piece->offset;
}

/* Drops what was read already; false: all of it was. */
static bool trim(const struct half *half, struct piece *piece)
{
	if (piece->offset >= half->base)
		return true;
	if (piece->len_bytes <= half->base - piece->offset)
		return false;
	skip(piece, half->base);
	return true;
}

/* False: nothing more is to be read of this half. */
static bool read_half(struct ztt_tunnel *tunnel, struct half *half,
		      struct piece piece)
{
	uint64_t base;

	half->used_at = tunnel->now;
	if (half->reading == READ_CONTROL || half->reading == READ_SESSION)
		resume(half, &piece);
	do {
		if (!trim(half, &piece))
			return true;
		if (!holds_any(half) && !read_piece(tunnel, half, &piece))
			return false;
		if (piece.len_bytes == 0)
			return true;
		base = half->base;
		hold(tunnel, half, &piece);
		if (!read_held(tunnel, half, piece.line))
			return false;
	} while (half->base != base);
	return true;
}

/* A session's messages follow its preamble, and come back without one. */
static void begin_session(struct ztt_tunnel *tunnel, const struct piece *piece,
			  size_t preamble_bytes)
{
	struct half *half =
		add(tunnel, piece, READ_SESSION, !piece->from_client);

	half = add(tunnel, piece, READ_SESSION, piece->from_client);
	half->base = preamble_bytes;
	if (!read_half(tunnel, half, *piece))
		drop(tunnel, half);
}

static void begin_head(struct ztt_tunnel *tunnel, const struct piece *piece)
{
	struct half head = {.stream_id = piece->stream_id,
			    .from_client = piece->from_client,
			    .reading = piece->from_client ? READ_RESPONSE
							  : READ_REQUEST};
	struct half *half;

	if (!(piece->stream_id & ID_SERVER) ||
	    read_one(tunnel, &head, piece->data, piece->len_bytes,
		     piece->line) != 0)
		return;
	half = add(tunnel, piece, head.reading, piece->from_client);
	if (!read_half(tunnel, half, *piece))
		drop(tunnel, half);
}

/* A stream's first bytes. A head that another piece follows is held. */
static void begin(struct ztt_tunnel *tunnel, const struct piece *piece)
{
	enum ztt_stream_kind kind = ZTT_STREAM_DATA;
	const ssize_t preamble =
		ztt_stream_preamble(piece->data, piece->len_bytes, &kind);

	if (preamble < 0)
		return;
	if (preamble > 0 && kind == ZTT_STREAM_RPC)
		begin_session(tunnel, piece, (size_t)preamble);
	else
		begin_head(tunnel, piece);
}

/* Bytes that overtook the stream's first ones may belong to its head. */
static void begin_late(struct ztt_tunnel *tunnel, const struct piece *piece)
{
	const struct seen *seen =
		piece->from_client ? &tunnel->responses : &tunnel->requests;

	if (!(piece->stream_id & ID_SERVER) ||
	    piece->offset >= ZTT_TUNNEL_HEAD_BYTES ||
	    is_marked(seen, piece->stream_id / 4))
		return;
	hold(tunnel,
	     add(tunnel, piece,
		 piece->from_client ? READ_RESPONSE : READ_REQUEST,
		 piece->from_client),
	     piece);
}

void ztt_tunnel_control(struct ztt_tunnel *tunnel, bool from_client,
			uint64_t offset, const uint8_t *data, size_t len_bytes,
			struct ztt_line *line)
{
	struct half *half = &tunnel->control[from_client];
	const struct piece piece = {CONTROL_ID, offset,      data,
				    len_bytes,  from_client, line};

	if (len_bytes == 0 || half->given_up)
		return;
	half->given_up = !read_half(tunnel, half, piece);
	if (half->given_up)
		tunnel->facts.malformed++;
}

void ztt_tunnel_stream(struct ztt_tunnel *tunnel, uint64_t stream_id,
		       bool from_client, uint64_t offset, const uint8_t *data,
		       size_t len_bytes, struct ztt_line *line)
{
	const struct piece piece = {stream_id, offset,      data,
				    len_bytes, from_client, line};
	struct half *half;

	if (stream_id == 0) {
		ztt_tunnel_control(tunnel, from_client, offset, data, len_bytes,
				   line);
		return;
	}
	if (len_bytes == 0 || stream_id & ID_UNIDIRECTIONAL ||
	    (tunnel->half_count == 0 && offset >= ZTT_TUNNEL_HEAD_BYTES))
		return;
	tunnel->now++;
	half = find(tunnel, stream_id, from_client);
	if (half && !read_half(tunnel, half, piece))
		drop(tunnel, half);
	else if (!half && offset == 0)
		begin(tunnel, &piece);
	else if (!half)
		begin_late(tunnel, &piece);
}

void ztt_tunnel_datagram(struct ztt_tunnel *tunnel, bool from_client,
			 const uint8_t *data, size_t len_bytes,
			 struct ztt_line *line)
{
	(void)from_client;
	tunnel->facts.datagrams++;
	if (!ztt_tunnel_say_datagram(tunnel->version, data, len_bytes, line))
		tunnel->facts.malformed++;
}
