#include "ztt-bench/report/summary.h"

#include <math.h>

#define BULK_BYTES 65536

double ztt_metric_of(const struct ztt_run_result *run, enum ztt_metric metric,
		     int index)
{
	const struct ztt_account_part *part;

	if (!run->measured)
		return (double)NAN;
	switch (metric) {
	case ZTT_METRIC_GOODPUT:
		return run->goodput_bps;
	case ZTT_METRIC_REQUESTS:
		return run->requests_per_s;
	case ZTT_METRIC_LATENCY:
		return run->latency_us[index];
	default:
		break;
	}
	part = &run->account.parts[index];
	if (!part->present)
		return (double)NAN;
	if (metric == ZTT_METRIC_CPU_PER_GB)
		return part->cpu_s_per_gb;
	if (metric == ZTT_METRIC_CPU_PER_REQUEST)
		return part->cpu_us_per_request;
	return (double)part->rss_peak_bytes;
}

/* By round; NAN where there is no valid run. */
static void collect(const struct ztt_report *report, size_t engine,
		    enum ztt_metric metric, int index,
		    double values[ZTT_STATS_MAX])
{
	for (size_t i = 0; i < report->rounds; i++)
		values[i] = (double)NAN;
	for (size_t i = 0; i < report->run_count; i++) {
		const struct ztt_run_result *run = &report->runs[i];

		if (run->engine == engine && run->valid)
			values[run->round] = ztt_metric_of(run, metric, index);
	}
}

struct ztt_stats ztt_summary(const struct ztt_report *report, size_t engine,
			     enum ztt_metric metric, int index)
{
	double values[ZTT_STATS_MAX];

	collect(report, engine, metric, index, values);
	return ztt_stats_of(values, report->rounds);
}

struct ztt_stats_ratio ztt_summary_ratio(const struct ztt_report *report,
					 size_t engine, size_t against,
					 enum ztt_metric metric, int index)
{
	double values[ZTT_STATS_MAX], others[ZTT_STATS_MAX];

	collect(report, engine, metric, index, values);
	collect(report, against, metric, index, others);
	return ztt_stats_compare(values, others, report->rounds);
}

const struct ztt_run_result *
ztt_summary_typical(const struct ztt_report *report, size_t engine)
{
	double median =
		ztt_summary(report, engine, ZTT_METRIC_GOODPUT, 0).median;
	const struct ztt_run_result *best = NULL;

	for (size_t i = 0; i < report->run_count; i++) {
		const struct ztt_run_result *run = &report->runs[i];

		if (run->engine == engine && run->valid &&
		    (!best || fabs(run->goodput_bps - median) <
				      fabs(best->goodput_bps - median)))
			best = run;
	}
	return best;
}

size_t ztt_summary_valid(const struct ztt_report *report, size_t engine)
{
	size_t count = 0;

	for (size_t i = 0; i < report->run_count; i++)
		count += report->runs[i].engine == engine &&
			 report->runs[i].valid;
	return count;
}

bool ztt_summary_is_bulk(const struct ztt_run_result *run)
{
	return run->bytes_down + run->bytes_up >= BULK_BYTES * run->requests;
}

double ztt_summary_floor(const struct ztt_report *report,
			 const struct ztt_run_result *run)
{
	double down = (double)run->bytes_down, up = (double)run->bytes_up;
	double sum = 0;

	if (!report->floor.measured || !ztt_summary_is_bulk(run) ||
	    !run->account.parts[ZTT_PART_ENGINE].present || down + up <= 0)
		return (double)NAN;
	if (down > 0)
		sum += down * report->floor.down;
	if (up > 0)
		sum += up * report->floor.up;
	return sum / (down + up);
}

bool ztt_report_is_valid(const struct ztt_report *report)
{
	for (size_t i = 0; i < report->run_count; i++)
		if (!report->runs[i].valid)
			return false;
	return report->run_count == report->rounds * report->engine_count;
}
