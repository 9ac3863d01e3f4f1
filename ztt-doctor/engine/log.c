#define _GNU_SOURCE
#include "ztt-doctor/engine/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/config.h"
#include "ztt-doctor/engine/journal.h"
#include "ztt-doctor/engine/processes.h"
#include "ztt-doctor/engine/unit.h"
#include "ztt-doctor/facts.h"

static bool read_file(struct ztt_doctor *doctor, const char *path,
		      struct ztt_log *log)
{
	size_t len;
	char *text;
	int rc = ztt_root_tail(doctor->root, path, ZTT_LOG_BYTES_MAX, &text,
			       &len, &log->cut);

	if (rc == -ENOENT)
		return false;
	log->rc = rc;
	snprintf(log->source, sizeof(log->source), "%s", path);
	if (rc == 0) {
		ztt_log_scan(text, len, log);
		free(text);
	}
	return true;
}

static const char *named(struct ztt_doctor *doctor, const struct ztt_unit *unit,
			 const char *flag)
{
	const struct ztt_processes *all = ztt_processes(doctor);
	const char *value = NULL;

	for (size_t i = 0; i < all->count && !value; i++)
		if (all->list[i].runs_tunnel)
			value = ztt_process_file_flag(&all->list[i], flag);
	if (!value)
		value = ztt_unit_flag(unit, flag);
	if (!value)
		value = ztt_config_value(ztt_config(doctor), flag + 2);
	return value && value[0] == '/' ? value : NULL;
}

static bool read_named(struct ztt_doctor *doctor, const struct ztt_unit *unit,
		       struct ztt_log *log)
{
	const char *path = named(doctor, unit, "--logfile");
	char file[PATH_MAX];

	if (path && read_file(doctor, path, log))
		return true;
	path = named(doctor, unit, "--log-directory");
	if (!path)
		return false;
	snprintf(file, sizeof(file), "%.*s/cloudflared.log", PATH_MAX - 32,
		 path);
	return read_file(doctor, file, log);
}

static bool read_journal(struct ztt_doctor *doctor, const struct ztt_unit *unit,
			 struct ztt_log *log)
{
	size_t len;
	char *text;
	int rc;

	if (ztt_root_kind(doctor->root) != ZTT_ROOT_LIVE || unit->rc < 0)
		return false;
	rc = ztt_journal_read(doctor, unit->name, &text, &len, &log->cut);
	if (rc == -ENOENT)
		return false;
	log->rc = rc;
	snprintf(log->source, sizeof(log->source), "the journal of %s",
		 unit->name);
	if (rc == 0) {
		ztt_log_scan(text, len, log);
		free(text);
	}
	return true;
}

static void *make(struct ztt_doctor *doctor)
{
	static const char *const usual[] = {
		"/engine/log.txt", "/var/log/cloudflared.log",
		"/var/log/cloudflared.err",
		"/var/log/cloudflared/cloudflared.log"};
	bool live = ztt_root_kind(doctor->root) == ZTT_ROOT_LIVE;
	struct ztt_log *log = ztt_calloc(1, sizeof(*log));
	struct ztt_unit unit;

	ztt_unit_read(doctor, &unit);
	if (doctor->plan.log) {
		if (!read_file(doctor, doctor->plan.log, log)) {
			log->rc = -ENOENT;
			snprintf(log->source, sizeof(log->source), "%s",
				 doctor->plan.log);
		}
		goto out;
	}
	if (read_named(doctor, &unit, log) || read_journal(doctor, &unit, log))
		goto out;
	log->rc = -ENOENT;
	for (size_t i = live; i < sizeof(usual) / sizeof(*usual); i++)
		if (read_file(doctor, usual[i], log))
			break;
out:
	ztt_unit_release(&unit);
	return log;
}

const struct ztt_log *ztt_log(struct ztt_doctor *doctor)
{
	return ztt_facts_get(doctor, ZTT_FACTS_LOG, make, free);
}
