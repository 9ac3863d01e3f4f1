/* Where cloudflared looks for its files: config/configuration.go. */
#ifndef ZTT_DOCTOR_HOME_H
#define ZTT_DOCTOR_HOME_H

#include <limits.h>
#include <stddef.h>

struct ztt_doctor;
struct ztt_unit;

#define ZTT_HOMES_MAX 16

/* Directories, without a slash at the end, in the order of the search. */
struct ztt_homes {
	char dirs[ZTT_HOMES_MAX][PATH_MAX];
	size_t count;
};

/* Those below the home of the user that the engine runs as (of a running one,
 * of the unit, of the caller on this host, of root), then those of the system.
 * `unit` may be NULL. */
void ztt_homes(struct ztt_doctor *doctor, const struct ztt_unit *unit,
	       struct ztt_homes *ret_homes);

#endif
