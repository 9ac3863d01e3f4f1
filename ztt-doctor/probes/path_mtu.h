/* How large an IP packet the path to an edge carries, by pings of many sizes
 * that no router may fragment. */
#ifndef ZTT_DOCTOR_PATH_MTU_H
#define ZTT_DOCTOR_PATH_MTU_H

#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"

#define ZTT_PATH_MTU_MAX 1500 /* of what is tried */

/* Begins with `address` and `due_ns`, the rest zeroed. Sizes are IP packets. */
struct ztt_path_mtu {
	struct ztt_address address;
	uint64_t due_ns;
	/* 0: `mtu_bytes` passed. -ETIMEDOUT: nothing was answered, at no size.
	 * -EMSGSIZE: this host's route does not carry the least size that an
	 * edge has to answer. -ENETUNREACH: no route; others: ICMP. */
	int rc;
	unsigned mtu_bytes;       /* the largest that was answered */
	bool exact;               /* one byte more was not, or is past the
				     maximum */
	bool local;               /* one byte more, and this host refuses */
	unsigned route_mtu_bytes; /* as this host believes; 0: not known */
	unsigned told_mtu_bytes;  /* by ICMP "packet too big"; 0: by none */
	unsigned least_bytes;     /* the least that was tried */
};

/* Sweeps; blocks until due_ns at most. */
void ztt_path_mtu(struct ztt_path_mtu *mtu);

#endif
