/* The engine's log, searched for the lines that mean something. */
#ifndef ZTT_DOCTOR_LOG_H
#define ZTT_DOCTOR_LOG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_doctor;

#define ZTT_LOG_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define ZTT_LOG_TIME_LEN 24

enum ztt_log_kind {
	ZTT_LOG_KIND_NOTE,
	ZTT_LOG_KIND_WARN,
	ZTT_LOG_KIND_FAIL, /* not up while it goes on */
	ZTT_LOG_KIND_AUTH, /* the same, and a matter of credentials */
};

/* The rows of log_patterns.def, in their order. */
enum ztt_log_id {
#define ZTT_LOG(name, ...) ZTT_LOG_##name,
#include "ztt-doctor/engine/log_patterns.def"
#undef ZTT_LOG
	ZTT_LOG_COUNT,
};

struct ztt_log_pattern {
	const char *text;
	enum ztt_log_kind kind;
	const char *meaning, *next;
};

extern const struct ztt_log_pattern ztt_log_patterns[ZTT_LOG_COUNT];

/* Lines that hold a pattern. */
struct ztt_log_hit {
	uint64_t count;
	size_t first_at, last_at; /* in the text; of the pattern */
	/* As the line has it, "2026-11-22T08:25:02Z" (UTC) or "2026/11/22
	 * 08:25:02" (local); "" when the line has none. */
	char first[ZTT_LOG_TIME_LEN], last[ZTT_LOG_TIME_LEN];
};

/* How much a hit still means. */
enum ztt_log_age {
	ZTT_LOG_GOES_ON,
	ZTT_LOG_MENDED,  /* a connection was registered since */
	ZTT_LOG_EARLIER, /* of a run before the last one, which did connect */
};

struct ztt_log {
	/* 0: read. -ENOENT: there is no log; others: `source` cannot be
	 * read. */
	int rc;
	char source[PATH_MAX]; /* the file, or "journal of UNIT" */
	bool cut;              /* there was more before the bytes read */
	size_t len_bytes;
	struct ztt_log_hit hits[ZTT_LOG_COUNT];
};

/* Found and searched when first asked for: plan.log, what flags and
 * configuration name, the journal of the unit (live), the usual files. Starts
 * journalctl at most, and waits for it no longer than the plan's timeout.
 * Never NULL. */
const struct ztt_log *ztt_log(struct ztt_doctor *doctor);

/* Searches a text: console lines, JSON lines, journal lines; one pass. Fills
 * `hits` and `len_bytes`. For tests and fuzzing. */
void ztt_log_scan(const char *text, size_t len_bytes, struct ztt_log *ret_log);

enum ztt_log_age ztt_log_age(const struct ztt_log *log, enum ztt_log_id id);

#endif
