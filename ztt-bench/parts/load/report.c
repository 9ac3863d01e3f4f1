#include "ztt-bench/parts/load/report.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/hist.h"
#include "common/json.h"
#include "common/table.h"
#include "common/units.h"
#include "ztt-bench/parts/load/plan.h"
#include "ztt-bench/parts/load/result.h"

static const struct quantile {
	const char *name, *key;
	double fraction;
} quantiles[] = {
	{"p50", "p50_us", 0.5},  {"p90", "p90_us", 0.9},
	{"p99", "p99_us", 0.99}, {"p99.9", "p99_9_us", 0.999},
	{"max", "max_us", 1},
};

#define QUANTILES (sizeof(quantiles) / sizeof(quantiles[0]))

static const char *const direction_names[] = {
	[ZTT_LOAD_DOWN] = "down",
	[ZTT_LOAD_UP] = "up",
	[ZTT_LOAD_BOTH] = "both",
};

static double per_s(const struct ztt_load_result *result, double count)
{
	return count * (double)ZTT_NS_PER_S / (double)result->duration_ns;
}

static double goodput_bps(const struct ztt_load_result *result)
{
	return per_s(result,
		     8 * (double)(result->bytes_down + result->bytes_up));
}

static void latency_rows(struct ztt_table *table, const char *name,
			 const struct ztt_hist *hist)
{
	char text[ZTT_UNITS_LEN];

	for (size_t i = 0; i < QUANTILES && ztt_hist_count(hist); i++) {
		uint64_t ns = ztt_hist_quantile(hist, quantiles[i].fraction);

		ztt_table_row(table);
		ztt_table_cell(table, "%s %s", name, quantiles[i].name);
		ztt_table_cell(table, "%s", ztt_units_ns(text, (double)ns));
	}
}

static void error_rows(struct ztt_table *table,
		       const struct ztt_load_result *result)
{
	ztt_table_row(table);
	ztt_table_cell(table, "errors");
	ztt_table_cell(table, "%" PRIu64, ztt_load_result_errors(result));
	for (int i = 0; i < ZTT_LOAD_ERRORS; i++) {
		if (!result->errors[i])
			continue;
		ztt_table_row(table);
		ztt_table_cell(table, "  %s", ztt_load_error_names[i]);
		ztt_table_cell(table, "%" PRIu64, result->errors[i]);
	}
}

static void print_verdict(const struct ztt_load_plan *plan,
			  const struct ztt_load_result *result, FILE *out)
{
	uint64_t errors = ztt_load_result_errors(result);
	char target[ZTT_ADDRESS_LEN], rate[ZTT_UNITS_LEN];

	ztt_address_text(&plan->target, target);
	if (errors)
		fprintf(out, "%" PRIu64 " error%s; the first: %s\n", errors,
			errors == 1 ? "" : "s", result->first_error);
	else if (ztt_load_result_is_behind(result, plan->streams))
		fprintf(out,
			"%s does not keep up: %" PRIu64
			" requests were due and not sent\n",
			target, result->late);
	else
		fprintf(out,
			"%s carried %s at %.0f requests/s without "
			"errors\n",
			target, ztt_units_bits(rate, goodput_bps(result)),
			per_s(result, (double)result->requests));
}

void ztt_load_report(const struct ztt_load_plan *plan,
		     const struct ztt_load_result *result, bool color,
		     FILE *out)
{
	static const char *const heads[] = {"measured", ">value", NULL};
	struct ztt_table *table = ztt_table_new(heads);
	char text[ZTT_UNITS_LEN];

	ztt_table_row(table);
	ztt_table_cell(table, "goodput");
	ztt_table_cell(table, "%s", ztt_units_bits(text, goodput_bps(result)));
	ztt_table_row(table);
	ztt_table_cell(table, "requests/s");
	ztt_table_cell(table, "%.1f", per_s(result, (double)result->requests));
	latency_rows(table, "latency", result->latency);
	if (plan->rate_per_s > 0)
		latency_rows(table, "service", result->service);
	error_rows(table, result);
	if (plan->rate_per_s > 0) {
		ztt_table_row(table);
		ztt_table_cell(table, "late");
		ztt_table_cell(table, "%" PRIu64, result->late);
	}
	ztt_table_print(table, color, out);
	ztt_table_free(table);
	print_verdict(plan, result, out);
}

static void write_latency(struct ztt_json *json, const char *key,
			  const struct ztt_hist *hist)
{
	ztt_json_object(json, key);
	ztt_json_uint(json, "count", ztt_hist_count(hist));
	ztt_json_number(json, "mean_us",
			ztt_hist_mean(hist) / (double)ZTT_NS_PER_US);
	for (size_t i = 0; i < QUANTILES; i++)
		ztt_json_number(
			json, quantiles[i].key,
			(double)ztt_hist_quantile(hist, quantiles[i].fraction) /
				(double)ZTT_NS_PER_US);
	ztt_json_end_object(json);
}

static void write_plan(struct ztt_json *json, const struct ztt_load_plan *plan)
{
	char target[ZTT_ADDRESS_LEN];

	ztt_address_text(&plan->target, target);
	ztt_json_string(json, "target", target);
	ztt_json_string(json, "host", plan->host);
	ztt_json_string(json, "path", plan->path[0] ? plan->path : NULL);
	ztt_json_string(json, "direction", direction_names[plan->direction]);
	ztt_json_uint(json, "streams", plan->streams);
	ztt_json_uint(json, "threads", plan->threads);
	ztt_json_array(json, "sizes_bytes");
	for (size_t i = 0; i < plan->mix.part_count; i++)
		ztt_json_uint(json, NULL, plan->mix.parts[i].size_bytes);
	ztt_json_end_array(json);
	if (plan->rate_per_s > 0)
		ztt_json_number(json, "rate_per_s", plan->rate_per_s);
	else
		ztt_json_null(json, "rate_per_s");
	ztt_json_uint(json, "warmup_ns", plan->warmup_ns);
}

void ztt_load_report_json(const struct ztt_load_plan *plan,
			  const struct ztt_load_result *result,
			  struct ztt_json *json)
{
	ztt_json_object(json, NULL);
	ztt_json_string(json, "schema", "ztt-bench-load/1");
	write_plan(json, plan);
	ztt_json_uint(json, "duration_ns", result->duration_ns);
	ztt_json_uint(json, "requests", result->requests);
	ztt_json_number(json, "requests_per_s",
			per_s(result, (double)result->requests));
	ztt_json_uint(json, "bytes_down", result->bytes_down);
	ztt_json_uint(json, "bytes_up", result->bytes_up);
	ztt_json_number(json, "goodput_bps", goodput_bps(result));
	ztt_json_object(json, "errors");
	for (int i = 0; i < ZTT_LOAD_ERRORS; i++)
		ztt_json_uint(json, ztt_load_error_names[i], result->errors[i]);
	ztt_json_end_object(json);
	ztt_json_string(json, "first_error",
			result->first_error[0] ? result->first_error : NULL);
	ztt_json_uint(json, "late", result->late);
	write_latency(json, "latency", result->latency);
	write_latency(json, "service", result->service);
	ztt_json_end_object(json);
}
