#include "ztt-bench/report/json_summary.h"

#include <math.h>

#include "common/json.h"
#include "ztt-bench/report/report.h"
#include "ztt-bench/report/summary.h"

static void write_stats(struct ztt_json *json, const char *key,
			const struct ztt_stats *stats)
{
	if (!stats->count) {
		ztt_json_null(json, key);
		return;
	}
	ztt_json_object(json, key);
	ztt_json_number(json, "median", stats->median);
	ztt_json_number(json, "low", stats->low);
	ztt_json_number(json, "high", stats->high);
	ztt_json_end_object(json);
}

static void write_metric(struct ztt_json *json, const char *key,
			 const struct ztt_report *report, size_t engine,
			 enum ztt_metric metric, int index)
{
	struct ztt_stats stats = ztt_summary(report, engine, metric, index);

	write_stats(json, key, &stats);
}

static void write_parts(struct ztt_json *json, const char *key,
			const struct ztt_report *report, size_t engine,
			enum ztt_metric metric)
{
	ztt_json_object(json, key);
	for (int i = 0; i < ZTT_PARTS; i++)
		write_metric(json, ztt_part_names[i], report, engine, metric,
			     i);
	ztt_json_end_object(json);
}

static double times_floor(const struct ztt_report *report, size_t engine)
{
	const struct ztt_run_result *run = ztt_summary_typical(report, engine);

	if (!run)
		return (double)NAN;
	return ztt_summary(report, engine, ZTT_METRIC_CPU_PER_GB,
			   ZTT_PART_ENGINE)
		       .median /
	       ztt_summary_floor(report, run);
}

static void write_engine(struct ztt_json *json, const struct ztt_report *report,
			 size_t engine)
{
	ztt_json_object(json, NULL);
	ztt_json_string(json, "engine", report->engines[engine].engine->name);
	ztt_json_uint(json, "valid_runs", ztt_summary_valid(report, engine));
	write_metric(json, "goodput_bps", report, engine, ZTT_METRIC_GOODPUT,
		     0);
	write_metric(json, "requests_per_s", report, engine,
		     ZTT_METRIC_REQUESTS, 0);
	ztt_json_object(json, "latency_us");
	for (int i = 0; i < ZTT_LATENCIES; i++)
		write_metric(json, ztt_latency_names[i], report, engine,
			     ZTT_METRIC_LATENCY, i);
	ztt_json_end_object(json);
	write_parts(json, "cpu_s_per_gb", report, engine,
		    ZTT_METRIC_CPU_PER_GB);
	write_parts(json, "cpu_us_per_request", report, engine,
		    ZTT_METRIC_CPU_PER_REQUEST);
	write_parts(json, "rss_peak_bytes", report, engine, ZTT_METRIC_RSS);
	ztt_json_number(json, "times_floor", times_floor(report, engine));
	ztt_json_end_object(json);
}

static void write_ratio(struct ztt_json *json, const char *key,
			const struct ztt_stats_ratio *found)
{
	if (!found->ratio.count) {
		ztt_json_null(json, key);
		return;
	}
	ztt_json_object(json, key);
	ztt_json_number(json, "median", found->ratio.median);
	ztt_json_number(json, "low", found->ratio.low);
	ztt_json_number(json, "high", found->ratio.high);
	ztt_json_object(json, "interval");
	ztt_json_number(json, "low", found->interval.low);
	ztt_json_number(json, "high", found->interval.high);
	ztt_json_number(json, "level", found->interval.level);
	ztt_json_end_object(json);
	ztt_json_bool(json, "conclusive", found->conclusive);
	ztt_json_string(json, "note", found->note);
	ztt_json_end_object(json);
}

static void write_pair(struct ztt_json *json, const struct ztt_report *report,
		       size_t engine, size_t against)
{
	static const struct {
		const char *key;
		enum ztt_metric metric;
		int index;
	} rows[] = {
		{"goodput", ZTT_METRIC_GOODPUT, 0},
		{"requests_per_s", ZTT_METRIC_REQUESTS, 0},
		{"latency_p50", ZTT_METRIC_LATENCY, 0},
		{"latency_p99", ZTT_METRIC_LATENCY, 2},
		{"engine_cpu_s_per_gb", ZTT_METRIC_CPU_PER_GB, ZTT_PART_ENGINE},
		{"engine_cpu_us_per_request", ZTT_METRIC_CPU_PER_REQUEST,
		 ZTT_PART_ENGINE},
	};
	struct ztt_stats_ratio found;

	ztt_json_object(json, NULL);
	ztt_json_string(json, "engine", report->engines[engine].engine->name);
	ztt_json_string(json, "against", report->engines[against].engine->name);
	found = ztt_summary_ratio(report, engine, against, ZTT_METRIC_GOODPUT,
				  0);
	ztt_json_uint(json, "rounds", found.ratio.count);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		found = ztt_summary_ratio(report, engine, against,
					  rows[i].metric, rows[i].index);
		write_ratio(json, rows[i].key, &found);
	}
	ztt_json_end_object(json);
}

static void write_ratios(struct ztt_json *json, const struct ztt_report *report)
{
	if (report->engine_count < 2)
		return;
	ztt_json_array(json, "ratios");
	for (size_t i = 0; i < report->engine_count; i++)
		for (size_t j = i + 1; j < report->engine_count; j++)
			write_pair(json, report, i, j);
	ztt_json_end_array(json);
}

static void write_floor(struct ztt_json *json,
			const struct ztt_report_floor *floor)
{
	if (!floor->measured) {
		ztt_json_null(json, "floor");
		return;
	}
	ztt_json_object(json, "floor");
	ztt_json_number(json, "down_cpu_s_per_gb", floor->down);
	ztt_json_number(json, "up_cpu_s_per_gb", floor->up);
	ztt_json_array(json, "rows");
	for (size_t i = 0; i < floor->count; i++) {
		const struct ztt_floor_row *row = &floor->rows[i];

		ztt_json_object(json, NULL);
		ztt_json_string(json, "id", row->id);
		ztt_json_number(json, "cpu_s_per_gb",
				row->measured ? row->cpu_s_per_gb_median
					      : (double)NAN);
		ztt_json_string(json, "reason",
				row->measured ? NULL : row->why_not);
		ztt_json_end_object(json);
	}
	ztt_json_end_array(json);
	ztt_json_end_object(json);
}

void ztt_report_json_summary(const struct ztt_report *report,
			     struct ztt_json *json)
{
	ztt_json_array(json, "summary");
	for (size_t i = 0; i < report->engine_count; i++)
		write_engine(json, report, i);
	ztt_json_end_array(json);
	write_ratios(json, report);
	write_floor(json, &report->floor);
}
