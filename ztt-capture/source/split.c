#include "ztt-capture/source/split.h"

#include <string.h>

#define SLL2_BYTES 20
#define UDP_BYTES 8
#define IPV6_BYTES 40
#define PROTOCOL_UDP 17

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* The sum of the Internet checksum (RFC 1071), not folded yet. */
static uint64_t add(uint64_t sum, const uint8_t *data, size_t len_bytes)
{
	for (; len_bytes > 1; data += 2, len_bytes -= 2)
		sum += get16(data);
	return len_bytes ? sum + ((unsigned)data[0] << 8) : sum;
}

static unsigned fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (unsigned)~sum & 0xffff;
}

/* IPv6 extension headers do not come with super-datagrams of UDP. */
static size_t ip_bytes(const uint8_t *ip, size_t len_bytes, uint8_t *ret_family)
{
	size_t header;

	if (len_bytes >= 20 && ip[0] >> 4 == 4 && ip[9] == PROTOCOL_UDP) {
		*ret_family = 4;
		header = (size_t)(ip[0] & 15) * 4;
		return header >= 20 ? header : 0;
	}
	if (len_bytes >= IPV6_BYTES && ip[0] >> 4 == 6 &&
	    ip[6] == PROTOCOL_UDP) {
		*ret_family = 6;
		return IPV6_BYTES;
	}
	return 0;
}

unsigned ztt_split_begin(struct ztt_split *split, const struct ztt_frame *frame)
{
	size_t segment = frame->segment_bytes, header;

	split->index = split->count = 0;
	if (!segment || frame->link != ZTT_LINK_LINUX_SLL2 ||
	    frame->captured_bytes < SLL2_BYTES ||
	    frame->captured_bytes != frame->length_bytes)
		return 1;
	header = ip_bytes(frame->data + SLL2_BYTES,
			  frame->captured_bytes - SLL2_BYTES, &split->family);
	split->headers_bytes = SLL2_BYTES + header + UDP_BYTES;
	if (!header || split->headers_bytes > ZTT_SPLIT_HEADERS_MAX ||
	    frame->captured_bytes <= split->headers_bytes + segment)
		return 1;
	split->frame = frame;
	split->ip_offset = SLL2_BYTES;
	split->offset = 0;
	split->payload_bytes = frame->captured_bytes - split->headers_bytes;
	split->count =
		(unsigned)((split->payload_bytes + segment - 1) / segment);
	return split->count;
}

/* As the kernel segments: the identification counts up (net/ipv4/af_inet.c,
 * inet_gso_segment). */
static void fix_ip(const struct ztt_split *split, uint8_t *ip, size_t udp_bytes)
{
	size_t header = split->headers_bytes - split->ip_offset - UDP_BYTES;

	if (split->family == 6) {
		put16(ip + 4, (unsigned)udp_bytes);
		return;
	}
	put16(ip + 2, (unsigned)(header + udp_bytes));
	put16(ip + 4, get16(ip + 4) + split->index);
	put16(ip + 10, 0);
	put16(ip + 10, fold(add(0, ip, header)));
}

static void fix_udp(const struct ztt_split *split, const uint8_t *ip,
		    uint8_t *udp, size_t udp_bytes)
{
	uint64_t sum = PROTOCOL_UDP + udp_bytes;
	unsigned checksum;

	sum = split->family == 6 ? add(sum, ip + 8, 32) : add(sum, ip + 12, 8);
	put16(udp + 4, (unsigned)udp_bytes);
	put16(udp + 6, 0);
	checksum = fold(add(sum, udp, udp_bytes));
	put16(udp + 6, checksum ? checksum : 0xffff);
}

int ztt_split_next(struct ztt_split *split, struct ztt_frame *ret_frame)
{
	size_t left, len;
	uint8_t *ip = split->packet + split->ip_offset;
	uint8_t *udp = split->packet + split->headers_bytes - UDP_BYTES;

	if (split->index == split->count)
		return 0;
	left = split->payload_bytes - split->offset;
	len = left < split->frame->segment_bytes ? left
						 : split->frame->segment_bytes;
	memcpy(split->packet, split->frame->data, split->headers_bytes);
	memcpy(split->packet + split->headers_bytes,
	       split->frame->data + split->headers_bytes + split->offset, len);
	fix_ip(split, ip, UDP_BYTES + len);
	fix_udp(split, ip, udp, UDP_BYTES + len);
	*ret_frame = *split->frame;
	ret_frame->data = split->packet;
	ret_frame->captured_bytes = (uint32_t)(split->headers_bytes + len);
	ret_frame->length_bytes = ret_frame->captured_bytes;
	ret_frame->segment_bytes = 0;
	split->offset += len;
	split->index++;
	return 1;
}
