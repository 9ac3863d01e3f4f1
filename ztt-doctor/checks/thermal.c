#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/units.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/host/sensors.h"

#define NEAR_C 10.0
/* Where the sensor tells no limit of its own. */
#define USUAL_LIMIT_C 95.0
#define CPUS_MAX 4096

static double margin_of(const struct ztt_sensor *sensor)
{
	return (sensor->limit > 0 ? sensor->limit : USUAL_LIMIT_C) -
	       sensor->celsius;
}

static enum ztt_status judge(const struct ztt_sensor *sensor)
{
	double margin = margin_of(sensor);

	if (margin <= 0 && sensor->critical)
		return ZTT_STATUS_FAIL;
	return margin <= NEAR_C && (sensor->critical || margin <= 0 ||
				    sensor->limit <= 0)
		       ? ZTT_STATUS_WARN
		       : ZTT_STATUS_OK;
}

static void note_sensor(struct ztt_finding *finding,
			const struct ztt_sensor *sensor)
{
	if (sensor->limit > 0)
		ztt_finding_note(finding, judge(sensor),
				 "%s: %.1f C of %.0f C%s", sensor->name,
				 sensor->celsius, sensor->limit,
				 sensor->critical ? " (critical)" : " (max)");
	else
		ztt_finding_note(finding, judge(sensor),
				 "%s: %.1f C, no limit told", sensor->name,
				 sensor->celsius);
}

/* Every one that is hot; when none is, the one with the least room. */
void ztt_check_thermal_sensors(struct ztt_doctor *doctor,
			       struct ztt_finding *finding)
{
	struct ztt_sensor *list =
		ztt_calloc(ZTT_SENSORS_MAX, sizeof(struct ztt_sensor));
	size_t count = ztt_sensors_read(doctor->root, list), closest = 0;
	size_t hot = 0;

	if (count == 0) {
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no sensors visible (a virtual machine has "
				 "none)");
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		if (margin_of(&list[i]) < margin_of(&list[closest]))
			closest = i;
		if (judge(&list[i]) != ZTT_STATUS_OK && hot++ < 8)
			note_sensor(finding, &list[i]);
	}
	if (hot == 0)
		note_sensor(finding, &list[closest]);
	ztt_finding_note(finding, ZTT_STATUS_OK, "%zu sensor%s", count,
			 count == 1 ? "" : "s");
out:
	free(list);
}

struct throttle {
	bool seen;
	uint64_t core, package, time_ms;
};

static bool read_count(const struct ztt_root *root, const char *cpu,
		       const char *name, uint64_t *ret_value)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/%s/thermal_throttle/%s", cpu, name);
	return ztt_root_uint(root, path, ret_value) == 0;
}

static uint64_t more(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Every core of a package tells the package's count, and hyperthreads each
 * other's: the largest, not the sum. */
static void read_throttle(const struct ztt_root *root, struct throttle *out)
{
	uint64_t value;
	char **names;
	size_t count;

	memset(out, 0, sizeof(*out));
	if (ztt_root_list(root, "/sys/devices/system/cpu", CPUS_MAX, &names,
			  &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(names[i], "cpu", 3) != 0 || names[i][3] < '0' ||
		    names[i][3] > '9')
			continue;
		if (read_count(root, names[i], "core_throttle_count", &value)) {
			out->seen = true;
			out->core = more(out->core, value);
		}
		if (read_count(root, names[i], "package_throttle_count",
			       &value))
			out->package = more(out->package, value);
		if (read_count(root, names[i], "package_throttle_total_time_ms",
			       &value) ||
		    read_count(root, names[i], "core_throttle_total_time_ms",
			       &value))
			out->time_ms = more(out->time_ms, value);
	}
	ztt_root_list_free(names, count);
}

/* A kernel before 5.8 tells no times. */
static void note_throttle(struct ztt_finding *finding,
			  const struct throttle *seen)
{
	char took[ZTT_UNITS_LEN];
	bool any = seen->core > 0 || seen->package > 0;

	ztt_finding_note(
		finding, any ? ZTT_STATUS_WARN : ZTT_STATUS_OK,
		"slowed by heat since boot: cores %llu times, package %llu "
		"times%s%s",
		(unsigned long long)seen->core,
		(unsigned long long)seen->package,
		any && seen->time_ms ? ", for " : "",
		any && seen->time_ms
			? ztt_units_ns(took, (double)seen->time_ms * 1e6)
			: "");
}

/* raspberrypi.com, vcgencmd get_throttled. */
static const struct {
	unsigned bit;
	const char *text;
} pi_bits[] = {
	{0, "too little voltage"},
	{1, "frequency capped"},
	{2, "throttled"},
	{3, "soft temperature limit"},
};

static void note_pi(struct ztt_finding *finding, unsigned long bits)
{
	for (size_t i = 0; i < sizeof(pi_bits) / sizeof(*pi_bits); i++) {
		bool now = bits >> pi_bits[i].bit & 1;
		bool before = bits >> (pi_bits[i].bit + 16) & 1;

		if (now)
			ztt_finding_note(finding, ZTT_STATUS_FAIL,
					 "Raspberry Pi: %s now",
					 pi_bits[i].text);
		else if (before)
			ztt_finding_note(finding, ZTT_STATUS_WARN,
					 "Raspberry Pi: %s since boot",
					 pi_bits[i].text);
	}
	if (bits & 0x10001)
		ztt_finding_advise(finding,
				   "use the power supply made for this "
				   "Raspberry Pi and a short cable");
	if ((bits & 0xf000f) == 0)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "Raspberry Pi: neither throttled nor short of "
				 "voltage since boot");
}

/* True when there is such a file. */
static bool check_pi(const struct ztt_root *root, struct ztt_finding *finding)
{
	static const char path[] =
		"/sys/devices/platform/soc/soc:firmware/get_throttled";
	unsigned long bits;
	char text[32], *end;
	int rc = ztt_root_text(root, path, text, sizeof(text), NULL);

	if (rc == -ENOENT || rc == -ENOTDIR)
		return false;
	bits = rc < 0 ? 0 : strtoul(text, &end, 16);
	if (rc == 0 && (end == text || *end))
		rc = -EINVAL;
	if (rc < 0)
		ztt_finding_unread(finding, path, rc, NULL);
	else
		note_pi(finding, bits);
	return true;
}

void ztt_check_thermal_throttle(struct ztt_doctor *doctor,
				struct ztt_finding *finding)
{
	bool pi = check_pi(doctor->root, finding);
	struct throttle seen;

	read_throttle(doctor->root, &seen);
	if (seen.seen)
		note_throttle(finding, &seen);
	else if (!pi)
		ztt_finding_note(finding, ZTT_STATUS_SKIP,
				 "no throttle counters visible (a virtual "
				 "machine has none)");
}
