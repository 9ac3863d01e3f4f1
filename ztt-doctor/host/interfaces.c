#define _GNU_SOURCE
#include "ztt-doctor/host/interfaces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-doctor/doctor.h"
#include "ztt-doctor/finding.h"

#define ROUTES_BYTES_MAX (4 * 1024 * 1024)
#define INTERFACES_LISTED_MAX 4096
/* RTF_UP and RTF_REJECT of linux/route.h. */
#define ROUTE_UP 0x0001U
#define ROUTE_REJECT 0x0200U

static bool is_name(const char *name)
{
	const size_t len = strlen(name);

	return len > 0 && len < IF_NAMESIZE && !strchr(name, '/') &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       strcmp(name, "lo") != 0;
}

static void add(struct ztt_interfaces *interfaces, const char *name)
{
	if (!is_name(name) || interfaces->count == ZTT_INTERFACES_MAX)
		return;
	for (size_t i = 0; i < interfaces->count; i++)
		if (strcmp(interfaces->names[i], name) == 0)
			return;
	snprintf(interfaces->names[interfaces->count++], IF_NAMESIZE, "%s",
		 name);
}

/* The fields of a line, which is taken apart; how many there were. */
static size_t split(char *line, char **fields, size_t max)
{
	size_t count = 0;
	char *field;

	while (count < max && (field = strsep(&line, " \t")))
		if (*field)
			fields[count++] = field;
	return count;
}

static bool is_zeros(const char *hex)
{
	return *hex && hex[strspn(hex, "0")] == 0;
}

static bool is_up(const char *flags)
{
	unsigned long bits = strtoul(flags, NULL, 16);

	return bits & ROUTE_UP && !(bits & ROUTE_REJECT);
}

void ztt_interfaces_add_routes(struct ztt_interfaces *interfaces, char *text)
{
	char *fields[8], *line;

	while ((line = strsep(&text, "\n")))
		if (split(line, fields, 8) == 8 && is_zeros(fields[1]) &&
		    is_zeros(fields[7]) && is_up(fields[3]))
			add(interfaces, fields[0]);
}

void ztt_interfaces_add_routes6(struct ztt_interfaces *interfaces, char *text)
{
	char *fields[10], *line;

	while ((line = strsep(&text, "\n")))
		if (split(line, fields, 10) == 10 && is_zeros(fields[0]) &&
		    is_zeros(fields[1]) && is_up(fields[8]))
			add(interfaces, fields[9]);
}

int ztt_interfaces_by_route(const struct ztt_root *root, bool v6,
			    struct ztt_interfaces *ret_interfaces)
{
	size_t len;
	char *text;
	int rc;

	memset(ret_interfaces, 0, sizeof(*ret_interfaces));
	rc = ztt_root_load(root,
			   v6 ? "/proc/net/ipv6_route" : "/proc/net/route",
			   ROUTES_BYTES_MAX, &text, &len);
	if (rc < 0)
		return rc;
	if (v6)
		ztt_interfaces_add_routes6(ret_interfaces, text);
	else
		ztt_interfaces_add_routes(ret_interfaces, text);
	ret_interfaces->by_route = ret_interfaces->count > 0;
	free(text);
	return 0;
}

static void add_devices(const struct ztt_root *root,
			struct ztt_interfaces *interfaces)
{
	char **names, state[32], driver[NAME_MAX + 1];
	size_t count;

	if (ztt_root_list(root, "/sys/class/net", INTERFACES_LISTED_MAX, &names,
			  &count) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		if (is_name(names[i]) &&
		    ztt_interface_text(root, names[i], "operstate", state,
				       sizeof(state)) == 0 &&
		    strcmp(state, "down") != 0 &&
		    ztt_interface_driver(root, names[i], driver) == 0)
			add(interfaces, names[i]);
	ztt_root_list_free(names, count);
}

void ztt_interfaces_find(const struct ztt_root *root,
			 struct ztt_interfaces *ret_interfaces)
{
	struct ztt_interfaces more;

	ztt_interfaces_by_route(root, false, ret_interfaces);
	ztt_interfaces_by_route(root, true, &more);
	for (size_t i = 0; i < more.count; i++)
		add(ret_interfaces, more.names[i]);
	ret_interfaces->by_route = ret_interfaces->count > 0;
	if (!ret_interfaces->by_route)
		add_devices(root, ret_interfaces);
}

void ztt_interfaces_each(struct ztt_doctor *doctor, struct ztt_finding *finding,
			 void (*look)(struct ztt_doctor *doctor,
				      const char *name,
				      struct ztt_finding *finding))
{
	struct ztt_interfaces interfaces;

	ztt_interfaces_find(doctor->root, &interfaces);
	for (size_t i = 0; i < interfaces.count; i++)
		look(doctor, interfaces.names[i], finding);
	if (interfaces.count == 0)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no default route, and no interface with a "
				 "device that is up");
}

static void attribute_path(char path[PATH_MAX], const char *name,
			   const char *attribute)
{
	snprintf(path, PATH_MAX, "/sys/class/net/%s/%s", name, attribute);
}

int ztt_interface_uint(const struct ztt_root *root, const char *name,
		       const char *attribute, uint64_t *ret_value)
{
	char path[PATH_MAX];

	attribute_path(path, name, attribute);
	return ztt_root_uint(root, path, ret_value);
}

int ztt_interface_text(const struct ztt_root *root, const char *name,
		       const char *attribute, char *out, size_t cap_bytes)
{
	char path[PATH_MAX];

	attribute_path(path, name, attribute);
	return ztt_root_text(root, path, out, cap_bytes, NULL);
}

int ztt_interface_driver(const struct ztt_root *root, const char *name,
			 char out[NAME_MAX + 1])
{
	char path[PATH_MAX];

	attribute_path(path, name, "device/driver");
	return ztt_root_link(root, path, out);
}

bool ztt_interface_is_virtual(const char *driver)
{
	static const char *const drivers[] = {
		"virtio_net",   "vmxnet3", "hv_netvsc", "vif",
		"xen_netfront", "ena",     "gve",       "netfront",
	};

	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(driver, drivers[i]) == 0)
			return true;
	return false;
}
