/* Which of a direction's figures are known, and which are 0 only because
 * nobody could count them. */
#ifndef ZTT_CAPTURE_REPORT_KNOWN_H
#define ZTT_CAPTURE_REPORT_KNOWN_H

#include <stdbool.h>

#include "ztt-capture/analysis/connection.h"

struct ztt_known {
	bool loss;    /* lost */
	bool where;   /* lost_before, lost_after */
	bool order;   /* reordered, duplicated */
	bool resent;  /* retransmitted, spurious */
	bool blocked; /* blocked, in_flight_most_bytes */
	bool frames;  /* what only opened QUIC packets show */
};

struct ztt_known ztt_known_of(const struct ztt_connection *connection,
			      const struct ztt_direction *direction);

/* Whether both halves of the path's round trip were measured. */
bool ztt_path_rtt_known(const struct ztt_connection *connection);

#endif
