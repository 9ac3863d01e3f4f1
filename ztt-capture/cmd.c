#define _GNU_SOURCE
#include "ztt-capture/cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/exit.h"
#include "common/json.h"
#include "common/save.h"
#include "ztt-capture/privileges.h"
#include "ztt-capture/sandbox.h"

#define RESULT_BYTES_MAX ((size_t)256 * 1024 * 1024)

int ztt_cmd_complain(const char *name, int rc, const struct ztt_err *err)
{
	fprintf(stderr, "ztt-capture %s: %s\n", name, err->text);
	return rc == -EINVAL ? ZTT_EXIT_USAGE : ZTT_EXIT_UNKNOWN;
}

int ztt_cmd_confine(struct ztt_err *err)
{
	int rc = ztt_privileges_drop(err);

	if (rc == 0)
		rc = ztt_sandbox_enter(err);
	return rc == -EOPNOTSUPP ? 0 : rc;
}

static int run_confined(const char *name, int (*work)(void *, int), void *arg,
			int result_fd)
{
	struct ztt_err err;
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rc = ztt_cmd_confine(&err);
	if (rc < 0)
		return ztt_cmd_complain(name, -EIO, &err);
	return work(arg, result_fd);
}

static int check_output(const char *name, int status)
{
	struct ztt_err err;

	if (fflush(NULL) == 0 && !ferror(stdout))
		return status;
	if (status == ZTT_EXIT_UNKNOWN)
		return status;
	ztt_err_set(&err, -errno, "cannot write the standard output: %s",
		    strerror(errno));
	return ztt_cmd_complain(name, -EIO, &err);
}

static int wait_for(pid_t pid, const char *name)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return ZTT_EXIT_UNKNOWN;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	/* Whoever read the output had enough. */
	if (WTERMSIG(status) == SIGPIPE)
		return ZTT_EXIT_FINE;
	fprintf(stderr,
		"ztt-capture %s: the decoder was stopped by signal %d (%s)%s\n",
		name, WTERMSIG(status), strsignal(WTERMSIG(status)),
		WTERMSIG(status) == SIGSYS
			? ": it asked the kernel for what its sandbox forbids"
			: "");
	return ZTT_EXIT_UNKNOWN;
}

int ztt_cmd_confined(const char *name, int (*work)(void *arg, int result_fd),
		     void *arg, int *ret_result_fd)
{
	int fd = memfd_create("result", MFD_CLOEXEC);
	struct ztt_err err;
	pid_t pid;

	if (fd < 0) {
		ztt_err_set(&err, -errno, "no memory for the result: %s",
			    strerror(errno));
		return ztt_cmd_complain(name, -EIO, &err);
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(check_output(name, run_confined(name, work, arg, fd)));
	*ret_result_fd = fd;
	if (pid > 0)
		return wait_for(pid, name);
	ztt_err_set(&err, -errno, "cannot start the decoder: %s",
		    strerror(errno));
	return ztt_cmd_complain(name, -EIO, &err);
}

static bool is_same(const char *a, const char *b)
{
	struct stat of_a, of_b;

	return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 &&
	       S_ISREG(of_a.st_mode) && of_a.st_dev == of_b.st_dev &&
	       of_a.st_ino == of_b.st_ino;
}

int ztt_cmd_check_out(const char *path, const char *const *in, size_t in_count,
		      struct ztt_err *err)
{
	for (size_t i = 0; strcmp(path, "-") != 0 && i < in_count; i++)
		if (is_same(path, in[i]))
			return ztt_err_set(err, -EBUSY,
					   "%s is the capture that is read",
					   path);
	return 0;
}

void ztt_cmd_put_json(int result_fd, struct ztt_json *json)
{
	size_t len, at = 0;
	const char *text = ztt_json_text(json, &len);

	while (at < len) {
		ssize_t n = write(result_fd, text + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		at += (size_t)n;
	}
}

int ztt_cmd_save_json(const char *name, const char *path, int result_fd,
		      int status)
{
	off_t end = lseek(result_fd, 0, SEEK_END);
	struct ztt_err err;
	char *text;
	int rc;

	if (end <= 0)
		return status;
	if ((size_t)end > RESULT_BYTES_MAX) {
		ztt_err_set(&err, -EFBIG, "the result is too long to be kept");
		return ztt_cmd_complain(name, -EFBIG, &err);
	}
	text = ztt_alloc((size_t)end);
	rc = pread(result_fd, text, (size_t)end, 0) == end
		     ? ztt_save(path, text, (size_t)end, &err)
		     : ztt_err_set(&err, -EIO, "the result was cut short");
	free(text);
	return rc < 0 ? ztt_cmd_complain(name, -EIO, &err) : status;
}
