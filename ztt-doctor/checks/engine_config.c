/* config.yml and what stands beside it on the command line. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/checks/engine.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/config.h"
#include "ztt-doctor/engine/credentials.h"
#include "ztt-doctor/engine/flags.h"
#include "ztt-doctor/engine/origin_service.h"
#include "ztt-doctor/engine/unit.h"
#include "ztt-doctor/secret.h"

/* True when it was read; else the finding says why not. */
static bool is_read(const struct ztt_config *config,
		    struct ztt_finding *finding)
{
	if (config->rc == 0)
		return true;
	if (config->rc == -EBADMSG)
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "%s, %s",
				 config->path, config->problem);
	else if (config->rc != -ENOENT)
		ztt_finding_unread(finding, config->path, config->rc, NULL);
	else if (config->path[0])
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "%s does not exist",
				 config->path);
	else
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no config.yml: configured remotely, or not "
				 "at all");
	return false;
}

static void note_keys(const struct ztt_config *config,
		      struct ztt_finding *finding)
{
	for (size_t i = 0; i < config->unknown_count; i++)
		ztt_finding_note(finding, ZTT_STATUS_WARN, "unknown key %s",
				 config->unknown[i]);
	for (size_t i = 0; i < config->key_count; i++) {
		const struct ztt_config_key *key = &config->keys[i];
		const struct ztt_flag *flag = ztt_flag_of(key->name);

		if (flag && !flag->in_file)
			ztt_finding_note(
				finding, ZTT_STATUS_WARN,
				"%s (line %u) is not read from a file, "
				"only from the command line",
				key->name, key->line);
	}
}

static void check_mode(struct ztt_doctor *doctor, const char *path,
		       struct ztt_finding *finding)
{
	struct ztt_root_stat st;

	if (ztt_root_stat(doctor->root, path, &st) < 0 || !(st.mode & 022))
		return;
	ztt_finding_note(finding,
			 st.mode & 002 ? ZTT_STATUS_FAIL : ZTT_STATUS_WARN,
			 "%s: mode %04o, %s can change where requests go", path,
			 st.mode & 07777,
			 st.mode & 002 ? "everybody" : "its group");
	ztt_finding_mode(finding, path, st.mode, st.mode & ~(mode_t)022);
}

void ztt_check_engine_config(struct ztt_doctor *doctor,
			     struct ztt_finding *finding)
{
	const struct ztt_config *config = ztt_config(doctor);
	struct ztt_credentials_place at;
	bool has_credentials;

	if (!is_read(config, finding))
		return;
	note_keys(config, finding);
	check_mode(doctor, config->path, finding);
	has_credentials = ztt_credentials_place(doctor, 0, &at) == 0;
	if (!config->tunnel && config->has_ingress && !config->aliased &&
	    (!has_credentials || at.kind == ZTT_CREDENTIALS_FILE) &&
	    !ztt_engine_running(doctor))
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "no tunnel: key, so that 'tunnel run' must be "
				 "given its name");
	if (config->tunnel && !has_credentials)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "no credentials-file for tunnel %.64s",
				 config->tunnel);
	if (!finding->concluded)
		ztt_finding_note(finding, ZTT_STATUS_OK, "%s: tunnel %.64s%s",
				 config->path,
				 config->tunnel ? config->tunnel : "not named",
				 config->has_ingress ? ", with ingress rules"
						     : "");
}

static bool is_catch_all(const struct ztt_config_rule *rule)
{
	return (!rule->hostname || !rule->hostname[0] ||
		strcmp(rule->hostname, "*") == 0) &&
	       (!rule->path || !rule->path[0]);
}

static bool is_same(const char *a, const char *b)
{
	return strcasecmp(a ? a : "", b ? b : "") == 0;
}

static void check_hostname(const struct ztt_config_rule *rule,
			   struct ztt_finding *finding)
{
	const char *star;
	char host[65];

	if (!rule->hostname)
		return;
	ztt_secret_hide_login(rule->hostname, host, sizeof(host));
	star = strrchr(rule->hostname, '*');
	if (star && star != rule->hostname)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "line %u: %s has a wildcard that is not its "
				 "first label",
				 rule->line, host);
	if (strchr(rule->hostname, ':'))
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "line %u: %s has a port", rule->line, host);
}

static void check_service(const struct ztt_config *config,
			  const struct ztt_config_rule *rule,
			  struct ztt_finding *finding)
{
	struct ztt_origin_service service;
	char problem[128], shown[97];

	if (rule->bastion_mode || config->bastion_mode)
		return;
	if (!rule->service && rule->aliased)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "line %u: made from an alias, which is not "
				 "followed",
				 rule->line);
	else if (!rule->service)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "line %u: a rule without a service",
				 rule->line);
	else if (ztt_origin_service_parse(rule->service, &service, problem) < 0)
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "line %u: %s: %s",
				 rule->line,
				 ztt_secret_hide_login(rule->service, shown,
						       sizeof(shown)),
				 problem);
}

static void check_order(const struct ztt_config *config, size_t i,
			struct ztt_finding *finding)
{
	const struct ztt_config_rule *rule = &config->rules[i];
	char host[65];
	bool last = i + 1 == config->rule_count;

	if (is_catch_all(rule) && !rule->aliased && !last) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "line %u matches everything, and %zu more "
				 "follow: cloudflared refuses it",
				 rule->line, config->rule_count - 1 - i);
		return;
	}
	if (!is_catch_all(rule) && last)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "the last rule (line %u) is for %s%.64s "
				 "alone: cloudflared refuses it",
				 rule->line,
				 ztt_secret_hide_login(rule->hostname
							       ? rule->hostname
							       : "",
						       host, sizeof(host)),
				 rule->path ? rule->path : "");
	for (size_t k = 0; k < i && !last; k++)
		if (is_same(config->rules[k].hostname, rule->hostname) &&
		    is_same(config->rules[k].path, rule->path)) {
			ztt_finding_note(finding, ZTT_STATUS_WARN,
					 "line %u is never reached: line %u is "
					 "the same",
					 rule->line, config->rules[k].line);
			break;
		}
}

void ztt_check_engine_ingress(struct ztt_doctor *doctor,
			      struct ztt_finding *finding)
{
	const struct ztt_config *config = ztt_config(doctor);
	size_t unverified = 0;

	if (config->rc < 0 && config->rc != -ENOENT) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "config.yml could not be read: see "
				 "engine.config");
		return;
	}
	if (config->rc < 0 || !config->has_ingress) {
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no ingress rules in a config.yml");
		return;
	}
	for (size_t i = 0; i < config->rule_count; i++) {
		check_order(config, i, finding);
		check_hostname(&config->rules[i], finding);
		check_service(config, &config->rules[i], finding);
		unverified += config->rules[i].no_tls_verify;
	}
	if (!finding->concluded)
		ztt_finding_note(finding, ZTT_STATUS_OK, "%zu rule%s",
				 config->rule_count,
				 config->rule_count == 1 ? "" : "s");
	if (unverified)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%zu with noTLSVerify: the service's "
				 "certificate is not checked",
				 unverified);
}

static void note_dead(struct ztt_finding *finding, const char *name,
		      const char *where, const char *dead)
{
	ztt_finding_note(finding, ZTT_STATUS_WARN, "%s %s has no effect: %s",
			 name, where, dead);
}

void ztt_check_engine_dead_flags(struct ztt_doctor *doctor,
				 struct ztt_finding *finding)
{
	const struct ztt_config *config = ztt_config(doctor);
	const struct ztt_processes *all = ztt_processes(doctor);
	struct ztt_unit unit;

	ztt_unit_read(doctor, &unit);
	for (const struct ztt_flag *flag = ztt_flags; flag->name; flag++) {
		char option[64];

		if (!flag->dead)
			continue;
		snprintf(option, sizeof(option), "--%s", flag->name);
		if (ztt_config_value(config, flag->name))
			note_dead(finding, flag->name, "in config.yml",
				  flag->dead);
		if (ztt_unit_flag(&unit, option))
			note_dead(finding, option, "of the unit", flag->dead);
		for (size_t i = 0; i < all->count; i++)
			if (ztt_process_flag(&all->list[i], option)) {
				note_dead(finding, option, "of a process",
					  flag->dead);
				break;
			}
	}
	if (finding->concluded)
		;
	else if (!all->count && unit.rc < 0 && config->rc < 0)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no process, unit or config.yml");
	else
		ztt_finding_note(finding, ZTT_STATUS_OK, "none is set");
	ztt_unit_release(&unit);
}
