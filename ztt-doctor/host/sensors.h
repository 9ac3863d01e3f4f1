/* Temperatures, from /sys/class/thermal and /sys/class/hwmon. */
#ifndef ZTT_DOCTOR_SENSORS_H
#define ZTT_DOCTOR_SENSORS_H

#include <stdbool.h>
#include <stddef.h>

struct ztt_root;

#define ZTT_SENSORS_MAX 256

struct ztt_sensor {
	char name[96]; /* "coretemp Package id 0", "x86_pkg_temp" */
	double celsius;
	double limit;  /* 0: not told */
	bool critical; /* the limit is where the hardware shuts down or
			  throttles hard, and not only "max" */
};

/* How many were found, at most ZTT_SENSORS_MAX; values that no sensor can have
 * (kernels give 0 or -273 for what is not there) are left out. */
size_t ztt_sensors_read(const struct ztt_root *root,
			struct ztt_sensor list[ZTT_SENSORS_MAX]);

#endif
