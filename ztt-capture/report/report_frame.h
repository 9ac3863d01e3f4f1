/* Which fields of a QUIC frame are to be shown, by its type, and what they are
 * called: for `read`, its tree and qlog. */
#ifndef ZTT_CAPTURE_REPORT_FRAME_H
#define ZTT_CAPTURE_REPORT_FRAME_H

#include <stdint.h>

#include "ztt-capture/decode/quic_frame.h"

enum ztt_shown {
	ZTT_SHOWN_ACK = 1u << 0,
	ZTT_SHOWN_REPEATS = 1u << 1,
	ZTT_SHOWN_STREAM = 1u << 2,
	ZTT_SHOWN_KIND = 1u << 3, /* bidirectional or not, from the type */
	ZTT_SHOWN_SEQUENCE = 1u << 4,
	ZTT_SHOWN_RETIRE = 1u << 5, /* retire prior to, in `limit` */
	ZTT_SHOWN_OFFSET = 1u << 6,
	ZTT_SHOWN_LENGTH = 1u << 7, /* of data that is not shown itself */
	ZTT_SHOWN_FIN = 1u << 8,
	ZTT_SHOWN_CODE = 1u << 9,
	ZTT_SHOWN_FINAL = 1u << 10, /* final size of a stream */
	ZTT_SHOWN_MAXIMUM = 1u << 12,
	ZTT_SHOWN_LIMIT = 1u << 13,
	ZTT_SHOWN_CID = 1u << 14,
	ZTT_SHOWN_DATA = 1u << 15,  /* 8 bytes, in hex */
	ZTT_SHOWN_CAUSE = 1u << 16, /* type of the frame that caused it */
	ZTT_SHOWN_REASON = 1u << 17,
};

struct ztt_frame_shape {
	uint64_t least, most; /* types */
	const char *qlog;     /* frame_type */
	unsigned shown;       /* bits of enum ztt_shown */
};

/* Never NULL: a type that is not known has the shape "unknown". */
const struct ztt_frame_shape *ztt_frame_shape(uint64_t type);

#endif
