/* The flags of cloudflared, which are also keys of config.yml: flags.def. */
#ifndef ZTT_DOCTOR_FLAGS_H
#define ZTT_DOCTOR_FLAGS_H

#include <stdbool.h>

struct ztt_flag {
	const char *name; /* without dashes */
	bool in_file;     /* read from config.yml too */
	const char *dead; /* declared but never read: what holds in its place;
			     NULL: alive */
};

/* All of flags.def; the last has name NULL. */
extern const struct ztt_flag ztt_flags[];

const struct ztt_flag *ztt_flag_of(const char *name);

#endif
