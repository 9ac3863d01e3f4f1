/* What this host's tunnel costs, measured by ztt-bench. */
#ifndef ZTT_DOCTOR_MEASURE_H
#define ZTT_DOCTOR_MEASURE_H

#include <stdio.h>

struct ztt_err;

/* What a run gave. */
struct ztt_measured {
	double vcpu_per_gbps; /* the engine's, of goodput */
	char engine[64];      /* "cloudflared 2026.8.2" */
};

/* Runs `ztt-bench run` for a few seconds (beside this program, or in PATH) with
 * the engine at `engine_path` (NULL: its own choice, which is ztt's own
 * connector where cloudflared is not installed). Blocks for about 5 s. -ENOENT:
 * no ztt-bench; -EIO: the run was not valid, with its reason. */
int ztt_measure(const char *engine_path, FILE *progress,
		struct ztt_measured *ret_measured, struct ztt_err *err);

#endif
