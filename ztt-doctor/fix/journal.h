/* What --fix changed, or was about to: on the disk before the change. Outside
 * bytes when it is read. */
#ifndef ZTT_DOCTOR_FIX_JOURNAL_H
#define ZTT_DOCTOR_FIX_JOURNAL_H

#include "ztt-doctor/fix/target.h"

#define ZTT_JOURNAL_BYTES_MAX (512 * 1024)
#define ZTT_JOURNAL_STEPS_MAX 256
#define ZTT_STEP_NEWS_MAX 2

struct ztt_step {
	enum ztt_target_kind kind;
	char target[ZTT_TARGET_BYTES];
	struct ztt_state old;
	/* Prints of what was written, or was about to be. */
	char news[ZTT_STEP_NEWS_MAX][65];
	size_t new_count;
};

/* Zeroed is empty. */
struct ztt_journal {
	struct ztt_step *steps; /* in the order of the changes */
	size_t count;
};
void ztt_journal_release(struct ztt_journal *journal);

/* Notes that `target`, now in the state `now`, will be brought into `want`. A
 * step that knows the state of now goes on; otherwise (somebody else changed it
 * in between) it is a step of its own, undone before the older one. */
void ztt_journal_note(struct ztt_journal *journal, enum ztt_target_kind kind,
		      const char *target, const struct ztt_state *now,
		      const struct ztt_state *want);

/* Whether `state` is one that this step wrote. */
bool ztt_step_wrote(const struct ztt_step *step, const struct ztt_state *state);

/* -EEXIST with the reason: it is not ours, or broken. */
int ztt_journal_parse(const char *text, size_t len_bytes,
		      struct ztt_journal *ret_journal, struct ztt_err *err);
/* The text, which the caller frees. */
char *ztt_journal_spell(const struct ztt_journal *journal);

/* The directory of the journal, locked; the lock ends with the descriptor.
 * With `create` it is made, and the directories above that had to be made are
 * noted. -ENOENT: there is none; -EBUSY: locked; -EEXIST: somebody else's. */
int ztt_journal_lock(const struct ztt_place *place, bool create,
		     struct ztt_journal *made, int *ret_dir_fd,
		     struct ztt_err *err);
/* -ENOENT: no journal. */
int ztt_journal_load(int dir_fd, struct ztt_journal *ret_journal,
		     struct ztt_err *err);
/* Durable when it returns. */
int ztt_journal_save(int dir_fd, const struct ztt_journal *journal,
		     struct ztt_err *err);
/* Removes the directory, when there is no journal in it, and those that were
 * made above it. */
void ztt_journal_leave(const struct ztt_place *place,
		       const struct ztt_journal *made);
/* Removes the journal, what a kill left beside it, and its directory. */
int ztt_journal_remove(const struct ztt_place *place, int dir_fd,
		       struct ztt_err *err);

#endif
