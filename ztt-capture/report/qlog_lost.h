/* Which of the client's 1-RTT packets its sender would declare lost, by the
 * packet threshold of RFC 9002 section 6.1.1: unacknowledged, and one three or
 * more above it acknowledged. */
#ifndef ZTT_CAPTURE_QLOG_LOST_H
#define ZTT_CAPTURE_QLOG_LOST_H

#include "ztt-capture/decode/quic_frame.h"

#define ZTT_QLOG_LOST_WORDS 128 /* 8192 numbers; older ones are forgotten */

/* Begin with {0}. A bit is a packet that passed and was not acknowledged. */
struct ztt_qlog_lost {
	uint64_t base; /* number of the first bit, a multiple of 64 */
	uint64_t words[ZTT_QLOG_LOST_WORDS]; /* a ring by number / 64 */
};

void ztt_qlog_lost_sent(struct ztt_qlog_lost *lost, uint64_t number);
void ztt_qlog_lost_acked(struct ztt_qlog_lost *lost,
			 const struct ztt_quic_frame *ack);
/* The next packet that is lost now that `largest` is acknowledged; false: no
 * more. It is not told again. */
bool ztt_qlog_lost_next(struct ztt_qlog_lost *lost, uint64_t largest,
			uint64_t *ret_number);

#endif
