/* Names to addresses as the system resolves them (/etc/hosts, nsswitch.conf),
 * several at once and with a due time, which getaddrinfo(3) has not. */
#ifndef ZTT_DOCTOR_RESOLVE_H
#define ZTT_DOCTOR_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "common/address.h"

/* Begins with `text`, the rest zeroed. */
struct ztt_resolve {
	char text[300]; /* "HOST:PORT" */
	/* 0: `address` is its first. -ENOENT: the name does not resolve;
	 * -ETIMEDOUT: not by then; -EINVAL: not HOST:PORT. */
	int rc;
	struct ztt_address address;
};

/* Blocks until all are resolved, or until due_ns (CLOCK_MONOTONIC); what came
 * by then is kept. A thread each, that is left to itself when late. */
void ztt_resolve(struct ztt_resolve *items, size_t count, uint64_t due_ns);

#endif
