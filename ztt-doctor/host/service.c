#define _GNU_SOURCE
#include "ztt-doctor/host/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/processes.h"
#include "ztt-doctor/engine/unit.h"

/* What takes a right away that User= and AmbientCapabilities= would give. */
struct hardening {
	bool bounded;    /* CapabilityBoundingSet= leaves CAP_NET_ADMIN out */
	bool dynamic;    /* DynamicUser= */
	bool namespaced; /* PrivateUsers= */
};

static bool is_true(const char *value)
{
	return strcasecmp(value, "yes") == 0 ||
	       strcasecmp(value, "true") == 0 || strcasecmp(value, "on") == 0 ||
	       strcmp(value, "1") == 0;
}

static bool has_net_admin(const char *value)
{
	static const char name[] = "CAP_NET_ADMIN";
	const size_t len = sizeof(name) - 1;

	for (; *value; value += strcspn(value, " \t")) {
		value += strspn(value, " \t~");
		if (strncasecmp(value, name, len) == 0 &&
		    (!value[len] || value[len] == ' ' || value[len] == '\t'))
			return true;
	}
	return false;
}

/* systemd.exec(5): an empty value leaves none, "~" takes away. */
static void set_bounding(struct hardening *hardening, const char *value)
{
	if (!*value)
		hardening->bounded = true;
	else if (*value == '~')
		hardening->bounded = hardening->bounded || has_net_admin(value);
	else
		hardening->bounded = !has_net_admin(value);
}

static void set(struct hardening *hardening, const char *key, const char *value)
{
	if (strcmp(key, "DynamicUser") == 0)
		hardening->dynamic = is_true(value);
	else if (strcmp(key, "PrivateUsers") == 0)
		hardening->namespaced = is_true(value);
	else if (strcmp(key, "CapabilityBoundingSet") == 0)
		set_bounding(hardening, value);
}

/* Blanks around key and value fall away. */
static void add_line(struct hardening *hardening, char *line)
{
	char *value, *end;

	line += strspn(line, " \t");
	value = strchr(line, '=');
	if (!value || *line == '#' || *line == ';')
		return;
	for (end = value; end > line && strchr(" \t", end[-1]);)
		end--;
	*end = 0;
	value += 1 + strspn(value + 1, " \t");
	for (end = value + strlen(value);
	     end > value && strchr(" \t\r", end[-1]);)
		*--end = 0;
	set(hardening, line, value);
}

static void add_file(const struct ztt_root *root, const char *path,
		     struct hardening *hardening)
{
	char *text, *at, *line;
	size_t len;

	if (!*path ||
	    ztt_root_load(root, path, ZTT_UNIT_BYTES_MAX, &text, &len) < 0)
		return;
	for (at = text; (line = strsep(&at, "\n"));)
		add_line(hardening, line);
	free(text);
}

static void from_unit(struct ztt_doctor *doctor, const struct ztt_unit *unit,
		      struct ztt_service *service)
{
	struct hardening hardening = {.bounded = false};
	bool root;

	add_file(doctor->root, unit->path, &hardening);
	for (size_t i = 0; i < unit->dropin_count; i++)
		add_file(doctor->root, unit->dropins[i], &hardening);
	root = !hardening.dynamic &&
	       (!unit->user[0] || strcmp(unit->user, "root") == 0 ||
		strcmp(unit->user, "0") == 0);
	service->source = ZTT_SERVICE_UNIT;
	service->net_admin = !hardening.bounded && !hardening.namespaced &&
			     (root || has_net_admin(unit->ambient));
	snprintf(service->text, sizeof(service->text),
		 "the unit says (user %s, %s CAP_NET_ADMIN)",
		 root            ? "root"
		 : unit->user[0] ? unit->user
				 : "of its own",
		 service->net_admin ? "with" : "without");
}

/* Of those that run a tunnel, the one that is shown is one that may not. */
static void from_processes(const struct ztt_processes *processes,
			   struct ztt_service *service)
{
	const struct ztt_process *shown = NULL;

	for (size_t i = 0; i < processes->count; i++) {
		const struct ztt_process *process = &processes->list[i];

		if (process->runs_tunnel &&
		    (!shown || (shown->net_admin && !process->net_admin)))
			shown = process;
	}
	if (!shown)
		return;
	service->source = ZTT_SERVICE_PROCESSES;
	service->net_admin = shown->net_admin;
	snprintf(service->text, sizeof(service->text),
		 "the running engine (pid %d, uid %u, %s CAP_NET_ADMIN)",
		 (int)shown->pid, (unsigned)shown->uid,
		 service->net_admin ? "with" : "without");
}

void ztt_service_find(struct ztt_doctor *doctor,
		      struct ztt_service *ret_service)
{
	struct ztt_unit unit;

	*ret_service = (struct ztt_service){.source = ZTT_SERVICE_NONE};
	from_processes(ztt_processes(doctor), ret_service);
	if (ret_service->source != ZTT_SERVICE_NONE)
		return;
	ztt_unit_read(doctor, &unit);
	if (unit.rc == 0 && !unit.masked)
		from_unit(doctor, &unit, ret_service);
	else
		snprintf(ret_service->text, sizeof(ret_service->text),
			 "an engine without CAP_NET_ADMIN (none runs here, and "
			 "there is no unit to read)");
	ztt_unit_release(&unit);
}
