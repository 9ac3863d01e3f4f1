#define _GNU_SOURCE
#include "ztt-doctor/engine/home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/processes.h"
#include "ztt-doctor/engine/unit.h"

#define PASSWD_BYTES_MAX (1024 * 1024)
#define FIELDS 7

static void add_dir(struct ztt_homes *homes, const char *home, const char *name)
{
	char *dir = homes->dirs[homes->count];

	if (homes->count == ZTT_HOMES_MAX ||
	    snprintf(dir, PATH_MAX, "%s%s", home, name) >= PATH_MAX)
		return;
	for (size_t i = 0; i < homes->count; i++)
		if (strcmp(homes->dirs[i], dir) == 0)
			return;
	homes->count++;
}

static void add_home(struct ztt_homes *homes, const char *home)
{
	static const char *const names[] = {"/.cloudflared",
					    "/.cloudflare-warp",
					    "/cloudflare-warp"};

	for (size_t i = 0; home && home[0] == '/' && i < 3; i++)
		add_dir(homes, home, names[i]);
}

/* The home of a user by name or, when `name` is NULL, by number: passwd(5). */
static void add_user(struct ztt_doctor *doctor, struct ztt_homes *homes,
		     const char *name, uid_t uid)
{
	char *text, *rest, *line;
	size_t len;

	if (ztt_root_load(doctor->root, "/etc/passwd", PASSWD_BYTES_MAX, &text,
			  &len) < 0)
		return;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		char *fields[FIELDS] = {0};
		size_t count = 0;

		while (count < FIELDS && line)
			fields[count++] = strsep(&line, ":");
		if (count < FIELDS)
			continue;
		if (name ? strcmp(fields[0], name) == 0
			 : strtoul(fields[2], NULL, 10) == uid) {
			add_home(homes, fields[5]);
			break;
		}
	}
	free(text);
}

void ztt_homes(struct ztt_doctor *doctor, const struct ztt_unit *unit,
	       struct ztt_homes *ret_homes)
{
	const struct ztt_processes *all = ztt_processes(doctor);
	bool known = false;

	ret_homes->count = 0;
	for (size_t i = 0; i < all->count && i < 2; i++)
		if (all->list[i].runs_tunnel && !all->list[i].contained) {
			add_user(doctor, ret_homes, NULL, all->list[i].uid);
			known = true;
		}
	if (!known && unit && unit->user[0])
		add_user(doctor, ret_homes, unit->user, 0);
	if (!known && ztt_root_kind(doctor->root) == ZTT_ROOT_LIVE)
		add_home(ret_homes, getenv("HOME"));
	if (!known)
		add_home(ret_homes, "/root");
	add_dir(ret_homes, "/etc/cloudflared", "");
	add_dir(ret_homes, "/usr/local/etc/cloudflared", "");
}
