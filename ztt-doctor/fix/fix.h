/* --fix and --undo: a plan of steps, its diff, applied with a journal that is
 * on the disk before anything is changed. A kill at any instant leaves every
 * file either old or new, and --undo able to go back. */
#ifndef ZTT_DOCTOR_FIX_H
#define ZTT_DOCTOR_FIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "ztt-doctor/finding.h"
#include "ztt-doctor/root.h"

struct ztt_err;

/* Sysctl settings are kept in this file, which is ours alone (sysctl.d(5)). */
#define ZTT_FIX_SYSCTL_FILE "/etc/sysctl.d/99-tunnel-pro.conf"
/* The journal, mode 0600, and the lock beside it. */
#define ZTT_FIX_JOURNAL "/var/lib/ztt-doctor/journal.json"

/* Steps of several findings, those with the same kind and target once. */
struct ztt_fix_plan {
	struct ztt_action *actions;
	size_t count;
};
/* Adds a finding's steps. Two that contradict: the larger number stays, and of
 * modes the smaller. */
void ztt_fix_plan_add(struct ztt_fix_plan *plan,
		      const struct ztt_finding *finding);
void ztt_fix_plan_release(struct ztt_fix_plan *plan);

/* What --fix, --dry-run and --undo did, for the caller to print: a unified diff
 * of each file, a line for each value and mode, conflicts, and nothing else. */
struct ztt_fix_result {
	size_t changed;   /* files, values and modes that are different now (or
			     would be) */
	size_t unchanged; /* were already as wanted */
	size_t conflicts; /* undo: no longer what was written, left alone */
	size_t left;      /* fix: steps that cannot be taken, each told in a
			     line "left alone: TARGET: why" */
	char *text;       /* lines for people; freed by the release */
};
void ztt_fix_result_release(struct ztt_fix_result *result);

/* Carries out the plan on `root` (live or a directory), or with `dry_run` only
 * says what it would do. A step that cannot be taken (no such key, a path that is no
 * regular file or that others could swap) is left and told, the others are
 * taken. `container` is NULL or what ztt_facts_container says: sysctls of the
 * host cannot be set from within one, and the sentence says who can. -EACCES,
 * -EPERM: needs root; -EBUSY: another --fix runs; -EEXIST: the journal is not
 * ours or broken. */
int ztt_fix_apply(const struct ztt_root *root, const struct ztt_fix_plan *plan,
		  const char *container, bool dry_run,
		  struct ztt_fix_result *ret_result, struct ztt_err *err);

/* Goes back to what was before the first --fix since the last --undo. Files
 * byte for byte, with owner and mode; what is no longer as it was written is
 * left, and counted as a conflict. -ENOENT: nothing to undo. */
int ztt_fix_undo(const struct ztt_root *root, bool dry_run,
		 struct ztt_fix_result *ret_result, struct ztt_err *err);

#endif
