#define _GNU_SOURCE
#include "tunnel_stream.h"

#include <errno.h>
#include <string.h>

#include "capnp.h"

#define PREAMBLE_BYTES 6
#define VERSION_BYTES 2
#define HEAD_BYTES (PREAMBLE_BYTES + VERSION_BYTES)

static const uint8_t data_head[HEAD_BYTES] = {
	0x0a, 0x36, 0xcd, 0x12, 0xa1, 0x3e, '0', '1',
};
static const uint8_t rpc_head[PREAMBLE_BYTES] = {
	0x52, 0xbb, 0x82, 0x5c, 0xdb, 0x65,
};

static bool begins_as(const uint8_t *data, size_t len_bytes,
		      const uint8_t *head, size_t head_bytes)
{
	return memcmp(data, head,
		      len_bytes < head_bytes ? len_bytes : head_bytes) == 0;
}

ssize_t ztt_stream_preamble(const uint8_t *data, size_t len_bytes,
			    enum ztt_stream_kind *ret_kind)
{
	enum ztt_stream_kind kind;

	if (len_bytes == 0)
		return 0;
	if (begins_as(data, len_bytes, data_head, PREAMBLE_BYTES))
		kind = ZTT_STREAM_DATA;
	else if (begins_as(data, len_bytes, rpc_head, PREAMBLE_BYTES))
		kind = ZTT_STREAM_RPC;
	else
		return -EPROTO;
	if (len_bytes < PREAMBLE_BYTES)
		return 0;
	*ret_kind = kind;
	return PREAMBLE_BYTES;
}

/* The message after preamble and version; counts all three. */
static ssize_t open_head(const uint8_t *data, size_t len_bytes,
			 struct ztt_capnp *ret_message)
{
	ssize_t consumed;

	if (len_bytes == 0)
		return 0;
	if (!begins_as(data, len_bytes, data_head, HEAD_BYTES))
		return -EPROTO;
	if (len_bytes < HEAD_BYTES)
		return 0;
	consumed = ztt_capnp_open(data + HEAD_BYTES, len_bytes - HEAD_BYTES,
				  ZTT_CONNECT_MAX_BYTES, ret_message);
	return consumed > 0 ? consumed + HEAD_BYTES : consumed;
}

static int read_meta(const struct ztt_capnp_struct *root,
		     struct ztt_connect_meta *ret_meta, size_t *ret_count)
{
	struct ztt_capnp_list list = ztt_capnp_get_list(root, 1);

	if (list.count > ZTT_CONNECT_META_MAX)
		return -EMSGSIZE;
	for (size_t i = 0; i < list.count; i++) {
		struct ztt_capnp_struct pair = ztt_capnp_element(&list, i);

		ret_meta[i].key = ztt_capnp_get_text(&pair, 0);
		ret_meta[i].value = ztt_capnp_get_text(&pair, 1);
	}
	*ret_count = list.count;
	return root->message->malformed ? -EPROTO : 0;
}

ssize_t ztt_connect_request_decode(const uint8_t *data, size_t len_bytes,
				   struct ztt_connect_request *ret_request)
{
	struct ztt_connect_meta meta[ZTT_CONNECT_META_MAX];
	struct ztt_capnp message;
	struct ztt_capnp_struct root;
	struct ztt_slice dest;
	size_t count;
	unsigned type;
	int error;
	ssize_t consumed = open_head(data, len_bytes, &message);

	if (consumed <= 0)
		return consumed;
	root = ztt_capnp_root(&message);
	type = ztt_capnp_u16(&root, 0);
	if (type > ZTT_CONNECT_TCP)
		return -EPROTO;
	dest = ztt_capnp_get_text(&root, 0);
	error = read_meta(&root, meta, &count);
	if (error)
		return error;

	ret_request->type = (enum ztt_connect_type)type;
	ret_request->dest = dest;
	ret_request->meta_count = count;
	memcpy(ret_request->meta, meta, count * sizeof(meta[0]));
	return consumed;
}

ssize_t ztt_connect_response_decode(const uint8_t *data, size_t len_bytes,
				    struct ztt_connect_response *ret_response)
{
	struct ztt_connect_meta meta[ZTT_CONNECT_META_MAX];
	struct ztt_capnp message;
	struct ztt_capnp_struct root;
	struct ztt_slice text;
	size_t count;
	int error;
	ssize_t consumed = open_head(data, len_bytes, &message);

	if (consumed <= 0)
		return consumed;
	root = ztt_capnp_root(&message);
	text = ztt_capnp_get_text(&root, 0);
	error = read_meta(&root, meta, &count);
	if (error)
		return error;

	ret_response->error = text;
	ret_response->meta_count = count;
	memcpy(ret_response->meta, meta, count * sizeof(meta[0]));
	return consumed;
}

static void begin(struct ztt_capnp_builder *builder, uint8_t *out,
		  size_t cap_bytes)
{
	size_t room = cap_bytes < HEAD_BYTES ? 0 : cap_bytes - HEAD_BYTES;

	if (room > ZTT_CONNECT_MAX_BYTES)
		room = ZTT_CONNECT_MAX_BYTES;
	ztt_capnp_begin(builder, room ? out + HEAD_BYTES : out, room);
}

static ssize_t end(struct ztt_capnp_builder *builder, uint8_t *out)
{
	ssize_t written = ztt_capnp_end(builder);

	if (written < 0)
		return written;
	memcpy(out, data_head, HEAD_BYTES);
	return written + HEAD_BYTES;
}

static void write_meta(struct ztt_capnp_builder *builder, size_t pointer,
		       const struct ztt_connect_meta *meta, size_t count)
{
	size_t pair;

	if (count == 0)
		return;
	pair = ztt_capnp_add_structs(builder, pointer, count, 0, 2);
	for (size_t i = 0; i < count; i++, pair += 2) {
		ztt_capnp_add_text(builder, pair, meta[i].key);
		ztt_capnp_add_text(builder, pair + 1, meta[i].value);
	}
}

ssize_t ztt_connect_request_encode(const struct ztt_connect_request *request,
				   uint8_t *out, size_t cap_bytes)
{
	struct ztt_capnp_builder builder;
	size_t root;

	if (request->meta_count > ZTT_CONNECT_META_MAX)
		return -EMSGSIZE;
	begin(&builder, out, cap_bytes);
	root = ztt_capnp_add_struct(&builder, 0, 1, 2);
	ztt_capnp_put(&builder, root, 0, (uint64_t)request->type);
	ztt_capnp_add_text(&builder, root + 1, request->dest);
	write_meta(&builder, root + 2, request->meta, request->meta_count);
	return end(&builder, out);
}

ssize_t ztt_connect_response_encode(const struct ztt_connect_response *response,
				    uint8_t *out, size_t cap_bytes)
{
	struct ztt_capnp_builder builder;
	size_t root;

	if (response->meta_count > ZTT_CONNECT_META_MAX)
		return -EMSGSIZE;
	begin(&builder, out, cap_bytes);
	root = ztt_capnp_add_struct(&builder, 0, 0, 2);
	ztt_capnp_add_text(&builder, root, response->error);
	write_meta(&builder, root + 1, response->meta, response->meta_count);
	return end(&builder, out);
}

struct ztt_slice ztt_connect_header_name(struct ztt_slice key)
{
	static const char prefix[] = ZTT_META_HEADER ":";
	const size_t prefix_bytes = sizeof(prefix) - 1;
	struct ztt_slice name = {NULL, 0};

	if (key.len_bytes <= prefix_bytes ||
	    memcmp(key.at, prefix, prefix_bytes) != 0 ||
	    memchr(key.at + prefix_bytes, ':', key.len_bytes - prefix_bytes))
		return name;
	name.at = key.at + prefix_bytes;
	name.len_bytes = key.len_bytes - prefix_bytes;
	return name;
}
