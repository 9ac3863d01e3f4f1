#include "ztt-doctor/host/interrupts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/root.h"

#define TEXT_BYTES_MAX (8 * 1024 * 1024)
#define DEVICES_MAX 256
#define IRQS_MAX 512

struct device {
	const char *name;
	char bus_name[NAME_MAX + 1]; /* "virtio0"; "" when it has no device */
	char **irqs;
	size_t irq_count;
};

struct devices {
	struct device list[DEVICES_MAX];
	char **names;
	size_t count;
};

/* "           CPU0       CPU1" */
static int parse_heading(const char *line, struct ztt_interrupts *out)
{
	for (;;) {
		char *end;

		line += strspn(line, " \t");
		if (strncmp(line, "CPU", 3) != 0)
			break;
		if (out->cpu_count >= ZTT_INTERRUPTS_CPUS_MAX)
			return -E2BIG;
		out->cpus[out->cpu_count++] =
			(unsigned)strtoul(line + 3, &end, 10);
		line = end;
	}
	return out->cpu_count > 0 ? 0 : -EINVAL;
}

static void keep_line(struct ztt_interrupts *out, const char *name,
		      const uint64_t *counts)
{
	struct ztt_interrupt *kept;

	if (out->line_count >= ZTT_INTERRUPTS_LINES_MAX)
		return;
	kept = &out->lines[out->line_count++];
	memset(kept, 0, sizeof(*kept));
	snprintf(kept->name, sizeof(kept->name), "%s", name);
	for (unsigned i = 0; i < out->cpu_count; i++) {
		kept->total += counts[i];
		out->per_cpu[i] += counts[i];
		if (counts[i] > kept->busiest_count) {
			kept->busiest = out->cpus[i];
			kept->busiest_count = counts[i];
		}
	}
	out->total += kept->total;
}

/* " 24:  10  0  PCI-MSI 65536-edge  virtio0-input.0": the name is the last
 * word, or what follows the last comma of a shared one. */
static void parse_line(char *line,
		       bool (*wanted)(const char *, const char *, void *),
		       void *context, struct ztt_interrupts *out)
{
	uint64_t counts[ZTT_INTERRUPTS_CPUS_MAX];
	char *number = line + strspn(line, " \t"), *at = strchr(number, ':');
	char *name;

	if (!at)
		return;
	*at++ = 0;
	for (unsigned i = 0; i < out->cpu_count; i++) {
		at += strspn(at, " \t");
		if (*at < '0' || *at > '9')
			return;
		counts[i] = strtoull(at, &at, 10);
	}
	name = strrchr(at, ' ');
	name = name ? name + 1 : at;
	if (*name && wanted(number, name, context))
		keep_line(out, name, counts);
}

int ztt_interrupts_parse(char *text,
			 bool (*wanted)(const char *number, const char *name,
					void *context),
			 void *context, struct ztt_interrupts *ret_interrupts)
{
	char *line = strsep(&text, "\n");
	int rc;

	memset(ret_interrupts, 0, sizeof(*ret_interrupts));
	rc = parse_heading(line, ret_interrupts);
	if (rc < 0)
		return rc;
	while ((line = strsep(&text, "\n")) != NULL)
		parse_line(line, wanted, context, ret_interrupts);
	return 0;
}

/* `name` stands in `text` as a word of its own: "eth1" not in "eth10". */
static bool names(const char *text, const char *name)
{
	size_t len = strlen(name);
	const char *at = text;

	while (len > 0 && (at = strstr(at, name)) != NULL) {
		char after = at[len];
		bool begins = at == text || strchr("-@_,:", at[-1]);

		if (begins && (after == 0 || strchr("-@_,:.", after)))
			return true;
		at += len;
	}
	return false;
}

static bool is_of_a_device(const char *number, const char *name, void *context)
{
	const struct devices *devices = context;

	for (size_t i = 0; i < devices->count; i++) {
		const struct device *device = &devices->list[i];

		if (names(name, device->name) || names(name, device->bus_name))
			return true;
		for (size_t irq = 0; irq < device->irq_count; irq++)
			if (strcmp(device->irqs[irq], number) == 0)
				return true;
	}
	return false;
}

static void find_device(const struct ztt_root *root, const char *name,
			struct device *device)
{
	char path[PATH_MAX];

	memset(device, 0, sizeof(*device));
	device->name = name;
	snprintf(path, sizeof(path), "/sys/class/net/%s/device", name);
	if (ztt_root_link(root, path, device->bus_name) < 0)
		device->bus_name[0] = 0;
	snprintf(path, sizeof(path), "/sys/class/net/%s/device/msi_irqs", name);
	if (ztt_root_list(root, path, IRQS_MAX, &device->irqs,
			  &device->irq_count) < 0)
		device->irqs = NULL;
}

int ztt_interrupts_read(const struct ztt_root *root,
			struct ztt_interrupts *ret_interrupts)
{
	struct devices *devices;
	size_t len;
	char *text;
	int rc = ztt_root_load(root, "/proc/interrupts", TEXT_BYTES_MAX, &text,
			       &len);

	if (rc < 0)
		return rc;
	devices = ztt_calloc(1, sizeof(*devices));
	rc = ztt_root_list(root, "/sys/class/net", DEVICES_MAX, &devices->names,
			   &devices->count);
	if (rc < 0)
		goto out;
	for (size_t i = 0; i < devices->count; i++)
		find_device(root, devices->names[i], &devices->list[i]);
	rc = ztt_interrupts_parse(text, is_of_a_device, devices,
				  ret_interrupts);
	for (size_t i = 0; i < devices->count; i++)
		if (devices->list[i].irqs)
			ztt_root_list_free(devices->list[i].irqs,
					   devices->list[i].irq_count);
	ztt_root_list_free(devices->names, devices->count);
out:
	free(devices);
	free(text);
	return rc;
}
