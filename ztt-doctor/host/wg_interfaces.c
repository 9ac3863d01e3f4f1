#include "ztt-doctor/host/wg_device.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ztt-doctor/root.h"

#define ENTRIES_MAX 4096

static struct ztt_wg_interface *find(struct ztt_wg_interfaces *interfaces,
				     const char *name)
{
	struct ztt_wg_interface *at;

	for (size_t i = 0; i < interfaces->count; i++)
		if (strcmp(interfaces->list[i].name, name) == 0)
			return &interfaces->list[i];
	if (interfaces->count == ZTT_WG_DEVICES_MAX)
		return NULL;
	at = &interfaces->list[interfaces->count++];
	memset(at, 0, sizeof(*at));
	snprintf(at->name, sizeof(at->name), "%s", name);
	return at;
}

/* "DEVTYPE=wireguard" on a line of its own. */
static bool is_wireguard(const struct ztt_root *root, const char *name)
{
	static const char line[] = "DEVTYPE=wireguard";
	char path[PATH_MAX], text[1024], *at;

	snprintf(path, sizeof(path), "/sys/class/net/%s/uevent", name);
	if (ztt_root_text(root, path, text, sizeof(text), NULL) < 0)
		return false;
	at = strstr(text, line);
	return at && (at == text || at[-1] == '\n') &&
	       (at[sizeof(line) - 1] == 0 || at[sizeof(line) - 1] == '\n');
}

static void add_kernel(const struct ztt_root *root,
		       struct ztt_wg_interfaces *interfaces)
{
	size_t count;
	char **names;

	if (ztt_root_list(root, "/sys/class/net", ENTRIES_MAX, &names, &count) <
	    0)
		return;
	for (size_t i = 0; i < count; i++)
		if (strlen(names[i]) < IF_NAMESIZE &&
		    is_wireguard(root, names[i]))
			find(interfaces, names[i]);
	ztt_root_list_free(names, count);
}

static void keep_socket(const struct ztt_root *root, const char *dir,
			struct ztt_wg_interface *at)
{
	char path[PATH_MAX], real[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.sock", dir, at->name);
	if (ztt_root_real_path(root, path, real) < 0 ||
	    strlen(real) >= sizeof(at->socket))
		at->socket[0] = 0;
	else
		memcpy(at->socket, real, strlen(real) + 1);
}

/* "wg0.sock"; /var/run is a link to /run where both are there. */
static void add_sockets(const struct ztt_root *root, const char *dir,
			struct ztt_wg_interfaces *interfaces)
{
	struct ztt_wg_interface *at;
	size_t count;
	char **names;

	if (ztt_root_list(root, dir, ENTRIES_MAX, &names, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		char *dot = strrchr(names[i], '.');

		if (!dot || strcmp(dot, ".sock") != 0 ||
		    dot - names[i] >= IF_NAMESIZE || dot == names[i])
			continue;
		*dot = 0;
		at = find(interfaces, names[i]);
		if (!at)
			continue;
		at->userspace = true;
		keep_socket(root, dir, at);
	}
	ztt_root_list_free(names, count);
}

void ztt_wg_interfaces(const struct ztt_root *root,
		       struct ztt_wg_interfaces *ret_interfaces)
{
	char path[PATH_MAX];

	memset(ret_interfaces, 0, sizeof(*ret_interfaces));
	add_kernel(root, ret_interfaces);
	add_sockets(root, "/var/run/wireguard", ret_interfaces);
	add_sockets(root, "/run/wireguard", ret_interfaces);
	for (size_t i = 0; i < ret_interfaces->count; i++) {
		struct ztt_wg_interface *at = &ret_interfaces->list[i];

		snprintf(path, sizeof(path), "/sys/class/net/%s/mtu", at->name);
		if (ztt_root_uint(root, path, &at->mtu) < 0)
			at->mtu = 0;
	}
}
