#define _GNU_SOURCE
#include "ztt-doctor/fix/fix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "ztt-doctor/fix/change.h"
#include "ztt-doctor/fix/journal.h"

static int check_container(const struct ztt_changes *changes,
			   const char *container, struct ztt_err *err)
{
	for (size_t i = 0; container && i < changes->count; i++)
		if (changes->items[i].kind == ZTT_TARGET_SYSCTL ||
		    changes->items[i].kind == ZTT_TARGET_FILE)
			return ztt_err_set(
				err, -EPERM,
				"this is a container (%s), and %s belongs to "
				"the host's kernel; run ztt-doctor --fix on "
				"the host, nothing was changed here",
				container,
				changes->items[i].kind == ZTT_TARGET_SYSCTL
					? changes->items[i].target
					: "what " ZTT_FIX_SYSCTL_FILE " sets");
	return 0;
}

static int check_privilege(const struct ztt_place *place,
			   const struct ztt_changes *changes,
			   struct ztt_err *err)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct ztt_change *at = &changes->items[i];
		int rc = ztt_target_writable(place, at->kind, at->target);

		if (ztt_change_needs_root(rc))
			return ztt_err_set(err, rc,
					   "cannot change %s: %s; run it as "
					   "root; nothing was changed",
					   at->target, strerror(-rc));
	}
	return 0;
}

/* A kernel may round what it is given; then the old value is better than one
 * that nobody asked for. */
static int confirm(const struct ztt_place *place,
		   const struct ztt_change *change, struct ztt_err *err)
{
	struct ztt_state now = {.print = ""};
	int rc = ztt_target_read(place, change->kind, change->target, &now);

	if (rc < 0)
		return ztt_err_set(err, rc, "%s: cannot be read back: %s",
				   change->target, strerror(-rc));
	if (!ztt_state_same(&now, &change->want)) {
		ztt_target_write(place, change->kind, change->target,
				 &change->now);
		rc = ztt_err_set(err, -EIO,
				 "%s: the kernel made %s of %s; it is %s again",
				 change->target, now.print, change->want.print,
				 change->now.print);
	}
	ztt_state_release(&now);
	return rc;
}

static int make_one(const struct ztt_place *place, const struct ztt_change *at,
		    struct ztt_err *err)
{
	int rc = ztt_target_write(place, at->kind, at->target, &at->want);

	if (rc < 0)
		return ztt_err_set(err, rc, "%s: %s", at->target,
				   strerror(-rc));
	return at->kind == ZTT_TARGET_SYSCTL ? confirm(place, at, err) : 0;
}

/* Without the file that keeps them no value is set; but a value or a mode that
 * cannot be set keeps no other from it. */
static int make(const struct ztt_place *place, struct ztt_changes *changes,
		struct ztt_err *err)
{
	struct ztt_err why;
	size_t i = 0;

	while (i < changes->count) {
		enum ztt_target_kind kind = changes->items[i].kind;
		int rc = make_one(place, &changes->items[i], &why);

		if (rc == 0) {
			i++;
			continue;
		}
		if (kind == ZTT_TARGET_FILE || kind == ZTT_TARGET_DIR)
			return ztt_err_set(err, rc,
					   "cannot change %s; ztt-doctor "
					   "--undo takes back what was changed "
					   "before it",
					   why.text);
		if (kind == ZTT_TARGET_SYSCTL)
			ztt_err_set(&why, rc,
				    "%s; " ZTT_FIX_SYSCTL_FILE
				    " has it now, ztt-doctor --undo takes all "
				    "back",
				    why.text);
		ztt_changes_leave(changes, i, &why);
	}
	return 0;
}

/* The journal is on the disk before the first change. */
static int note(int dir_fd, struct ztt_journal *made,
		const struct ztt_changes *changes, struct ztt_err *err)
{
	struct ztt_journal journal = {0};
	int rc = ztt_journal_load(dir_fd, &journal, err);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	for (size_t i = 0; i < made->count; i++)
		ztt_journal_note(&journal, made->steps[i].kind,
				 made->steps[i].target, &made->steps[i].old,
				 &(struct ztt_state){.print = "present"});
	for (size_t i = 0; i < changes->count; i++)
		ztt_journal_note(&journal, changes->items[i].kind,
				 changes->items[i].target,
				 &changes->items[i].now,
				 &changes->items[i].want);
	rc = ztt_journal_save(dir_fd, &journal, err);
	ztt_journal_release(&journal);
	return rc;
}

static void tell(const struct ztt_changes *changes,
		 const struct ztt_place *shell_for,
		 struct ztt_fix_result *result)
{
	size_t len_bytes;
	FILE *out = open_memstream(&result->text, &len_bytes);

	for (size_t i = 0; i < changes->count; i++) {
		result->changed += changes->items[i].kind != ZTT_TARGET_DIR;
		ztt_change_tell(out, &changes->items[i]);
	}
	for (size_t i = 0; i < changes->left_count; i++)
		fprintf(out, "left alone: %s\n", changes->left[i].text);
	if (shell_for && changes->count) {
		fputs("the same by hand:\n", out);
		for (size_t i = 0; i < changes->count; i++)
			ztt_change_tell_shell(out, shell_for,
					      &changes->items[i]);
	}
	fclose(out);
	result->unchanged = changes->unchanged;
	result->left = changes->left_count;
}

/* What is found under the lock counts: another --fix may just have ended. */
static int apply_locked(const struct ztt_place *place,
			const struct ztt_fix_plan *plan,
			struct ztt_changes *changes, struct ztt_err *err)
{
	struct ztt_journal made = {0};
	int dir_fd = -1;
	int rc = ztt_journal_lock(place, true, &made, &dir_fd, err);

	if (rc < 0)
		goto out;
	ztt_changes_release(changes);
	ztt_changes_of_plan(place, plan, true, changes);
	if (changes->count)
		rc = note(dir_fd, &made, changes, err);
	if (rc < 0)
		ztt_journal_leave(place, &made);
	if (rc == 0)
		rc = make(place, changes, err);
	close(dir_fd);
out:
	ztt_journal_release(&made);
	return rc;
}

int ztt_fix_apply(const struct ztt_root *root, const struct ztt_fix_plan *plan,
		  const char *container, bool dry_run,
		  struct ztt_fix_result *ret_result, struct ztt_err *err)
{
	struct ztt_fix_result result = {0};
	struct ztt_changes changes = {0};
	struct ztt_place place;
	int rc = ztt_place_open(root, &place, err);

	if (rc < 0)
		return rc;
	/* In a container the host's values are most often read-only: that is to
	 * be told as what it is. */
	ztt_changes_of_plan(&place, plan, !container, &changes);
	rc = check_container(&changes, container, err);
	if (rc == 0 && !dry_run)
		rc = check_privilege(&place, &changes, err);
	if (rc == 0 && !dry_run && changes.count)
		rc = apply_locked(&place, plan, &changes, err);
	if (rc == 0) {
		tell(&changes, dry_run ? &place : NULL, &result);
		*ret_result = result;
	}
	ztt_changes_release(&changes);
	ztt_place_close(&place);
	return rc;
}
