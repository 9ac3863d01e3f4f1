#define _GNU_SOURCE
#include "ztt-doctor/host/command.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/child.h"
#include "common/clock.h"
#include "common/err.h"

#define GROW_BYTES 65536
#define STOP_NS (200 * ZTT_NS_PER_MS)

static bool search(const char *dirs, const char *name, char *out, size_t cap)
{
	while (dirs && *dirs) {
		int len = (int)strcspn(dirs, ":");

		if (len > 0 && *dirs == '/' &&
		    snprintf(out, cap, "%.*s/%s", len, dirs, name) < (int)cap &&
		    access(out, X_OK) == 0)
			return true;
		dirs += len + (dirs[len] == ':');
	}
	return false;
}

int ztt_command_find(const char *name, char *ret_path, size_t cap_bytes)
{
	if (search(getenv("PATH"), name, ret_path, cap_bytes) ||
	    search("/usr/sbin:/sbin:/usr/local/sbin", name, ret_path,
		   cap_bytes))
		return 0;
	return -ENOENT;
}

static int wait_for(int fd, uint64_t until_ns)
{
	uint64_t now = ztt_clock_ns();
	uint64_t left_ms =
		until_ns > now ? (until_ns - now) / ZTT_NS_PER_MS + 1 : 0;
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	if (left_ms == 0)
		return -ETIMEDOUT;
	poll(&wait, 1, left_ms < 60000 ? (int)left_ms : 60000);
	return 0;
}

/* More than the newest bytes, which is all that a child's log keeps. */
static int read_output(struct ztt_child *child, uint64_t until_ns,
		       size_t max_bytes, char **text, size_t *len)
{
	size_t cap = 0;

	for (;;) {
		ssize_t got;
		int rc;

		if (cap - *len < 2) {
			cap = cap ? cap * 2 : GROW_BYTES;
			*text = ztt_realloc(*text, cap);
		}
		got = read(child->log_fd, *text + *len, cap - *len - 1);
		if (got == 0)
			break;
		if (got > 0) {
			*len += (size_t)got;
			if (*len > max_bytes)
				return -EFBIG;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		rc = wait_for(child->log_fd, until_ns);
		if (rc < 0)
			return rc;
	}
	(*text)[*len] = 0;
	return 0;
}

static int wait_end(struct ztt_child *child, uint64_t until_ns)
{
	for (;;) {
		int rc;

		ztt_child_poll(child);
		if (child->ended)
			return 0;
		rc = wait_for(child->pid_fd, until_ns);
		if (rc < 0)
			return rc;
	}
}

static int judge(const struct ztt_child *child, const char *text)
{
	if (child->status == 0)
		return 0;
	return strcasestr(text, "not permitted") ||
			       strcasestr(text, "permission denied") ||
			       strcasestr(text, "must be root")
		       ? -EACCES
		       : -EIO;
}

int ztt_command_run(char *const argv[], uint64_t until_ns, size_t max_bytes,
		    char **ret_text, size_t *ret_len)
{
	static const char *const env[] = {"LC_ALL=C", NULL};
	const struct ztt_child_plan plan = {
		.name = "command",
		.path = argv[0],
		.argv = argv,
		.env = env,
	};
	struct ztt_child child = {0};
	char *text = NULL;
	size_t len = 0;
	int rc = ztt_child_start(&plan, &child, NULL);

	if (rc < 0)
		return rc;
	rc = read_output(&child, until_ns, max_bytes, &text, &len);
	if (rc == 0)
		rc = wait_end(&child, until_ns);
	if (rc == 0)
		rc = judge(&child, text);
	ztt_child_stop(&child, STOP_NS);
	if (rc < 0) {
		free(text);
		return rc;
	}
	*ret_text = text;
	*ret_len = len;
	return 0;
}
