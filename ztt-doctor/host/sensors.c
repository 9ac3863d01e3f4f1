#include "ztt-doctor/host/sensors.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-doctor/root.h"

#define ENTRIES_MAX 512
#define TRIPS_MAX 16
#define COLDEST (-60.0)
#define HOTTEST 200.0

static bool read_text(const struct ztt_root *root, const char *dir,
		      const char *name, char *out, size_t cap_bytes)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return false;
	return ztt_root_text(root, path, out, cap_bytes, NULL) == 0;
}

/* Thousandths of a degree. */
static bool read_celsius(const struct ztt_root *root, const char *dir,
			 const char *name, double *ret_celsius)
{
	char text[32], *end;
	double value;

	if (!read_text(root, dir, name, text, sizeof(text)))
		return false;
	value = (double)strtol(text, &end, 10) / 1000;
	if (end == text || *end || value < COLDEST || value > HOTTEST)
		return false;
	*ret_celsius = value;
	return true;
}

static void read_trips(const struct ztt_root *root, const char *dir,
		       struct ztt_sensor *sensor)
{
	char name[64], type[32];
	double limit;

	for (unsigned i = 0; i < TRIPS_MAX; i++) {
		bool critical;

		snprintf(name, sizeof(name), "trip_point_%u_type", i);
		if (!read_text(root, dir, name, type, sizeof(type)))
			break;
		critical = strcmp(type, "critical") == 0;
		if (!critical && strcmp(type, "hot") != 0)
			continue;
		snprintf(name, sizeof(name), "trip_point_%u_temp", i);
		if (!read_celsius(root, dir, name, &limit) || limit <= 0)
			continue;
		if (sensor->limit > 0 && !critical)
			continue;
		sensor->limit = limit;
		sensor->critical = true;
	}
}

static bool read_zone(const struct ztt_root *root, const char *dir,
		      struct ztt_sensor *sensor)
{
	memset(sensor, 0, sizeof(*sensor));
	if (!read_celsius(root, dir, "temp", &sensor->celsius))
		return false;
	if (!read_text(root, dir, "type", sensor->name, sizeof(sensor->name)))
		snprintf(sensor->name, sizeof(sensor->name), "thermal zone");
	read_trips(root, dir, sensor);
	return true;
}

/* "temp3_input": its number, or -1. */
static int input_number(const char *name)
{
	char *end;
	long number;

	if (strncmp(name, "temp", 4) != 0)
		return -1;
	number = strtol(name + 4, &end, 10);
	return strcmp(end, "_input") == 0 && number >= 0 && number < 1000
		       ? (int)number
		       : -1;
}

static bool read_input(const struct ztt_root *root, const char *dir, int number,
		       struct ztt_sensor *sensor)
{
	char file[32], chip[32], label[48];

	memset(sensor, 0, sizeof(*sensor));
	snprintf(file, sizeof(file), "temp%d_input", number);
	if (!read_celsius(root, dir, file, &sensor->celsius))
		return false;
	if (!read_text(root, dir, "name", chip, sizeof(chip)))
		snprintf(chip, sizeof(chip), "hwmon");
	snprintf(file, sizeof(file), "temp%d_label", number);
	if (!read_text(root, dir, file, label, sizeof(label)))
		snprintf(label, sizeof(label), "temp%d", number);
	snprintf(sensor->name, sizeof(sensor->name), "%s %s", chip, label);
	snprintf(file, sizeof(file), "temp%d_crit", number);
	sensor->critical = read_celsius(root, dir, file, &sensor->limit) &&
			   sensor->limit > 0;
	if (sensor->critical)
		return true;
	snprintf(file, sizeof(file), "temp%d_max", number);
	if (!read_celsius(root, dir, file, &sensor->limit) || sensor->limit < 0)
		sensor->limit = 0;
	return true;
}

static size_t read_chip(const struct ztt_root *root, const char *dir,
			struct ztt_sensor *list, size_t cap)
{
	size_t entries, count = 0;
	char **names;

	if (ztt_root_list(root, dir, ENTRIES_MAX, &names, &entries) < 0)
		return 0;
	for (size_t i = 0; i < entries && count < cap; i++) {
		int number = input_number(names[i]);

		if (number >= 0 && read_input(root, dir, number, &list[count]))
			count++;
	}
	ztt_root_list_free(names, entries);
	return count;
}

static size_t read_class(const struct ztt_root *root, const char *class_dir,
			 const char *prefix, bool zones,
			 struct ztt_sensor *list, size_t cap)
{
	size_t entries, count = 0;
	char **names, dir[PATH_MAX];

	if (ztt_root_list(root, class_dir, ENTRIES_MAX, &names, &entries) < 0)
		return 0;
	for (size_t i = 0; i < entries && count < cap; i++) {
		if (strncmp(names[i], prefix, strlen(prefix)) != 0)
			continue;
		snprintf(dir, sizeof(dir), "%s/%s", class_dir, names[i]);
		if (zones)
			count += read_zone(root, dir, &list[count]);
		else
			count +=
				read_chip(root, dir, list + count, cap - count);
	}
	ztt_root_list_free(names, entries);
	return count;
}

size_t ztt_sensors_read(const struct ztt_root *root,
			struct ztt_sensor list[ZTT_SENSORS_MAX])
{
	size_t count = read_class(root, "/sys/class/thermal", "thermal_zone",
				  true, list, ZTT_SENSORS_MAX);

	return count + read_class(root, "/sys/class/hwmon", "hwmon", false,
				  list + count, ZTT_SENSORS_MAX - count);
}
