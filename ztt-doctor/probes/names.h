/* What DNS says of every name that cloudflared resolves, asked once, side by
 * side, and shared by the dns checks. */
#ifndef ZTT_DOCTOR_NAMES_H
#define ZTT_DOCTOR_NAMES_H

#include "common/err.h"
#include "ztt-doctor/probes/dns.h"

struct ztt_doctor;

enum ztt_name_use {
	ZTT_NAME_SRV,     /* finds the regions */
	ZTT_NAME_DOT,     /* the same over TLS, when that fails */
	ZTT_NAME_ADDRESS, /* of a region: A and AAAA */
	ZTT_NAME_TXT,     /* which protocol and which features */
	ZTT_NAME_API,     /* what a running tunnel does without */
};

#define ZTT_NAMES_MAX 16

struct ztt_name {
	char name[96];
	enum ztt_name_use use;
	enum ztt_dns_type type;
	const char *what_for; /* ZTT_NAME_TXT, ZTT_NAME_API: "updates" */
	int rc;               /* of ztt_dns_ask */
	struct ztt_dns_answer answer;
	struct ztt_err err;
	struct ztt_doctor *doctor;
};

struct ztt_names {
	struct ztt_name list[ZTT_NAMES_MAX];
	size_t count;
};

/* By plan.region. Blocks for at most plan.timeout_ns. Never NULL. */
const struct ztt_names *ztt_names(struct ztt_doctor *doctor);

/* The first of that use. Never NULL. */
const struct ztt_name *ztt_names_find(const struct ztt_names *names,
				      enum ztt_name_use use);

#endif
