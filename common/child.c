#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

/* A child that prints without end must not hold up its parent. */
#define READS_PER_POLL 64
/* How long a killed child may take to leave the kernel. */
#define KILL_NS (2 * ZTT_NS_PER_S)

static void keep_newest(struct ztt_child *child, const char *text, size_t len)
{
	size_t free_bytes = sizeof(child->log) - child->log_len_bytes;

	if (len > free_bytes) {
		size_t gone = len - free_bytes;

		child->log_len_bytes -= gone;
		memmove(child->log, child->log + gone, child->log_len_bytes);
	}
	memcpy(child->log + child->log_len_bytes, text, len);
	child->log_len_bytes += len;
}

static void close_log(struct ztt_child *child)
{
	if (child->log_fd >= 0)
		close(child->log_fd);
	child->log_fd = -1;
}

static void read_log(struct ztt_child *child)
{
	char text[4096];

	for (int i = 0; i < READS_PER_POLL && child->log_fd >= 0; i++) {
		ssize_t got = read(child->log_fd, text, sizeof(text));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0)
			close_log(child);
		else
			keep_newest(child, text, (size_t)got);
	}
}

static void learn_end(struct ztt_child *child)
{
	pid_t got = waitpid(child->pid, &child->status, WNOHANG);

	if (got == 0 || (got < 0 && errno == EINTR))
		return;
	if (got < 0)
		child->status = -1; /* reaped by another: not known */
	child->ended = true;
	close(child->pid_fd);
	child->pid_fd = -1;
}

void ztt_child_poll(struct ztt_child *child)
{
	if (child->pid <= 0)
		return;
	if (!child->ended)
		learn_end(child);
	read_log(child);
	/* Grandchildren may hold the other end for long. */
	if (child->ended)
		close_log(child);
}

static void wait_end(struct ztt_child *child, uint64_t wait_ns)
{
	uint64_t begin_ns = ztt_clock_ns(), gone_ns = 0;

	ztt_child_poll(child);
	while (!child->ended && gone_ns < wait_ns) {
		/* The log too: who cannot print cannot end. */
		struct pollfd fds[] = {
			{.fd = child->pid_fd, .events = POLLIN},
			{.fd = child->log_fd, .events = POLLIN},
		};
		uint64_t left_ns = wait_ns - gone_ns;
		uint64_t left_ms = left_ns / ZTT_NS_PER_MS + 1;

		poll(fds, 2, left_ms < 1000 ? (int)left_ms : 1000);
		ztt_child_poll(child);
		gone_ns = ztt_clock_ns() - begin_ns;
	}
}

void ztt_child_stop(struct ztt_child *child, uint64_t grace_ns)
{
	if (child->pid <= 0)
		return;
	ztt_child_poll(child);
	/* Not reaped yet, so the number is still its own. */
	if (!child->ended) {
		kill(child->pid, SIGTERM);
		wait_end(child, grace_ns);
	}
	if (!child->ended) {
		kill(child->pid, SIGKILL);
		wait_end(child, KILL_NS);
	}
	close_log(child);
}
