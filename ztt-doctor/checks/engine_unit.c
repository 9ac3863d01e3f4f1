/* How the engine is started: unit, limits, and what its command line shows. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/checks/engine.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/processes.h"
#include "ztt-doctor/engine/unit.h"
#include "ztt-doctor/facts.h"

/* The wait before the fallback that was measured is 121 s, and the longest that
 * cloudflared's constants give 235 s. */
#define START_TIMEOUT_NS (235 * ZTT_NS_PER_S)
#define START_USUAL_NS (130 * ZTT_NS_PER_S)
#define SYSTEMD_DEFAULT_NS (90 * ZTT_NS_PER_S)
#define FILES_WANTED 70000
#define FILES_UNLIMITED (UINT64_MAX - 1)
#define ENVIRON_BYTES_MAX (256 * 1024)

static bool has_unit(const struct ztt_unit *unit, struct ztt_finding *finding)
{
	if (unit->rc == 0)
		return true;
	if (unit->rc == -ENOENT)
		ztt_finding_note(finding, ZTT_STATUS_SKIP, "no unit %s",
				 unit->name);
	else
		ztt_finding_unread(finding, unit->path, unit->rc, NULL);
	return false;
}

static void no_unit(struct ztt_doctor *doctor, const struct ztt_unit *unit,
		    struct ztt_finding *finding)
{
	size_t running = ztt_engine_running(doctor);
	const char *container = ztt_facts_container(doctor);

	if (running && !container)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "no unit %s, and %zu cloudflared running: "
				 "nothing starts it after a reboot or a crash",
				 unit->name, running);
	else
		ztt_finding_note(finding, ZTT_STATUS_SKIP, "no unit %s%s%s",
				 unit->name, container ? " in " : "",
				 container ? container : "");
}

static void note_activity(struct ztt_doctor *doctor,
			  const struct ztt_unit *unit,
			  struct ztt_finding *finding)
{
	if (!unit->enabled)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%s is not enabled: it does not start after "
				 "a reboot",
				 unit->name);
	if (!unit->active_known)
		return;
	if (!unit->active && ztt_engine_running(doctor))
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%s does not run, a cloudflared outside of it "
				 "does",
				 unit->name);
	else if (!unit->active)
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "%s does not run",
				 unit->name);
}

void ztt_check_engine_unit(struct ztt_doctor *doctor,
			   struct ztt_finding *finding)
{
	struct ztt_unit unit;

	ztt_unit_read(doctor, &unit);
	if (unit.rc == -ENOENT) {
		no_unit(doctor, &unit, finding);
	} else if (unit.rc < 0) {
		ztt_finding_unread(finding, unit.path, unit.rc, NULL);
	} else if (unit.masked) {
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%s is masked or empty", unit.path);
	} else {
		note_activity(doctor, &unit, finding);
		if (!unit.word_count)
			ztt_finding_note(finding, ZTT_STATUS_FAIL,
					 "%s has no ExecStart", unit.path);
		if (!finding->concluded)
			ztt_finding_note(finding, ZTT_STATUS_OK,
					 "%s: enabled%s, %zu drop-in%s",
					 unit.path,
					 unit.active ? ", running" : "",
					 unit.dropin_count,
					 unit.dropin_count == 1 ? "" : "s");
	}
	ztt_unit_release(&unit);
}

static void judge_timeout(const struct ztt_unit *unit,
			  struct ztt_finding *finding)
{
	uint64_t timeout_ns = unit->start_timeout_ns ? unit->start_timeout_ns
						     : SYSTEMD_DEFAULT_NS;

	if (timeout_ns == ZTT_NEVER) {
		ztt_finding_note(finding, ZTT_STATUS_OK, "no start timeout");
		return;
	}
	if (timeout_ns >= START_TIMEOUT_NS) {
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "TimeoutStartSec=%" PRIu64,
				 timeout_ns / ZTT_NS_PER_S);
		return;
	}
	ztt_finding_note(finding, ZTT_STATUS_WARN,
			 "Type=notify with TimeoutStartSec=%" PRIu64
			 "%s: while UDP 7844 is blocked systemd %s it before "
			 "it falls back to HTTP/2%s",
			 timeout_ns / ZTT_NS_PER_S,
			 unit->start_timeout_ns ? "" : " (the default)",
			 timeout_ns < START_USUAL_NS ? "kills" : "may kill",
			 timeout_ns < START_USUAL_NS
				 ? ""
				 : ", which takes 121 s to 235 s");
	ztt_finding_advise(finding,
			   "systemctl edit %s, and put in: [Service] "
			   "TimeoutStartSec=300; or --protocol http2 where "
			   "UDP 7844 is blocked for good",
			   unit->name);
}

void ztt_check_engine_start_timeout(struct ztt_doctor *doctor,
				    struct ztt_finding *finding)
{
	char protocol[32] = "auto";
	struct ztt_unit unit;

	ztt_unit_read(doctor, &unit);
	if (!has_unit(&unit, finding))
		goto out;
	ztt_engine_setting(doctor, "protocol", protocol, sizeof(protocol));
	if (strcmp(unit.type, "notify") != 0)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "Type=%s: systemd does not wait for a "
				 "connection",
				 unit.type[0] ? unit.type : "simple");
	else if (strcmp(protocol, "http2") == 0)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "protocol http2: no fallback to wait for");
	else
		judge_timeout(&unit, finding);
out:
	ztt_unit_release(&unit);
}

static void check_files_of(const struct ztt_process *process,
			   struct ztt_finding *finding)
{
	uint64_t max = process->files_soft_max, open = process->files_open;

	if (!max) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "limits of process %d cannot be read",
				 (int)process->pid);
		return;
	}
	if (open && max < UINT64_MAX && open > max / 5 * 4)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "process %d has %" PRIu64 " of %" PRIu64
				 " files open",
				 (int)process->pid, open, max);
	else
		ztt_finding_note(finding,
				 max < FILES_WANTED ? ZTT_STATUS_WARN
						    : ZTT_STATUS_OK,
				 "process %d: %" PRIu64 " files open of at "
				 "most %" PRIu64,
				 (int)process->pid, open, max);
}

/* cloudflared raises its soft limit to the hard one by itself (Go 1.19). */
static void check_files_of_unit(const struct ztt_unit *unit,
				struct ztt_finding *finding)
{
	if (unit->files_max == ZTT_UNIT_NOT_SET)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "LimitNOFILE is not set: systemd's 524288 "
				 "hard, to which cloudflared raises itself");
	else if (unit->files_max == FILES_UNLIMITED)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "LimitNOFILE=infinity");
	else
		ztt_finding_note(finding,
				 unit->files_max < FILES_WANTED
					 ? ZTT_STATUS_WARN
					 : ZTT_STATUS_OK,
				 "LimitNOFILE=%" PRIu64, unit->files_max);
}

void ztt_check_engine_nofile(struct ztt_doctor *doctor,
			     struct ztt_finding *finding)
{
	const struct ztt_processes *all = ztt_processes(doctor);
	struct ztt_unit unit;

	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].runs_tunnel)
			check_files_of(&all->list[i], finding);
	if (finding->concluded)
		return;
	ztt_unit_read(doctor, &unit);
	if (has_unit(&unit, finding))
		check_files_of_unit(&unit, finding);
	ztt_unit_release(&unit);
}

/* Whether the environment has TUNNEL_TOKEN; what is read is wiped. */
static bool token_in_environ(struct ztt_doctor *doctor, pid_t pid)
{
	static const char key[] = "TUNNEL_TOKEN=";
	char path[64], *text;
	bool found = false;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	if (ztt_root_load(doctor->root, path, ENVIRON_BYTES_MAX, &text, &len) <
	    0)
		return false;
	for (size_t at = 0; at < len && !found; at += strlen(text + at) + 1)
		found = strncmp(text + at, key, sizeof(key) - 1) == 0;
	explicit_bzero(text, len);
	free(text);
	return found;
}

static void check_token_of_unit(const struct ztt_unit *unit,
				struct ztt_finding *finding)
{
	if (ztt_unit_flag(unit, "--token"))
		ztt_finding_note(
			finding,
			unit->exec_mode & 004 ? ZTT_STATUS_FAIL
					      : ZTT_STATUS_WARN,
			"%s has the token in ExecStart%s", unit->exec_file,
			unit->exec_mode & 004
				? ", and everybody can read it"
				: ": it will show in the process list");
	if (unit->token_in_environment)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%s has TUNNEL_TOKEN in Environment=, which "
				 "every user can ask systemd for",
				 unit->name);
}

void ztt_check_engine_token(struct ztt_doctor *doctor,
			    struct ztt_finding *finding)
{
	const struct ztt_processes *all = ztt_processes(doctor);
	struct ztt_unit unit;

	ztt_unit_read(doctor, &unit);
	for (size_t i = 0; i < all->count; i++) {
		const struct ztt_process *process = &all->list[i];

		if (ztt_process_flag(process, "--token"))
			ztt_finding_note(finding, ZTT_STATUS_FAIL,
					 "process %d has the token on its "
					 "command line, where every user of "
					 "this host can read it",
					 (int)process->pid);
		else if (token_in_environ(doctor, process->pid))
			ztt_finding_note(
				finding, ZTT_STATUS_OK,
				"process %d has it in its environment, "
				"which its user and root can read",
				(int)process->pid);
	}
	check_token_of_unit(&unit, finding);
	if (finding->concluded)
		;
	else if (all->partial && ztt_root_kind(doctor->root) == ZTT_ROOT_LIVE)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "not every process of this host can be seen%s",
				 geteuid() ? "; needs root" : "");
	else if (!all->count && unit.rc < 0)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no process and no unit");
	else
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "in no command line of a process or unit");
	ztt_unit_release(&unit);
}
