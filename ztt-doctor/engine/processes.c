#define _GNU_SOURCE
#include "ztt-doctor/engine/processes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/proc_lines.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/facts.h"

#define NAME "cloudflared"
#define PIDS_MAX 65536
#define FILES_MAX 262144
#define ARGS_BYTES_MAX (128 * 1024)
#define PROC_PATH_LEN 64
#define CAP_NET_ADMIN_BIT 12

/* A binary that was replaced while it runs is "cloudflared (deleted)". */
static bool is_engine_name(const char *name)
{
	size_t len = strlen(NAME);

	return strncmp(name, NAME, len) == 0 &&
	       (name[len] == 0 || name[len] == ' ');
}

static bool is_engine(struct ztt_doctor *doctor, const char *pid,
		      bool *ret_unread)
{
	char path[PROC_PATH_LEN], name[NAME_MAX + 1];
	int rc;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	rc = ztt_root_text(doctor->root, path, name, sizeof(name), NULL);
	*ret_unread = rc == -EACCES || rc == -EPERM;
	if (rc == 0 && is_engine_name(name))
		return true;
	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	return ztt_root_link(doctor->root, path, name) == 0 &&
	       is_engine_name(name);
}

static void read_status(struct ztt_doctor *doctor, struct ztt_process *process)
{
	char path[PROC_PATH_LEN], text[8192], *save = NULL;
	const char *value;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)process->pid);
	if (ztt_root_text(doctor->root, path, text, sizeof(text), NULL) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		value = ztt_proc_value(line, "Uid");
		if (value)
			process->uid = (uid_t)ztt_proc_field(value, 1);
		value = ztt_proc_value(line, "CapEff");
		if (value)
			process->effective_caps = strtoull(value, NULL, 16);
	}
	process->net_admin = process->effective_caps >> CAP_NET_ADMIN_BIT & 1;
}

static void read_limits(struct ztt_doctor *doctor, struct ztt_process *process)
{
	static const char key[] = "Max open files";
	char path[PROC_PATH_LEN], text[4096], *line;

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)process->pid);
	if (ztt_root_text(doctor->root, path, text, sizeof(text), NULL) < 0)
		return;
	line = strstr(text, key);
	if (!line)
		return;
	line += strlen(key);
	line += strspn(line, " ");
	process->files_soft_max = strncmp(line, "unlimited", 9) == 0
					  ? UINT64_MAX
					  : ztt_proc_field(line, 0);
}

/* The size of /proc/PID/fd is the number of files since Linux 6.2; before, and
 * in a copy, its names are counted. */
static void count_files(struct ztt_doctor *doctor, struct ztt_process *process)
{
	char path[PROC_PATH_LEN];
	struct ztt_root_stat st;
	size_t count;
	char **names;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)process->pid);
	if (ztt_root_kind(doctor->root) == ZTT_ROOT_LIVE &&
	    ztt_root_stat(doctor->root, path, &st) == 0 && st.len_bytes > 0) {
		process->files_open = st.len_bytes;
		return;
	}
	if (ztt_root_list(doctor->root, path, FILES_MAX, &names, &count) < 0)
		return;
	process->files_open = count;
	ztt_root_list_free(names, count);
}

static void read_exe(struct ztt_doctor *doctor, struct ztt_process *process)
{
	char path[PROC_PATH_LEN];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)process->pid);
	process->has_exe =
		ztt_root_target(doctor->root, path, process->exe) == 0;
}

/* Links as "mnt:[4026531841]"; what cannot be read is taken for ours. */
static bool is_elsewhere(struct ztt_doctor *doctor, pid_t pid, const char *ns)
{
	char path[PROC_PATH_LEN], its[NAME_MAX + 1], ours[NAME_MAX + 1];

	if (ztt_root_kind(doctor->root) != ZTT_ROOT_LIVE)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, ns);
	if (ztt_root_link(doctor->root, path, its) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/ns/%s", ns);
	return ztt_root_link(doctor->root, path, ours) == 0 &&
	       strcmp(its, ours) != 0;
}

static bool runs_tunnel(const struct ztt_process *process)
{
	static const char *const others[] = {
		"access", "forward", "tail",    "update",    "version",
		"login",  "diag",    "service", "proxy-dns", "--version",
		"-v",     "-V",      "help",    "--help",    "-h",
		"list",   "info",    "create",  "delete",    "cleanup",
		"route",  "vnet",    "token",   "ingress",   "ready",
	};

	for (size_t i = 1; i < process->argc && i < 8; i++)
		for (size_t k = 0; k < sizeof(others) / sizeof(*others); k++)
			if (strcmp(process->argv[i], others[k]) == 0)
				return false;
	return true;
}

static void read_args(struct ztt_doctor *doctor, struct ztt_process *process)
{
	char path[PROC_PATH_LEN];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)process->pid);
	if (ztt_root_load(doctor->root, path, ARGS_BYTES_MAX, &process->args,
			  &len) < 0)
		return;
	for (size_t at = 0; at < len && process->argc < ZTT_PROCESS_ARGS_MAX;
	     at += strlen(process->args + at) + 1)
		process->argv[process->argc++] = process->args + at;
	process->runs_tunnel = runs_tunnel(process);
}

static void add(struct ztt_doctor *doctor, struct ztt_processes *all,
		const char *pid)
{
	struct ztt_process *process;

	if (all->count == ZTT_PROCESSES_MAX) {
		all->partial = true;
		return;
	}
	process = &all->list[all->count++];
	process->pid = (pid_t)strtol(pid, NULL, 10);
	process->uid = (uid_t)-1;
	read_status(doctor, process);
	read_limits(doctor, process);
	count_files(doctor, process);
	read_exe(doctor, process);
	read_args(doctor, process);
	process->contained = is_elsewhere(doctor, process->pid, "mnt");
	process->other_network = is_elsewhere(doctor, process->pid, "net");
}

static bool is_pid(const char *name)
{
	size_t len = strspn(name, "0123456789");

	return len > 0 && len < 10 && name[len] == 0;
}

/* With hidepid=2 those of others are not even there (proc(5)). */
static bool is_hidden(struct ztt_doctor *doctor)
{
	struct ztt_root_stat st;

	return ztt_root_kind(doctor->root) == ZTT_ROOT_LIVE &&
	       ztt_root_stat(doctor->root, "/proc/1", &st) < 0;
}

static void *make(struct ztt_doctor *doctor)
{
	struct ztt_processes *all = ztt_calloc(1, sizeof(*all));
	char **names;
	size_t count;

	if (ztt_root_list(doctor->root, "/proc", PIDS_MAX, &names, &count) <
	    0) {
		all->partial = true;
		return all;
	}
	for (size_t i = 0; i < count; i++) {
		bool unread;

		if (!is_pid(names[i]))
			continue;
		if (is_engine(doctor, names[i], &unread))
			add(doctor, all, names[i]);
		else if (unread)
			all->partial = true;
	}
	ztt_root_list_free(names, count);
	all->partial |= count == PIDS_MAX || is_hidden(doctor);
	return all;
}

static void release(void *value)
{
	struct ztt_processes *all = value;

	for (size_t i = 0; i < all->count; i++) {
		struct ztt_process *process = &all->list[i];
		const char *last;

		if (!process->args)
			continue;
		if (process->argc) {
			last = process->argv[process->argc - 1];
			explicit_bzero(process->args,
				       (size_t)(last - process->args) +
					       strlen(last));
		}
		free(process->args);
	}
	free(all);
}

const struct ztt_processes *ztt_processes(struct ztt_doctor *doctor)
{
	return ztt_facts_get(doctor, ZTT_FACTS_PROCESSES, make, release);
}

const char *ztt_flag_find(const char *const *argv, size_t argc,
			  const char *flag)
{
	const char *name = flag + strspn(flag, "-");
	size_t len = strlen(name);

	for (size_t i = 0; i < argc; i++) {
		const char *at = argv[i];
		size_t dashes = strspn(at, "-");

		if (strcmp(at, "--") == 0)
			break;
		if (dashes < 1 || dashes > 2 ||
		    strncmp(at + dashes, name, len) != 0)
			continue;
		if (at[dashes + len] == '=')
			return at + dashes + len + 1;
		if (at[dashes + len] == 0)
			return i + 1 < argc ? argv[i + 1] : "";
	}
	return NULL;
}

const char *ztt_process_flag(const struct ztt_process *process,
			     const char *flag)
{
	return ztt_flag_find(process->argv, process->argc, flag);
}

const char *ztt_process_file_flag(const struct ztt_process *process,
				  const char *flag)
{
	return process->contained ? NULL : ztt_process_flag(process, flag);
}
