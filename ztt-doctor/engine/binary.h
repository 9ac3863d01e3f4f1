/* The engine's program file. */
#ifndef ZTT_DOCTOR_BINARY_H
#define ZTT_DOCTOR_BINARY_H

#include <limits.h>
#include <stdbool.h>

struct ztt_doctor;
struct ztt_err;
struct ztt_go_build_info;

struct ztt_binary {
	char path[PATH_MAX];
	const char
		*named_by; /* "--engine-path", "process", "the unit", "PATH" */
	bool in_path;      /* a directory of PATH has one of that name */
};

/* -ENOENT: nothing names one and PATH has none. The file that is named may not
 * exist. */
int ztt_binary_find(struct ztt_doctor *doctor, struct ztt_binary *ret_binary);

/* What the file itself says of its build; runs nothing, so for any root.
 * -ENODATA: its build information names no version of cloudflared
 * (ret_info->go_version is set if it has any); else as
 * ztt_go_build_info_read. */
int ztt_binary_build_info(struct ztt_doctor *doctor, const char *path,
			  struct ztt_go_build_info *ret_info);

/* Runs `PATH --version`, at most 2 s; live only. Refuses (-EPERM) what others
 * than root could have written, when run by root. -ETIMEDOUT, -EPROTO: it said
 * something else. */
int ztt_binary_version(struct ztt_doctor *doctor, const char *path,
		       char out[32], struct ztt_err *err);

#endif
