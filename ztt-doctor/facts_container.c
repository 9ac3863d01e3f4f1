#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/text.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/facts.h"

#define ENVIRON_BYTES_MAX ((size_t)256 * 1024)

/* What systemd and the container's own manager leave behind (systemd's
 * "Container Interface"). */
static const struct {
	const char *path, *name;
} marks[] = {
	{"/.dockerenv", "docker"},
	{"/run/.containerenv", "podman"},
	{"/var/run/secrets/kubernetes.io", "kubernetes"},
	{"/proc/vz", "openvz"},
};

/* Words in /proc/1/cgroup; empty in a control group namespace. */
static const struct {
	const char *word, *name;
} groups[] = {
	{"kubepods", "kubernetes"},
	{"/docker", "docker"},
	{"/lxc", "lxc"},
	{"libpod", "podman"},
};

static char *from_systemd(const struct ztt_root *root)
{
	char name[64];

	if (ztt_root_text(root, "/run/systemd/container", name, sizeof(name),
			  NULL) < 0 ||
	    !name[0])
		return NULL;
	return ztt_strdup(ztt_text_plain(name));
}

static char *from_environment(const struct ztt_root *root)
{
	static const char key[] = "container=";
	char *data, *found = NULL;
	size_t len;

	if (ztt_root_load(root, "/proc/1/environ", ENVIRON_BYTES_MAX, &data,
			  &len) < 0)
		return NULL;
	for (char *at = data; at < data + len && !found; at += strlen(at) + 1)
		if (strncmp(at, key, sizeof(key) - 1) == 0 &&
		    strlen(at) < sizeof(key) + 32)
			found = ztt_strdup(
				ztt_text_plain(at + sizeof(key) - 1));
	free(data);
	return found;
}

static char *from_marks(const struct ztt_root *root)
{
	struct ztt_root_stat stat;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		/* OpenVZ's own host has /proc/bc beside it. */
		if (strcmp(marks[i].path, "/proc/vz") == 0 &&
		    ztt_root_stat(root, "/proc/bc", &stat) == 0)
			continue;
		if (ztt_root_stat(root, marks[i].path, &stat) == 0)
			return ztt_strdup(marks[i].name);
	}
	return NULL;
}

static char *from_groups(const struct ztt_root *root)
{
	char text[4096];

	if (ztt_root_text(root, "/proc/1/cgroup", text, sizeof(text), NULL) < 0)
		return NULL;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (strstr(text, groups[i].word))
			return ztt_strdup(groups[i].name);
	return NULL;
}

static void *find_container(struct ztt_doctor *doctor)
{
	const struct ztt_root *root = doctor->root;
	char *name = from_systemd(root);

	if (!name)
		name = from_environment(root);
	if (!name)
		name = from_marks(root);
	return name ? name : from_groups(root);
}

const char *ztt_facts_container(struct ztt_doctor *doctor)
{
	return ztt_facts_get(doctor, ZTT_FACTS_CONTAINER, find_container, free);
}
