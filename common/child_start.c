#define _GNU_SOURCE
#include "child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "err.h"

#define PATH_BYTES 4096

/* What the forked child needs: all of it made before the fork, for after it
 * only async-signal-safe calls are allowed. */
struct launch {
	const struct ztt_child_plan *plan;
	char path[PATH_BYTES];
	char **env;
	pid_t parent;
	int log_fd, error_fd;
};

static int check_program(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || access(path, X_OK) < 0)
		return -EACCES;
	return 0;
}

/* Looks `name` up as execvp(3) does; an empty element is the working
 * directory. */
static int search_path(const char *name, const char *dirs, char *out)
{
	int result = -ENOENT;

	for (;;) {
		int len = (int)strcspn(dirs, ":");
		int need = snprintf(out, PATH_BYTES, "%.*s%s%s", len, dirs,
				    len > 0 ? "/" : "./", name);
		int code = need < PATH_BYTES ? check_program(out) : -ENOENT;

		if (code == 0)
			return 0;
		/* A directory that may not be searched holds nothing. */
		if (code == -EACCES && access(out, F_OK) == 0)
			result = code;
		if (dirs[len] == '\0')
			return result;
		dirs += len + 1;
	}
}

static int find_program(const struct ztt_child_plan *plan, char *out,
			struct ztt_err *err)
{
	const char *dirs = getenv("PATH") ? getenv("PATH") : "/bin:/usr/bin";
	bool direct = strchr(plan->path, '/') != NULL;
	int code;

	if (direct && strlen(plan->path) >= PATH_BYTES)
		return ztt_err_set(err, -ENAMETOOLONG,
				   "cannot start %s: its path is too long",
				   plan->name);
	if (direct)
		code = check_program(strcpy(out, plan->path));
	else
		code = search_path(plan->path, dirs, out);
	if (code == -EACCES)
		return ztt_err_set(err, code,
				   "cannot start %s: %s is not a "
				   "program that this user may execute",
				   plan->name, plan->path);
	if (code == -ENOENT && !direct)
		return ztt_err_set(
			err, code,
			"cannot start %s: no program %s in PATH (%s)",
			plan->name, plan->path, dirs);
	if (code < 0)
		return ztt_err_set(err, code, "cannot start %s: %s: %s",
				   plan->name, plan->path, strerror(-code));
	return 0;
}

static bool is_replaced(const char *old, const char *const *env)
{
	size_t len = strcspn(old, "=") + 1;

	for (; env != NULL && *env != NULL; env++)
		if (strncmp(old, *env, len) == 0)
			return true;
	return false;
}

/* Array for execve; the strings stay those of `environ` and of the plan. */
static char **merge_env(const char *const *env)
{
	size_t cap = 1, count = 0;
	char **all;

	for (char **old = environ; *old != NULL; old++)
		cap++;
	for (size_t i = 0; env != NULL && env[i] != NULL; i++)
		cap++;
	all = ztt_calloc(cap, sizeof(*all));
	for (char **old = environ; *old != NULL; old++)
		if (!is_replaced(*old, env))
			all[count++] = *old;
	for (size_t i = 0; env != NULL && env[i] != NULL; i++)
		all[count++] = (char *)(uintptr_t)env[i];
	return all;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number <= SIGRTMAX; number++)
		signal(number, SIG_DFL); /* fails where it may not: fine */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Everything is first moved out of the way, then to its place: sources and
 * targets may overlap. */
static int place_fds(struct launch *launch)
{
	const struct ztt_child_plan *plan = launch->plan;
	int base = 4 + (int)plan->keep_count;
	int moved[ZTT_CHILD_FDS_MAX];
	int null_fd, log_fd;
	int error_fd = fcntl(launch->error_fd, F_DUPFD_CLOEXEC, base);

	if (error_fd < 0)
		return -errno;
	launch->error_fd = error_fd;
	log_fd = fcntl(launch->log_fd, F_DUPFD_CLOEXEC, base);
	for (size_t i = 0; i < plan->keep_count; i++) {
		moved[i] = fcntl(plan->keep_fds[i], F_DUPFD_CLOEXEC, base);
		if (moved[i] < 0)
			return -errno;
	}
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		return -errno;
	if (null_fd > 0 && dup2(null_fd, 0) < 0)
		return -errno;
	if (null_fd == 0 && fcntl(0, F_SETFD, 0) < 0)
		return -errno;
	if (dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0)
		return -errno;
	for (size_t i = 0; i < plan->keep_count; i++)
		if (dup2(moved[i], 3 + (int)i) < 0)
			return -errno;
	if (dup3(launch->error_fd, base - 1, O_CLOEXEC) < 0)
		return -errno;
	launch->error_fd = base - 1;
	/* close_range(2), or on Linux before 5.9 one by one. */
	closefrom(base);
	return 0;
}

static _Noreturn void run_child(struct launch *launch)
{
	int code = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != launch->parent)
		_exit(127); /* it died before the signal was asked for */
	reset_signals();
	code = place_fds(launch);
	if (code == 0) {
		execve(launch->path, launch->plan->argv, launch->env);
		code = -errno;
	}
	if (write(launch->error_fd, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

/* Signals stay blocked until the child has default dispositions: a handler of
 * the parent must not run in it. */
static pid_t fork_child(struct launch *launch)
{
	sigset_t all, old;
	pid_t pid;
	int saved;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	launch->parent = getpid();
	pid = fork();
	if (pid == 0)
		run_child(launch);
	saved = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return pid < 0 ? -saved : pid;
}

static int explain_exec(int code, const struct launch *launch,
			struct ztt_err *err)
{
	const char *name = launch->plan->name;

	if (code == -ENOENT) /* it was there a moment ago */
		return ztt_err_set(err, code,
				   "cannot start %s: the interpreter "
				   "or loader that %s asks for is missing",
				   name, launch->path);
	if (code == -ENOEXEC)
		return ztt_err_set(err, code,
				   "cannot start %s: %s is not a "
				   "program for this machine",
				   name, launch->path);
	return ztt_err_set(err, code, "cannot start %s: %s: %s", name,
			   launch->path, strerror(-code));
}

/* 0 when the exec took place, which closes the other end. */
static int read_exec_error(int fd)
{
	int code = 0;
	ssize_t got;

	do
		got = read(fd, &code, sizeof(code));
	while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(code) ? code : 0;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void close_pipe(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void fill_child(struct ztt_child *child,
		       const struct ztt_child_plan *plan, pid_t pid, int pid_fd,
		       int log_fd)
{
	memset(child, 0, sizeof(*child));
	snprintf(child->name, sizeof(child->name), "%s", plan->name);
	child->pid = pid;
	child->pid_fd = pid_fd;
	child->log_fd = log_fd;
}

static int launch_child(struct launch *launch, int error_fds[2],
			struct ztt_child *ret_child, int log_fd,
			struct ztt_err *err)
{
	pid_t pid = fork_child(launch);
	int pid_fd, code;

	if (pid < 0)
		return ztt_err_set(err, pid, "cannot start %s: fork: %s",
				   launch->plan->name, strerror(-pid));
	close(error_fds[1]);
	error_fds[1] = -1;
	code = read_exec_error(error_fds[0]);
	if (code < 0) {
		reap(pid);
		return explain_exec(code, launch, err);
	}
	pid_fd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec */
	if (pid_fd < 0) {
		code = -errno;
		kill(pid, SIGKILL);
		reap(pid);
		return ztt_err_set(err, code, "cannot start %s: pidfd_open: %s",
				   launch->plan->name, strerror(-code));
	}
	fill_child(ret_child, launch->plan, pid, pid_fd, log_fd);
	return 0;
}

int ztt_child_start(const struct ztt_child_plan *plan,
		    struct ztt_child *ret_child, struct ztt_err *err)
{
	struct launch launch = {.plan = plan};
	int log_fds[2] = {-1, -1}, error_fds[2] = {-1, -1};
	int code;

	assert(plan->keep_count <= ZTT_CHILD_FDS_MAX);
	code = find_program(plan, launch.path, err);
	if (code < 0)
		return code;
	launch.env = merge_env(plan->env);
	if (pipe2(log_fds, O_CLOEXEC) < 0 || pipe2(error_fds, O_CLOEXEC) < 0 ||
	    fcntl(log_fds[0], F_SETFL, O_NONBLOCK) < 0) {
		code = ztt_err_set(err, -errno, "cannot start %s: pipe: %s",
				   plan->name, strerror(errno));
		goto out;
	}
	launch.log_fd = log_fds[1];
	launch.error_fd = error_fds[1];
	code = launch_child(&launch, error_fds, ret_child, log_fds[0], err);
	if (code == 0)
		log_fds[0] = -1; /* the child struct's own now */
out:
	close_pipe(log_fds);
	close_pipe(error_fds);
	free(launch.env);
	return code;
}
