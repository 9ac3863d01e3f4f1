/* What every check is given: where the facts are, what the user asked for, and
 * the facts that several checks share. */
#ifndef ZTT_DOCTOR_DOCTOR_H
#define ZTT_DOCTOR_DOCTOR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-doctor/measure.h"
#include "ztt-doctor/root.h"

/* As the options give it; strings are NULL when not given. Never changed once
 * checks run. */
struct ztt_doctor_plan {
	bool offline;
	bool require_fips;
	double target_gbps;           /* 0: not given */
	struct ztt_measured measured; /* by --measure; zeros: not measured */
	const char *edge;      /* HOST:PORT[,HOST:PORT...], in place of what DNS
				  says; port 7844 unless given */
	const char *region;    /* "us", "fed" */
	const char *ca_file;   /* PEM roots in place of the system's */
	const char *resolver;  /* IP[:PORT] in place of /etc/resolv.conf */
	const char *dot;       /* IP[:PORT] in place of 1.1.1.1:853 */
	const char *ntp;       /* HOST[:PORT] in place of what is configured */
	const char *api;       /* URL in place of https://api.cloudflare.com */
	const char *api_token; /* the token itself: a secret */
	const char *oidc;      /* issuer URL */
	const char *engine_path; /* cloudflared's, in place of PATH */
	const char *config;      /* config.yml in place of cloudflared's own
				    search */
	const char *unit;        /* systemd unit ["cloudflared.service"] */
	const char *metrics;     /* HOST:PORT in place of 20241 to 20245 */
	const char *log;         /* log file in place of journal and config */
	uint64_t window_ns;      /* counters are watched for this long [1 s] */
	uint64_t timeout_ns;     /* of one probe [5 s, as cloudflared] */
};

struct ztt_doctor {
	const struct ztt_root *root;
	struct ztt_doctor_plan plan;
	/* No thread waits past it (CLOCK_MONOTONIC). */
	uint64_t deadline_ns;
	struct ztt_facts *facts; /* opaque: what is gathered once; facts.h */
};

/* When a probe that begins now must end: after the plan's timeout or at the
 * deadline, whichever is sooner (CLOCK_MONOTONIC). */
uint64_t ztt_doctor_due_ns(const struct ztt_doctor *doctor);

#endif
