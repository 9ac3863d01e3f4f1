/* The options of `ztt-bench run`, and the plan they amount to. */
#ifndef ZTT_BENCH_RUN_OPTIONS_H
#define ZTT_BENCH_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/opt.h"
#include "ztt-bench/run.h"

struct ztt_err;

/* What the table fills; 0 and NULL are "not given". */
struct ztt_run_settings {
	struct ztt_opt_common common;
	struct ztt_load_settings load;
	const char *engine, *engine_path, *origin, *cipher, *key_log, *json;
	uint64_t connections, repeat, threads, start_timeout_ns;
	bool no_floor, host_network, list;
};

/* What the user's origin is called; `plan` points into it. */
struct ztt_run_origin {
	char address[ZTT_LOAD_HOST_MAX_BYTES + 8];
	char path[ZTT_LOAD_PATH_MAX_BYTES + 1];
};

extern const struct ztt_opt_help ztt_run_help;

/* Checks `settings` and fills the plan but for its streams and signal_fd.
 * Resolves an origin's name and reads a mix file. -EINVAL, or as
 * ztt_load_plan_make, with the sentence. `settings` and `origin` must live as
 * long as the plan. */
int ztt_run_plan_make(const struct ztt_run_settings *settings,
		      struct ztt_run_origin *origin,
		      struct ztt_run_plan *ret_plan, struct ztt_err *err);

#endif
