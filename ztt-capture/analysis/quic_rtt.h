/* Round-trip times from acknowledgements that pass a point (RFC 9002, 5). */
#ifndef ZTT_CAPTURE_QUIC_RTT_H
#define ZTT_CAPTURE_QUIC_RTT_H

#include <stdbool.h>
#include <stdint.h>

struct ztt_direction;
struct ztt_transport_parameters;

struct ztt_quic_rtt {
	int64_t least_ns; /* before delays are taken off; 0: none yet */
};

struct ztt_quic_rtt_sample {
	int64_t took_ns;        /* packet here to acknowledgement here */
	uint64_t delay_on_wire; /* of the ACK frame */
	bool application;       /* else the delay is not taken off */
	/* Of the acknowledging side; NULL: not known, the defaults. */
	const struct ztt_transport_parameters *parameters;
};

/* Records one sample in the histograms of the direction that was acknowledged,
 * where it has them. The delay is taken off as far as the result is not below
 * the least sample. */
void ztt_quic_rtt_record(struct ztt_quic_rtt *rtt,
			 const struct ztt_quic_rtt_sample *sample,
			 struct ztt_direction *direction);

#endif
