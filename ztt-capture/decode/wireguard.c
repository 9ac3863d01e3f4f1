#define _GNU_SOURCE
#include "ztt-capture/decode/wireguard.h"

#include <errno.h>
#include <string.h>

#include "ztt-capture/decode/bytes.h"

#define TYPE_BYTES 4
#define HEAD_BYTES 8 /* type, zeros, receiver: the same in each segment */

const char *ztt_wg_type_name(enum ztt_wg_type type)
{
	static const char *const names[] = {
		[ZTT_WG_INITIATION] = "initiation",
		[ZTT_WG_RESPONSE] = "response",
		[ZTT_WG_COOKIE] = "cookie",
		[ZTT_WG_TRANSPORT] = "data",
	};

	if ((unsigned)type < ZTT_WG_INITIATION ||
	    (unsigned)type > ZTT_WG_TRANSPORT)
		return "unknown";
	return names[type];
}

static uint32_t le32(struct ztt_bytes *bytes)
{
	return __builtin_bswap32(ztt_bytes_u32(bytes));
}

static uint64_t le64(struct ztt_bytes *bytes)
{
	return __builtin_bswap64(ztt_bytes_uint(bytes, 8));
}

static bool length_is_right(enum ztt_wg_type type, size_t whole_bytes)
{
	switch (type) {
	case ZTT_WG_INITIATION:
		return whole_bytes == ZTT_WG_INITIATION_BYTES;
	case ZTT_WG_RESPONSE:
		return whole_bytes == ZTT_WG_RESPONSE_BYTES;
	case ZTT_WG_COOKIE:
		return whole_bytes == ZTT_WG_COOKIE_BYTES;
	case ZTT_WG_TRANSPORT:
		return whole_bytes >= ZTT_WG_KEEPALIVE_BYTES;
	}
	return false;
}

int ztt_wg_parse(const uint8_t *data, size_t len_bytes, size_t whole_bytes,
		 struct ztt_wg_message *ret_message)
{
	struct ztt_bytes bytes = ztt_bytes_of(data, len_bytes);
	struct ztt_wg_message message = {0};
	uint32_t type = le32(&bytes);

	if (bytes.truncated)
		return len_bytes < whole_bytes ? -EMSGSIZE : -EPROTO;
	message.type = (enum ztt_wg_type)type;
	if (!length_is_right(message.type, whole_bytes))
		return -EPROTO;
	if (type <= ZTT_WG_RESPONSE)
		message.sender = le32(&bytes);
	if (type >= ZTT_WG_RESPONSE)
		message.receiver = le32(&bytes);
	if (type <= ZTT_WG_RESPONSE)
		message.ephemeral = ztt_bytes_uint(&bytes, 8);
	if (type == ZTT_WG_TRANSPORT) {
		message.counter = le64(&bytes);
		message.keepalive = whole_bytes == ZTT_WG_KEEPALIVE_BYTES;
	}
	if (bytes.truncated)
		return -EMSGSIZE;
	*ret_message = message;
	return 0;
}

/* Whether transport data begins at every multiple of `stride` that is there: of
 * another session too, for one may end within a super-datagram. */
static bool stride_holds(const uint8_t *data, size_t len_bytes,
			 size_t whole_bytes, size_t stride)
{
	size_t last_bytes = whole_bytes % stride;

	if (last_bytes > 0 && last_bytes < ZTT_WG_KEEPALIVE_BYTES)
		return false;
	for (size_t at = stride; at + HEAD_BYTES <= len_bytes; at += stride)
		if (memcmp(data + at, data, TYPE_BYTES) != 0)
			return false;
	return true;
}

size_t ztt_wg_stride(const uint8_t *data, size_t len_bytes, size_t whole_bytes)
{
	static const uint8_t transport[TYPE_BYTES] = {ZTT_WG_TRANSPORT};
	const uint8_t *second;
	size_t stride;

	if (len_bytes < ZTT_WG_KEEPALIVE_BYTES + HEAD_BYTES ||
	    memcmp(data, transport, TYPE_BYTES) != 0)
		return 0;
	second = memmem(data + ZTT_WG_KEEPALIVE_BYTES,
			len_bytes - ZTT_WG_KEEPALIVE_BYTES, data, HEAD_BYTES);
	if (!second)
		return 0;
	stride = (size_t)(second - data);
	return stride_holds(data, len_bytes, whole_bytes, stride) ? stride : 0;
}
