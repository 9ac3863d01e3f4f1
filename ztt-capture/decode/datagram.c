#include "ztt-capture/decode/datagram.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "ztt-capture/decode/bytes.h"
#include "ztt-capture/decode/fragments.h"
#include "ztt-capture/decode/ip.h"
#include "ztt-capture/decode/link.h"

#define TCP 6
#define UDP 17
#define UDP_HEADER_BYTES 8
#define LARGEST_MTU_BYTES 9216 /* jumbo frames; more is a super-datagram */

static void take_payload(struct ztt_datagram *datagram,
			 const struct ztt_bytes *bytes, size_t whole_bytes)
{
	datagram->payload = bytes->at;
	datagram->payload_whole_bytes = whole_bytes;
	datagram->payload_bytes = ztt_bytes_left(bytes);
	if (datagram->payload_bytes > whole_bytes)
		datagram->payload_bytes = whole_bytes;
	datagram->cut = datagram->payload_bytes < whole_bytes;
}

/* UDP's length of a super-datagram may be 0, or one segment's; then the IP
 * packet tells. Where IP's is the short one, the frame must hold the rest. */
static size_t udp_whole_bytes(const struct ztt_frame *frame,
			      const struct ztt_ip *ip, size_t says)
{
	size_t whole = ip->payload_whole_bytes;

	if (!says)
		return whole;
	if (says > whole)
		return says <= ip->link_whole_bytes ? says : 0;
	if (says < whole &&
	    (frame->segment_bytes || ip->whole_bytes > LARGEST_MTU_BYTES))
		return whole;
	return says;
}

static enum ztt_undecoded udp(const struct ztt_frame *frame,
			      const struct ztt_ip *ip,
			      struct ztt_datagram *datagram)
{
	struct ztt_bytes bytes;
	size_t whole;

	if (ip->payload_bytes < UDP_HEADER_BYTES)
		return ZTT_TRUNCATED;
	bytes = ztt_bytes_of(ip->payload, ip->link_bytes);
	datagram->from.port = ztt_bytes_u16(&bytes);
	datagram->to.port = ztt_bytes_u16(&bytes);
	whole = udp_whole_bytes(frame, ip, ztt_bytes_u16(&bytes));
	if (whole < UDP_HEADER_BYTES)
		return ZTT_MALFORMED;
	if (whole > ip->payload_whole_bytes)
		datagram->ip_bytes +=
			(uint32_t)(whole - ip->payload_whole_bytes);
	ztt_bytes_skip(&bytes, 2);
	take_payload(datagram, &bytes, whole - UDP_HEADER_BYTES);
	return ZTT_DECODED;
}

static enum ztt_undecoded tcp(const struct ztt_ip *ip,
			      struct ztt_datagram *datagram)
{
	struct ztt_bytes bytes = ztt_bytes_of(ip->payload, ip->payload_bytes);
	size_t header_bytes;
	uint16_t flags;

	datagram->from.port = ztt_bytes_u16(&bytes);
	datagram->to.port = ztt_bytes_u16(&bytes);
	datagram->sequence = ztt_bytes_u32(&bytes);
	datagram->acknowledgement = ztt_bytes_u32(&bytes);
	flags = ztt_bytes_u16(&bytes);
	datagram->tcp_flags = flags & 0x1ff;
	datagram->window = ztt_bytes_u16(&bytes);
	ztt_bytes_skip(&bytes, 4);
	if (bytes.truncated)
		return ZTT_TRUNCATED;
	header_bytes = (size_t)(flags >> 12) * 4;
	if (header_bytes < 20 || header_bytes > ip->payload_whole_bytes)
		return ZTT_MALFORMED;
	ztt_bytes_skip(&bytes, header_bytes - 20);
	if (bytes.truncated)
		return ZTT_TRUNCATED;
	take_payload(datagram, &bytes, ip->payload_whole_bytes - header_bytes);
	return ZTT_DECODED;
}

static void from_ip(const struct ztt_ip *ip, struct ztt_datagram *datagram)
{
	memcpy(datagram->from.address, ip->from, 16);
	memcpy(datagram->to.address, ip->to, 16);
	datagram->from.family = datagram->to.family = ip->family;
	datagram->protocol = ip->protocol;
	datagram->ecn = ip->ecn;
	datagram->ttl = ip->ttl;
	datagram->ip_bytes = ip->whole_bytes;
}

static enum ztt_undecoded put_together(struct ztt_fragments *fragments,
				       const struct ztt_frame *frame,
				       uint32_t place, struct ztt_ip *ip)
{
	enum ztt_undecoded why;

	why = ztt_fragments_add(fragments, frame->interface, place,
				frame->at_ns, ip);
	return why == ZTT_DECODED ? ztt_ip_skip_extensions(ip) : why;
}

enum ztt_undecoded ztt_datagram_decode(struct ztt_fragments *fragments,
				       const struct ztt_frame *frame,
				       struct ztt_datagram *ret_datagram)
{
	struct ztt_datagram datagram = {.frame = frame};
	struct ztt_link_payload link;
	enum ztt_undecoded why;
	struct ztt_ip ip;

	why = ztt_link_decode(frame, &link);
	if (why == ZTT_DECODED)
		why = ztt_ip_decode(&link, frame->segment_bytes != 0, &ip);
	if (why != ZTT_DECODED)
		return why;
	if (ip.fragment && !fragments)
		return ZTT_FRAGMENT;
	if (ip.fragment)
		why = put_together(fragments, frame, link.place, &ip);
	if (why != ZTT_DECODED)
		return why;
	from_ip(&ip, &datagram);
	if (ip.protocol == UDP)
		why = udp(frame, &ip, &datagram);
	else if (ip.protocol == TCP)
		why = tcp(&ip, &datagram);
	else
		return ZTT_OTHER;
	if (why == ZTT_DECODED)
		*ret_datagram = datagram;
	return why;
}

char *ztt_endpoint_text(const struct ztt_endpoint *endpoint,
			char out[ZTT_ENDPOINT_LEN])
{
	char address[INET6_ADDRSTRLEN];
	bool v6 = endpoint->family == 6;

	inet_ntop(v6 ? AF_INET6 : AF_INET, endpoint->address, address,
		  sizeof(address));
	snprintf(out, ZTT_ENDPOINT_LEN, v6 ? "[%s]:%u" : "%s:%u", address,
		 endpoint->port);
	return out;
}
