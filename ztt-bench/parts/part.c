#define _GNU_SOURCE
#include "ztt-bench/parts/part.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/commands.h"
#include "common/err.h"
#include "common/opt.h"
#include "common/signals.h"

#define THREADS_PRESET_MAX 4

static void raise_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int ztt_part_begin(struct ztt_err *err)
{
	raise_open_files();
	return ztt_signals_open(err);
}

/* Whatever the control socket says, only its end counts here. */
void ztt_part_wait(int signal_fd, int control_fd)
{
	struct pollfd fds[] = {
		{.fd = signal_fd, .events = POLLIN},
		{.fd = control_fd, .events = POLLRDHUP},
	};

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
}

void ztt_part_stop(void)
{
	kill(getpid(), SIGTERM);
}

unsigned ztt_part_threads(uint64_t asked)
{
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (asked)
		return (unsigned)asked;
	if (cores < 1)
		return 1;
	return cores < THREADS_PRESET_MAX ? (unsigned)cores
					  : THREADS_PRESET_MAX;
}

int ztt_part_options(const char *name, const struct ztt_opt *table,
		     const struct ztt_opt_help *help, void *settings,
		     const struct ztt_opt_common *common, int argc, char **argv)
{
	return ztt_command_options("ztt-bench", name, table, help, settings,
				   common, argc, argv, NULL);
}

int ztt_part_fail(const char *name, int rc, const struct ztt_err *err)
{
	fprintf(stderr, "ztt-bench %s: %s\n", name, err->text);
	return rc == -EINVAL ? ZTT_EXIT_USAGE : ZTT_EXIT_UNKNOWN;
}
