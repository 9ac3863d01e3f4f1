#include <string.h>
#include <sys/stat.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/facts.h"

static bool is_running(const struct ztt_root *root, const char *first)
{
	struct ztt_root_stat stat;

	/* sd_booted(3) */
	return (ztt_root_stat(root, "/run/systemd/system", &stat) == 0 &&
		S_ISDIR(stat.mode)) ||
	       strcmp(first, "systemd") == 0;
}

void ztt_check_init_systemd(struct ztt_doctor *doctor,
			    struct ztt_finding *finding)
{
	static const char path[] = "/proc/1/comm";
	const char *container = ztt_facts_container(doctor);
	char first[64] = "";
	int rc = ztt_root_text(doctor->root, path, first, sizeof(first), NULL);

	if (rc < 0)
		first[0] = 0;
	if (is_running(doctor->root, first))
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "systemd is running%s%s",
				 container ? ", in " : "",
				 container ? container : "");
	else if (container)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "in a container (%s) without systemd: its "
				 "manager starts and restarts cloudflared, and "
				 "`cloudflared service install` is not for "
				 "here",
				 container);
	else if (rc < 0)
		ztt_finding_unread(finding, path, rc, NULL);
	else
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "process 1 is %s: `cloudflared service "
				 "install` writes a script for OpenRC or SysV "
				 "init instead of a unit",
				 first);
}
