#define _GNU_SOURCE
#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"

static int fail(const char *path, int code, struct ztt_err *err)
{
	return ztt_err_set(err, code, "cannot write %s: %s", path,
			   strerror(-code));
}

/* Also where `path` is a link to a file that is to be replaced. */
static bool is_replaced(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 || S_ISREG(status.st_mode);
}

static void folder_of(const char *path, char out[PATH_MAX])
{
	char *copy = ztt_strdup(path);

	snprintf(out, PATH_MAX, "%s", dirname(copy));
	free(copy);
}

int ztt_save_check(const char *path, struct ztt_err *err)
{
	char folder[PATH_MAX];
	struct stat status;

	if (strcmp(path, "-") == 0)
		return 0;
	folder_of(path, folder);
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return fail(path, -EISDIR, err);
	if (access(path, F_OK) == 0 && access(path, W_OK) < 0)
		return fail(path, -errno, err);
	if (is_replaced(path) && access(folder, W_OK | X_OK) < 0)
		return fail(path, -errno, err);
	return 0;
}

static int write_all(int fd, const char *text, size_t len_bytes)
{
	while (len_bytes) {
		ssize_t n = write(fd, text, len_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len_bytes -= (size_t)n;
	}
	return 0;
}

static int write_text(int fd, const char *text, size_t len_bytes)
{
	int rc = write_all(fd, text, len_bytes);

	return rc < 0 ? rc : write_all(fd, "\n", 1);
}

static int write_directly(const char *path, const char *text, size_t len_bytes)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return -errno;
	rc = write_text(fd, text, len_bytes);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	return rc;
}

static mode_t mode_of_new_file(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static int write_and_rename(const char *path, const char *text,
			    size_t len_bytes)
{
	char real[PATH_MAX], temporary[PATH_MAX + 16];
	int fd, rc;

	if (!realpath(path, real))
		snprintf(real, sizeof(real), "%s", path);
	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", real);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = write_text(fd, text, len_bytes);
	if (rc == 0 && fchmod(fd, mode_of_new_file()) < 0)
		rc = -errno;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temporary, real) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(temporary);
	return rc;
}

int ztt_save(const char *path, const char *text, size_t len_bytes,
	     struct ztt_err *err)
{
	int rc;

	if (strcmp(path, "-") == 0) {
		rc = write_text(STDOUT_FILENO, text, len_bytes);
		path = "the standard output";
	} else if (is_replaced(path)) {
		rc = write_and_rename(path, text, len_bytes);
	} else {
		rc = write_directly(path, text, len_bytes);
	}
	return rc < 0 ? fail(path, rc, err) : 0;
}
