#define _GNU_SOURCE
#include "ztt-doctor/fix/target.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/err.h"
#include "common/text.h"
#include "ztt-doctor/fix/fix.h"

const char *const ztt_target_kind_names[ZTT_TARGET_KINDS] = {
	[ZTT_TARGET_DIR] = "dir",
	[ZTT_TARGET_FILE] = "file",
	[ZTT_TARGET_SYSCTL] = "sysctl",
	[ZTT_TARGET_MODE] = "mode",
};

static bool key_valid(const char *key)
{
	static const char *const below[] = {"net.", "kernel.", "fs.", "vm."};
	bool known = false, separated = true;

	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++)
		known |= strncmp(key, below[i], strlen(below[i])) == 0;
	for (; *key; key++) {
		bool separator = *key == '.' || *key == '/';

		if (separator && separated)
			return false;
		if (!separator && !islower((unsigned char)*key) &&
		    !isdigit((unsigned char)*key) && *key != '_' && *key != '-')
			return false;
		separated = separator;
	}
	return known && !separated;
}

/* UTF-8 alone, for it has to come back from the journal as it was. */
static bool is_plain(const char *text)
{
	char *plain = ztt_text_plain(ztt_strdup(text));
	bool same = strcmp(plain, text) == 0;

	free(plain);
	return same;
}

static bool path_valid(const char *path)
{
	if (path[0] != '/' || !is_plain(path))
		return false;
	for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
		size_t len = strcspn(at + 1, "/");

		if (len == 0 || (len == 1 && at[1] == '.') ||
		    (len == 2 && at[1] == '.' && at[2] == '.'))
			return false;
	}
	return true;
}

static bool dir_valid(const char *path)
{
	static const char *const known[] = {"/etc", "/etc/sysctl.d", "/var",
					    "/var/lib"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(path, known[i]) == 0)
			return true;
	return false;
}

bool ztt_target_valid(enum ztt_target_kind kind, const char *target)
{
	if (strlen(target) >= ZTT_TARGET_BYTES)
		return false;
	switch (kind) {
	case ZTT_TARGET_DIR:
		return dir_valid(target);
	case ZTT_TARGET_FILE:
		return strcmp(target, ZTT_FIX_SYSCTL_FILE) == 0;
	case ZTT_TARGET_SYSCTL:
		return key_valid(target);
	case ZTT_TARGET_MODE:
		return path_valid(target);
	default:
		return false;
	}
}

void ztt_sysctl_path(const char *key, char out[ZTT_TARGET_BYTES + 16])
{
	char *at = out + strlen("/proc/sys/");

	snprintf(out, ZTT_TARGET_BYTES + 16, "/proc/sys/%s", key);
	for (; *at; at++)
		*at = *at == '.' ? '/' : *at == '/' ? '.' : *at;
}

int ztt_place_open(const struct ztt_root *root, struct ztt_place *ret_place,
		   struct ztt_err *err)
{
	struct ztt_place place = {.live = ztt_root_kind(root) == ZTT_ROOT_LIVE};
	char path[PATH_MAX];
	int rc = ztt_root_real_path(root, "/", path);

	if (rc < 0)
		return ztt_err_set(err, rc,
				   "nothing can be changed in a bundle; run "
				   "ztt-doctor --fix on its host");
	place.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place.fd < 0) {
		rc = -errno;
		return ztt_err_set(err, rc, "cannot open %s: %s", path,
				   strerror(-rc));
	}
	if (!place.live)
		snprintf(place.dir, sizeof(place.dir), "%.*s",
			 (int)strlen(path) - 1, path);
	*ret_place = place;
	return 0;
}

void ztt_place_close(struct ztt_place *place)
{
	if (place->fd >= 0)
		close(place->fd);
	place->fd = -1;
}

int ztt_place_open_path(const struct ztt_place *place, const char *path,
			int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_NOFOLLOW | O_CLOEXEC |
				    (flags & O_PATH ? 0 : O_NOCTTY)),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, place->fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* The directory above; *ret_name points into `path`. */
static int open_parent(const struct ztt_place *place, const char *path,
		       const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char dir[ZTT_TARGET_BYTES + 16];
	int len = (int)(slash - path);

	snprintf(dir, sizeof(dir), "%.*s", len ? len : 1, path);
	*ret_name = slash + 1;
	return ztt_place_open_path(place, dir, O_RDONLY | O_DIRECTORY);
}

static int remove_name(int dir_fd, const char *name, int flags)
{
	if (unlinkat(dir_fd, name, flags) < 0 && errno != ENOENT)
		return -errno;
	return fsync(dir_fd) < 0 ? -errno : 0;
}

static int write_dir(int dir_fd, const char *name,
		     const struct ztt_state *state)
{
	if (strcmp(state->print, "absent") == 0)
		return remove_name(dir_fd, name, AT_REMOVEDIR);
	if (mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	return fsync(dir_fd) < 0 ? -errno : 0;
}

static int write_file(int dir_fd, const char *name,
		      const struct ztt_state *state)
{
	int rc;

	if (strcmp(state->print, "absent") != 0)
		return ztt_replace_file(dir_fd, name, state->bytes,
					state->len_bytes, state->mode,
					state->uid, state->gid);
	rc = ztt_replace_clean(dir_fd, name);
	return rc < 0 ? rc : remove_name(dir_fd, name, 0);
}

/* One write(): the kernel takes the whole value or none of it. */
static int write_value(const struct ztt_place *place, const char *path,
		       const struct ztt_state *state)
{
	int fd = ztt_place_open_path(place, path, O_WRONLY);
	ssize_t put;
	int rc = 0;

	if (fd < 0)
		return fd;
	put = write(fd, state->bytes, state->len_bytes);
	if (put < 0)
		rc = -errno;
	else if ((size_t)put < state->len_bytes)
		rc = -EIO;
	close(fd);
	return rc;
}

/* By the descriptor that was found to be a regular file. */
static int write_mode(const struct ztt_place *place, const char *path,
		      const struct ztt_state *state)
{
	char by_fd[64];
	struct stat st;
	int fd = ztt_place_open_regular(place, path, &st);
	int rc;

	if (fd < 0)
		return fd;
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	rc = chmod(by_fd, state->mode) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

/* Files that are replaced: values too, in a copy of a host. */
static bool is_replaced(const struct ztt_place *place,
			enum ztt_target_kind kind)
{
	return kind == ZTT_TARGET_FILE ||
	       (kind == ZTT_TARGET_SYSCTL && !place->live);
}

static void path_of(enum ztt_target_kind kind, const char *target,
		    char out[ZTT_TARGET_BYTES + 16])
{
	if (kind == ZTT_TARGET_SYSCTL)
		ztt_sysctl_path(target, out);
	else
		snprintf(out, ZTT_TARGET_BYTES + 16, "%s", target);
}

int ztt_target_write(const struct ztt_place *place, enum ztt_target_kind kind,
		     const char *target, const struct ztt_state *state)
{
	char path[ZTT_TARGET_BYTES + 16];
	const char *name;
	int fd, rc;

	path_of(kind, target, path);
	if (kind == ZTT_TARGET_MODE)
		return write_mode(place, path, state);
	if (kind == ZTT_TARGET_SYSCTL && place->live)
		return write_value(place, path, state);
	fd = open_parent(place, path, &name);
	if (fd == -ENOENT && strcmp(state->print, "absent") == 0)
		return 0;
	if (fd < 0)
		return fd;
	rc = kind == ZTT_TARGET_DIR ? write_dir(fd, name, state)
				    : write_file(fd, name, state);
	close(fd);
	return rc;
}

void ztt_target_clean(const struct ztt_place *place, enum ztt_target_kind kind,
		      const char *target)
{
	char path[ZTT_TARGET_BYTES + 16];
	const char *name;
	int fd;

	if (!is_replaced(place, kind))
		return;
	path_of(kind, target, path);
	fd = open_parent(place, path, &name);
	if (fd < 0)
		return;
	ztt_replace_clean(fd, name);
	close(fd);
}

static int dir_writable(const struct ztt_place *place, const char *path)
{
	const char *name;
	int fd = open_parent(place, path, &name);
	int rc = 0;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd; /* it is made first */
	if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

int ztt_target_writable(const struct ztt_place *place,
			enum ztt_target_kind kind, const char *target)
{
	char path[ZTT_TARGET_BYTES + 16];
	struct stat st;
	int fd;

	path_of(kind, target, path);
	if (kind == ZTT_TARGET_DIR || is_replaced(place, kind))
		return dir_writable(place, path);
	if (kind == ZTT_TARGET_SYSCTL)
		fd = ztt_place_open_path(place, path, O_WRONLY);
	else
		fd = ztt_place_open_regular(place, path, &st);
	if (fd < 0)
		return fd;
	close(fd);
	return kind == ZTT_TARGET_MODE && geteuid() != 0 &&
			       geteuid() != st.st_uid
		       ? -EPERM
		       : 0;
}
