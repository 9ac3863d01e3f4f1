/* How an audit is shown. */
#ifndef ZTT_DOCTOR_REPORT_H
#define ZTT_DOCTOR_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ztt-doctor/check.h"

/* One check as it was answered. */
struct ztt_answer {
	const struct ztt_check *check;
	struct ztt_finding finding;
	uint64_t took_ns;
};

/* All of an audit; borrowed by the writers. */
struct ztt_audit {
	const struct ztt_answer *answers; /* in the order of checks.def */
	size_t count;
	bool strict;
	bool partial; /* only some checks were asked for: no word on fitness */
	const char *of; /* "this host", "the files in DIR", "the bundle FILE" */
	uint64_t took_ns;
};

/* Of all answers with status `status`. */
size_t ztt_audit_count(const struct ztt_audit *audit, enum ztt_status status);
/* ZTT_STATUS_FAIL: a check failed (strict: or warned); _WARN; _OK; _UNKNOWN:
 * nothing could be determined. */
enum ztt_status ztt_audit_verdict(const struct ztt_audit *audit);
/* One sentence, without a newline: "not fit: 2 failures, ...". Returns out. */
char *ztt_audit_sentence(const struct ztt_audit *audit, char out[256]);
/* 0, 1 or 3, the exit status. */
int ztt_audit_exit(const struct ztt_audit *audit);

/* What --fix would do about it, one line a step, joined by ", ": "net.core.
 * rmem_max: 212992 -> 7500000"; "" when it cannot. Returns out. */
char *ztt_answer_preview(const struct ztt_answer *answer, char *out,
			 size_t cap_bytes);
/* "sysctl", "mode", or NULL when --fix can do nothing. */
const char *ztt_answer_fix_id(const struct ztt_answer *answer);
/* The finding's own text, or the row's. */
const char *ztt_answer_expected(const struct ztt_answer *answer);
const char *ztt_answer_advice(const struct ztt_answer *answer);

/* A format: one file in report/, which defines ztt_write_NAME, and one row in
 * formats.def each. */
struct ztt_format {
	const char *name; /* "junit" */
	const char *what; /* one line for --help and the man page */
	void (*write)(const struct ztt_audit *audit, bool color, bool verbose,
		      FILE *out);
	/* The exit status, where the format has a contract of its own; NULL:
	 * ztt_audit_exit. */
	int (*exit)(const struct ztt_audit *audit);
};
/* All of formats.def; the last has name NULL. The first is "text". */
extern const struct ztt_format ztt_formats[];
const struct ztt_format *ztt_format_find(const char *name);
/* The exit status of `audit` in `format`. */
int ztt_format_exit(const struct ztt_format *format,
		    const struct ztt_audit *audit);

/* 0, 1, 2 or 3 for ok, warning, critical and unknown, as monitoring plug-ins
 * do. */
int ztt_nagios_exit(const struct ztt_audit *audit);

/* Indices of the answers with status `status`, highest impact first (and in
 * their own order within the same); returns how many. `out` has room for
 * audit->count. */
size_t ztt_audit_pick(const struct ztt_audit *audit, enum ztt_status status,
		      size_t *out);

#define ZTT_FORMAT(name, ...)                                            \
	void ztt_write_##name(const struct ztt_audit *audit, bool color, \
			      bool verbose, FILE *out);
#include "ztt-doctor/report/formats.def"
#undef ZTT_FORMAT

#endif
