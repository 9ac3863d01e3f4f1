/* Changes, and how they are told to people. */
#ifndef ZTT_DOCTOR_FIX_CHANGE_H
#define ZTT_DOCTOR_FIX_CHANGE_H

#include <stdio.h>

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
};
void ztt_changes_release(struct ztt_changes *changes);

/* What `plan` changes on this host as it is now. With nothing changed by it:
 * -EINVAL, -ENOENT, ... with the sentence. */
int ztt_changes_of_plan(const struct ztt_place *place,
			const struct ztt_fix_plan *plan,
			struct ztt_changes *ret_changes, struct ztt_err *err);

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
