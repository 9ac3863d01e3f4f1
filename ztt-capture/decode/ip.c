#include "ztt-capture/decode/ip.h"

#include "ztt-capture/decode/bytes.h"

#define EXTENSIONS_MAX 32
#define IPV6_HEADER_BYTES 40

enum {
	HOP_BY_HOP = 0,
	ROUTING = 43,
	FRAGMENT = 44,
	AUTHENTICATION = 51,
	NO_NEXT = 59,
	DESTINATION = 60,
	MOBILITY = 135,
	HIP = 139,
	SHIM6 = 140,
};

/* `rest_bytes` is what the packet says of itself beyond what was read; what
 * lies behind it in the frame is padding. */
static enum ztt_undecoded set_payload(struct ztt_ip *ip,
				      const struct ztt_bytes *bytes,
				      size_t link_whole_bytes,
				      size_t rest_bytes)
{
	if (bytes->truncated)
		return ZTT_TRUNCATED;
	ip->payload = bytes->at;
	ip->payload_whole_bytes = rest_bytes;
	ip->payload_bytes = ztt_bytes_left(bytes);
	ip->link_bytes = ip->payload_bytes;
	if (ip->payload_bytes > rest_bytes)
		ip->payload_bytes = rest_bytes;
	ip->link_whole_bytes = link_whole_bytes;
	return ZTT_DECODED;
}

/* IPsec's AH counts in units of 4 bytes less two (RFC 4302, section 2.2). */
static uint8_t skip_authentication(struct ztt_bytes *bytes)
{
	uint8_t next = ztt_bytes_u8(bytes);
	size_t len = (ztt_bytes_u8(bytes) + 2U) * 4;

	ztt_bytes_skip(bytes, len - 2);
	return next;
}

static enum ztt_undecoded decode4(const struct ztt_link_payload *link,
				  bool super, struct ztt_ip *ip)
{
	struct ztt_bytes bytes = ztt_bytes_of(link->data, link->len_bytes);
	size_t header_bytes = (ztt_bytes_u8(&bytes) & 0xfU) * 4;
	size_t used;
	uint16_t fragment;

	ip->ecn = ztt_bytes_u8(&bytes) & 3;
	ip->whole_bytes = ztt_bytes_u16(&bytes);
	ip->id = ztt_bytes_u16(&bytes);
	fragment = ztt_bytes_u16(&bytes);
	ip->ttl = ztt_bytes_u8(&bytes);
	ip->protocol = ztt_bytes_u8(&bytes);
	ztt_bytes_skip(&bytes, 2);
	if (ztt_bytes_left(&bytes) < 8)
		return ZTT_TRUNCATED;
	memcpy(ip->from, ztt_bytes_take(&bytes, 4), 4);
	memcpy(ip->to, ztt_bytes_take(&bytes, 4), 4);
	if (header_bytes < 20)
		return ZTT_MALFORMED;
	ztt_bytes_skip(&bytes, header_bytes - 20);
	ip->offset_bytes = (fragment & 0x1fffU) * 8;
	ip->more = fragment & 0x2000;
	ip->fragment = ip->more || ip->offset_bytes;
	/* More than 65,535 bytes do not fit the field: Linux leaves 0. */
	if (!ip->whole_bytes || (super && ip->whole_bytes < link->whole_bytes))
		ip->whole_bytes = (uint32_t)link->whole_bytes;
	if (ip->protocol == AUTHENTICATION && !ip->fragment)
		ip->protocol = skip_authentication(&bytes);
	used = (size_t)(bytes.at - link->data);
	if (bytes.truncated)
		return ZTT_TRUNCATED;
	if (ip->whole_bytes < used)
		return ZTT_MALFORMED;
	return set_payload(ip, &bytes, link->whole_bytes - used,
			   ip->whole_bytes - used);
}

/* RFC 2675: the length of a jumbogram stands in a hop-by-hop option. */
static uint32_t jumbo_bytes(struct ztt_bytes options)
{
	while (ztt_bytes_left(&options)) {
		uint8_t type = ztt_bytes_u8(&options);
		uint8_t len;

		if (!type)
			continue;
		len = ztt_bytes_u8(&options);
		if (type == 0xc2 && len == 4)
			return ztt_bytes_u32(&options);
		ztt_bytes_skip(&options, len);
	}
	return 0;
}

static uint8_t skip_extension(struct ztt_bytes *bytes, uint8_t type,
			      uint32_t *jumbo)
{
	uint8_t next = ztt_bytes_u8(bytes);
	size_t len = ztt_bytes_u8(bytes) * 8U + 6;
	const uint8_t *body = ztt_bytes_take(bytes, len);

	if (body && type == HOP_BY_HOP)
		*jumbo = jumbo_bytes(ztt_bytes_of(body, len));
	return next;
}

static uint8_t fragment_header(struct ztt_bytes *bytes, struct ztt_ip *ip)
{
	uint8_t next = ztt_bytes_u8(bytes);
	uint16_t field;

	ztt_bytes_skip(bytes, 1);
	field = ztt_bytes_u16(bytes);
	ip->id = ztt_bytes_u32(bytes);
	ip->offset_bytes = field & 0xfff8U;
	ip->more = field & 1;
	/* An atomic fragment (RFC 6946) is whole. */
	ip->fragment = ip->more || ip->offset_bytes;
	return next;
}

/* Goes over the extension headers up to the payload, or to what a fragment
 * that is not the first holds. */
static enum ztt_undecoded extensions(struct ztt_bytes *bytes, struct ztt_ip *ip,
				     uint32_t *jumbo)
{
	for (int i = 0; i < EXTENSIONS_MAX && !bytes->truncated; i++) {
		switch (ip->protocol) {
		case HOP_BY_HOP:
		case ROUTING:
		case DESTINATION:
		case MOBILITY:
		case HIP:
		case SHIM6:
			ip->protocol =
				skip_extension(bytes, ip->protocol, jumbo);
			break;
		case AUTHENTICATION:
			ip->protocol = skip_authentication(bytes);
			break;
		case FRAGMENT:
			ip->protocol = fragment_header(bytes, ip);
			if (ip->fragment)
				return ZTT_DECODED;
			break;
		default:
			return ZTT_DECODED;
		}
	}
	return bytes->truncated ? ZTT_TRUNCATED : ZTT_MALFORMED;
}

static enum ztt_undecoded decode6(const struct ztt_link_payload *link,
				  bool super, struct ztt_ip *ip)
{
	struct ztt_bytes bytes = ztt_bytes_of(link->data, link->len_bytes);
	uint32_t first = ztt_bytes_u32(&bytes), jumbo = 0;
	uint32_t payload_bytes = ztt_bytes_u16(&bytes);
	enum ztt_undecoded why;
	size_t used;

	ip->protocol = ztt_bytes_u8(&bytes);
	ip->ttl = ztt_bytes_u8(&bytes);
	ip->ecn = first >> 20 & 3;
	if (ztt_bytes_left(&bytes) < 32)
		return ZTT_TRUNCATED;
	memcpy(ip->from, ztt_bytes_take(&bytes, 16), 16);
	memcpy(ip->to, ztt_bytes_take(&bytes, 16), 16);
	why = extensions(&bytes, ip, &jumbo);
	if (why != ZTT_DECODED)
		return why;
	used = (size_t)(bytes.at - link->data);
	if (!payload_bytes && jumbo && jumbo <= ZTT_FRAME_BYTES_MAX)
		payload_bytes = jumbo;
	ip->whole_bytes = payload_bytes + IPV6_HEADER_BYTES;
	if ((!payload_bytes && ip->protocol != NO_NEXT) ||
	    (super && ip->whole_bytes < link->whole_bytes))
		ip->whole_bytes = (uint32_t)link->whole_bytes;
	if (ip->whole_bytes < used)
		return ZTT_MALFORMED;
	return set_payload(ip, &bytes, link->whole_bytes - used,
			   ip->whole_bytes - used);
}

enum ztt_undecoded ztt_ip_decode(const struct ztt_link_payload *link,
				 bool super, struct ztt_ip *ret_ip)
{
	uint8_t version;

	if (!link->len_bytes)
		return ZTT_TRUNCATED;
	version = link->data[0] >> 4;
	if (version != 4 && version != 6)
		return link->family ? ZTT_MALFORMED : ZTT_OTHER;
	if (link->family && link->family != version)
		return ZTT_MALFORMED;
	memset(ret_ip, 0, sizeof(*ret_ip));
	ret_ip->family = version;
	if (version == 4)
		return decode4(link, super, ret_ip);
	return decode6(link, super, ret_ip);
}

enum ztt_undecoded ztt_ip_skip_extensions(struct ztt_ip *ip)
{
	struct ztt_bytes bytes = ztt_bytes_of(ip->payload, ip->payload_bytes);
	enum ztt_undecoded why;
	uint32_t jumbo = 0;
	size_t used;

	if (ip->family == 4) {
		if (ip->protocol == AUTHENTICATION)
			ip->protocol = skip_authentication(&bytes);
		why = bytes.truncated ? ZTT_TRUNCATED : ZTT_DECODED;
	} else {
		why = extensions(&bytes, ip, &jumbo);
	}
	if (why != ZTT_DECODED)
		return why;
	if (ip->fragment)
		return ZTT_MALFORMED;
	used = (size_t)(bytes.at - ip->payload);
	return set_payload(ip, &bytes, ip->link_whole_bytes - used,
			   ip->payload_whole_bytes - used);
}
