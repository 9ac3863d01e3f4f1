/* How the runs of one call are shown: as text and as JSON of ztt-bench/1. */
#ifndef ZTT_BENCH_REPORT_H
#define ZTT_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "ztt-bench/engine.h"
#include "ztt-bench/floor.h"
#include "ztt-bench/host.h"
#include "ztt-bench/run.h"

struct ztt_json;

#define ZTT_REPORT_SCHEMA "ztt-bench/1"

struct ztt_report_engine {
	const struct ztt_engine *engine;
	char version[ZTT_ENGINE_VERSION_LEN]; /* "": not known */
	char cipher[64];                      /* "": not known, or none */
};

/* CPU-seconds per GB of payload; NAN: not known. */
struct ztt_report_floor {
	bool measured;
	struct ztt_floor_row rows[ZTT_FLOOR_ROWS_MAX];
	size_t count;
	double down, up;
};

struct ztt_report {
	struct ztt_host host;
	const struct ztt_run_plan *plan;
	struct ztt_report_engine engines[ZTT_ENGINES_MAX];
	size_t engine_count;
	const struct ztt_run_result *runs; /* in the order in which they ran */
	size_t run_count;
	size_t rounds; /* at most ZTT_STATS_MAX */
	struct ztt_report_floor floor;
};

/* Everything but the verdict: what was measured, the runs when there are
 * several or one is invalid, the summary, what the parts cost, the floor, the
 * ratios. */
void ztt_report_text(const struct ztt_report *report, bool color, FILE *out);

/* One line: what the first engine carries, at what cost, how it compares with
 * the second, and the bottleneck; or why there is nothing to say. */
void ztt_report_verdict(const struct ztt_report *report, FILE *out);

/* Writes the result as one object. */
void ztt_report_json(const struct ztt_report *report, struct ztt_json *json);

/* Whether all runs asked for were made and are valid. */
bool ztt_report_is_valid(const struct ztt_report *report);

#endif
