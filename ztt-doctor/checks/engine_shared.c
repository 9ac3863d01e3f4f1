/* Several engines on one host. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/checks/engine.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/credentials.h"
#include "ztt-doctor/engine/processes.h"

static void compare_tunnels(struct ztt_doctor *doctor, size_t a, size_t b,
			    const struct ztt_process *of_a,
			    const struct ztt_process *of_b,
			    struct ztt_finding *finding)
{
	struct ztt_credentials found_a, found_b;

	if (ztt_credentials(doctor, a, &found_a, NULL) == 0 &&
	    ztt_credentials(doctor, b, &found_b, NULL) == 0 &&
	    strcasecmp(found_a.tunnel_id, found_b.tunnel_id) == 0)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "processes %d and %d both run tunnel %s",
				 (int)of_a->pid, (int)of_b->pid,
				 found_a.tunnel_id);
}

static void compare_ports(const struct ztt_process *a,
			  const struct ztt_process *b,
			  struct ztt_finding *finding)
{
	const char *of_a = ztt_process_flag(a, "--metrics");
	const char *of_b = ztt_process_flag(b, "--metrics");
	size_t len;

	if (!of_a || !of_b || strcmp(of_a, of_b) != 0)
		return;
	len = strlen(of_a);
	if (len > 2 && strcmp(of_a + len - 2, ":0") == 0)
		return;
	ztt_finding_note(finding, ZTT_STATUS_FAIL,
			 "processes %d and %d share the metrics address %.64s, "
			 "which only one can have",
			 (int)a->pid, (int)b->pid, of_a);
}

static size_t list_running(struct ztt_doctor *doctor,
			   const struct ztt_process *running[ZTT_PROCESSES_MAX])
{
	const struct ztt_processes *all = ztt_processes(doctor);
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].runs_tunnel)
			running[count++] = &all->list[i];
	return count;
}

void ztt_check_engine_shared(struct ztt_doctor *doctor,
			     struct ztt_finding *finding)
{
	const struct ztt_process *running[ZTT_PROCESSES_MAX];
	size_t count = list_running(doctor, running);

	if (count < 2) {
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "%s cloudflared runs a tunnel here",
				 count ? "one" : "no");
		return;
	}
	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count; k++) {
			compare_tunnels(doctor, i, k, running[i], running[k],
					finding);
			compare_ports(running[i], running[k], finding);
		}
	if (!finding->concluded)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%zu tunnels, none twice, each with a port of "
				 "its own",
				 count);
}
