#include "ztt-doctor/engine/flags.h"

#include <stddef.h>
#include <string.h>

enum {
	ARGV,
	BOTH
};

#define ZTT_FLAG(name, where, dead) {name, where == BOTH, dead},
const struct ztt_flag ztt_flags[] = {
#include "ztt-doctor/engine/flags.def"
	{NULL, false, NULL},
};

const struct ztt_flag *ztt_flag_of(const char *name)
{
	for (const struct ztt_flag *flag = ztt_flags; flag->name; flag++)
		if (strcmp(flag->name, name) == 0)
			return flag;
	return NULL;
}
