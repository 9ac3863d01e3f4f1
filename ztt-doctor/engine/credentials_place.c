#define _GNU_SOURCE
#include "ztt-doctor/engine/credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/config.h"
#include "ztt-doctor/engine/home.h"
#include "ztt-doctor/engine/processes.h"
#include "ztt-doctor/engine/unit.h"

/* Everything that may say where the credentials are. */
struct hints {
	const struct ztt_process *process; /* NULL: none runs a tunnel */
	const struct ztt_config *config;
	struct ztt_unit unit;
};

static void gather(struct ztt_doctor *doctor, size_t engine,
		   struct hints *ret_hints)
{
	const struct ztt_processes *all = ztt_processes(doctor);

	memset(ret_hints, 0, sizeof(*ret_hints));
	for (size_t i = 0; i < all->count && !ret_hints->process; i++)
		if (all->list[i].runs_tunnel && engine-- == 0)
			ret_hints->process = &all->list[i];
	ret_hints->config = ztt_config(doctor);
	ztt_unit_read(doctor, &ret_hints->unit);
}

/* A process tells for itself: the unit may be that of another. */
static const char *flag(const struct hints *hints, const char *name)
{
	if (hints->process)
		return ztt_process_file_flag(hints->process, name);
	return ztt_unit_flag(&hints->unit, name);
}

static int place(struct ztt_credentials_place *ret,
		 enum ztt_credentials_kind kind, const char *path)
{
	ret->kind = kind;
	snprintf(ret->path, sizeof(ret->path), "%s", path);
	return 0;
}

static int place_token(const struct hints *hints,
		       struct ztt_credentials_place *ret)
{
	const char *path;
	char argv[64];

	if (hints->process && ztt_process_flag(hints->process, "--token")) {
		snprintf(argv, sizeof(argv), "/proc/%d/cmdline",
			 (int)hints->process->pid);
		return place(ret, ZTT_CREDENTIALS_TOKEN_PROCESS, argv);
	}
	if (!hints->process && ztt_unit_flag(&hints->unit, "--token"))
		return place(ret, ZTT_CREDENTIALS_TOKEN_UNIT,
			     hints->unit.exec_file);
	if (ztt_config_value(hints->config, "token"))
		return place(ret, ZTT_CREDENTIALS_TOKEN_CONFIG,
			     hints->config->path);
	path = flag(hints, "--token-file");
	if (!path)
		path = ztt_config_value(hints->config, "token-file");
	return path ? place(ret, ZTT_CREDENTIALS_TOKEN_FILE, path) : -ENOENT;
}

/* As the engine searches: TUNNEL.json beside the configuration. */
static int search(struct ztt_doctor *doctor, const struct hints *hints,
		  struct ztt_credentials_place *ret)
{
	const char *tunnel = hints->config->tunnel;
	struct ztt_root_stat st;
	struct ztt_homes homes;
	char path[PATH_MAX];

	if (!tunnel || strchr(tunnel, '/') || strlen(tunnel) > 64)
		return -ENOENT;
	ztt_homes(doctor, &hints->unit, &homes);
	for (size_t i = 0; i < homes.count; i++) {
		snprintf(path, sizeof(path), "%.*s/%s.json", PATH_MAX - 80,
			 homes.dirs[i], tunnel);
		if (ztt_root_stat(doctor->root, path, &st) != -ENOENT)
			return place(ret, ZTT_CREDENTIALS_FILE, path);
	}
	return -ENOENT;
}

static int find(struct ztt_doctor *doctor, const struct hints *hints,
		struct ztt_credentials_place *ret)
{
	const char *path;

	if (place_token(hints, ret) == 0)
		return 0;
	path = flag(hints, "--credentials-file");
	if (!path)
		path = flag(hints, "--cred-file");
	if (!path)
		path = hints->config->credentials_file;
	if (path)
		return place(ret, ZTT_CREDENTIALS_FILE, path);
	return search(doctor, hints, ret);
}

int ztt_credentials_place(struct ztt_doctor *doctor, size_t engine,
			  struct ztt_credentials_place *ret_place)
{
	struct hints hints;
	int rc;

	gather(doctor, engine, &hints);
	rc = find(doctor, &hints, ret_place);
	ztt_unit_release(&hints.unit);
	return rc;
}

static int parse_file(struct ztt_doctor *doctor,
		      const struct ztt_credentials_place *at,
		      struct ztt_credentials *ret, struct ztt_err *err)
{
	size_t len;
	char *text;
	int rc = ztt_root_load(doctor->root, at->path,
			       ZTT_CREDENTIALS_BYTES_MAX, &text, &len);

	if (rc < 0)
		return ztt_err_set(err, rc, "%s", strerror(-rc));
	if (at->kind == ZTT_CREDENTIALS_FILE)
		rc = ztt_credentials_parse(text, len, ret, err);
	else
		rc = ztt_credentials_parse_token(text, len, ret, err);
	explicit_bzero(text, len);
	free(text);
	return rc;
}

static int parse_at(struct ztt_doctor *doctor, const struct hints *hints,
		    const struct ztt_credentials_place *at,
		    struct ztt_credentials *ret, struct ztt_err *err)
{
	const char *token = NULL;

	switch (at->kind) {
	case ZTT_CREDENTIALS_TOKEN_PROCESS:
		token = ztt_process_flag(hints->process, "--token");
		break;
	case ZTT_CREDENTIALS_TOKEN_UNIT:
		token = ztt_unit_flag(&hints->unit, "--token");
		break;
	case ZTT_CREDENTIALS_TOKEN_CONFIG:
		token = ztt_config_value(hints->config, "token");
		break;
	case ZTT_CREDENTIALS_TOKEN_FILE:
	case ZTT_CREDENTIALS_FILE:
		return parse_file(doctor, at, ret, err);
	}
	return ztt_credentials_parse_token(token, strlen(token), ret, err);
}

int ztt_credentials(struct ztt_doctor *doctor, size_t engine,
		    struct ztt_credentials *ret_credentials,
		    struct ztt_err *err)
{
	struct ztt_credentials_place at;
	struct hints hints;
	int rc;

	gather(doctor, engine, &hints);
	rc = find(doctor, &hints, &at);
	if (rc < 0) {
		ztt_err_set(err, rc,
			    "no credentials: no process, unit or configuration "
			    "names any");
		goto out;
	}
	rc = parse_at(doctor, &hints, &at, ret_credentials, err);
	if (rc < 0)
		ztt_err_prefix(err, rc, "%s", at.path);
out:
	ztt_unit_release(&hints.unit);
	return rc;
}

int ztt_origin_cert_place(struct ztt_doctor *doctor, char out[PATH_MAX])
{
	struct ztt_root_stat st;
	struct hints hints;
	struct ztt_homes homes;
	const char *path;
	int rc = -ENOENT;

	gather(doctor, 0, &hints);
	path = flag(&hints, "--origincert");
	if (!path)
		path = ztt_config_value(hints.config, "origincert");
	if (path) {
		snprintf(out, PATH_MAX, "%s", path);
		rc = 0;
		goto out;
	}
	ztt_homes(doctor, &hints.unit, &homes);
	for (size_t i = 0; i < homes.count && rc < 0; i++) {
		snprintf(out, PATH_MAX, "%.*s/cert.pem", PATH_MAX - 16,
			 homes.dirs[i]);
		if (ztt_root_stat(doctor->root, out, &st) != -ENOENT)
			rc = 0;
	}
out:
	ztt_unit_release(&hints.unit);
	return rc;
}
