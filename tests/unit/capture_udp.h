/* Frames with UDP over IPv4, as made by hand: link type "raw". */
#ifndef ZTT_TEST_CAPTURE_UDP_H
#define ZTT_TEST_CAPTURE_UDP_H

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ztt-capture/source/source.h"

#ifndef UDP_FRAME_MAX
#define UDP_FRAME_MAX 66000
#endif

struct udp_frame {
	struct ztt_frame frame;
	uint8_t bytes[UDP_FRAME_MAX];
};

/* 10.0.0.FROM:FROM_PORT to 10.0.0.TO:TO_PORT. `frame` is kept by the caller. */
static inline void udp_frame_make(struct udp_frame *frame, int64_t at_ns,
				  uint8_t from, uint16_t from_port, uint8_t to,
				  uint16_t to_port, const void *payload,
				  size_t len_bytes)
{
	size_t whole = 28 + len_bytes;
	const uint8_t head[28] = {0x45,
				  0,
				  (uint8_t)(whole >> 8),
				  (uint8_t)whole,
				  0,
				  0,
				  0x40,
				  0,
				  64,
				  17,
				  0,
				  0,
				  10,
				  0,
				  0,
				  from,
				  10,
				  0,
				  0,
				  to,
				  (uint8_t)(from_port >> 8),
				  (uint8_t)from_port,
				  (uint8_t)(to_port >> 8),
				  (uint8_t)to_port,
				  (uint8_t)((8 + len_bytes) >> 8),
				  (uint8_t)(8 + len_bytes),
				  0,
				  0};

	assert(whole <= UDP_FRAME_MAX);
	memcpy(frame->bytes, head, sizeof(head));
	memcpy(frame->bytes + sizeof(head), payload, len_bytes);
	frame->frame = (struct ztt_frame){
		.at_ns = at_ns,
		.link = ZTT_LINK_RAW,
		.captured_bytes = (uint32_t)whole,
		.length_bytes = (uint32_t)whole,
		.data = frame->bytes,
	};
}

static inline void pcap_u32(FILE *out, uint32_t value)
{
	fwrite(&value, sizeof(value), 1, out);
}

/* A pcap file with nanoseconds, in this machine's byte order. */
static inline void pcap_begin(FILE *out)
{
	pcap_u32(out, 0xa1b23c4d);
	pcap_u32(out, 2 | 4U << 16);
	pcap_u32(out, 0);
	pcap_u32(out, 0);
	pcap_u32(out, 262144);
	pcap_u32(out, ZTT_LINK_RAW);
}

static inline void pcap_put(FILE *out, const struct udp_frame *frame)
{
	pcap_u32(out, (uint32_t)(frame->frame.at_ns / 1000000000));
	pcap_u32(out, (uint32_t)(frame->frame.at_ns % 1000000000));
	pcap_u32(out, frame->frame.captured_bytes);
	pcap_u32(out, frame->frame.length_bytes);
	fwrite(frame->bytes, 1, frame->frame.captured_bytes, out);
}

#endif
