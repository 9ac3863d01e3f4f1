/* Changes, and how they are told to people. */
#ifndef ZTT_DOCTOR_FIX_CHANGE_H
#define ZTT_DOCTOR_FIX_CHANGE_H

#include <stdbool.h>
#include <stdio.h>

#include "common/err.h"
#include "ztt-doctor/fix/fix.h"
#include "ztt-doctor/fix/target.h"

struct ztt_change {
	enum ztt_target_kind kind;
	char target[ZTT_TARGET_BYTES];
	struct ztt_state now, want;
};

/* Zeroed is none; in the order in which they are made. */
struct ztt_changes {
	struct ztt_change *items;
	size_t count;
	size_t unchanged; /* asked for, and already so */
	bool writable;    /* what cannot be written is left */
	/* Steps that cannot be taken: "TARGET: why". */
	struct ztt_err *left;
	size_t left_count;
};
void ztt_changes_release(struct ztt_changes *changes);

/* What `plan` changes on this host as it is now; nothing is changed yet. With
 * `writable` what root cannot write either is left. */
void ztt_changes_of_plan(const struct ztt_place *place,
			 const struct ztt_fix_plan *plan, bool writable,
			 struct ztt_changes *ret_changes);

/* The i-th change could not be made: it is left for the reason in `why`. */
void ztt_changes_leave(struct ztt_changes *changes, size_t i,
		       const struct ztt_err *why);

/* Whether `rc` is one that another user could have done without. */
bool ztt_change_needs_root(int rc);

/* A unified diff of a file, a line for a value or a mode, nothing for a
 * directory. */
void ztt_change_tell(FILE *out, const struct ztt_change *change);
/* Shell commands that do the same. */
void ztt_change_tell_shell(FILE *out, const struct ztt_place *place,
			   const struct ztt_change *change);

/* A unified diff, three lines of context, one hunk; NULL for a file that is
 * not there. Nothing when both are the same. */
void ztt_diff(FILE *out, const char *path, const char *old,
	      size_t old_len_bytes, const char *new, size_t new_len_bytes);

#endif
