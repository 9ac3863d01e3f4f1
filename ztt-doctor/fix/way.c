#define _GNU_SOURCE
#include "ztt-doctor/fix/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_open_to_others(int dir_fd)
{
	struct stat st;

	return fstat(dir_fd, &st) < 0 || st.st_uid != 0 || st.st_mode & 022;
}

/* "/a/b/.": b may be a link that root made. */
static int open_prefix(const struct ztt_place *place, const char *path,
		       size_t len)
{
	char prefix[ZTT_TARGET_BYTES + 2];

	snprintf(prefix, sizeof(prefix), "%.*s/.", (int)len, path);
	return ztt_place_open_path(place, prefix, O_PATH | O_DIRECTORY);
}

static int open_below(int dir_fd, const char *name, size_t len, int flags)
{
	char one[NAME_MAX + 1];
	int fd;

	if (len >= sizeof(one))
		return -ENAMETOOLONG;
	memcpy(one, name, len);
	one[len] = 0;
	fd = openat(dir_fd, one, flags | O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR ? -ELOOP : -errno;
	return fd;
}

/* A second name would be somebody else's file. */
static int open_last(int dir_fd, const char *name, bool open_to_others)
{
	int fd = open_below(dir_fd, name, strlen(name), 0);
	struct stat st;

	if (fd < 0 || !open_to_others)
		return fd;
	if (fstat(fd, &st) == 0 && st.st_nlink < 2)
		return fd;
	close(fd);
	return -EMLINK;
}

int ztt_place_open_own_way(const struct ztt_place *place, const char *path)
{
	int dir_fd = open_prefix(place, path, 0);
	const char *name = path + 1, *slash;
	bool others = false;
	int fd;

	while (dir_fd >= 0 && (slash = strchr(name, '/'))) {
		int above_fd = dir_fd;

		others |= is_open_to_others(above_fd);
		dir_fd =
			others ? open_below(above_fd, name,
					    (size_t)(slash - name), O_DIRECTORY)
			       : open_prefix(place, path,
					     (size_t)(slash - path));
		close(above_fd);
		name = slash + 1;
	}
	if (dir_fd < 0)
		return dir_fd;
	fd = open_last(dir_fd, name, others || is_open_to_others(dir_fd));
	close(dir_fd);
	return fd;
}
