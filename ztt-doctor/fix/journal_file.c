#define _GNU_SOURCE
#include "ztt-doctor/fix/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "ztt-doctor/fix/fix.h"

#define JOURNAL_DIR "/var/lib/ztt-doctor"
#define JOURNAL_NAME "journal.json"
#define LOCK_TRIES 5

_Static_assert(sizeof(ZTT_FIX_JOURNAL) == sizeof(JOURNAL_DIR "/" JOURNAL_NAME),
	       "one path");

/* Directories above that are missing, as in a copy of a host. */
static int make_above(const struct ztt_place *place, struct ztt_journal *made)
{
	static const char *const above[] = {"/var", "/var/lib"};

	for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++) {
		struct ztt_state now, want = {.print = "present"};
		int rc = ztt_target_read(place, ZTT_TARGET_DIR, above[i], &now);

		if (rc < 0)
			return rc;
		if (ztt_state_same(&now, &want))
			continue;
		rc = ztt_target_write(place, ZTT_TARGET_DIR, above[i], &want);
		if (rc < 0)
			return rc;
		ztt_journal_note(made, ZTT_TARGET_DIR, above[i], &now, &want);
	}
	return 0;
}

static int make_dir(const struct ztt_place *place, struct ztt_journal *made)
{
	int fd, rc = make_above(place, made);

	if (rc < 0)
		return rc;
	fd = ztt_place_open_path(place, "/var/lib", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	if (mkdirat(fd, "ztt-doctor", 0700) < 0 && errno != EEXIST)
		rc = -errno;
	else if (fsync(fd) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static int open_dir(const struct ztt_place *place)
{
	return ztt_place_open_path(place, JOURNAL_DIR, O_RDONLY | O_DIRECTORY);
}

/* An undo that ended while this one waited removed the directory. */
static bool still_there(const struct ztt_place *place, int fd)
{
	int again = open_dir(place);
	struct stat a, b;
	bool same;

	if (again < 0)
		return false;
	same = fstat(fd, &a) == 0 && fstat(again, &b) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
	close(again);
	return same;
}

static bool is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() && (st->st_mode & 077) == 0;
}

static int lock_dir(const struct ztt_place *place, int fd, struct ztt_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!is_ours(&st))
		return ztt_err_set(err, -EEXIST,
				   "%s%s must belong to this user alone, with "
				   "mode 0700; move it away",
				   place->dir, JOURNAL_DIR);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return ztt_err_set(err, errno == EWOULDBLOCK ? -EBUSY : -errno,
				   "another ztt-doctor --fix or --undo runs; "
				   "wait for it to end");
	return still_there(place, fd) ? 0 : -EAGAIN;
}

static int explain(const struct ztt_place *place, int rc, struct ztt_err *err)
{
	bool denied = rc == -EACCES || rc == -EPERM;

	if (rc == -ENOENT)
		return rc;
	return ztt_err_set(err, rc, "cannot keep a journal in %s%s: %s%s",
			   place->dir, JOURNAL_DIR, strerror(-rc),
			   denied ? "; run it as root" : "");
}

int ztt_journal_lock(const struct ztt_place *place, bool create,
		     struct ztt_journal *made, int *ret_dir_fd,
		     struct ztt_err *err)
{
	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		int rc = create ? make_dir(place, made) : 0;
		int fd = rc < 0 ? rc : open_dir(place);

		if (fd < 0)
			return explain(place, fd, err);
		rc = lock_dir(place, fd, err);
		if (rc == 0) {
			*ret_dir_fd = fd;
			return 0;
		}
		close(fd);
		if (rc != -EAGAIN)
			return rc;
	}
	return ztt_err_set(err, -EBUSY,
			   "another ztt-doctor --fix or --undo runs; wait for "
			   "it to end");
}

static ssize_t read_whole(int fd, char *text, size_t cap_bytes)
{
	size_t len = 0;

	while (len < cap_bytes) {
		ssize_t got = read(fd, text + len, cap_bytes - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

static int load_from(int fd, struct ztt_journal *ret_journal,
		     struct ztt_err *err)
{
	struct stat st;
	ssize_t len;
	char *text;
	int rc;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || !is_ours(&st))
		return ztt_err_set(err, -EEXIST,
				   "it must be a file of this user alone, with "
				   "mode 0600");
	if (st.st_size > ZTT_JOURNAL_BYTES_MAX)
		return ztt_err_set(err, -EEXIST,
				   "longer than any that --fix "
				   "writes");
	text = ztt_alloc((size_t)st.st_size);
	len = read_whole(fd, text, (size_t)st.st_size);
	rc = len < 0 ? (int)len
		     : ztt_journal_parse(text, (size_t)len, ret_journal, err);
	free(text);
	return rc;
}

int ztt_journal_load(int dir_fd, struct ztt_journal *ret_journal,
		     struct ztt_err *err)
{
	int fd = openat(dir_fd, JOURNAL_NAME,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int rc = -errno;

	if (fd >= 0) {
		rc = load_from(fd, ret_journal, err);
		close(fd);
	} else if (rc == -ELOOP) {
		rc = ztt_err_set(err, -EEXIST, "it is a symbolic link");
	} else if (rc != -ENOENT) {
		ztt_err_set(err, rc, "%s", strerror(-rc));
	}
	if (rc < 0 && rc != -ENOENT)
		ztt_err_prefix(err, rc,
			       "the journal " ZTT_FIX_JOURNAL
			       " cannot be used, look at it and move it away");
	return rc;
}

int ztt_journal_save(int dir_fd, const struct ztt_journal *journal,
		     struct ztt_err *err)
{
	char *text = ztt_journal_spell(journal);
	size_t len = strlen(text);
	int rc = -EFBIG;

	text[len] = '\n';
	if (len < ZTT_JOURNAL_BYTES_MAX &&
	    journal->count <= ZTT_JOURNAL_STEPS_MAX)
		rc = ztt_replace_file(dir_fd, JOURNAL_NAME, text, len + 1, 0600,
				      geteuid(), getegid());
	free(text);
	return rc < 0 ? ztt_err_set(err, rc,
				    "cannot write the journal " ZTT_FIX_JOURNAL
				    ": %s",
				    strerror(-rc))
		      : 0;
}

static void remove_dir(const struct ztt_place *place)
{
	int fd = ztt_place_open_path(place, "/var/lib", O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return;
	unlinkat(fd, "ztt-doctor", AT_REMOVEDIR);
	fsync(fd);
	close(fd);
}

void ztt_journal_leave(const struct ztt_place *place,
		       const struct ztt_journal *made)
{
	remove_dir(place);
	for (size_t i = made->count; i-- > 0;)
		ztt_target_write(place, ZTT_TARGET_DIR, made->steps[i].target,
				 &made->steps[i].old);
}

int ztt_journal_remove(const struct ztt_place *place, int dir_fd,
		       struct ztt_err *err)
{
	int rc = ztt_replace_clean(dir_fd, JOURNAL_NAME);

	if (rc == 0 && unlinkat(dir_fd, JOURNAL_NAME, 0) < 0 && errno != ENOENT)
		rc = -errno;
	if (rc < 0)
		return ztt_err_set(err, rc,
				   "cannot remove the journal " ZTT_FIX_JOURNAL
				   ": %s",
				   strerror(-rc));
	remove_dir(place);
	return 0;
}
