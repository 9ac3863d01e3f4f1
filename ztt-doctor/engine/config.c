#define _GNU_SOURCE
#include "ztt-doctor/engine/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/home.h"
#include "ztt-doctor/engine/processes.h"
#include "ztt-doctor/engine/unit.h"
#include "ztt-doctor/facts.h"

static void load(struct ztt_doctor *doctor, const char *path,
		 struct ztt_config *config)
{
	size_t len;
	char *text;
	int rc = ztt_root_load(doctor->root, path, ZTT_CONFIG_BYTES_MAX, &text,
			       &len);

	if (rc == 0) {
		ztt_config_parse(text, len, config);
		explicit_bzero(text, len);
		free(text);
	} else {
		memset(config, 0, sizeof(*config));
		config->rc = rc;
		snprintf(config->problem, sizeof(config->problem), "%s",
			 rc == -EFBIG ? "longer than a configuration can be"
				      : strerror(-rc));
	}
	snprintf(config->path, sizeof(config->path), "%s", path);
}

/* What says where the file is, in the order of how surely it is the one. */
static const char *named(struct ztt_doctor *doctor, const struct ztt_unit *unit)
{
	const struct ztt_processes *all = ztt_processes(doctor);
	const char *path = doctor->plan.config;

	for (size_t i = 0; !path && i < all->count; i++)
		if (all->list[i].runs_tunnel)
			path = ztt_process_file_flag(&all->list[i], "--config");
	if (!path)
		path = ztt_unit_flag(unit, "--config");
	return path && path[0] == '/' ? path : NULL;
}

static void *make(struct ztt_doctor *doctor)
{
	static const char *const names[] = {"config.yml", "config.yaml"};
	struct ztt_config *config = ztt_calloc(1, sizeof(*config));
	struct ztt_unit unit;
	struct ztt_homes homes;
	const char *path;

	ztt_unit_read(doctor, &unit);
	path = named(doctor, &unit);
	if (path) {
		load(doctor, path, config);
		goto out;
	}
	config->rc = -ENOENT;
	ztt_homes(doctor, &unit, &homes);
	for (size_t i = 0; config->rc == -ENOENT && i < homes.count; i++)
		for (size_t k = 0; config->rc == -ENOENT && k < 2; k++) {
			char found[PATH_MAX];

			snprintf(found, sizeof(found), "%.*s/%s", PATH_MAX - 16,
				 homes.dirs[i], names[k]);
			load(doctor, found, config);
		}
	if (config->rc == -ENOENT)
		config->path[0] = 0;
out:
	ztt_unit_release(&unit);
	return config;
}

static void release(void *value)
{
	ztt_config_release(value);
	free(value);
}

const struct ztt_config *ztt_config(struct ztt_doctor *doctor)
{
	return ztt_facts_get(doctor, ZTT_FACTS_CONFIG, make, release);
}
