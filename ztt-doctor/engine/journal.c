#define _GNU_SOURCE
#include "ztt-doctor/engine/journal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/child.h"
#include "common/clock.h"
#include "common/err.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/log.h"
#include "ztt-doctor/probes/dial.h"

#define READ_BYTES 65536

/* Reads to the end; the older half goes when the buffer is full. */
static int collect(int fd, uint64_t due_ns, char *text, size_t *ret_len,
		   bool *ret_cut)
{
	size_t len = 0, half = ZTT_LOG_BYTES_MAX / 2;

	for (;;) {
		ssize_t got;
		int rc;

		if (len + READ_BYTES > ZTT_LOG_BYTES_MAX) {
			memmove(text, text + half, len - half);
			len -= half;
			*ret_cut = true;
			if (ztt_clock_ns() >= due_ns)
				return -ETIMEDOUT;
		}
		got = read(fd, text + len, READ_BYTES);
		if (got > 0) {
			len += (size_t)got;
			continue;
		}
		if (got == 0)
			break;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		rc = ztt_dial_wait(fd, POLLIN, due_ns);
		if (rc < 0)
			return rc;
	}
	*ret_len = len;
	return 0;
}

/* What it prints where there is nothing to see. */
static int judge(const char *text, size_t len)
{
	static const char none[] = "-- No entries --";
	static const char denied[] = "insufficient permissions";
	static const char hint[] = "not seeing messages from other users";

	if (len > 4096)
		return 0;
	if (memmem(text, len, denied, sizeof(denied) - 1) ||
	    memmem(text, len, hint, sizeof(hint) - 1))
		return -EACCES;
	if (len == 0 || memmem(text, len, none, sizeof(none) - 1) ||
	    memmem(text, len, "No journal files", 16))
		return -ENOENT;
	return 0;
}

int ztt_journal_read(struct ztt_doctor *doctor, const char *unit,
		     char **ret_text, size_t *ret_len, bool *ret_cut)
{
	char *argv[] = {"journalctl", "-u",    (char *)(size_t)unit,
			"-n",         "20000", "--since",
			"-7day",      "-o",    "cat",
			"--no-pager", NULL};
	struct ztt_child_plan plan = {.name = "journalctl",
				      .path = "journalctl",
				      .argv = argv};
	struct ztt_child *child = ztt_calloc(1, sizeof(*child));
	char *text = NULL;
	size_t len = 0;
	int rc = ztt_child_start(&plan, child, NULL);

	if (rc < 0) {
		free(child);
		return rc == -EACCES ? rc : -ENOENT;
	}
	text = ztt_alloc(ZTT_LOG_BYTES_MAX + 1);
	rc = collect(child->log_fd, ztt_doctor_due_ns(doctor), text, &len,
		     ret_cut);
	ztt_child_stop(child, 0);
	free(child);
	if (rc == 0)
		rc = judge(text, len);
	if (rc < 0) {
		free(text);
		return rc;
	}
	text[len] = 0;
	*ret_text = text;
	*ret_len = len;
	return 0;
}
