/* Round-trip time and loss of a few paced pings, and whether the way back stays
 * open while nothing is sent. */
#ifndef ZTT_DOCTOR_ROUND_TRIP_H
#define ZTT_DOCTOR_ROUND_TRIP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"

#define ZTT_ROUND_TRIPS 20

/* Begins with `address`, `gap_ns` and `due_ns`, the rest zeroed. */
struct ztt_round_trip {
	struct ztt_address address;
	uint64_t gap_ns; /* between two */
	uint64_t due_ns;
	/* 0: some were answered. -ETIMEDOUT: none; -ENETUNREACH: no route;
	 * others: ICMP. */
	int rc;
	unsigned sent, lost;
	uint64_t min_ns, median_ns, max_ns; /* of those answered */
};

/* Sends ZTT_ROUND_TRIPS; blocks until due_ns at most. */
void ztt_round_trip(struct ztt_round_trip *trip);

/* The interval that `lost` of `sent` is compatible with, in per cent: Clopper
 * and Pearson's exact one, at 95 %. */
void ztt_loss_interval(unsigned lost, unsigned sent, double *ret_low,
		       double *ret_high);

/* Begins with `address`, `idle_ns` and `due_ns`, the rest zeroed. */
struct ztt_nat_binding {
	struct ztt_address address;
	uint64_t idle_ns; /* nothing is sent for so long */
	uint64_t due_ns;
	/* 0: `survived` says it. -ETIMEDOUT: no answer before the pause;
	 * -EAGAIN: no time for the pause; -ENETUNREACH; others: ICMP. */
	int rc;
	bool survived; /* answered after it, on the same source port */
	unsigned tries;
};

void ztt_nat_binding(struct ztt_nat_binding *binding);

#endif
