#define _GNU_SOURCE
#include "ztt-capture/decode/tunnel_say.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/capnp.h"
#include "common/tunnel_stream.h"

#define HEAD_BYTES 8  /* preamble and version */
#define FRAME_BYTES 8 /* of a message of one segment */

static bool is(struct ztt_slice text, const char *word)
{
	return text.len_bytes == strlen(word) &&
	       !memcmp(text.at, word, text.len_bytes);
}

static bool is_header(struct ztt_slice key, const char *name)
{
	struct ztt_slice header = ztt_connect_header_name(key);

	return header.at && header.len_bytes == strlen(name) &&
	       !strncasecmp(header.at, name, header.len_bytes);
}

static void say_target(enum ztt_connect_type type, struct ztt_slice method,
		       struct ztt_slice dest, struct ztt_line *line)
{
	ztt_line_next(line);
	switch (type) {
	case ZTT_CONNECT_WEBSOCKET:
		ztt_line_add(line, "websocket ");
		break;
	case ZTT_CONNECT_TCP:
		ztt_line_add(line, "tcp ");
		break;
	case ZTT_CONNECT_HTTP:
		ztt_line_slice(line, method);
		ztt_line_add(line, "%s", method.len_bytes ? " " : "http ");
		break;
	}
	ztt_line_url(line, dest);
}

static struct ztt_slice find_meta(const struct ztt_connect_meta *meta,
				  size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (is(meta[i].key, key))
			return meta[i].value;
	return (struct ztt_slice){NULL, 0};
}

/* Whether a head of which there are only these first bytes will never be
 * whole. */
static bool is_cut(const uint8_t *data, size_t len_bytes, size_t most_bytes)
{
	enum ztt_stream_kind kind;

	return len_bytes >= most_bytes &&
	       len_bytes > HEAD_BYTES + FRAME_BYTES &&
	       ztt_stream_preamble(data, len_bytes, &kind) > 0 &&
	       kind == ZTT_STREAM_DATA &&
	       !memcmp(data + HEAD_BYTES, "\0\0\0\0", 4);
}

static struct ztt_capnp cut_message(const uint8_t *data, size_t len_bytes)
{
	const size_t words = (len_bytes - HEAD_BYTES - FRAME_BYTES) / 8;

	return (struct ztt_capnp){.segment_count = 1,
				  .segments = {data + HEAD_BYTES + FRAME_BYTES},
				  .segment_words = {words},
				  .budget_words = 2 * words};
}

static struct ztt_slice cut_method(const struct ztt_capnp_struct *root)
{
	struct ztt_capnp_list list = ztt_capnp_get_list(root, 1);

	for (size_t i = 0; i < list.count; i++) {
		struct ztt_capnp_struct pair = ztt_capnp_element(&list, i);

		if (is(ztt_capnp_get_text(&pair, 0), ZTT_META_METHOD))
			return ztt_capnp_get_text(&pair, 1);
	}
	return (struct ztt_slice){NULL, 0};
}

static int say_cut_request(const uint8_t *data, size_t len_bytes,
			   struct ztt_line *line)
{
	struct ztt_capnp message = cut_message(data, len_bytes);
	struct ztt_capnp_struct root = ztt_capnp_root(&message);
	const unsigned type = ztt_capnp_u16(&root, 0);
	const struct ztt_slice dest = ztt_capnp_get_text(&root, 0);

	if (type > ZTT_CONNECT_TCP || message.malformed)
		return -EPROTO;
	say_target((enum ztt_connect_type)type, cut_method(&root), dest, line);
	ztt_line_add(line, " (head cut)");
	return 1;
}

int ztt_tunnel_say_request(const uint8_t *data, size_t len_bytes,
			   size_t most_bytes, struct ztt_line *line)
{
	struct ztt_connect_request request;
	const ssize_t got =
		ztt_connect_request_decode(data, len_bytes, &request);

	if (got == 0 && is_cut(data, len_bytes, most_bytes))
		return say_cut_request(data, len_bytes, line);
	if (got <= 0)
		return got < 0 ? -EPROTO : 0;
	say_target(request.type,
		   find_meta(request.meta, request.meta_count, ZTT_META_METHOD),
		   request.dest, line);
	return 1;
}

static void say_response(const struct ztt_connect_response *response,
			 struct ztt_line *line)
{
	struct ztt_slice status =
		find_meta(response->meta, response->meta_count,
			  ZTT_META_STATUS);

	ztt_line_next(line);
	ztt_line_add(line, "response");
	if (status.len_bytes) {
		ztt_line_add(line, " ");
		ztt_line_slice(line, status);
	}
	for (size_t i = 0; i < response->meta_count; i++) {
		if (!is_header(response->meta[i].key, "content-length"))
			continue;
		ztt_line_add(line, ", ");
		ztt_line_slice(line, response->meta[i].value);
		ztt_line_add(line, " bytes");
		break;
	}
	if (response->error.len_bytes) {
		ztt_line_add(line, ", error: ");
		ztt_line_slice(line, response->error);
	}
}

int ztt_tunnel_say_response(const uint8_t *data, size_t len_bytes,
			    size_t most_bytes, struct ztt_line *line)
{
	struct ztt_connect_response response;
	const ssize_t got =
		ztt_connect_response_decode(data, len_bytes, &response);

	if (got == 0 && is_cut(data, len_bytes, most_bytes)) {
		ztt_line_next(line);
		ztt_line_add(line, "response (head cut)");
		return 1;
	}
	if (got <= 0)
		return got < 0 ? -EPROTO : 0;
	say_response(&response, line);
	return 1;
}
