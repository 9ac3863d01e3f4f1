/* What a check found. */
#ifndef ZTT_DOCTOR_FINDING_H
#define ZTT_DOCTOR_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ZTT_FINDING_ACTIONS_MAX 8

/* In the order of how much they ask for attention, least first. */
enum ztt_status {
	ZTT_STATUS_OK,
	ZTT_STATUS_SKIP,    /* does not apply here, or was not asked for */
	ZTT_STATUS_UNKNOWN, /* could not be found out, and why */
	ZTT_STATUS_WARN,
	ZTT_STATUS_FAIL,
};

enum ztt_action_kind {
	ZTT_ACTION_SYSCTL, /* target "net.core.rmem_max", value "7500000" */
	ZTT_ACTION_MODE,   /* target a path, value "0600" */
};

/* One step that --fix can take. */
struct ztt_action {
	enum ztt_action_kind kind;
	char target[256];
	char value[64];
	char old[64]; /* as it was found */
};

/* Plain storage; zeroed is "ok" with nothing observed, so every check must
 * call one of the functions below. */
struct ztt_finding {
	enum ztt_status status;
	char observed[1024]; /* one line; never a secret */
	char expected[256];  /* "": what the row says */
	char advice[768];    /* what to do next; "": what the row says */
	struct ztt_action actions[ZTT_FINDING_ACTIONS_MAX];
	size_t action_count;
	bool concluded;
};

/* Notes what was seen and how it is judged. May be called again, for each of
 * several things seen: the texts are joined by "; " and the worst status
 * stays, so that "ok" beside "fail" is "fail". Control characters and what is
 * no UTF-8 become '?'. */
void ztt_finding_note(struct ztt_finding *finding, enum ztt_status status,
		      const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "cannot read PATH: REASON", status unknown; for -EACCES and -EPERM with the
 * privilege it needs, which is `needs` or, when NULL, "root". */
void ztt_finding_unread(struct ztt_finding *finding, const char *path, int rc,
			const char *needs);

/* Replace what the row says, where it depends on what was seen. */
void ztt_finding_expect(struct ztt_finding *finding, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void ztt_finding_advise(struct ztt_finding *finding, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Offers --fix a step; past ZTT_FINDING_ACTIONS_MAX it is left out. */
void ztt_finding_sysctl(struct ztt_finding *finding, const char *key,
			const char *old, const char *value);
void ztt_finding_mode(struct ztt_finding *finding, const char *path, mode_t old,
		      mode_t mode);

/* "ok", "warn", "fail", "skip", "unknown". */
const char *ztt_status_name(enum ztt_status status);

#endif
