/* One of two captures that are compared, datagram by datagram. */
#ifndef ZTT_DIFF_POINT_H
#define ZTT_DIFF_POINT_H

#include "ztt-capture/analysis/diff.h"
#include "ztt-capture/analysis/diff_flow.h"

/* A datagram, a super-datagram's segment among them. */
struct ztt_diff_datagram {
	struct ztt_diff_flow *flow;
	bool up;
	const uint8_t *payload;
	size_t payload_bytes, whole_bytes; /* there; before it was cut */
	int64_t at_ns;
};

struct ztt_diff_reader {
	struct ztt_source *source;
	struct ztt_fragments *fragments;
	struct ztt_diff_flows *flows;
	struct ztt_diff_point *figures; /* NULL: nothing is counted */
	/* The frame that was read last, and what is left of it */
	int64_t at_ns;
	bool any;
	struct ztt_frame frame;
	struct ztt_diff_datagram datagram;
	const uint8_t *rest;
	size_t rest_bytes, rest_whole_bytes, stride;
};

/* Begins to read; takes *fd over and makes it -1; `flows` and `figures` are the
 * caller's. -errno. */
int ztt_diff_reader_open(struct ztt_diff_reader *reader, int *fd,
			 const char *path, struct ztt_diff_flows *flows,
			 struct ztt_diff_point *figures, struct ztt_err *err);
void ztt_diff_reader_close(struct ztt_diff_reader *reader);

/* The next datagram, valid until the next call: 1, 0 at the end, -errno. */
int ztt_diff_reader_next(struct ztt_diff_reader *reader,
			 struct ztt_diff_datagram *ret_datagram,
			 struct ztt_err *err);

#endif
