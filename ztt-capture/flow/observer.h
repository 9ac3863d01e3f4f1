/* What looks at packets as they are decoded: `read`, `qlog`, filters. */
#ifndef ZTT_CAPTURE_OBSERVER_H
#define ZTT_CAPTURE_OBSERVER_H

#include "ztt-capture/analysis/connection.h"
#include "ztt-capture/decode/quic_frame.h"
#include "ztt-capture/decode/quic_packet.h"

#define ZTT_FRAMES_SHOWN_MAX 64

/* One packet, QUIC, WireGuard or a TCP segment; valid during the call. */
struct ztt_packet {
	const struct ztt_frame *frame;
	const struct ztt_datagram *datagram; /* the segment of it that this
						packet came in */
	unsigned segment, segments; /* 0 of 1; 3 of 14 of a super-datagram */
	bool inferred;              /* the split was inferred */
	const struct ztt_connection *connection;
	bool up; /* from the client */
	enum ztt_protocol protocol;

	/* QUIC */
	const struct ztt_quic_header *header; /* NULL: it cannot be read */
	const struct ztt_quic_opened *opened; /* NULL: not opened, and why */
	enum ztt_why why;
	const struct ztt_quic_frame *frames; /* those of an opened packet */
	size_t frame_count;                  /* at most ZTT_FRAMES_SHOWN_MAX */
	size_t frames_left_out;

	/* WireGuard: type 1..4, receiver index, counter */
	uint8_t wg_type;
	uint32_t wg_receiver, wg_sender;
	uint64_t wg_counter;

	/* What is within, in words: "registerConnection index 0 secret
	 * (redacted)", "GET https://app.example.com/"; "" : nothing known. */
	const char *info;
};

struct ztt_observer {
	void (*packet)(void *owner, const struct ztt_packet *packet);
	void *owner;
};

#endif
