#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/host/interrupts.h"

#define QUEUES_MAX 256
/* Fewer interrupts since boot say nothing about who takes them. */
#define INTERRUPTS_LEAST 20000
#define ONE_CORE_SHARE 0.9

static bool has_bits(const char *mask)
{
	return mask[strspn(mask, "0,")] != 0;
}

/* Whether any receive queue of any device hands packets on to other cores
 * (Documentation/networking/scaling.rst). */
static bool has_rps_queue(const struct ztt_root *root, const char *device)
{
	char path[PATH_MAX], mask[1024], **queues;
	bool found = false;
	size_t count;

	snprintf(path, sizeof(path), "/sys/class/net/%s/queues", device);
	if (ztt_root_list(root, path, QUEUES_MAX, &queues, &count) < 0)
		return false;
	for (size_t i = 0; i < count && !found; i++) {
		if (strncmp(queues[i], "rx-", 3) != 0)
			continue;
		snprintf(path, sizeof(path),
			 "/sys/class/net/%s/queues/%s/rps_cpus", device,
			 queues[i]);
		found = ztt_root_text(root, path, mask, sizeof(mask), NULL) ==
				0 &&
			has_bits(mask);
	}
	ztt_root_list_free(queues, count);
	return found;
}

static bool has_rps(const struct ztt_root *root)
{
	bool found = false;
	char **names;
	size_t count;

	if (ztt_root_list(root, "/sys/class/net", QUEUES_MAX, &names, &count) <
	    0)
		return false;
	for (size_t i = 0; i < count && !found; i++)
		if (strcmp(names[i], "lo") != 0)
			found = has_rps_queue(root, names[i]);
	ztt_root_list_free(names, count);
	return found;
}

static void judge_interrupts(struct ztt_doctor *doctor,
			     struct ztt_finding *finding,
			     const struct ztt_interrupts *seen)
{
	struct ztt_root_stat stat;
	bool balanced =
		ztt_root_stat(doctor->root, "/run/irqbalance", &stat) == 0 ||
		ztt_root_stat(doctor->root, "/run/irqbalance.pid", &stat) == 0;
	bool rps = has_rps(doctor->root), crowded;
	unsigned top = 0;
	double share;

	for (unsigned i = 0; i < seen->cpu_count; i++)
		if (seen->per_cpu[i] > seen->per_cpu[top])
			top = i;
	share = (double)seen->per_cpu[top] / (double)seen->total;
	crowded = share > ONE_CORE_SHARE && !rps;
	ztt_finding_note(finding, crowded ? ZTT_STATUS_WARN : ZTT_STATUS_OK,
			 "%.0f %% of %llu network interrupts on core %u of %u "
			 "(%zu sources), RPS %s, irqbalance %s",
			 100 * share, (unsigned long long)seen->total,
			 seen->cpus[top], seen->cpu_count, seen->line_count,
			 rps ? "on" : "off", balanced ? "running" : "not seen");
}

void ztt_check_cpu_irq(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	struct ztt_interrupts *seen = ztt_alloc(sizeof(*seen));
	int rc = ztt_interrupts_read(doctor->root, seen);

	if (rc < 0)
		ztt_finding_unread(finding, "/proc/interrupts", rc, NULL);
	else if (seen->cpu_count == 1)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "one core: nothing to spread");
	else if (seen->line_count == 0)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no interrupt of a network device visible");
	else if (seen->total < INTERRUPTS_LEAST)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "%llu network interrupts since boot: too few "
				 "to tell",
				 (unsigned long long)seen->total);
	else
		judge_interrupts(doctor, finding, seen);
	free(seen);
}
