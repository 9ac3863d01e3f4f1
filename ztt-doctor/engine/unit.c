#define _GNU_SOURCE
#include "ztt-doctor/engine/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/err.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/processes.h"

#define DIRS 4
#define NAMES_MAX 1024

static const char *const unit_dirs[DIRS] = {"/etc/systemd/system",
					    "/run/systemd/system",
					    "/usr/lib/systemd/system",
					    "/lib/systemd/system"};

struct dropin {
	char name[NAME_MAX + 1];
	char path[PATH_MAX];
};

static void load_file(struct ztt_doctor *doctor, const char *path,
		      struct ztt_unit *unit, mode_t mode)
{
	size_t len;
	char *text;

	if (ztt_root_load(doctor->root, path, ZTT_UNIT_BYTES_MAX, &text, &len) <
	    0)
		return;
	ztt_unit_add(unit, path, mode, text);
	explicit_bzero(text, len);
	free(text);
}

/* "a@b.service" is made from "a@.service". */
static void template_of(const char *name, char out[128])
{
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	if (at && dot > at)
		snprintf(out, 128, "%.*s%s", (int)(at + 1 - name), name, dot);
	else
		snprintf(out, 128, "%s", name);
}

static bool find_file(struct ztt_doctor *doctor, const char *name,
		      struct ztt_unit *unit)
{
	for (size_t i = 0; i < DIRS; i++) {
		struct ztt_root_stat st;
		char path[PATH_MAX];
		int rc;

		snprintf(path, sizeof(path), "%s/%s", unit_dirs[i], name);
		rc = ztt_root_stat(doctor->root, path, &st);
		if (rc == -ENOENT || rc == -ENOTDIR)
			continue;
		memcpy(unit->path, path, sizeof(path));
		unit->rc = rc;
		unit->mode = st.mode;
		unit->masked =
			rc == 0 && (S_ISCHR(st.mode) || st.len_bytes == 0);
		if (rc == 0 && !unit->masked)
			load_file(doctor, path, unit, st.mode);
		return true;
	}
	return false;
}

/* Of drop-ins with the same name, the one in the first directory counts. */
static void add_dropin(struct dropin *all, size_t *count, const char *dir,
		       const char *name)
{
	size_t len = strlen(name);

	if (len < 6 || strcmp(name + len - 5, ".conf") != 0 ||
	    *count == ZTT_UNIT_DROPINS_MAX)
		return;
	for (size_t i = 0; i < *count; i++)
		if (strcmp(all[i].name, name) == 0)
			return;
	snprintf(all[*count].name, sizeof(all->name), "%s", name);
	if (snprintf(all[*count].path, sizeof(all->path), "%s/%s", dir, name) <
	    (int)sizeof(all->path))
		(*count)++;
}

static int compare_dropins(const void *a, const void *b)
{
	const struct dropin *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void read_dropins(struct ztt_doctor *doctor, struct ztt_unit *unit,
			 const char *const *dir_names, size_t dir_count)
{
	struct dropin *all = ztt_calloc(ZTT_UNIT_DROPINS_MAX, sizeof(*all));
	size_t count = 0;

	for (size_t k = 0; k < dir_count * DIRS; k++) {
		char dir[PATH_MAX], **names;
		size_t name_count;

		snprintf(dir, sizeof(dir), "%s/%s.d", unit_dirs[k % DIRS],
			 dir_names[k / DIRS]);
		if (ztt_root_list(doctor->root, dir, NAMES_MAX, &names,
				  &name_count) < 0)
			continue;
		for (size_t i = 0; i < name_count; i++)
			add_dropin(all, &count, dir, names[i]);
		ztt_root_list_free(names, name_count);
	}
	qsort(all, count, sizeof(*all), compare_dropins);
	for (size_t i = 0; i < count; i++) {
		struct ztt_root_stat st = {0};

		ztt_root_stat(doctor->root, all[i].path, &st);
		load_file(doctor, all[i].path, unit, st.mode);
		if (unit->dropin_count < ZTT_UNIT_FILES_SHOWN)
			memcpy(unit->dropins[unit->dropin_count++], all[i].path,
			       PATH_MAX);
	}
	free(all);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* `systemctl enable` leaves a link in TARGET.wants. */
static bool is_enabled(struct ztt_doctor *doctor, const char *unit)
{
	bool enabled = false;

	for (size_t k = 0; k < DIRS && !enabled; k++) {
		char **names;
		size_t count;

		if (ztt_root_list(doctor->root, unit_dirs[k], NAMES_MAX, &names,
				  &count) < 0)
			continue;
		for (size_t i = 0; i < count && !enabled; i++) {
			char path[PATH_MAX], target[NAME_MAX + 1];

			if (!ends_with(names[i], ".wants") &&
			    !ends_with(names[i], ".requires"))
				continue;
			snprintf(path, sizeof(path), "%s/%s/%s", unit_dirs[k],
				 names[i], unit);
			enabled =
				ztt_root_link(doctor->root, path, target) == 0;
		}
		ztt_root_list_free(names, count);
	}
	return enabled;
}

static void read_active(struct ztt_doctor *doctor, struct ztt_unit *unit)
{
	static const char *const slices[] = {
		"/sys/fs/cgroup/system.slice",
		"/sys/fs/cgroup/systemd/system.slice"};

	for (size_t i = 0; i < 2; i++) {
		char path[PATH_MAX], text[4096];
		struct ztt_root_stat st;
		int rc;

		if (ztt_root_stat(doctor->root, slices[i], &st) < 0)
			continue;
		unit->active_known = true;
		snprintf(path, sizeof(path), "%s/%s/cgroup.procs", slices[i],
			 unit->name);
		rc = ztt_root_text(doctor->root, path, text, sizeof(text),
				   NULL);
		if (rc == -EFBIG || (rc == 0 && text[0]))
			unit->active = true;
	}
}

void ztt_unit_read(struct ztt_doctor *doctor, struct ztt_unit *ret_unit)
{
	const char *name =
		doctor->plan.unit ? doctor->plan.unit : "cloudflared.service";
	const char *dirs[3];
	char template[128];

	memset(ret_unit, 0, sizeof(*ret_unit));
	ret_unit->files_max = ZTT_UNIT_NOT_SET;
	snprintf(ret_unit->name, sizeof(ret_unit->name), "%s%s", name,
		 strchr(name, '.') ? "" : ".service");
	template_of(ret_unit->name, template);
	if (strchr(name, '/')) {
		ret_unit->rc = -ENOENT;
		return;
	}
	if (!find_file(doctor, ret_unit->name, ret_unit) &&
	    !find_file(doctor, template, ret_unit)) {
		ret_unit->rc = -ENOENT;
		return;
	}
	dirs[0] = ret_unit->name;
	dirs[1] = template;
	dirs[2] = "service";
	if (!ret_unit->masked && ret_unit->rc == 0)
		read_dropins(doctor, ret_unit, dirs, 3);
	ret_unit->enabled = is_enabled(doctor, ret_unit->name);
	read_active(doctor, ret_unit);
}

void ztt_unit_release(struct ztt_unit *unit)
{
	for (size_t i = 0; i < unit->word_count; i++) {
		explicit_bzero(unit->words[i], strlen(unit->words[i]));
		free(unit->words[i]);
	}
	memset(unit, 0, sizeof(*unit));
}

const char *ztt_unit_flag(const struct ztt_unit *unit, const char *flag)
{
	return ztt_flag_find((const char *const *)unit->words, unit->word_count,
			     flag);
}
