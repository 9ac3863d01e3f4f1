#define _GNU_SOURCE
#include "ztt-doctor/fix/fix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "ztt-doctor/fix/change.h"
#include "ztt-doctor/fix/journal.h"

struct undo {
	const struct ztt_place *place;
	bool dry_run;
	struct ztt_journal kept; /* conflicts, newest first; borrowed states */
	struct ztt_fix_result result;
	FILE *text;
};

static void keep(struct undo *undo, const struct ztt_step *step)
{
	struct ztt_journal *kept = &undo->kept;

	kept->steps = ztt_realloc(kept->steps,
				  (kept->count + 1) * sizeof(*kept->steps));
	kept->steps[kept->count++] = *step;
}

static void tell_conflict(struct undo *undo, const struct ztt_step *step,
			  const struct ztt_state *now, int rc)
{
	const char *mode = step->kind == ZTT_TARGET_MODE ? "mode of " : "";

	undo->result.conflicts++;
	keep(undo, step);
	if (rc < 0)
		fprintf(undo->text, "%s%s: left alone: %s\n", mode,
			step->target, strerror(-rc));
	else if (step->kind == ZTT_TARGET_FILE)
		fprintf(undo->text,
			"%s: left alone, it is no longer as --fix wrote it\n",
			step->target);
	else
		fprintf(undo->text,
			"%s%s: left alone at %s, --fix had set it to %s\n",
			mode, step->target, now->print,
			step->news[step->new_count - 1]);
}

static int restore(struct undo *undo, const struct ztt_step *step,
		   const struct ztt_state *now, struct ztt_err *err)
{
	struct ztt_change change = {.kind = step->kind,
				    .now = *now,
				    .want = step->old};
	int rc = 0;

	snprintf(change.target, sizeof(change.target), "%s", step->target);
	if (!undo->dry_run)
		rc = ztt_target_write(undo->place, step->kind, step->target,
				      &step->old);
	if (rc < 0)
		return ztt_err_set(err, rc, "cannot restore %s: %s%s",
				   step->target, strerror(-rc),
				   rc == -EACCES || rc == -EPERM
					   ? "; run it as root"
					   : "");
	ztt_change_tell(undo->text, &change);
	undo->result.changed++;
	return 0;
}

static bool owner_differs(const struct ztt_step *step,
			  const struct ztt_state *now)
{
	return step->kind == ZTT_TARGET_MODE &&
	       (now->uid != step->old.uid || now->gid != step->old.gid);
}

static int undo_step(struct undo *undo, const struct ztt_step *step,
		     struct ztt_err *err)
{
	struct ztt_state now = {.print = ""};
	int rc = ztt_target_read(undo->place, step->kind, step->target, &now);

	if (!undo->dry_run)
		ztt_target_clean(undo->place, step->kind, step->target);
	if (rc < 0) {
		tell_conflict(undo, step, &now, rc);
		return 0;
	}
	if (ztt_state_same(&now, &step->old))
		undo->result.unchanged++;
	else if (!ztt_step_wrote(step, &now) || owner_differs(step, &now))
		tell_conflict(undo, step, &now, 0);
	else
		rc = restore(undo, step, &now, err);
	ztt_state_release(&now);
	return rc;
}

/* One that now holds something else is no longer ours to remove; but what is
 * left alone in it may be undone later. */
static void undo_dir(struct undo *undo, const struct ztt_step *step)
{
	int rc = 0;

	if (!undo->dry_run)
		rc = ztt_target_write(undo->place, ZTT_TARGET_DIR, step->target,
				      &step->old);
	if (rc < 0 && undo->result.conflicts)
		keep(undo, step);
}

static int finish(struct undo *undo, const struct ztt_journal *journal,
		  int dir_fd, struct ztt_err *err)
{
	struct ztt_journal *kept = &undo->kept;
	int rc;

	if (undo->dry_run)
		return 0;
	if (kept->count) {
		for (size_t i = 0; i < kept->count / 2; i++) {
			struct ztt_step swap = kept->steps[i];

			kept->steps[i] = kept->steps[kept->count - 1 - i];
			kept->steps[kept->count - 1 - i] = swap;
		}
		return ztt_journal_save(dir_fd, kept, err);
	}
	rc = ztt_journal_remove(undo->place, dir_fd, err);
	for (size_t i = journal->count; rc == 0 && i-- > 0;)
		if (journal->steps[i].kind == ZTT_TARGET_DIR)
			undo_dir(undo, &journal->steps[i]);
	return rc;
}

static int undo_all(struct undo *undo, const struct ztt_journal *journal,
		    int dir_fd, struct ztt_err *err)
{
	int rc = 0;

	for (size_t i = journal->count; rc == 0 && i-- > 0;) {
		const struct ztt_step *step = &journal->steps[i];

		if (step->kind == ZTT_TARGET_DIR)
			undo_dir(undo, step);
		else
			rc = undo_step(undo, step, err);
	}
	return rc < 0 ? rc : finish(undo, journal, dir_fd, err);
}

static int nothing(const struct ztt_place *place, struct ztt_err *err)
{
	return ztt_err_set(err, -ENOENT,
			   "nothing to undo: %s" ZTT_FIX_JOURNAL
			   " is not there",
			   place->dir);
}

static int undo_locked(struct undo *undo, int dir_fd, struct ztt_err *err)
{
	struct ztt_journal journal = {0};
	size_t len_bytes;
	int rc = ztt_journal_load(dir_fd, &journal, err);

	if (rc == -ENOENT && !undo->dry_run)
		ztt_journal_remove(undo->place, dir_fd, NULL);
	if (rc < 0)
		return rc == -ENOENT ? nothing(undo->place, err) : rc;
	undo->text = open_memstream(&undo->result.text, &len_bytes);
	rc = undo_all(undo, &journal, dir_fd, err);
	fclose(undo->text);
	free(undo->kept.steps);
	ztt_journal_release(&journal);
	return rc;
}

int ztt_fix_undo(const struct ztt_root *root, bool dry_run,
		 struct ztt_fix_result *ret_result, struct ztt_err *err)
{
	struct ztt_place place;
	struct undo undo = {.place = &place, .dry_run = dry_run};
	int dir_fd = -1;
	int rc = ztt_place_open(root, &place, err);

	if (rc < 0)
		return rc;
	rc = ztt_journal_lock(&place, false, NULL, &dir_fd, err);
	if (rc == 0) {
		rc = undo_locked(&undo, dir_fd, err);
		close(dir_fd);
	} else if (rc == -ENOENT) {
		nothing(&place, err);
	}
	if (rc < 0)
		ztt_fix_result_release(&undo.result);
	else
		*ret_result = undo.result;
	ztt_place_close(&place);
	return rc;
}
