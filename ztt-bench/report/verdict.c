#include <math.h>
#include <string.h>

#include "common/units.h"
#include "ztt-bench/report/report.h"
#include "ztt-bench/report/summary.h"

/* One vCPU that does nothing else carries 8 Gbit in so many CPU seconds. */
#define GBIT_PER_GB 8

/* Of the host's CPU time: from here on it is a reason. */
#define OTHERS_MUCH 0.10

static const char *name_of(const struct ztt_report *report, size_t engine)
{
	return report->engines[engine].engine->name;
}

static void print_carried(const struct ztt_report *report, FILE *out)
{
	const char *transport = report->engines[0].engine->transport;
	double goodput = ztt_summary(report, 0, ZTT_METRIC_GOODPUT, 0).median;
	double rate = ztt_summary(report, 0, ZTT_METRIC_REQUESTS, 0).median;
	double per_gb =
		ztt_summary(report, 0, ZTT_METRIC_CPU_PER_GB, ZTT_PART_ENGINE)
			.median;
	double per_request = ztt_summary(report, 0, ZTT_METRIC_CPU_PER_REQUEST,
					 ZTT_PART_ENGINE)
				     .median;
	bool bulk = ztt_summary_is_bulk(ztt_summary_typical(report, 0));
	char text[ZTT_UNITS_LEN];

	if (bulk)
		ztt_units_bits(text, goodput);
	else
		ztt_units_count(text, rate);
	fprintf(out, "%s carries %s%s %s here", name_of(report, 0), text,
		bulk ? "" : " requests/s",
		!transport                       ? "without a tunnel"
		: strcmp(transport, "quic") == 0 ? "over QUIC"
						 : transport);
	if (bulk && isfinite(per_gb))
		fprintf(out, " at %.3g CPU-s/GB: %.2g vCPU per Gbit/s", per_gb,
			per_gb / GBIT_PER_GB);
	if (!bulk && isfinite(per_request))
		fprintf(out, " at %.3g us of CPU each", per_request);
}

static void print_compared(const struct ztt_report *report, FILE *out)
{
	struct ztt_stats_ratio goodput =
		ztt_summary_ratio(report, 0, 1, ZTT_METRIC_GOODPUT, 0);
	struct ztt_stats_ratio cost =
		ztt_summary_ratio(report, 0, 1, ZTT_METRIC_CPU_PER_GB,
				  ZTT_PART_ENGINE);

	if (goodput.ratio.count == 0)
		return;
	fprintf(out, "; %.3g times the goodput of %s", goodput.ratio.median,
		name_of(report, 1));
	if (!goodput.conclusive)
		fputs(" (inconclusive)", out);
	if (cost.ratio.count == 0)
		return;
	fprintf(out, " at %.3g times its CPU", cost.ratio.median);
	if (!cost.conclusive)
		fputs(" (inconclusive)", out);
}

static void print_part(enum ztt_part part, const struct ztt_report *report,
		       FILE *out)
{
	if (part == ZTT_PART_ENGINE && report->engine_count > 1)
		fprintf(out, "%s itself", name_of(report, 0));
	else
		fprintf(out, "the %s", ztt_part_names[part]);
}

static void print_bottleneck(const struct ztt_report *report,
			     const struct ztt_run_result *run, FILE *out)
{
	const struct ztt_account *account = &run->account;
	struct ztt_bottleneck found;

	if (report->plan->load.rate_per_s > 0 && !run->late) {
		fputs("; it kept up with the rate asked for", out);
		return;
	}
	ztt_account_bottleneck(account, &found);
	fputs("; the bottleneck is ", out);
	switch (found.kind) {
	case ZTT_BOTTLENECK_UNDECIDED:
		fputs("undecided: no part is at its limit", out);
		return;
	case ZTT_BOTTLENECK_THREAD:
		print_part(found.part, report, out);
		fprintf(out, ", one thread at %.0f %%",
			100 * fmin(found.share, 1));
		if (found.all_cores_busy)
			fprintf(out, ", with all %u cores busy",
				account->cores);
		return;
	case ZTT_BOTTLENECK_CORES:
		fprintf(out, "the CPU: all %u cores are busy, ",
			account->cores);
		print_part(found.part, report, out);
		fprintf(out, " takes %.0f %% of what the run uses",
			100 * found.share);
		return;
	case ZTT_BOTTLENECK_WAITING:
		print_part(found.part, report, out);
		fprintf(out,
			", one thread running or waiting for a core %.0f "
			"%% of the time",
			100 * fmin(found.share, 1));
		return;
	}
}

static const struct ztt_run_result *
first_invalid(const struct ztt_report *report)
{
	for (size_t i = 0; i < report->run_count; i++)
		if (!report->runs[i].valid)
			return &report->runs[i];
	return NULL;
}

void ztt_report_verdict(const struct ztt_report *report, FILE *out)
{
	const struct ztt_run_result *bad = first_invalid(report);
	const struct ztt_run_result *typical =
		report->engine_count ? ztt_summary_typical(report, 0) : NULL;

	if (!typical) {
		fprintf(out, "no valid result: %s\n",
			bad ? bad->invalid.text : "nothing was measured");
		return;
	}
	print_carried(report, out);
	if (report->engine_count > 1)
		print_compared(report, out);
	print_bottleneck(report, typical, out);
	if (typical->account.other >= OTHERS_MUCH)
		fprintf(out,
			"; other processes took %.0f %% of this host's CPU "
			"meanwhile",
			100 * typical->account.other);
	if (bad)
		fprintf(out, "; but not every run is valid: %s",
			bad->invalid.text);
	fputc('\n', out);
}
