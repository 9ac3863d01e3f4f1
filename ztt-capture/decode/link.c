#include "ztt-capture/decode/link.h"

#include "ztt-capture/decode/bytes.h"

#define TAGS_MAX 8

enum {
	ETHER_IPV4 = 0x0800,
	ETHER_VLAN = 0x8100,
	ETHER_IPV6 = 0x86dd,
	ETHER_PPPOE = 0x8864,
	ETHER_QINQ = 0x88a8,
	ETHER_QINQ_OLD = 0x9100,
	PPP_IPV4 = 0x0021,
	PPP_IPV6 = 0x0057,
};

static bool is_tag(uint16_t type)
{
	return type == ETHER_VLAN || type == ETHER_QINQ ||
	       type == ETHER_QINQ_OLD;
}

/* RFC 2516, section 4: version, code, session, length; then PPP's protocol. */
static enum ztt_undecoded pppoe(struct ztt_bytes *bytes, uint8_t *ret_family)
{
	uint16_t protocol;

	ztt_bytes_skip(bytes, 6);
	protocol = ztt_bytes_u16(bytes);
	if (bytes->truncated)
		return ZTT_TRUNCATED;
	if (protocol != PPP_IPV4 && protocol != PPP_IPV6)
		return ZTT_OTHER;
	*ret_family = protocol == PPP_IPV4 ? 4 : 6;
	return ZTT_DECODED;
}

static enum ztt_undecoded ether_type(struct ztt_bytes *bytes, uint16_t type,
				     struct ztt_link_payload *payload)
{
	for (int i = 0; i < TAGS_MAX && is_tag(type); i++) {
		payload->place = payload->place * 4099 +
				 (ztt_bytes_u16(bytes) & 0xfffU) + 1;
		type = ztt_bytes_u16(bytes);
	}
	if (bytes->truncated)
		return ZTT_TRUNCATED;
	if (type == ETHER_PPPOE)
		return pppoe(bytes, &payload->family);
	if (type != ETHER_IPV4 && type != ETHER_IPV6)
		return ZTT_OTHER;
	payload->family = type == ETHER_IPV4 ? 4 : 6;
	return ZTT_DECODED;
}

static enum ztt_undecoded ethernet(struct ztt_bytes *bytes,
				   struct ztt_link_payload *payload)
{
	ztt_bytes_skip(bytes, 12);
	return ether_type(bytes, ztt_bytes_u16(bytes), payload);
}

/* pcap's LINKTYPE_LINUX_SLL. */
static enum ztt_undecoded cooked(struct ztt_bytes *bytes,
				 struct ztt_link_payload *payload)
{
	payload->place = ztt_bytes_u16(bytes);
	ztt_bytes_skip(bytes, 12);
	return ether_type(bytes, ztt_bytes_u16(bytes), payload);
}

/* pcap's LINKTYPE_LINUX_SLL2. */
static enum ztt_undecoded cooked2(struct ztt_bytes *bytes,
				  struct ztt_link_payload *payload)
{
	uint16_t type = ztt_bytes_u16(bytes);

	ztt_bytes_skip(bytes, 2);
	payload->place = ztt_bytes_u32(bytes);
	ztt_bytes_skip(bytes, 12);
	return ether_type(bytes, type, payload);
}

/* AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 24, 28 and 30 on BSDs. The
 * writer's byte order is not always the file's. */
static enum ztt_undecoded loopback(struct ztt_bytes *bytes, uint8_t *ret_family)
{
	uint32_t family = ztt_bytes_u32(bytes);

	if (bytes->truncated)
		return ZTT_TRUNCATED;
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	if (family == 2)
		*ret_family = 4;
	else if (family == 10 || family == 24 || family == 28 || family == 30)
		*ret_family = 6;
	else
		return ZTT_OTHER;
	return ZTT_DECODED;
}

static enum ztt_undecoded header(struct ztt_bytes *bytes, unsigned link,
				 struct ztt_link_payload *payload)
{
	switch (link) {
	case ZTT_LINK_ETHERNET:
		return ethernet(bytes, payload);
	case ZTT_LINK_LINUX_SLL2:
		return cooked2(bytes, payload);
	case ZTT_LINK_LINUX_SLL:
		return cooked(bytes, payload);
	case ZTT_LINK_NULL:
	case ZTT_LINK_LOOP:
		return loopback(bytes, &payload->family);
	case ZTT_LINK_IPV4:
		payload->family = 4;
		return ZTT_DECODED;
	case ZTT_LINK_IPV6:
		payload->family = 6;
		return ZTT_DECODED;
	case ZTT_LINK_RAW:
		return ZTT_DECODED;
	default:
		return ZTT_LINK_UNKNOWN;
	}
}

enum ztt_undecoded ztt_link_decode(const struct ztt_frame *frame,
				   struct ztt_link_payload *ret_payload)
{
	struct ztt_bytes bytes =
		ztt_bytes_of(frame->data, frame->captured_bytes);
	struct ztt_link_payload payload = {0};
	enum ztt_undecoded why = header(&bytes, frame->link, &payload);

	if (why != ZTT_DECODED)
		return why;
	payload.data = bytes.at;
	payload.len_bytes = ztt_bytes_left(&bytes);
	payload.whole_bytes = payload.len_bytes;
	if (frame->length_bytes > frame->captured_bytes)
		payload.whole_bytes +=
			frame->length_bytes - frame->captured_bytes;
	*ret_payload = payload;
	return ZTT_DECODED;
}
