/* The options of ztt-doctor and of `ztt-doctor read`. */
#ifndef ZTT_DOCTOR_OPTIONS_H
#define ZTT_DOCTOR_OPTIONS_H

#include <stdbool.h>

#include "common/opt.h"
#include "ztt-doctor/doctor.h"

struct ztt_err;

/* What the tables fill; NULL and 0 are "not given". */
struct ztt_doctor_settings {
	struct ztt_opt_common common;
	struct ztt_doctor_plan plan;
	const char *json, *format, *root, *skip, *explain, *require;
	const char *api_token_file, *completion;
	bool list, strict, fix, dry_run, undo, measure;
};

extern const struct ztt_opt ztt_doctor_options[];
extern const struct ztt_opt_help ztt_doctor_help;
extern const struct ztt_opt ztt_doctor_read_options[];
extern const struct ztt_opt_help ztt_doctor_read_help;

/* Checks what the tables cannot: options that exclude each other, and reads
 * the API token ("-": standard input; else ZTT_API_TOKEN when set) into
 * plan.api_token, which is `token`. -EINVAL, or -errno of reading. */
#define ZTT_TOKEN_LEN 4096
int ztt_doctor_settings_finish(struct ztt_doctor_settings *settings,
			       char token[ZTT_TOKEN_LEN], struct ztt_err *err);

/* How it ends when the options are wrong: ZTT_EXIT_USAGE, but with --format
 * nagios what a plug-in's caller takes for "unknown". */
int ztt_doctor_usage_exit(const struct ztt_doctor_settings *settings);

#endif
