#include "ztt-doctor/host/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-doctor/root.h"

#define CGROUP_TEXT_BYTES 8192
#define DEPTH_MAX 64

static bool has_controller(const char *list, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	while (len > 0) {
		const char *comma = memchr(list, ',', len);
		size_t here = comma ? (size_t)(comma - list) : len;

		if (here == name_len && memcmp(list, name, here) == 0)
			return true;
		if (!comma)
			break;
		list += here + 1;
		len -= here + 1;
	}
	return false;
}

/* Lines "ID:CONTROLLERS:PATH"; version 2 is "0::PATH". On a hybrid host a
 * controller that version 1 holds is not in version 2. */
bool ztt_cgroup_find(const char *text, const char *controller,
		     char ret_path[PATH_MAX], bool *ret_v2)
{
	bool found = false;

	while (*text) {
		size_t len = strcspn(text, "\n");
		const char *list = memchr(text, ':', len);
		const char *path =
			list ? memchr(list + 1, ':',
				      len - (size_t)(list + 1 - text))
			     : NULL;
		bool v2 = path && path == list + 1;

		if (path && len - (size_t)(path - text) < PATH_MAX &&
		    (v2 ? !found
			: has_controller(list + 1, (size_t)(path - list - 1),
					 controller))) {
			snprintf(ret_path, PATH_MAX, "%.*s",
				 (int)(len - (size_t)(path + 1 - text)),
				 path + 1);
			*ret_v2 = v2;
			found = true;
			if (!v2)
				return true;
		}
		text += len + (text[len] == '\n');
	}
	return found;
}

static int find_group(const struct ztt_root *root, pid_t pid,
		      const char *controller, char path[PATH_MAX], bool *ret_v2)
{
	char text[CGROUP_TEXT_BYTES], file[64];
	int rc;

	if (pid > 0)
		snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	else
		snprintf(file, sizeof(file), "/proc/self/cgroup");
	rc = ztt_root_text(root, file, text, sizeof(text), NULL);
	if (rc < 0)
		return rc;
	if (!ztt_cgroup_find(text, controller, path, ret_v2))
		return -ENOENT;
	return strstr(path, "..") ? -EINVAL : 0;
}

/* Cuts the last component; false when there is none left. */
static bool go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return false;
	*slash = 0;
	return true;
}

static int read_pair(const struct ztt_root *root, const char *dir,
		     const char *name, char *buf, size_t cap_bytes)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return ztt_root_text(root, path, buf, cap_bytes, NULL);
}

static uint64_t stat_value(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, key, len) == 0 && text[len] == ' ')
			return strtoull(text + len + 1, NULL, 10);
	}
	return 0;
}

/* "max 100000" or "200000 100000"; 0: no limit. */
static double quota_v2(const struct ztt_root *root, const char *dir)
{
	char text[64], *end;
	double quota, period;

	if (read_pair(root, dir, "cpu.max", text, sizeof(text)) < 0 ||
	    text[0] < '0' || text[0] > '9')
		return 0;
	quota = (double)strtoull(text, &end, 10);
	period = (double)strtoull(end, NULL, 10);
	return period > 0 ? quota / period : 0;
}

static double quota_v1(const struct ztt_root *root, const char *dir)
{
	char path[PATH_MAX + 64];
	uint64_t quota, period;

	snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", dir);
	if (ztt_root_uint(root, path, &quota) < 0)
		return 0; /* -1: no limit */
	snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", dir);
	if (ztt_root_uint(root, path, &period) < 0 || period == 0)
		return 0;
	return (double)quota / (double)period;
}

static void keep_cpu(const struct ztt_root *root, const char *dir, double cores,
		     struct ztt_cgroup_cpu *cpu)
{
	char text[4096];

	cpu->limited = true;
	cpu->cores = cores;
	snprintf(cpu->where, sizeof(cpu->where), "%.*s",
		 (int)sizeof(cpu->where) - 1, dir);
	cpu->has_stat =
		read_pair(root, dir, "cpu.stat", text, sizeof(text)) == 0;
	if (!cpu->has_stat)
		return;
	cpu->periods = stat_value(text, "nr_periods");
	cpu->throttled = stat_value(text, "nr_throttled");
}

/* Inside a container the root of what is mounted is the container's own group,
 * so that it counts too; on the host it has no such file. */
int ztt_cgroup_cpu(const struct ztt_root *root, pid_t pid,
		   struct ztt_cgroup_cpu *ret_cpu)
{
	struct ztt_cgroup_cpu cpu = {.limited = false};
	char path[PATH_MAX], dir[PATH_MAX + 32];
	bool v2;
	int rc = find_group(root, pid, "cpu", path, &v2);

	if (rc < 0)
		return rc;
	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		double cores;

		snprintf(dir, sizeof(dir), "/sys/fs/cgroup%s%s",
			 v2 ? "" : "/cpu", strcmp(path, "/") ? path : "");
		cores = v2 ? quota_v2(root, dir) : quota_v1(root, dir);
		if (cores > 0 && (!cpu.limited || cores < cpu.cores))
			keep_cpu(root, dir, cores, &cpu);
		if (!go_up(path))
			break;
	}
	*ret_cpu = cpu;
	return 0;
}

/* Version 1 writes "no limit" as the largest number of whole pages. */
static bool limit_of(const struct ztt_root *root, const char *dir, bool v2,
		     uint64_t *ret_bytes)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", dir,
		 v2 ? "memory.max" : "memory.limit_in_bytes");
	return ztt_root_uint(root, path, ret_bytes) == 0 &&
	       *ret_bytes < UINT64_C(1) << 62;
}

static void keep_memory(const struct ztt_root *root, const char *dir, bool v2,
			uint64_t max_bytes, struct ztt_cgroup_memory *memory)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", dir,
		 v2 ? "memory.current" : "memory.usage_in_bytes");
	memory->limited = true;
	memory->max_bytes = max_bytes;
	if (ztt_root_uint(root, path, &memory->current_bytes) < 0)
		memory->current_bytes = 0;
	snprintf(memory->where, sizeof(memory->where), "%.*s",
		 (int)sizeof(memory->where) - 1, dir);
}

int ztt_cgroup_memory(const struct ztt_root *root, pid_t pid,
		      struct ztt_cgroup_memory *ret_memory)
{
	struct ztt_cgroup_memory memory = {.limited = false};
	char path[PATH_MAX], dir[PATH_MAX + 32];
	bool v2;
	int rc = find_group(root, pid, "memory", path, &v2);

	if (rc < 0)
		return rc;
	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		uint64_t max_bytes;

		snprintf(dir, sizeof(dir), "/sys/fs/cgroup%s%s",
			 v2 ? "" : "/memory", strcmp(path, "/") ? path : "");
		if (limit_of(root, dir, v2, &max_bytes) &&
		    (!memory.limited || max_bytes < memory.max_bytes))
			keep_memory(root, dir, v2, max_bytes, &memory);
		if (!go_up(path))
			break;
	}
	*ret_memory = memory;
	return 0;
}
