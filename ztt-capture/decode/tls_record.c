#define _GNU_SOURCE
#include "ztt-capture/decode/tls_record.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"

#define CLIENT_HELLO 1

static size_t body_of(const uint8_t *head)
{
	return (size_t)head[3] << 8 | head[4];
}

/* The version is 3.1 in a first ClientHello and 3.3 everywhere else (RFC 8446,
 * section 5.1), 3.2 in TLS 1.1. */
static bool is_head(const uint8_t *head)
{
	const size_t body = body_of(head);

	return head[0] >= ZTT_TLS_CHANGE_CIPHER_SPEC &&
	       head[0] <= ZTT_TLS_APPLICATION && head[1] == 3 && head[2] <= 3 &&
	       body <= ZTT_TLS_BODY_BYTES_MAX &&
	       (body || head[0] == ZTT_TLS_APPLICATION);
}

bool ztt_tls_is_client_hello(const uint8_t *data, size_t len_bytes)
{
	return len_bytes > ZTT_TLS_HEAD_BYTES && is_head(data) &&
	       data[0] == ZTT_TLS_HANDSHAKE &&
	       data[ZTT_TLS_HEAD_BYTES] == CLIENT_HELLO;
}

static void end_record(struct ztt_tls_reader *reader, const uint8_t *data)
{
	const struct ztt_tls_record record = {
		.type = reader->head[0],
		.body_bytes = reader->body_bytes,
		.data = reader->broken ? NULL : data,
		.broken = reader->broken,
	};

	reader->head_bytes = 0;
	reader->record(reader->owner, &record);
}

static void begin_body(struct ztt_tls_reader *reader)
{
	reader->body_bytes = reader->left_bytes = body_of(reader->head);
	reader->broken = false;
	reader->wanted = reader->wants(reader->owner, reader->head[0]);
}

/* A wanted record that is whole in `data` is given from there; the bytes
 * taken, or 0. */
static size_t take_whole(struct ztt_tls_reader *reader, const uint8_t *data,
			 size_t len_bytes)
{
	size_t whole;

	if (reader->head_bytes || len_bytes < ZTT_TLS_HEAD_BYTES ||
	    !is_head(data))
		return 0;
	whole = ZTT_TLS_HEAD_BYTES + body_of(data);
	if (len_bytes < whole)
		return 0;
	memcpy(reader->head, data, ZTT_TLS_HEAD_BYTES);
	begin_body(reader);
	end_record(reader, reader->wanted ? data : NULL);
	return whole;
}

static bool make_room(struct ztt_tls_reader *reader)
{
	const size_t bytes = ZTT_TLS_HEAD_BYTES + reader->body_bytes;

	if (bytes <= reader->buffer_bytes)
		return true;
	if (reader->reserve &&
	    !reader->reserve(reader->owner,
			     (long)(bytes - reader->buffer_bytes)))
		return false;
	reader->buffer = ztt_realloc(reader->buffer, bytes);
	reader->buffer_bytes = bytes;
	return true;
}

static size_t take_head(struct ztt_tls_reader *reader, const uint8_t *data,
			size_t len_bytes)
{
	size_t len = ZTT_TLS_HEAD_BYTES - reader->head_bytes;

	if (len > len_bytes)
		len = len_bytes;
	memcpy(reader->head + reader->head_bytes, data, len);
	reader->head_bytes += len;
	if (reader->head_bytes < ZTT_TLS_HEAD_BYTES)
		return len;
	if (!is_head(reader->head)) {
		reader->failed = true;
		return len;
	}
	begin_body(reader);
	if (reader->wanted && !make_room(reader)) {
		reader->wanted = false;
		reader->broken = true;
	}
	if (reader->wanted)
		memcpy(reader->buffer, reader->head, ZTT_TLS_HEAD_BYTES);
	if (reader->left_bytes == 0)
		end_record(reader, reader->wanted ? reader->buffer : NULL);
	return len;
}

static size_t take_body(struct ztt_tls_reader *reader, const uint8_t *data,
			size_t len_bytes)
{
	const size_t at =
		ZTT_TLS_HEAD_BYTES + reader->body_bytes - reader->left_bytes;
	const size_t len =
		len_bytes < reader->left_bytes ? len_bytes : reader->left_bytes;

	if (reader->wanted)
		memcpy(reader->buffer + at, data, len);
	reader->left_bytes -= len;
	if (reader->left_bytes == 0)
		end_record(reader, reader->wanted ? reader->buffer : NULL);
	return len;
}

/* A head here, and another one where it says, as far as there are bytes. */
static bool looks_like_records(const uint8_t *data, size_t len_bytes)
{
	size_t at = 0;

	if (len_bytes < ZTT_TLS_HEAD_BYTES)
		return false;
	for (int i = 0; i < 4 && at + ZTT_TLS_HEAD_BYTES <= len_bytes; i++) {
		if (!is_head(data + at) || data[at + 2] == 0)
			return false;
		at += ZTT_TLS_HEAD_BYTES + body_of(data + at);
	}
	return true;
}

/* Records mostly begin where a segment does; elsewhere a head is trusted when
 * another one follows it. */
static size_t find_head(const uint8_t *data, size_t len_bytes)
{
	if (looks_like_records(data, len_bytes))
		return 0;
	for (size_t at = 1; at + ZTT_TLS_HEAD_BYTES <= len_bytes; at++) {
		if (data[at] != ZTT_TLS_APPLICATION || data[at + 1] != 3 ||
		    data[at + 2] != 3)
			continue;
		if (at + 2 * ZTT_TLS_HEAD_BYTES + body_of(data + at) <=
			    len_bytes &&
		    looks_like_records(data + at, len_bytes - at))
			return at;
	}
	return len_bytes;
}

void ztt_tls_reader_data(struct ztt_tls_reader *reader, const uint8_t *data,
			 size_t len_bytes)
{
	size_t taken;

	if (reader->lost && !reader->failed) {
		taken = find_head(data, len_bytes);
		data += taken;
		len_bytes -= taken;
		reader->lost = len_bytes == 0;
		reader->resumed += !reader->lost;
	}
	while (len_bytes && !reader->failed) {
		taken = take_whole(reader, data, len_bytes);
		if (taken == 0)
			taken = reader->head_bytes == ZTT_TLS_HEAD_BYTES
					? take_body(reader, data, len_bytes)
					: take_head(reader, data, len_bytes);
		data += taken;
		len_bytes -= taken;
	}
}

void ztt_tls_reader_gap(struct ztt_tls_reader *reader, uint64_t len_bytes)
{
	if (reader->failed || len_bytes == 0)
		return;
	if (!reader->lost && reader->head_bytes == ZTT_TLS_HEAD_BYTES &&
	    len_bytes <= reader->left_bytes) {
		reader->broken = true;
		reader->left_bytes -= (size_t)len_bytes;
		if (reader->left_bytes == 0)
			end_record(reader, NULL);
		return;
	}
	reader->head_bytes = 0;
	reader->lost = true;
}

void ztt_tls_reader_release(struct ztt_tls_reader *reader)
{
	if (reader->reserve)
		reader->reserve(reader->owner, -(long)reader->buffer_bytes);
	free(reader->buffer);
	reader->buffer = NULL;
	reader->buffer_bytes = 0;
	reader->failed = true;
}
