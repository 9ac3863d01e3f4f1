#include "ztt-capture/analysis/diff.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"

static int open_twice(const char *path, int fds[2], struct ztt_err *err)
{
	struct stat st;

	if (strcmp(path, "-") == 0)
		return ztt_err_set(err, -EINVAL,
				   "diff reads both captures twice: name "
				   "files, not standard input");
	for (unsigned i = 0; i < 2; i++) {
		fds[i] = ztt_source_open_path(path, err);
		if (fds[i] < 0)
			return fds[i];
		if (fstat(fds[i], &st) < 0 || !S_ISREG(st.st_mode))
			return ztt_err_set(
				err, -EINVAL,
				"%s is no file that can be read "
				"twice, as diff does: store it first",
				path);
	}
	return 0;
}

int ztt_diff_open(const char *path_a, const char *path_b,
		  struct ztt_diff_files *ret_files, struct ztt_err *err)
{
	struct ztt_diff_files files = {{path_a, path_b}, {{-1, -1}, {-1, -1}}};
	int rc = open_twice(path_a, files.fds[0], err);

	if (rc == 0)
		rc = open_twice(path_b, files.fds[1], err);
	if (rc < 0)
		ztt_diff_close(&files);
	else
		*ret_files = files;
	return rc;
}

void ztt_diff_close(struct ztt_diff_files *files)
{
	for (unsigned i = 0; i < 4; i++) {
		int *fd = &files->fds[i / 2][i % 2];

		if (*fd >= 0)
			close(*fd);
		*fd = -1;
	}
}
