#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/proc_lines.h"
#include "common/units.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/processes.h"
#include "ztt-doctor/host/cgroup.h"

/* The kernel keeps some of what is built in for itself: a machine of 8 GB shows
 * a little less. */
#define KEPT_BACK 0.95
#define PROXY_BYTES (KEPT_BACK * 8e9)
#define VENDOR_BYTES (KEPT_BACK * 4e9)
#define LEAST_BYTES (KEPT_BACK * 512e6)
#define AVAILABLE_BYTES 512e6
#define NOT_TOLD UINT64_MAX

struct meminfo {
	uint64_t total, available, swap_total, swap_free; /* bytes */
};

static uint64_t value_of(const char *text, const char *key)
{
	for (; text; text = strchr(text, '\n')) {
		const char *value;

		text += *text == '\n';
		value = ztt_proc_value(text, key);
		if (value && *value >= '0' && *value <= '9')
			return ztt_proc_field(value, 0) * 1024;
	}
	return NOT_TOLD;
}

static int read_meminfo(const struct ztt_root *root, struct meminfo *ret_info)
{
	char text[16384];
	int rc = ztt_root_text(root, "/proc/meminfo", text, sizeof(text), NULL);

	if (rc < 0)
		return rc;
	ret_info->total = value_of(text, "MemTotal");
	ret_info->available = value_of(text, "MemAvailable");
	ret_info->swap_total = value_of(text, "SwapTotal");
	ret_info->swap_free = value_of(text, "SwapFree");
	return 0;
}

static const char *amount(char out[ZTT_UNITS_LEN], uint64_t bytes)
{
	return ztt_units_bytes(out, (double)bytes);
}

void ztt_check_memory_total(struct ztt_doctor *doctor,
			    struct ztt_finding *finding)
{
	char text[ZTT_UNITS_LEN];
	struct meminfo info;
	double total;
	int rc = read_meminfo(doctor->root, &info);

	if (rc < 0 || info.total == NOT_TOLD) {
		ztt_finding_unread(finding, "/proc/meminfo", rc ? rc : -EINVAL,
				   NULL);
		return;
	}
	total = (double)info.total;
	ztt_finding_note(finding,
			 total < LEAST_BYTES   ? ZTT_STATUS_FAIL
			 : total < PROXY_BYTES ? ZTT_STATUS_WARN
					       : ZTT_STATUS_OK,
			 "%s%s", amount(text, info.total),
			 total >= PROXY_BYTES ? ""
			 : total >= VENDOR_BYTES
				 ? ": enough for a connector by the "
				   "vendor (4 GB), short of a proxy (8 "
				   "GB)"
			 : total >= LEAST_BYTES
				 ? ": short of the vendor's 4 GB and of "
				   "a proxy's 8 GB"
				 : ": less than the 512 MB without which"
				   " nothing runs well");
}

static void note_available(struct ztt_finding *finding,
			   const struct meminfo *info)
{
	char text[ZTT_UNITS_LEN];

	if (info->available == NOT_TOLD)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "/proc/meminfo has no MemAvailable");
	else
		ztt_finding_note(finding,
				 (double)info->available < AVAILABLE_BYTES
					 ? ZTT_STATUS_FAIL
					 : ZTT_STATUS_OK,
				 "%s available", amount(text, info->available));
}

/* Some swap holds what nobody needs; much of it is memory that was short. */
static void note_swap(struct ztt_finding *finding, const struct meminfo *info)
{
	char used_text[ZTT_UNITS_LEN], total_text[ZTT_UNITS_LEN];
	uint64_t used;

	if (info->swap_total == NOT_TOLD || info->swap_free == NOT_TOLD ||
	    info->swap_total <= info->swap_free)
		return;
	used = info->swap_total - info->swap_free;
	ztt_finding_note(finding,
			 (double)used > 0.5 * (double)info->swap_total
				 ? ZTT_STATUS_WARN
				 : ZTT_STATUS_OK,
			 "swap: %s of %s in use", amount(used_text, used),
			 amount(total_text, info->swap_total));
}

static void note_cgroup(struct ztt_doctor *doctor, struct ztt_finding *finding,
			pid_t pid)
{
	char left_text[ZTT_UNITS_LEN], max_text[ZTT_UNITS_LEN];
	struct ztt_cgroup_memory memory;
	uint64_t left;

	if (ztt_cgroup_memory(doctor->root, pid, &memory) < 0 ||
	    !memory.limited)
		return;
	left = memory.max_bytes > memory.current_bytes
		       ? memory.max_bytes - memory.current_bytes
		       : 0;
	/* What is charged counts page cache too, which can be given back. */
	ztt_finding_note(finding,
			 (double)memory.max_bytes < AVAILABLE_BYTES
				 ? ZTT_STATUS_WARN
				 : ZTT_STATUS_OK,
			 "%s is limited to %s by %s, %s of it free",
			 pid > 0 ? "the engine" : "this process",
			 amount(max_text, memory.max_bytes), memory.where,
			 amount(left_text, left));
}

void ztt_check_memory_available(struct ztt_doctor *doctor,
				struct ztt_finding *finding)
{
	const struct ztt_processes *engines;
	struct meminfo info;
	int rc = read_meminfo(doctor->root, &info);

	if (rc < 0) {
		ztt_finding_unread(finding, "/proc/meminfo", rc, NULL);
		return;
	}
	note_available(finding, &info);
	note_swap(finding, &info);
	if (ztt_root_kind(doctor->root) == ZTT_ROOT_BUNDLE)
		return;
	engines = ztt_processes(doctor);
	note_cgroup(doctor, finding,
		    engines->count > 0 ? engines->list[0].pid : 0);
}
