#define _GNU_SOURCE
#include "ztt-bench/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "ztt-bench/argv.h"
#include "ztt-bench/control.h"

#define STOP_NS (2 * ZTT_NS_PER_S)
#define FDS (1 + 3 * ZTT_PARTS)

void ztt_supervisor_init(struct ztt_supervisor *supervisor, int signal_fd)
{
	memset(supervisor, 0, sizeof(*supervisor));
	supervisor->signal_fd = signal_fd;
	supervisor->failed = ZTT_PARTS;
	for (int i = 0; i < ZTT_PARTS; i++) {
		supervisor->parts[i].control_fd = -1;
		supervisor->parts[i].child.pid_fd = -1;
		supervisor->parts[i].child.log_fd = -1;
	}
}

int ztt_supervisor_start(struct ztt_supervisor *supervisor, enum ztt_part part,
			 const struct ztt_child_plan *plan, struct ztt_err *err)
{
	struct ztt_supervised *at = &supervisor->parts[part];
	struct ztt_child_plan own = *plan;
	int run_fd, part_fd;
	int rc = ztt_control_pair(&run_fd, &part_fd, err);

	if (rc < 0)
		return rc;
	if (!own.path)
		own.path = "/proc/self/exe";
	own.keep_fds[0] = part_fd;
	own.keep_count = 1 + plan->keep_count;
	memcpy(own.keep_fds + 1, plan->keep_fds,
	       plan->keep_count * sizeof(plan->keep_fds[0]));
	rc = ztt_child_start(&own, &at->child, err);
	close(part_fd);
	if (rc < 0) {
		supervisor->failed = part;
		close(run_fd);
		return rc;
	}
	at->control_fd = run_fd;
	at->started = true;
	return 0;
}

static void close_control(struct ztt_supervised *at)
{
	if (at->control_fd >= 0)
		close(at->control_fd);
	at->control_fd = -1;
}

static int receive(struct ztt_supervisor *supervisor, enum ztt_part part,
		   struct ztt_err *err)
{
	struct ztt_supervised *at = &supervisor->parts[part];
	json_t *record;
	int rc = 0;

	while (at->control_fd >= 0 && rc == 0 && !supervisor->done) {
		int got = ztt_control_receive(at->control_fd, &record, err);

		if (got == 0)
			return 0;
		if (got == -EPIPE) {
			close_control(at);
			return 0;
		}
		if (got < 0) {
			supervisor->failed = part;
			return ztt_err_prefix(err, got, "%s", at->child.name);
		}
		rc = supervisor->event(supervisor, part, record, err);
		json_decref(record);
	}
	return rc;
}

/* Its records first: what it said before it ended still counts. */
static int attend(struct ztt_supervisor *supervisor, enum ztt_part part,
		  struct ztt_err *err)
{
	struct ztt_supervised *at = &supervisor->parts[part];
	char how[80];
	int rc;

	if (!at->started)
		return 0;
	ztt_child_poll(&at->child);
	rc = receive(supervisor, part, err);
	if (rc < 0 || supervisor->done || !at->child.ended)
		return rc;
	supervisor->failed = part;
	return ztt_err_set(err, -ECHILD, "%s %s", at->child.name,
			   ztt_child_end(&at->child, how, sizeof(how)));
}

static int interrupted(int signal_fd, struct ztt_err *err)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	return ztt_err_set(err, -EINTR, "interrupted by SIG%s",
			   sigabbrev_np((int)info.ssi_signo));
}

static void poll_all(struct ztt_supervisor *supervisor, uint64_t wait_ns)
{
	struct timespec timeout = {
		.tv_sec = (time_t)(wait_ns / ZTT_NS_PER_S),
		.tv_nsec = (long)(wait_ns % ZTT_NS_PER_S),
	};
	struct pollfd fds[FDS];
	nfds_t count = 0;

	fds[count++] = (struct pollfd){supervisor->signal_fd, POLLIN, 0};
	for (int i = 0; i < ZTT_PARTS; i++) {
		const struct ztt_supervised *at = &supervisor->parts[i];

		if (!at->started)
			continue;
		fds[count++] = (struct pollfd){at->control_fd, POLLIN, 0};
		fds[count++] = (struct pollfd){at->child.pid_fd, POLLIN, 0};
		fds[count++] = (struct pollfd){at->child.log_fd, POLLIN, 0};
	}
	ppoll(fds, count, &timeout, NULL);
}

int ztt_supervisor_wait(struct ztt_supervisor *supervisor, uint64_t due_ns,
			struct ztt_err *err)
{
	uint64_t now_ns;
	int rc = 0;

	supervisor->done = false;
	while (rc == 0 && !supervisor->done) {
		/* A Ctrl-C reaches the parts too: it is the reason, not they. */
		rc = interrupted(supervisor->signal_fd, err);
		for (int i = 0; i < ZTT_PARTS; i++)
			if (rc == 0 && !supervisor->done)
				rc = attend(supervisor, (enum ztt_part)i, err);
		if (rc < 0 || supervisor->done)
			break;
		now_ns = ztt_clock_ns();
		if (now_ns >= due_ns)
			return -ETIMEDOUT;
		poll_all(supervisor, due_ns - now_ns);
	}
	if (rc == -ECHILD && interrupted(supervisor->signal_fd, err) < 0)
		rc = -EINTR;
	return rc;
}

void ztt_supervisor_stop(struct ztt_supervisor *supervisor)
{
	static const enum ztt_part order[] = {ZTT_PART_LOAD, ZTT_PART_ENGINE,
					      ZTT_PART_EDGE, ZTT_PART_ORIGIN};

	for (size_t i = 0; i < ZTT_PARTS; i++) {
		struct ztt_supervised *at = &supervisor->parts[order[i]];

		if (at->started)
			ztt_child_stop(&at->child, STOP_NS);
		close_control(at);
		at->started = false;
	}
}
