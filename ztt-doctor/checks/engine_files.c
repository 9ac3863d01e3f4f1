/* The engine's files: program, credentials, certificate. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/err.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/checks/engine.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/binary.h"
#include "ztt-doctor/engine/config.h"
#include "ztt-doctor/engine/credentials.h"
#include "ztt-doctor/engine/unit.h"

static void check_binary_mode(struct ztt_finding *finding, const char *path,
			      const struct ztt_root_stat *st)
{
	mode_t wanted = (st->mode & 07777 & ~(mode_t)022) | 0111;

	if (st->mode & S_IWOTH)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "%s: mode %04o, everybody can replace it",
				 path, st->mode & 07777);
	else if (st->mode & S_IWGRP)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%s: mode %04o, its group can replace it",
				 path, st->mode & 07777);
	if (!(st->mode & 0100) || !(st->mode & 0001))
		ztt_finding_note(finding,
				 st->mode & 0111 ? ZTT_STATUS_WARN
						 : ZTT_STATUS_FAIL,
				 "%s: mode %04o, not executable by %s", path,
				 st->mode & 07777,
				 st->mode & 0111 ? "everybody" : "anybody");
	if (st->mode & 022 || !(st->mode & 0111))
		ztt_finding_mode(finding, path, st->mode, wanted);
	if (st->uid != 0)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%s belongs to user %u, who can replace it",
				 path, st->uid);
}

void ztt_check_engine_binary(struct ztt_doctor *doctor,
			     struct ztt_finding *finding)
{
	struct ztt_binary binary;
	struct ztt_root_stat st;
	int rc;

	if (ztt_binary_find(doctor, &binary) < 0) {
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "cloudflared is not installed here");
		return;
	}
	rc = ztt_root_stat(doctor->root, binary.path, &st);
	if (rc == -ENOENT) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "%s, named by %s, does not exist", binary.path,
				 binary.named_by);
		return;
	}
	if (rc < 0) {
		ztt_finding_unread(finding, binary.path, rc, NULL);
		return;
	}
	check_binary_mode(finding, binary.path, &st);
	if (!finding->concluded)
		ztt_finding_note(finding, ZTT_STATUS_OK, "%s, mode %04o%s",
				 binary.path, st.mode & 07777,
				 binary.in_path ? "" : ", not in PATH");
}

/* What reads it beside root: the user that the engine runs as. */
static bool is_owner_fine(struct ztt_doctor *doctor, uid_t uid)
{
	const struct ztt_processes *all = ztt_processes(doctor);
	struct ztt_unit unit;
	bool other_user;

	if (uid == 0)
		return true;
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].uid == uid)
			return true;
	ztt_unit_read(doctor, &unit);
	other_user = unit.user[0] && strcmp(unit.user, "root") != 0;
	ztt_unit_release(&unit);
	/* Without a process the unit's user is not looked up. */
	return other_user || ztt_root_kind(doctor->root) == ZTT_ROOT_DIR;
}

/* Mode 600 stays, as 400 does; whoever else may read or write may not. */
static void check_secret_mode(struct ztt_doctor *doctor,
			      struct ztt_finding *finding, const char *path,
			      const struct ztt_root_stat *st)
{
	mode_t mode = st->mode & 07777;

	if (mode & 077)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "%s: mode %04o, %s can read or change it",
				 path, mode,
				 mode & 007 ? "everybody" : "its group");
	if (!is_owner_fine(doctor, st->uid))
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%s belongs to user %u, who is neither root "
				 "nor the engine's user",
				 path, st->uid);
}

/* Whether an engine that is neither root nor the file's owner reads it. */
static bool is_read_by_another(struct ztt_doctor *doctor, uid_t owner)
{
	const struct ztt_processes *all = ztt_processes(doctor);
	struct ztt_unit unit;
	bool other_user;

	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].runs_tunnel && all->list[i].uid != 0 &&
		    all->list[i].uid != owner)
			return true;
	ztt_unit_read(doctor, &unit);
	other_user = unit.user[0] && strcmp(unit.user, "root") != 0;
	ztt_unit_release(&unit);
	return owner == 0 && other_user && !ztt_engine_running(doctor);
}

/* Only for what was found to be such a secret: the path may be one that any
 * user has put on a command line. */
static void offer_mode(struct ztt_doctor *doctor, struct ztt_finding *finding,
		       const char *path)
{
	struct ztt_root_stat st;

	if (ztt_root_stat(doctor->root, path, &st) < 0 || !(st.mode & 077))
		return;
	if (is_read_by_another(doctor, st.uid))
		ztt_finding_advise(finding,
				   "the engine reads it as another user than "
				   "its owner: chown it to that user, then "
				   "chmod 600");
	else
		ztt_finding_mode(finding, path, st.mode,
				 st.mode & 0200 ? 0600 : 0400);
}

/* False when there is nothing to parse; then the finding says why. */
static bool load_secret(struct ztt_doctor *doctor, struct ztt_finding *finding,
			const char *path, char **ret_text, size_t *ret_len)
{
	struct ztt_root_stat st;
	int rc = ztt_root_stat(doctor->root, path, &st);

	if (rc == 0)
		check_secret_mode(doctor, finding, path, &st);
	if (rc == 0)
		rc = ztt_root_load(doctor->root, path,
				   ZTT_CREDENTIALS_BYTES_MAX, ret_text,
				   ret_len);
	if (rc == -ENOENT)
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "%s does not exist",
				 path);
	else if (rc < 0)
		ztt_finding_unread(finding, path, rc, NULL);
	return rc == 0;
}

static const char *kind_name(enum ztt_credentials_kind kind)
{
	switch (kind) {
	case ZTT_CREDENTIALS_TOKEN_PROCESS:
		return "token of a process";
	case ZTT_CREDENTIALS_TOKEN_UNIT:
		return "token of the unit";
	case ZTT_CREDENTIALS_TOKEN_CONFIG:
		return "token of config.yml";
	case ZTT_CREDENTIALS_TOKEN_FILE:
		return "token file";
	case ZTT_CREDENTIALS_FILE:
		break;
	}
	return "credentials file";
}

static bool judge_credentials(struct ztt_doctor *doctor, size_t engine,
			      struct ztt_finding *finding,
			      const struct ztt_credentials_place *at)
{
	const struct ztt_config *config = ztt_config(doctor);
	struct ztt_credentials found;
	struct ztt_err err;

	if (ztt_credentials(doctor, engine, &found, &err) < 0) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "%s %s",
				 kind_name(at->kind), err.text);
		return false;
	}
	if (config->tunnel && strlen(config->tunnel) == 36 &&
	    at->kind == ZTT_CREDENTIALS_FILE &&
	    strcasecmp(config->tunnel, found.tunnel_id) != 0)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "%s is of tunnel %s, config.yml names %s",
				 at->path, found.tunnel_id, config->tunnel);
	else
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%s %s: tunnel %s, a secret of %zu bytes",
				 kind_name(at->kind), at->path, found.tunnel_id,
				 found.secret_len_bytes);
	return true;
}

static void check_place(struct ztt_doctor *doctor, size_t engine,
			struct ztt_finding *finding,
			const struct ztt_credentials_place *at)
{
	bool is_file = at->kind == ZTT_CREDENTIALS_FILE ||
		       at->kind == ZTT_CREDENTIALS_TOKEN_FILE;
	size_t len;
	char *text;

	if (is_file) {
		if (!load_secret(doctor, finding, at->path, &text, &len))
			return;
		explicit_bzero(text, len);
		free(text);
	}
	if (judge_credentials(doctor, engine, finding, at) && is_file)
		offer_mode(doctor, finding, at->path);
}

static void note_no_credentials(struct ztt_doctor *doctor,
				struct ztt_finding *finding)
{
	const struct ztt_config *config = ztt_config(doctor);
	const char *tunnel = config->tunnel;

	if (config->rc < 0 && config->rc != -ENOENT)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "config.yml, which may name them, could not "
				 "be read: see engine.config");
	else if (tunnel)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "config.yml names tunnel %.64s, and there is "
				 "no %.64s.json where cloudflared looks",
				 tunnel, tunnel);
	else
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no process, unit or configuration names "
				 "credentials");
}

/* Whether an engine before this one has the same. */
static bool is_known(struct ztt_doctor *doctor, size_t engine, const char *path)
{
	struct ztt_credentials_place at;

	for (size_t i = 0; i < engine; i++)
		if (ztt_credentials_place(doctor, i, &at) == 0 &&
		    strcmp(at.path, path) == 0)
			return true;
	return false;
}

void ztt_check_engine_credentials(struct ztt_doctor *doctor,
				  struct ztt_finding *finding)
{
	size_t running = ztt_engine_running(doctor);
	struct ztt_credentials_place at;

	for (size_t i = 0; i < running || i == 0; i++)
		if (ztt_credentials_place(doctor, i, &at) == 0 &&
		    !is_known(doctor, i, at.path))
			check_place(doctor, i, finding, &at);
	if (!finding->concluded)
		note_no_credentials(doctor, finding);
}

/* The row speaks of --fix, which has a step only for what was understood. */
static void advise_by_hand(struct ztt_finding *finding, const char *path,
			   bool loaded, bool broken)
{
	if (finding->status == ZTT_STATUS_OK || finding->action_count ||
	    finding->advice[0])
		return;
	if (!loaded)
		ztt_finding_advise(finding, "look at it as root: ls -l %s",
				   path);
	else if (broken)
		ztt_finding_advise(finding,
				   "have a new one written: cloudflared tunnel "
				   "login, then chmod 600 %s",
				   path);
	else
		ztt_finding_advise(finding,
				   "chown root %s, or to the engine's user",
				   path);
}

void ztt_check_engine_cert(struct ztt_doctor *doctor,
			   struct ztt_finding *finding)
{
	struct ztt_origin_cert cert;
	char path[PATH_MAX], *text;
	struct ztt_err err;
	size_t len;
	int rc;

	if (ztt_origin_cert_place(doctor, path) < 0) {
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no cert.pem, which only 'tunnel create', "
				 "'route' and the like need");
		return;
	}
	if (!load_secret(doctor, finding, path, &text, &len)) {
		advise_by_hand(finding, path, false, false);
		return;
	}
	rc = ztt_origin_cert_parse(text, len, &cert, &err);
	explicit_bzero(text, len);
	free(text);
	if (rc < 0)
		ztt_finding_note(finding, ZTT_STATUS_FAIL, "%s: %s", path,
				 err.text);
	else
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%s: of account %s, with an API token", path,
				 cert.account[0] ? cert.account : "(none)");
	if (rc == 0)
		offer_mode(doctor, finding, path);
	advise_by_hand(finding, path, true, rc < 0);
}
