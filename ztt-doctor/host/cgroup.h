/* The limits of the control groups that a process is in, its own and every one
 * above it: the tightest counts. */
#ifndef ZTT_DOCTOR_CGROUP_H
#define ZTT_DOCTOR_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ztt_root;

/* Processor time: cpu.max (version 2, Documentation/admin-guide/cgroup-v2.rst)
 * or cpu.cfs_quota_us (version 1, scheduler/sched-bwc.rst). */
struct ztt_cgroup_cpu {
	bool limited;
	double cores;                /* quota / period */
	char where[PATH_MAX];        /* the group's directory */
	bool has_stat;               /* its cpu.stat was read */
	uint64_t periods, throttled; /* nr_periods, nr_throttled */
};

/* Memory: memory.max and memory.current, or memory.limit_in_bytes and
 * memory.usage_in_bytes. */
struct ztt_cgroup_memory {
	bool limited;
	uint64_t max_bytes, current_bytes;
	char where[PATH_MAX];
};

/* Of process `pid`, or of this one for 0. -ENOENT and others when
 * /proc/PID/cgroup cannot be read; a group that is not there limits nothing. */
int ztt_cgroup_cpu(const struct ztt_root *root, pid_t pid,
		   struct ztt_cgroup_cpu *ret_cpu);
int ztt_cgroup_memory(const struct ztt_root *root, pid_t pid,
		      struct ztt_cgroup_memory *ret_memory);

/* The path of the group that has `controller` ("cpu", "memory") from the text
 * of /proc/PID/cgroup (cgroups(7)), and whether that is version 2. False: none
 * has. */
bool ztt_cgroup_find(const char *text, const char *controller,
		     char ret_path[PATH_MAX], bool *ret_v2);

#endif
