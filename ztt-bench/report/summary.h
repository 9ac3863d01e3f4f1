/* What the valid runs of one engine amount to, and how two engines compare. */
#ifndef ZTT_BENCH_SUMMARY_H
#define ZTT_BENCH_SUMMARY_H

#include "ztt-bench/report/report.h"
#include "ztt-bench/stats/stats.h"

enum ztt_metric {
	ZTT_METRIC_GOODPUT,         /* bit/s */
	ZTT_METRIC_REQUESTS,        /* per second */
	ZTT_METRIC_LATENCY,         /* us; `index`: of ztt_latency_names */
	ZTT_METRIC_CPU_PER_GB,      /* CPU-seconds; `index`: enum ztt_part */
	ZTT_METRIC_CPU_PER_REQUEST, /* us; the same */
	ZTT_METRIC_RSS,             /* bytes; the same */
};

/* One figure of one run; NAN when it was not measured, or the part is not
 * there. `index` is 0 where the metric has none. */
double ztt_metric_of(const struct ztt_run_result *run, enum ztt_metric metric,
		     int index);

/* Over the valid runs of engine number `engine`. */
struct ztt_stats ztt_summary(const struct ztt_report *report, size_t engine,
			     enum ztt_metric metric, int index);

/* Engine `engine` against engine `against`, over the rounds in which the runs
 * of both are valid. */
struct ztt_stats_ratio ztt_summary_ratio(const struct ztt_report *report,
					 size_t engine, size_t against,
					 enum ztt_metric metric, int index);

/* The valid run of the engine whose goodput is nearest to the median: the one
 * that stands for it where a median says nothing (threads, the bottleneck).
 * NULL when none is valid. */
const struct ztt_run_result *
ztt_summary_typical(const struct ztt_report *report, size_t engine);

/* How many runs of the engine are valid. */
size_t ztt_summary_valid(const struct ztt_report *report, size_t engine);

/* Whether the run is about bytes (bodies of 64 KiB or more on average), not
 * about requests. */
bool ztt_summary_is_bulk(const struct ztt_run_result *run);

/* The floor for the bytes that the run carried down and up, CPU-seconds per GB;
 * NAN when it is not known, or the run is not about bytes. */
double ztt_summary_floor(const struct ztt_report *report,
			 const struct ztt_run_result *run);

#endif
