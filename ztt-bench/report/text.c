#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/table.h"
#include "common/units.h"
#include "ztt-bench/report/report.h"
#include "ztt-bench/report/summary.h"

#define SIZE_PRESET_BYTES 100000000
#define PERCENT 100

static void cell(struct ztt_table *table, const char *fmt, double value)
{
	char text[32];

	snprintf(text, sizeof(text), fmt, value);
	ztt_table_cell(table, "%s", isfinite(value) ? text : "-");
}

/* Three significant digits, never with an exponent. */
static void figure_cell(struct ztt_table *table, double value)
{
	if (fabs(value) >= 99.95)
		cell(table, "%.0f", value);
	else if (fabs(value) >= 9.995)
		cell(table, "%.1f", value);
	else if (fabs(value) >= 0.9995)
		cell(table, "%.2f", value);
	else
		cell(table, "%.3f", value);
}

static void print_engines(const struct ztt_report *report, FILE *out)
{
	for (size_t i = 0; i < report->engine_count; i++) {
		const struct ztt_report_engine *at = &report->engines[i];
		unsigned connections = report->plan->connections;

		fprintf(out, "engine  %s", at->engine->name);
		if (at->version[0])
			fprintf(out, " %s", at->version);
		if (!at->engine->transport)
			fprintf(out, ", no tunnel\n");
		else
			fprintf(out, ", %s%s%s, %u connection%s\n",
				at->engine->transport,
				at->cipher[0] ? ", " : "", at->cipher,
				connections, connections == 1 ? "" : "s");
	}
}

static void print_load(const struct ztt_report *report, FILE *out)
{
	const struct ztt_load_settings *load = &report->plan->load;
	char text[ZTT_UNITS_LEN];

	fprintf(out, "load    ");
	if (load->rate_per_s > 0)
		fprintf(out, "%s requests/s due, at most ",
			ztt_units_count(text, load->rate_per_s));
	fprintf(out, "%" PRIu64 " stream%s %s", load->streams,
		load->streams == 1 ? "" : "s", load->direction);
	if (load->mix)
		fprintf(out, ", sizes of %s", load->mix);
	else if (!load->path || load->size_bytes)
		fprintf(out, ", %s each",
			ztt_units_bytes(text, load->size_bytes
						      ? (double)load->size_bytes
						      : SIZE_PRESET_BYTES));
	if (load->requests)
		fprintf(out, ", %" PRIu64 " requests", load->requests);
	else
		fprintf(out, ", %s",
			ztt_units_ns(text, (double)load->duration_ns));
	fprintf(out, " after %s of warm-up\n",
		ztt_units_ns(text, (double)load->warmup_ns));
}

static void print_host(const struct ztt_host *host, FILE *out)
{
	fprintf(out, "host    %s, %u core%s\n", host->cpu, host->cores,
		host->cores == 1 ? "" : "s");
	fprintf(out, "system  %s, Linux %s, %s\n\n", host->os, host->kernel,
		host->isolated ? "network namespace" : "host network");
}

static void latency_cell(struct ztt_table *table, double us)
{
	char text[ZTT_UNITS_LEN];

	ztt_table_cell(table, "%s",
		       ztt_units_ns(text, us * (double)ZTT_NS_PER_US));
}

static void run_row(struct ztt_table *table, const struct ztt_report *report,
		    size_t index)
{
	const struct ztt_run_result *run = &report->runs[index];
	char text[ZTT_UNITS_LEN];

	ztt_table_row(table);
	ztt_table_cell(table, "%zu%s", index + 1, run->valid ? "" : " invalid");
	ztt_table_cell(table, "%s", report->engines[run->engine].engine->name);
	ztt_table_cell(table, "%s", ztt_units_bits(text, run->goodput_bps));
	figure_cell(table, run->requests_per_s);
	latency_cell(table, run->latency_us[0]);
	latency_cell(table, run->latency_us[2]);
	ztt_table_cell(table, "%" PRIu64, run->errors);
	figure_cell(table,
		    ztt_metric_of(run, ZTT_METRIC_CPU_PER_GB, ZTT_PART_ENGINE));
}

static void print_runs(const struct ztt_report *report, bool color, FILE *out)
{
	static const char *const heads[] = {"run",      "engine",
					    ">goodput", ">requests/s",
					    ">p50",     ">p99",
					    ">errors",  ">CPU-s/GB",
					    NULL};
	struct ztt_table *table;

	if (report->rounds == 1 && ztt_report_is_valid(report))
		return;
	table = ztt_table_new(heads);
	for (size_t i = 0; i < report->run_count; i++)
		run_row(table, report, i);
	ztt_table_print(table, color, out);
	ztt_table_free(table);
	for (size_t i = 0; i < report->run_count; i++)
		if (!report->runs[i].valid)
			fprintf(out, "run %zu is invalid: %s\n", i + 1,
				report->runs[i].invalid.text);
	fputc('\n', out);
}

/* "1.16 - 1.70 Gbit/s": the unit once, when it is the same. */
static void range_cell(struct ztt_table *table, const struct ztt_stats *stats)
{
	char low[ZTT_UNITS_LEN], high[ZTT_UNITS_LEN];
	const char *low_unit, *high_unit;

	if (stats->count < 2) {
		ztt_table_cell(table, "-");
		return;
	}
	low_unit = strchr(ztt_units_bits(low, stats->low), ' ');
	high_unit = strchr(ztt_units_bits(high, stats->high), ' ');
	if (low_unit && high_unit && strcmp(low_unit, high_unit) == 0)
		low[low_unit - low] = '\0';
	ztt_table_cell(table, "%s - %s", low, high);
}

static void summary_row(struct ztt_table *table,
			const struct ztt_report *report, size_t engine)
{
	static const int latencies[] = {0, 2}; /* p50, p99 */
	char text[ZTT_UNITS_LEN];
	struct ztt_stats goodput =
		ztt_summary(report, engine, ZTT_METRIC_GOODPUT, 0);

	ztt_table_row(table);
	ztt_table_cell(table, "%s", report->engines[engine].engine->name);
	ztt_table_cell(table, "%s", ztt_units_bits(text, goodput.median));
	range_cell(table, &goodput);
	figure_cell(table,
		    ztt_summary(report, engine, ZTT_METRIC_REQUESTS, 0).median);
	for (size_t i = 0; i < sizeof(latencies) / sizeof(latencies[0]); i++)
		latency_cell(table,
			     ztt_summary(report, engine, ZTT_METRIC_LATENCY,
					 latencies[i])
				     .median);
}

static void print_summary(const struct ztt_report *report, bool color,
			  FILE *out)
{
	static const char *const heads[] = {"engine",      ">goodput",
					    ">low - high", ">requests/s",
					    ">p50",        ">p99",
					    NULL};
	struct ztt_table *table = ztt_table_new(heads);

	for (size_t i = 0; i < report->engine_count; i++)
		summary_row(table, report, i);
	ztt_table_print(table, color, out);
	ztt_table_free(table);
	fputc('\n', out);
}

static void part_row(struct ztt_table *table, const struct ztt_report *report,
		     size_t engine, int part)
{
	const struct ztt_run_result *run = ztt_summary_typical(report, engine);
	const struct ztt_account_part *at = &run->account.parts[part];
	char text[ZTT_UNITS_LEN];

	ztt_table_row(table);
	ztt_table_cell(table, "%s", report->engines[engine].engine->name);
	ztt_table_cell(table, "%s", ztt_part_names[part]);
	figure_cell(table,
		    ztt_summary(report, engine, ZTT_METRIC_CPU_PER_GB, part)
			    .median);
	figure_cell(table, ztt_summary(report, engine,
				       ZTT_METRIC_CPU_PER_REQUEST, part)
				   .median);
	cell(table, "%.0f %%",
	     at->cpu_s > 0 ? PERCENT * at->system_s / at->cpu_s : (double)NAN);
	cell(table, "%.2f", at->cores);
	cell(table, "%.0f %%", PERCENT * fmin(at->busiest.cpu, 1));
	ztt_table_cell(table, "%s",
		       ztt_units_bytes(text, ztt_summary(report, engine,
							 ZTT_METRIC_RSS, part)
						     .median));
	ztt_table_cell(table, "%" PRIu64, at->udp_drops);
}

static void print_parts(const struct ztt_report *report, bool color, FILE *out)
{
	static const char *const heads[] = {"engine",  "part",      ">CPU-s/GB",
					    ">us/req", ">kernel",   ">cores",
					    ">thread", ">peak RSS", ">drops",
					    NULL};
	struct ztt_table *table = ztt_table_new(heads);

	for (size_t i = 0; i < report->engine_count; i++) {
		const struct ztt_run_result *run =
			ztt_summary_typical(report, i);

		for (int part = 0; run && part < ZTT_PARTS; part++)
			if (run->account.parts[part].present)
				part_row(table, report, i, part);
	}
	ztt_table_print(table, color, out);
	ztt_table_free(table);
	fputs("thread: the busiest one's share of the window; drops: UDP, for "
	      "want of buffer\n",
	      out);
}

static void print_floor(const struct ztt_report *report, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < report->engine_count; i++) {
		const struct ztt_run_result *run =
			ztt_summary_typical(report, i);
		double floor =
			run ? ztt_summary_floor(report, run) : (double)NAN;
		double cost = ztt_summary(report, i, ZTT_METRIC_CPU_PER_GB,
					  ZTT_PART_ENGINE)
				      .median;

		if (!isfinite(floor) || !isfinite(cost))
			continue;
		if (!any)
			fputc('\n', out);
		any = true;
		fprintf(out,
			"%s costs %.1f times this host's floor of %.3f "
			"CPU-s/GB\n",
			report->engines[i].engine->name, cost / floor, floor);
	}
}

static void ratio_row(struct ztt_table *table, const char *what,
		      const struct ztt_stats_ratio *found)
{
	if (!found->ratio.count)
		return;
	ztt_table_row(table);
	ztt_table_cell(table, "%s", what);
	cell(table, "%.3g", found->ratio.median);
	if (isfinite(found->interval.low))
		ztt_table_cell(table, "%.3g - %.3g (%.0f %%)",
			       found->interval.low, found->interval.high,
			       PERCENT * found->interval.level);
	else
		ztt_table_cell(table, "-");
	ztt_table_cell(table, "%s%s", found->note ? "inconclusive: " : "",
		       found->note ? found->note : "");
}

static void print_pair(const struct ztt_report *report, size_t engine,
		       size_t against, bool color, FILE *out)
{
	static const struct {
		const char *what;
		enum ztt_metric metric;
		int index;
	} rows[] = {
		{"goodput", ZTT_METRIC_GOODPUT, 0},
		{"CPU per GB", ZTT_METRIC_CPU_PER_GB, ZTT_PART_ENGINE},
		{"latency p99", ZTT_METRIC_LATENCY, 2},
	};
	static const char *const heads[] = {"ratio", ">median", ">interval", "",
					    NULL};
	struct ztt_table *table = ztt_table_new(heads);

	fprintf(out, "\n%s against %s, round by round\n",
		report->engines[engine].engine->name,
		report->engines[against].engine->name);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ztt_stats_ratio found =
			ztt_summary_ratio(report, engine, against,
					  rows[i].metric, rows[i].index);

		ratio_row(table, rows[i].what, &found);
	}
	ztt_table_print(table, color, out);
	ztt_table_free(table);
}

void ztt_report_text(const struct ztt_report *report, bool color, FILE *out)
{
	bool any = false;

	print_engines(report, out);
	print_load(report, out);
	print_host(&report->host, out);
	print_runs(report, color, out);
	for (size_t i = 0; i < report->engine_count && !any; i++)
		any = ztt_summary_valid(report, i) > 0;
	if (!any)
		return;
	print_summary(report, color, out);
	print_parts(report, color, out);
	print_floor(report, out);
	for (size_t i = 0; i < report->engine_count; i++)
		for (size_t j = i + 1; j < report->engine_count; j++)
			print_pair(report, i, j, color, out);
	fputc('\n', out);
}
