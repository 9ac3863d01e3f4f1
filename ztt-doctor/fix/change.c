#define _GNU_SOURCE
#include "ztt-doctor/fix/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/text.h"
#include "ztt-doctor/fix/sysctl_file.h"

#define END_MARK "END_OF_SETTINGS"

void ztt_changes_release(struct ztt_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		ztt_state_release(&changes->items[i].now);
		ztt_state_release(&changes->items[i].want);
	}
	free(changes->items);
	free(changes->left);
	*changes = (struct ztt_changes){0};
}

bool ztt_change_needs_root(int rc)
{
	return (rc == -EACCES || rc == -EPERM) && geteuid() != 0;
}

static void leave(struct ztt_changes *changes, const struct ztt_err *why)
{
	changes->left =
		ztt_realloc(changes->left,
			    (changes->left_count + 1) * sizeof(*changes->left));
	changes->left[changes->left_count++] = *why;
}

void ztt_changes_leave(struct ztt_changes *changes, size_t i,
		       const struct ztt_err *why)
{
	leave(changes, why);
	ztt_state_release(&changes->items[i].now);
	ztt_state_release(&changes->items[i].want);
	changes->count--;
	memmove(&changes->items[i], &changes->items[i + 1],
		(changes->count - i) * sizeof(*changes->items));
}

/* Takes over both states. */
static void add(struct ztt_changes *changes, enum ztt_target_kind kind,
		const char *target, struct ztt_state *now,
		struct ztt_state *want)
{
	struct ztt_change *change;

	if (ztt_state_same(now, want)) {
		changes->unchanged += kind != ZTT_TARGET_DIR;
		ztt_state_release(now);
		ztt_state_release(want);
		return;
	}
	changes->items =
		ztt_realloc(changes->items,
			    (changes->count + 1) * sizeof(*changes->items));
	change = &changes->items[changes->count++];
	*change = (struct ztt_change){.kind = kind, .now = *now, .want = *want};
	snprintf(change->target, sizeof(change->target), "%s", target);
}

static int refuse(struct ztt_err *err, int rc, enum ztt_target_kind kind,
		  const char *target)
{
	if (kind == ZTT_TARGET_SYSCTL && rc == -ENOENT)
		return ztt_err_set(err, rc,
				   "%s: this kernel has no such setting",
				   target);
	return ztt_err_set(err, rc, "%s: %s", target,
			   rc == -EINVAL && kind == ZTT_TARGET_SYSCTL
				   ? "it holds more than numbers"
			   : rc == -EINVAL ? "it is no regular file"
			   : rc == -ELOOP  ? "it is a symbolic link"
			   : rc == -EFBIG  ? "it is too long"
			   : rc == -EMLINK ? "it has a second name, in a "
					     "directory that others can write"
					   : strerror(-rc));
}

/* What needs root alone is no reason here: that ends all of --fix. */
static int check_writable(const struct ztt_place *place,
			  const struct ztt_changes *changes,
			  enum ztt_target_kind kind, const char *target,
			  const struct ztt_state *now,
			  const struct ztt_state *want, struct ztt_err *err)
{
	int rc = changes->writable && !ztt_state_same(now, want)
			 ? ztt_target_writable(place, kind, target)
			 : 0;

	return rc < 0 && !ztt_change_needs_root(rc)
		       ? refuse(err, rc, kind, target)
		       : 0;
}

static int add_dir(const struct ztt_place *place, const char *path,
		   struct ztt_changes *changes, struct ztt_err *err)
{
	struct ztt_state now, want = {.print = "present", .mode = 0755};
	int rc = ztt_target_read(place, ZTT_TARGET_DIR, path, &now);

	if (rc < 0)
		return refuse(err, rc, ZTT_TARGET_DIR, path);
	add(changes, ZTT_TARGET_DIR, path, &now, &want);
	return 0;
}

/* All settings of the plan in their one file. */
static int add_file(const struct ztt_place *place,
		    const struct ztt_setting *settings, size_t count,
		    struct ztt_changes *changes, struct ztt_err *err)
{
	static const char path[] = ZTT_FIX_SYSCTL_FILE;
	struct ztt_state now, want;
	size_t len_bytes;
	char *text;
	bool absent;
	int rc = ztt_target_read(place, ZTT_TARGET_FILE, path, &now);

	if (rc < 0)
		return refuse(err, rc, ZTT_TARGET_FILE, path);
	rc = add_dir(place, "/etc", changes, err);
	if (rc == 0)
		rc = add_dir(place, "/etc/sysctl.d", changes, err);
	if (rc < 0) {
		ztt_state_release(&now);
		return rc;
	}
	absent = strcmp(now.print, "absent") == 0;
	text = ztt_sysctl_file_merge(absent ? NULL : now.bytes, now.len_bytes,
				     settings, count, &len_bytes);
	ztt_state_of_file(&want, text, len_bytes);
	free(text);
	want.mode = absent ? 0644 : now.mode;
	want.uid = absent ? geteuid() : now.uid;
	want.gid = absent ? getegid() : now.gid;
	rc = len_bytes > ZTT_STATE_BYTES_MAX
		     ? refuse(err, -EFBIG, ZTT_TARGET_FILE, path)
		     : check_writable(place, changes, ZTT_TARGET_FILE, path,
				      &now, &want, err);
	if (rc < 0) {
		ztt_state_release(&now);
		ztt_state_release(&want);
		return rc;
	}
	add(changes, ZTT_TARGET_FILE, path, &now, &want);
	return 0;
}

static int wanted_value(struct ztt_state *state, const char *value)
{
	char line[80];

	snprintf(line, sizeof(line), "%s\n", value);
	return strchr(value, '\n') ? -EINVAL : ztt_state_of_value(state, line);
}

static int wanted_mode(struct ztt_state *state, const char *value)
{
	char *end;
	unsigned long mode = strtoul(value, &end, 8);

	if (*end || end == value || mode > 07777 || value[0] == '-')
		return -EINVAL;
	ztt_state_of_mode(state, (mode_t)mode);
	return 0;
}

/* Then it may be another file, which somebody put there meanwhile. */
static bool is_another(const struct ztt_action *action,
		       const struct ztt_state *now,
		       const struct ztt_state *want)
{
	return action->old[0] && strcmp(action->old, now->print) != 0 &&
	       !ztt_state_same(now, want);
}

static int add_action(const struct ztt_place *place,
		      const struct ztt_action *action,
		      struct ztt_changes *changes, struct ztt_err *err)
{
	bool sysctl = action->kind == ZTT_ACTION_SYSCTL;
	enum ztt_target_kind kind =
		sysctl ? ZTT_TARGET_SYSCTL : ZTT_TARGET_MODE;
	struct ztt_state now, want;
	int rc;

	if (!ztt_target_valid(kind, action->target))
		return ztt_err_set(err, -EINVAL, "%s: --fix does not change it",
				   action->target);
	rc = sysctl ? wanted_value(&want, action->value)
		    : wanted_mode(&want, action->value);
	if (rc < 0)
		return ztt_err_set(err, rc,
				   "%s: --fix does not set it to \"%s\"",
				   action->target, action->value);
	rc = ztt_target_read(place, kind, action->target, &now);
	if (rc < 0) {
		ztt_state_release(&want);
		return refuse(err, rc, kind, action->target);
	}
	if (!sysctl && is_another(action, &now, &want))
		rc = ztt_err_set(err, -EAGAIN,
				 "%s: its mode is %s now, it was %s when it "
				 "was looked at: look again",
				 action->target, now.print, action->old);
	else
		rc = check_writable(place, changes, kind, action->target, &now,
				    &want, err);
	if (rc < 0) {
		ztt_state_release(&now);
		ztt_state_release(&want);
		return rc;
	}
	want.uid = now.uid;
	want.gid = now.gid;
	if (sysctl)
		want.mode = now.mode;
	add(changes, kind, action->target, &now, &want);
	return 0;
}

/* Notes in `settings`, unless it is NULL, those that are not left. */
static size_t add_actions(const struct ztt_place *place,
			  const struct ztt_fix_plan *plan,
			  enum ztt_action_kind kind,
			  struct ztt_changes *changes,
			  struct ztt_setting *settings)
{
	struct ztt_err err;
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct ztt_action *action = &plan->actions[i];

		if (action->kind != kind)
			continue;
		if (add_action(place, action, changes, &err) < 0)
			leave(changes, &err);
		else if (settings)
			settings[count++] = (struct ztt_setting){action->target,
								 action->value};
	}
	return count;
}

/* A value that would not hold after a boot is not set either. */
static void leave_all(struct ztt_changes *changes,
		      const struct ztt_setting *settings, size_t count,
		      const struct ztt_err *why)
{
	struct ztt_err err;

	for (size_t i = 0; i < count; i++) {
		ztt_err_set(&err, -EINVAL, "%s: it cannot be kept in %s",
			    settings[i].key, why->text);
		leave(changes, &err);
	}
	while (changes->count) {
		changes->count--;
		ztt_state_release(&changes->items[changes->count].now);
		ztt_state_release(&changes->items[changes->count].want);
	}
	changes->unchanged = 0;
}

static void move_all(struct ztt_changes *to, struct ztt_changes *from)
{
	for (size_t i = 0; i < from->count; i++)
		add(to, from->items[i].kind, from->items[i].target,
		    &from->items[i].now, &from->items[i].want);
	for (size_t i = 0; i < from->left_count; i++)
		leave(to, &from->left[i]);
	to->unchanged += from->unchanged;
	from->count = 0;
	ztt_changes_release(from);
}

/* First so that it holds after a boot, then so that it holds now. */
void ztt_changes_of_plan(const struct ztt_place *place,
			 const struct ztt_fix_plan *plan, bool writable,
			 struct ztt_changes *ret_changes)
{
	struct ztt_setting *settings =
		ztt_calloc(plan->count, sizeof(*settings));
	struct ztt_changes values = {.writable = writable};
	struct ztt_changes changes = {.writable = writable};
	size_t count =
		add_actions(place, plan, ZTT_ACTION_SYSCTL, &values, settings);
	struct ztt_err err;

	if (count && add_file(place, settings, count, &changes, &err) < 0) {
		ztt_changes_release(&changes);
		changes.writable = writable;
		leave_all(&values, settings, count, &err);
	}
	move_all(&changes, &values);
	add_actions(place, plan, ZTT_ACTION_MODE, &changes, NULL);
	free(settings);
	*ret_changes = changes;
}

void ztt_change_tell(FILE *out, const struct ztt_change *change)
{
	if (change->kind == ZTT_TARGET_FILE)
		ztt_diff(out, change->target, change->now.bytes,
			 change->now.len_bytes, change->want.bytes,
			 change->want.len_bytes);
	else if (change->kind != ZTT_TARGET_DIR)
		fprintf(out, "%s%s: %s -> %s\n",
			change->kind == ZTT_TARGET_MODE ? "mode of " : "",
			change->target, change->now.print, change->want.print);
}

static void put_quoted(FILE *out, const char *dir, const char *path)
{
	char *text, *plain;

	if (asprintf(&text, "%s%s", dir, path) < 0)
		return;
	plain = ztt_text_plain(text);
	fputc('\'', out);
	for (; *plain; plain++)
		fputs(*plain == '\'' ? "'\\''" : (char[]){*plain, 0}, out);
	fputc('\'', out);
	free(text);
}

static void tell_value(FILE *out, const struct ztt_place *place,
		       const struct ztt_change *change)
{
	char path[ZTT_TARGET_BYTES + 16];

	if (place->live) {
		fprintf(out, "sysctl -w '%s=%s'\n", change->target,
			change->want.print);
		return;
	}
	ztt_sysctl_path(change->target, path);
	fprintf(out, "echo '%s' >", change->want.print);
	put_quoted(out, place->dir, path);
	fputc('\n', out);
}

/* Lines from outside must not end the document early, nor drive a terminal. */
static void tell_file(FILE *out, const struct ztt_place *place,
		      const struct ztt_change *change)
{
	const struct ztt_state *want = &change->want;
	bool plain = !memchr(want->bytes, 0, want->len_bytes);
	bool ended = want->bytes[want->len_bytes - 1] == '\n';

	for (size_t i = 0; i < want->len_bytes; i++)
		plain &= want->bytes[i] == '\n' || want->bytes[i] == '\t' ||
			 (want->bytes[i] >= ' ' && want->bytes[i] < 0x7f);
	if (!plain || strstr(want->bytes, END_MARK)) {
		fprintf(out, "# edit %s as shown above\n", change->target);
		return;
	}
	fputs("cat >", out);
	put_quoted(out, place->dir, change->target);
	fprintf(out, " <<'" END_MARK "'\n%s%s" END_MARK "\n", want->bytes,
		ended ? "" : "\n");
}

void ztt_change_tell_shell(FILE *out, const struct ztt_place *place,
			   const struct ztt_change *change)
{
	switch (change->kind) {
	case ZTT_TARGET_DIR:
		fputs("mkdir ", out);
		put_quoted(out, place->dir, change->target);
		fputc('\n', out);
		break;
	case ZTT_TARGET_FILE:
		tell_file(out, place, change);
		break;
	case ZTT_TARGET_SYSCTL:
		tell_value(out, place, change);
		break;
	default:
		fprintf(out, "chmod %s ", change->want.print);
		put_quoted(out, place->dir, change->target);
		fputc('\n', out);
	}
}
