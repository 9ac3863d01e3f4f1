#define _GNU_SOURCE
#include "ztt-doctor/fix/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void temporary_name(const char *name, char out[NAME_MAX + 1])
{
	snprintf(out, NAME_MAX + 1, ".%.200s.ztt-doctor", name);
}

int ztt_replace_clean(int dir_fd, const char *name)
{
	char temporary[NAME_MAX + 1];

	temporary_name(name, temporary);
	return unlinkat(dir_fd, temporary, 0) < 0 && errno != ENOENT ? -errno
								     : 0;
}

static int write_all(int fd, const char *bytes, size_t len_bytes)
{
	while (len_bytes > 0) {
		ssize_t put = write(fd, bytes, len_bytes);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		bytes += put;
		len_bytes -= (size_t)put;
	}
	return 0;
}

/* The mode last: a change of the owner clears bits of it. */
static int fill_file(int fd, const char *bytes, size_t len_bytes, mode_t mode,
		     uid_t uid, gid_t gid)
{
	struct stat st;
	int rc = write_all(fd, bytes, len_bytes);

	if (rc < 0)
		return rc;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_uid != uid || st.st_gid != gid) && fchown(fd, uid, gid) < 0)
		return -errno;
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int ztt_replace_file(int dir_fd, const char *name, const char *bytes,
		     size_t len_bytes, mode_t mode, uid_t uid, gid_t gid)
{
	char temporary[NAME_MAX + 1];
	int fd, rc = ztt_replace_clean(dir_fd, name);

	if (rc < 0)
		return rc;
	temporary_name(name, temporary);
	fd = openat(dir_fd, temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = fill_file(fd, bytes, len_bytes, mode, uid, gid);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
		rc = -errno;
	if (rc == 0 && fsync(dir_fd) < 0)
		rc = -errno;
	if (rc < 0)
		ztt_replace_clean(dir_fd, name);
	return rc;
}
