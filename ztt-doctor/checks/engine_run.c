/* What the running engine says of itself. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/err.h"
#include "common/text.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/checks/engine.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/binary.h"
#include "ztt-doctor/engine/endpoint.h"
#include "ztt-doctor/engine/go_build_info.h"

#define JSON_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define HA_DEFAULT 4
#define SUPPORTED_MONTHS 12

/* True when there is one to look at; else the finding says why not. */
static bool has_endpoint(struct ztt_doctor *doctor,
			 const struct ztt_endpoints *all,
			 struct ztt_finding *finding)
{
	bool live = ztt_root_kind(doctor->root) == ZTT_ROOT_LIVE;

	if (all->count)
		return true;
	if (all->unread ||
	    (live && (ztt_engine_running(doctor) || doctor->plan.metrics)))
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s",
				 all->problem);
	else
		ztt_finding_note(finding, ZTT_STATUS_SKIP, "%s",
				 live ? "no engine runs here" : all->problem);
	return false;
}

/* What it does not say may be in a file that cannot be read. */
static void note_unsaid(const struct ztt_endpoints *all,
			const struct ztt_endpoint *endpoint, const char *what,
			struct ztt_finding *finding)
{
	if (all->unread)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s",
				 all->problem);
	else
		ztt_finding_note(finding, ZTT_STATUS_SKIP, "%s%s", endpoint->at,
				 what);
}

static size_t connected_count(const struct ztt_endpoint *endpoint)
{
	size_t count = 0;

	for (size_t i = 0; i < endpoint->connection_count; i++)
		count += endpoint->connections[i].connected;
	return count;
}

static void judge_ready(const struct ztt_endpoints *all,
			const struct ztt_endpoint *endpoint,
			struct ztt_finding *finding)
{
	int ready = endpoint->ready_connections;

	if (ready < 0 && !endpoint->has_connections) {
		note_unsaid(all, endpoint,
			    " has neither /ready nor /diag/tunnel", finding);
		return;
	}
	if (ready < 0)
		ready = (int)connected_count(endpoint);
	if (ready == 0)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "%s: no connection to the edge is up",
				 endpoint->at);
	else if (endpoint->ready_status && endpoint->ready_status != 200)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "%s: /ready says %u with %d connections",
				 endpoint->at, endpoint->ready_status, ready);
	else
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%s: ready, %d connection%s", endpoint->at,
				 ready, ready == 1 ? "" : "s");
}

void ztt_check_engine_ready(struct ztt_doctor *doctor,
			    struct ztt_finding *finding)
{
	const struct ztt_endpoints *all = ztt_endpoints(doctor);

	if (!has_endpoint(doctor, all, finding))
		return;
	for (size_t i = 0; i < all->count; i++)
		judge_ready(all, &all->list[i], finding);
}

/* What was set may be in a file of a bundle that cannot be read. */
static void note_unread_settings(struct ztt_doctor *doctor,
				 struct ztt_finding *finding)
{
	static const char path[] = "/engine/cli-configuration.json";
	struct ztt_root_stat st;
	int rc = ztt_root_stat(doctor->root, path, &st);

	if (rc < 0 && rc != -ENOENT &&
	    ztt_root_kind(doctor->root) == ZTT_ROOT_BUNDLE)
		ztt_finding_unread(finding, path, rc, NULL);
}

static size_t connections_wanted(struct ztt_doctor *doctor)
{
	char text[32];
	long wanted;

	if (!ztt_engine_setting(doctor, "ha-connections", text, sizeof(text)))
		return HA_DEFAULT;
	wanted = strtol(text, NULL, 10);
	return wanted > 0 && wanted <= ZTT_ENDPOINT_CONNECTIONS_MAX
		       ? (size_t)wanted
		       : HA_DEFAULT;
}

static void judge_connections(const struct ztt_endpoints *all,
			      const struct ztt_endpoint *endpoint,
			      size_t wanted, struct ztt_finding *finding)
{
	size_t up = connected_count(endpoint);

	if (!endpoint->has_connections) {
		if (endpoint->ready_connections < 0)
			note_unsaid(all, endpoint, " does not say", finding);
		else
			up = (size_t)endpoint->ready_connections;
		if (endpoint->ready_connections < 0)
			return;
	}
	ztt_finding_note(finding,
			 up == 0       ? ZTT_STATUS_FAIL
			 : up < wanted ? ZTT_STATUS_WARN
				       : ZTT_STATUS_OK,
			 "%s: %zu of %zu connections are up", endpoint->at, up,
			 wanted);
	if (endpoint->ha_gauge >= 0 && (size_t)endpoint->ha_gauge != up)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "its metric cloudflared_tunnel_ha_connections "
				 "says %d, which also counts attempts",
				 endpoint->ha_gauge);
}

void ztt_check_engine_connections(struct ztt_doctor *doctor,
				  struct ztt_finding *finding)
{
	const struct ztt_endpoints *all = ztt_endpoints(doctor);
	size_t wanted;

	if (!has_endpoint(doctor, all, finding))
		return;
	wanted = connections_wanted(doctor);
	for (size_t i = 0; i < all->count; i++)
		judge_connections(all, &all->list[i], wanted, finding);
	note_unread_settings(doctor, finding);
}

static void judge_protocol(const struct ztt_endpoints *all,
			   const struct ztt_endpoint *endpoint,
			   const char *wanted, struct ztt_finding *finding)
{
	size_t up = connected_count(endpoint), http2 = 0;

	for (size_t i = 0; i < endpoint->connection_count; i++)
		http2 += endpoint->connections[i].connected &&
			 endpoint->connections[i].http2;
	if (!up)
		note_unsaid(all, endpoint, ": no connection is known to be up",
			    finding);
	else if (!http2)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%s: all %zu connections on QUIC",
				 endpoint->at, up);
	else if (strcmp(wanted, "http2") == 0)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%s: HTTP/2, as configured: no UDP, no ICMP, "
				 "uploads at most 1 MiB per round trip and "
				 "connection",
				 endpoint->at);
	else
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%s: %zu of %zu connections have fallen back "
				 "to HTTP/2",
				 endpoint->at, http2, up);
}

void ztt_check_engine_protocol(struct ztt_doctor *doctor,
			       struct ztt_finding *finding)
{
	const struct ztt_endpoints *all = ztt_endpoints(doctor);
	char wanted[32] = "auto";

	if (!has_endpoint(doctor, all, finding))
		return;
	ztt_engine_setting(doctor, "protocol", wanted, sizeof(wanted));
	for (size_t i = 0; i < all->count; i++)
		judge_protocol(all, &all->list[i], wanted, finding);
	note_unread_settings(doctor, finding);
}

static json_t *load_json(struct ztt_doctor *doctor, const char *path,
			 int *ret_rc)
{
	json_t *root;
	size_t len;
	char *text;

	*ret_rc =
		ztt_root_load(doctor->root, path, JSON_BYTES_MAX, &text, &len);
	if (*ret_rc < 0)
		return NULL;
	root = json_loadb(text, len, 0, NULL);
	if (!root)
		*ret_rc = -EINVAL;
	free(text);
	return root;
}

/* "2026.8.2" in months since year 0; 0 when it is none. */
static int months_of(const char *version)
{
	int year, month;

	if (sscanf(version, "%4d.%2d", &year, &month) != 2 || year < 2017 ||
	    month < 1 || month > 12)
		return 0;
	return year * 12 + month;
}

static int months_now(void)
{
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	return (utc.tm_year + 1900) * 12 + utc.tm_mon + 1;
}

/* `seen` holds the version and what said it. */
static void judge_version(const char *version, const char *seen,
			  struct ztt_finding *finding)
{
	int months = months_of(version);
	int age = months_now() - months;

	if (!months)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "%s, which is none of cloudflared's releases",
				 seen);
	else if (age > SUPPORTED_MONTHS)
		ztt_finding_note(finding, ZTT_STATUS_WARN, "%s, %d months old",
				 seen, age);
	else
		ztt_finding_note(finding, ZTT_STATUS_OK, "%s", seen);
}

static void judge_said(const char *version, const char *by,
		       struct ztt_finding *finding)
{
	char seen[128];

	snprintf(seen, sizeof(seen), "%s: %.31s", by, version);
	judge_version(version, seen, finding);
}

static bool version_of_bundle(struct ztt_doctor *doctor,
			      struct ztt_finding *finding)
{
	int rc;
	json_t *root = load_json(doctor, "/engine/system.json", &rc);
	json_t *info = json_object_get(root, "info");
	const char *version = json_string_value(
		json_object_get(info ? info : root, "cloudflaredVersion"));

	if (version)
		judge_said(version, "the bundle", finding);
	else if (rc < 0 && rc != -ENOENT)
		ztt_finding_unread(finding, "/engine/system.json", rc, NULL);
	json_decref(root);
	return finding->concluded;
}

/* Started only where reading does not do: that takes 40 ms of CPU. */
static void version_of_run(struct ztt_doctor *doctor, const char *path,
			   const struct ztt_go_build_info *info,
			   struct ztt_finding *finding)
{
	char version[32], seen[PATH_MAX + 64];
	struct ztt_err err;

	if (ztt_root_kind(doctor->root) != ZTT_ROOT_LIVE) {
		if (info->go_version[0])
			ztt_finding_note(finding, ZTT_STATUS_SKIP,
					 "%s of a copy is not run, and its "
					 "build information (%s) names no "
					 "version",
					 path, info->go_version);
		else
			ztt_finding_note(finding, ZTT_STATUS_SKIP,
					 "%s of a copy is not run", path);
		return;
	}
	if (ztt_binary_version(doctor, path, version, &err) < 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s", err.text);
		return;
	}
	snprintf(seen, sizeof(seen), "%s (%s --version)", version, path);
	judge_version(version, seen, finding);
}

static void version_of_binary(struct ztt_doctor *doctor,
			      struct ztt_finding *finding)
{
	struct ztt_go_build_info info;
	struct ztt_binary binary;
	char seen[PATH_MAX + 64];

	if (ztt_binary_find(doctor, &binary) < 0) {
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "cloudflared is not installed here");
		return;
	}
	if (ztt_binary_build_info(doctor, binary.path, &info) < 0) {
		version_of_run(doctor, binary.path, &info, finding);
		return;
	}
	snprintf(seen, sizeof(seen), "%s (build information of %s)",
		 info.main_version, binary.path);
	judge_version(info.main_version, seen, finding);
}

/* A running engine has said it already, which saves starting another. */
void ztt_check_engine_version(struct ztt_doctor *doctor,
			      struct ztt_finding *finding)
{
	const struct ztt_endpoints *all = ztt_endpoints(doctor);
	const struct ztt_processes *processes = ztt_processes(doctor);

	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].version[0])
			judge_said(all->list[i].version, all->list[i].at,
				   finding);
	for (size_t i = 0; i < processes->count; i++)
		if (processes->list[i].has_exe &&
		    strstr(processes->list[i].exe, " (deleted)"))
			ztt_finding_note(finding, ZTT_STATUS_WARN,
					 "process %d runs a version that has "
					 "been replaced since: restart it",
					 (int)processes->list[i].pid);
	if (finding->concluded || version_of_bundle(doctor, finding))
		return;
	if (all->unread && ztt_root_kind(doctor->root) == ZTT_ROOT_BUNDLE)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN, "%s",
				 all->problem);
	else
		version_of_binary(doctor, finding);
}

static void judge_precheck(json_t *item, struct ztt_finding *finding,
			   size_t *passed)
{
	const char *component =
		json_string_value(json_object_get(item, "Component"));
	const char *target = json_string_value(json_object_get(item, "Target"));
	const char *details =
		json_string_value(json_object_get(item, "Details"));
	json_int_t type = json_integer_value(json_object_get(item, "Type"));
	json_t *status = json_object_get(item, "ProbeStatus");

	if (!json_is_integer(status) || json_integer_value(status) == 0) {
		*passed += json_is_integer(status);
		return;
	}
	if (json_integer_value(status) != 1)
		return;
	/* The API is asked for updates alone. */
	ztt_finding_note(finding, type == 3 ? ZTT_STATUS_WARN : ZTT_STATUS_FAIL,
			 "%.48s of %.64s: %.96s", component ? component : "?",
			 target ? target : "?", details ? details : "failed");
}

void ztt_check_engine_prechecks(struct ztt_doctor *doctor,
				struct ztt_finding *finding)
{
	static const char path[] = "/engine/prechecks.json";
	size_t passed = 0;
	int rc;
	json_t *root = load_json(doctor, path, &rc);
	json_t *results = json_object_get(root, "Results"), *item;
	size_t i;

	if (rc == -ENOENT) {
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "only a bundle of 2026.5.2 or later has its "
				 "prechecks");
		return;
	}
	if (rc < 0 || !json_is_array(results)) {
		ztt_finding_unread(finding, "prechecks.json",
				   rc < 0 ? rc : -EINVAL, NULL);
		json_decref(root);
		return;
	}
	json_array_foreach(results, i, item)
		judge_precheck(item, finding, &passed);
	if (!finding->concluded)
		ztt_finding_note(finding,
				 passed ? ZTT_STATUS_OK : ZTT_STATUS_UNKNOWN,
				 "%zu of %zu prechecks passed", passed,
				 json_array_size(results));
	json_decref(root);
}
