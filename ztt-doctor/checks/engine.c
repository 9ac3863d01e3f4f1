#define _GNU_SOURCE
#include "ztt-doctor/checks/engine.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-doctor/doctor.h"
#include "ztt-doctor/engine/config.h"
#include "ztt-doctor/engine/unit.h"

#define SETTINGS_BYTES_MAX (1024 * 1024)

size_t ztt_engine_running(struct ztt_doctor *doctor)
{
	const struct ztt_processes *all = ztt_processes(doctor);
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++)
		count += all->list[i].runs_tunnel;
	return count;
}

/* cli-configuration.json of a bundle: a flat object of texts. */
static bool from_bundle(struct ztt_doctor *doctor, const char *name, char *out,
			size_t cap_bytes)
{
	const char *value;
	json_t *root;
	size_t len;
	char *text;

	if (ztt_root_load(doctor->root, "/engine/cli-configuration.json",
			  SETTINGS_BYTES_MAX, &text, &len) < 0)
		return false;
	root = json_loadb(text, len, 0, NULL);
	value = json_string_value(json_object_get(root, name));
	if (value)
		snprintf(out, cap_bytes, "%s", value);
	free(text);
	json_decref(root);
	return value != NULL;
}

bool ztt_engine_setting(struct ztt_doctor *doctor, const char *name, char *out,
			size_t cap_bytes)
{
	const struct ztt_processes *all = ztt_processes(doctor);
	const char *value = NULL;
	struct ztt_unit unit;
	char flag[64];

	snprintf(flag, sizeof(flag), "--%s", name);
	for (size_t i = 0; i < all->count && !value; i++)
		if (all->list[i].runs_tunnel)
			value = ztt_process_flag(&all->list[i], flag);
	ztt_unit_read(doctor, &unit);
	if (!value)
		value = ztt_unit_flag(&unit, flag);
	if (!value)
		value = ztt_config_value(ztt_config(doctor), name);
	if (value)
		snprintf(out, cap_bytes, "%s", value);
	ztt_unit_release(&unit);
	return value || from_bundle(doctor, name, out, cap_bytes);
}
