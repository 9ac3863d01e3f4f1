/* Checks: one question about the host each. A row in checks.def and a function
 * `ztt_check_GROUP_NAME` in checks/GROUP.c. */
#ifndef ZTT_DOCTOR_CHECK_H
#define ZTT_DOCTOR_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "ztt-doctor/finding.h"
#include "ztt-doctor/root.h"

struct ztt_doctor;

/* What a check needs; a check whose needs are not met is skipped, with the
 * reason, and its function not called. */
enum {
	ZTT_NEED_LIVE = 1,    /* this kernel: skipped with --root, and for a
				 bundle */
	ZTT_NEED_NETWORK = 2, /* contacts other hosts: skipped with --offline
				 (and with --root, and for a bundle) */
	ZTT_NEED_TIME = 4,    /* waits (a window, a timeout, a disk): runs in
				 a thread of its own beside the others */
	ZTT_IN_BUNDLE = 8,    /* can be answered from a bundle */
};

struct ztt_check {
	const char *id;    /* "udp.rmem_max" */
	const char *group; /* "udp" */
	unsigned needs;
	unsigned impact;   /* 1 (cosmetic) to 10 (no tunnel at all) */
	const char *title; /* "receive buffer limit" */
	const char *expected;
	const char *why;    /* what goes wrong otherwise, and by how much */
	const char *advice; /* what to do when it is not so */
	const char *source; /* RFC, man page, kernel file, manual */
	void (*run)(struct ztt_doctor *doctor, struct ztt_finding *finding);
};

/* All of checks.def, in its order; the last has id NULL. */
extern const struct ztt_check ztt_checks[];

/* The function of each row, which ends with a call of ztt_finding_note. */
#define ZTT_CHECK(group, name, ...)                                \
	void ztt_check_##group##_##name(struct ztt_doctor *doctor, \
					struct ztt_finding *finding);
#include "ztt-doctor/checks.def"
#undef ZTT_CHECK

#endif
