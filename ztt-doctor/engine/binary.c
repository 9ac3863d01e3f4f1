#define _GNU_SOURCE
#include "ztt-doctor/engine/binary.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/child.h"
#include "common/clock.h"
#include "common/err.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/go_build_info.h"
#include "ztt-doctor/engine/processes.h"
#include "ztt-doctor/engine/unit.h"

#define VERSION_NS (2 * ZTT_NS_PER_S)
#define USUAL_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static bool is_file(struct ztt_doctor *doctor, const char *path)
{
	struct ztt_root_stat st;

	return ztt_root_stat(doctor->root, path, &st) == 0 && S_ISREG(st.mode);
}

static bool search_path(struct ztt_doctor *doctor, char out[PATH_MAX])
{
	const char *path = NULL;
	char copy[4096], *dir, *rest = copy;

	if (ztt_root_kind(doctor->root) == ZTT_ROOT_LIVE)
		path = getenv("PATH");
	snprintf(copy, sizeof(copy), "%s", path ? path : USUAL_PATH);
	while ((dir = strsep(&rest, ":"))) {
		if (*dir != '/')
			continue;
		snprintf(out, PATH_MAX, "%s/cloudflared", dir);
		if (is_file(doctor, out))
			return true;
	}
	return false;
}

static bool take(struct ztt_binary *binary, const char *path,
		 const char *named_by)
{
	if (!path || path[0] != '/')
		return false;
	snprintf(binary->path, sizeof(binary->path), "%s", path);
	binary->named_by = named_by;
	return true;
}

int ztt_binary_find(struct ztt_doctor *doctor, struct ztt_binary *ret_binary)
{
	const struct ztt_processes *all = ztt_processes(doctor);
	char found[PATH_MAX];
	struct ztt_unit unit;
	bool some;

	ret_binary->in_path = search_path(doctor, found);
	some = take(ret_binary, doctor->plan.engine_path, "--engine-path");
	for (size_t i = 0; i < all->count && !some; i++)
		if (all->list[i].has_exe && !all->list[i].contained &&
		    !strstr(all->list[i].exe, " (deleted)"))
			some = take(ret_binary, all->list[i].exe, "a process");
	if (!some) {
		ztt_unit_read(doctor, &unit);
		some = take(ret_binary, unit.words[0], "the unit");
		ztt_unit_release(&unit);
	}
	if (!some && ret_binary->in_path)
		some = take(ret_binary, found, "PATH");
	return some ? 0 : -ENOENT;
}

/* Another program's main.Version is none of cloudflared. */
int ztt_binary_build_info(struct ztt_doctor *doctor, const char *path,
			  struct ztt_go_build_info *ret_info)
{
	const char *name;
	int rc;

	memset(ret_info, 0, sizeof(*ret_info));
	rc = ztt_go_build_info_read(doctor->root, path, ret_info);
	if (rc < 0)
		return rc;
	name = strrchr(ret_info->package, '/');
	if (!ret_info->main_version[0] || !name ||
	    strcmp(name, "/cloudflared") != 0)
		return -ENODATA;
	return 0;
}

/* "cloudflared version 2026.8.2 (built 2026-08-20-1234 UTC)" */
static int parse(const char *text, char out[32])
{
	static const char key[] = "cloudflared version ";
	const char *at = strstr(text, key);
	size_t len;

	if (!at)
		return -EPROTO;
	at += sizeof(key) - 1;
	len = strspn(at, "0123456789.");
	if (len == 0 || len > 31)
		return -EPROTO;
	snprintf(out, 32, "%.*s", (int)len, at);
	return 0;
}

static int wait_for(struct ztt_child *child, uint64_t due_ns)
{
	while (!child->ended) {
		struct pollfd fds[2] = {{.fd = child->pid_fd, .events = POLLIN},
					{.fd = child->log_fd,
					 .events = POLLIN}};
		uint64_t now_ns = ztt_clock_ns();

		if (now_ns >= due_ns)
			return -ETIMEDOUT;
		poll(fds, 2, (int)((due_ns - now_ns) / ZTT_NS_PER_MS) + 1);
		ztt_child_poll(child);
	}
	return 0;
}

/* As root, only what root alone can write is run. */
static bool is_trusted(struct ztt_doctor *doctor, const char *path)
{
	struct ztt_root_stat st;

	if (geteuid() != 0 || doctor->plan.engine_path)
		return true;
	if (ztt_root_stat(doctor->root, path, &st) < 0)
		return true;
	return st.uid == 0 && !(st.mode & (S_IWGRP | S_IWOTH));
}

int ztt_binary_version(struct ztt_doctor *doctor, const char *path,
		       char out[32], struct ztt_err *err)
{
	char *argv[] = {"cloudflared", "--version", NULL};
	struct ztt_child_plan plan = {.name = "cloudflared",
				      .path = path,
				      .argv = argv};
	struct ztt_child *child;
	int rc;

	if (!is_trusted(doctor, path))
		return ztt_err_set(err, -EPERM,
				   "%s is not run: others than root can write "
				   "it",
				   path);
	child = ztt_calloc(1, sizeof(*child));
	rc = ztt_child_start(&plan, child, err);
	if (rc == 0) {
		rc = wait_for(child, ztt_clock_ns() + VERSION_NS);
		ztt_child_stop(child, 0);
		if (rc < 0)
			ztt_err_set(err, rc, "%s --version did not end", path);
	}
	if (rc == 0) {
		child->log[child->log_len_bytes < ZTT_CHILD_LOG_BYTES
				   ? child->log_len_bytes
				   : ZTT_CHILD_LOG_BYTES - 1] = 0;
		rc = parse(child->log, out);
		if (rc < 0)
			ztt_err_set(err, rc, "%s --version says no version",
				    path);
	}
	free(child);
	return rc;
}
