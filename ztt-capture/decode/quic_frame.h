/* QUIC frames (RFC 9000 section 19, RFC 9221, draft-ietf-quic-ack-frequency):
 * one file in decode/frames/ and one row in decode/frames.def each. */
#ifndef ZTT_CAPTURE_QUIC_FRAME_H
#define ZTT_CAPTURE_QUIC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/decode/bytes.h"

#define ZTT_ACK_RANGES_MAX 256 /* of one frame; more are counted, not kept */

struct ztt_ack_range {
	uint64_t least, most; /* inclusive */
};

/* One frame; only the fields of its kind are set, the others are 0. Pointers
 * are into the packet's payload. */
struct ztt_quic_frame {
	uint64_t type;    /* as on the wire; of a row's range */
	const char *name; /* "STREAM": as in RFC 9000 */
	bool ack_eliciting;
	uint64_t stream_id;
	uint64_t offset, length; /* of data; RESET_STREAM: length is the final
				    size */
	uint64_t code;           /* error code */
	uint64_t limit;    /* MAX_*, *_BLOCKED; NEW_CONNECTION_ID: retire prior
			      to; ACK_FREQUENCY: ack-eliciting threshold */
	uint64_t sequence; /* *_CONNECTION_ID, ACK_FREQUENCY */
	uint64_t frame_type; /* CONNECTION_CLOSE: of what broke the rules */
	uint64_t delay_us, reordering; /* ACK_FREQUENCY: requested max ack
					  delay, reordering threshold */
	bool fin;
	const uint8_t *data; /* CRYPTO, STREAM, DATAGRAM, NEW_TOKEN, reasons,
				PATH_*, connection IDs */
	size_t data_bytes;
	const uint8_t *reset_token; /* NEW_CONNECTION_ID: 16 bytes */
	size_t repeats; /* PADDING, PING: so many in a row; others 1 */
	struct {
		uint64_t delay; /* as on the wire, before the exponent */
		size_t range_count, ranges_left_out;
		uint64_t ect0, ect1, ce;
		bool has_ecn;
		/* Highest first; those past range_count are not set. */
		struct ztt_ack_range ranges[ZTT_ACK_RANGES_MAX];
	} ack;
};

/* Decodes the next frame of a payload. 1; 0 at the end; -EPROTO: malformed, or
 * of a type that is not known (ret_frame->type is set, the name is "UNKNOWN"):
 * the rest cannot be read. A payload without a frame is malformed, too; that is
 * for the caller. */
int ztt_quic_frame_next(struct ztt_bytes *payload,
			struct ztt_quic_frame *ret_frame);

/* A row of frames.def. */
struct ztt_quic_frame_kind {
	uint64_t least, most; /* types */
	const char *name;
	bool ack_eliciting;
	/* The payload stands after the type; sets its `truncated` when it ends
	 * early or contradicts itself. */
	void (*decode)(struct ztt_bytes *payload, struct ztt_quic_frame *frame);
};
/* In the order of their types; the last has no name. */
extern const struct ztt_quic_frame_kind ztt_quic_frame_kinds[];

/* For decoders: the next `length` bytes are the frame's data. */
void ztt_quic_frame_data(struct ztt_bytes *payload,
			 struct ztt_quic_frame *frame, uint64_t length);

#define ZTT_QUIC_FRAME(id, least, most, name, ack_eliciting) \
	void ztt_quic_frame_##id(struct ztt_bytes *payload,  \
				 struct ztt_quic_frame *frame);
#include "ztt-capture/decode/frames.def"
#undef ZTT_QUIC_FRAME

#endif
