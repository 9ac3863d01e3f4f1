#include <math.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/json.h"
#include "ztt-bench/report/json_summary.h"
#include "ztt-bench/report/report.h"
#include "ztt-bench/report/summary.h"

#define SIZE_PRESET_BYTES 100000000

static const char *text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static void write_host(struct ztt_json *json, const struct ztt_host *host)
{
	ztt_json_object(json, "host");
	ztt_json_string(json, "cpu", host->cpu);
	ztt_json_uint(json, "cores", host->cores);
	ztt_json_string(json, "machine", host->machine);
	ztt_json_string(json, "kernel", host->kernel);
	ztt_json_string(json, "os", host->os);
	ztt_json_string(json, "network", host->isolated ? "namespace" : "host");
	ztt_json_end_object(json);
}

static void write_engines(struct ztt_json *json,
			  const struct ztt_report *report)
{
	ztt_json_array(json, "engines");
	for (size_t i = 0; i < report->engine_count; i++) {
		const struct ztt_report_engine *at = &report->engines[i];

		ztt_json_object(json, NULL);
		ztt_json_string(json, "name", at->engine->name);
		ztt_json_string(json, "version", text_or_null(at->version));
		ztt_json_string(json, "transport", at->engine->transport);
		ztt_json_string(json, "cipher", text_or_null(at->cipher));
		if (at->engine->transport)
			ztt_json_uint(json, "connections",
				      report->plan->connections);
		else
			ztt_json_null(json, "connections");
		ztt_json_end_object(json);
	}
	ztt_json_end_array(json);
}

static void uint_or_null(struct ztt_json *json, const char *key, bool known,
			 uint64_t value)
{
	if (known)
		ztt_json_uint(json, key, value);
	else
		ztt_json_null(json, key);
}

static double seconds(uint64_t ns)
{
	return (double)ns / (double)ZTT_NS_PER_S;
}

static void write_load(struct ztt_json *json, const struct ztt_run_plan *plan)
{
	const struct ztt_load_settings *load = &plan->load;
	bool sized = !load->mix && (!load->path || load->size_bytes);

	ztt_json_object(json, "load");
	ztt_json_string(json, "mode", load->rate_per_s > 0 ? "open" : "closed");
	ztt_json_uint(json, "streams", load->streams);
	ztt_json_string(json, "direction", load->direction);
	uint_or_null(json, "size_bytes", sized,
		     load->size_bytes ? load->size_bytes : SIZE_PRESET_BYTES);
	ztt_json_string(json, "mix", load->mix);
	ztt_json_number(json, "duration_s",
			load->requests ? (double)NAN
				       : seconds(load->duration_ns));
	uint_or_null(json, "requests", load->requests, load->requests);
	ztt_json_number(json, "warmup_s", seconds(load->warmup_ns));
	ztt_json_number(json, "timeout_s", seconds(load->timeout_ns));
	ztt_json_number(json, "rate_per_s",
			load->rate_per_s > 0 ? load->rate_per_s : (double)NAN);
	ztt_json_string(json, "origin", plan->origin);
	ztt_json_string(json, "path", load->path);
	ztt_json_end_object(json);
}

static void write_metric_of_parts(struct ztt_json *json, const char *key,
				  const struct ztt_run_result *run,
				  enum ztt_metric metric)
{
	ztt_json_object(json, key);
	for (int i = 0; i < ZTT_PARTS; i++)
		ztt_json_number(json, ztt_part_names[i],
				ztt_metric_of(run, metric, i));
	ztt_json_end_object(json);
}

static void write_part(struct ztt_json *json, const char *key,
		       const struct ztt_account_part *part)
{
	if (!part->present) {
		ztt_json_null(json, key);
		return;
	}
	ztt_json_object(json, key);
	ztt_json_number(json, "cpu_s", part->cpu_s);
	ztt_json_number(json, "user_s", part->user_s);
	ztt_json_number(json, "system_s", part->system_s);
	ztt_json_number(json, "cores", part->cores);
	ztt_json_uint(json, "threads", part->threads);
	ztt_json_object(json, "busiest_thread");
	ztt_json_string(json, "name", part->busiest.name);
	ztt_json_number(json, "cpu", part->busiest.cpu);
	ztt_json_number(json, "wait", part->busiest.wait);
	ztt_json_end_object(json);
	ztt_json_uint(json, "voluntary_switches", part->voluntary_switches);
	ztt_json_uint(json, "involuntary_switches", part->involuntary_switches);
	ztt_json_uint(json, "udp_drops", part->udp_drops);
	ztt_json_end_object(json);
}

static void write_bottleneck(struct ztt_json *json,
			     const struct ztt_run_result *run)
{
	static const char *const kinds[] = {
		[ZTT_BOTTLENECK_UNDECIDED] = "undecided",
		[ZTT_BOTTLENECK_THREAD] = "thread",
		[ZTT_BOTTLENECK_CORES] = "cores",
		[ZTT_BOTTLENECK_WAITING] = "waiting",
	};
	struct ztt_bottleneck found = {0};

	if (run->measured)
		ztt_account_bottleneck(&run->account, &found);
	ztt_json_object(json, "bottleneck");
	ztt_json_string(json, "kind", kinds[found.kind]);
	ztt_json_string(json, "part",
			found.kind == ZTT_BOTTLENECK_UNDECIDED
				? NULL
				: ztt_part_names[found.part]);
	ztt_json_bool(json, "all_cores_busy", found.all_cores_busy);
	ztt_json_end_object(json);
}

static void write_traffic(struct ztt_json *json,
			  const struct ztt_run_result *run)
{
	ztt_json_number(json, "goodput_bps", run->goodput_bps);
	ztt_json_number(json, "requests_per_s", run->requests_per_s);
	ztt_json_uint(json, "requests", run->requests);
	ztt_json_uint(json, "bytes_down", run->bytes_down);
	ztt_json_uint(json, "bytes_up", run->bytes_up);
	ztt_json_uint(json, "errors", run->errors);
	ztt_json_object(json, "errors_by_kind");
	for (int i = 0; i < ZTT_LOAD_ERRORS; i++)
		ztt_json_uint(json, ztt_load_error_names[i],
			      run->errors_by_kind[i]);
	ztt_json_end_object(json);
	ztt_json_string(json, "first_error", text_or_null(run->first_error));
	ztt_json_uint(json, "late", run->late);
	ztt_json_object(json, "latency_us");
	for (int i = 0; i < ZTT_LATENCIES; i++)
		ztt_json_number(json, ztt_latency_names[i], run->latency_us[i]);
	ztt_json_end_object(json);
}

static void write_run(struct ztt_json *json, const struct ztt_report *report,
		      const struct ztt_run_result *run)
{
	const struct ztt_account *account = &run->account;

	ztt_json_object(json, NULL);
	ztt_json_string(json, "engine",
			report->engines[run->engine].engine->name);
	ztt_json_uint(json, "round", run->round);
	ztt_json_bool(json, "valid", run->valid);
	ztt_json_string(json, "invalid_reason",
			run->valid ? NULL : run->invalid.text);
	ztt_json_string(json, "log", text_or_null(run->log));
	ztt_json_number(json, "window_s", run->window_s);
	write_traffic(json, run);
	write_metric_of_parts(json, "cpu_s_per_gb", run, ZTT_METRIC_CPU_PER_GB);
	write_metric_of_parts(json, "cpu_us_per_request", run,
			      ZTT_METRIC_CPU_PER_REQUEST);
	write_metric_of_parts(json, "rss_peak_bytes", run, ZTT_METRIC_RSS);
	ztt_json_uint(json, "udp_drops", account->udp_drops);
	ztt_json_number(json, "busy",
			run->measured ? account->busy : (double)NAN);
	ztt_json_number(json, "steal",
			run->measured ? account->steal : (double)NAN);
	ztt_json_number(json, "other",
			run->measured ? account->other : (double)NAN);
	ztt_json_object(json, "parts");
	for (int i = 0; i < ZTT_PARTS; i++)
		write_part(json, ztt_part_names[i], &account->parts[i]);
	ztt_json_end_object(json);
	write_bottleneck(json, run);
	ztt_json_end_object(json);
}

void ztt_report_json(const struct ztt_report *report, struct ztt_json *json)
{
	ztt_json_object(json, NULL);
	ztt_json_string(json, "schema", ZTT_REPORT_SCHEMA);
	write_host(json, &report->host);
	write_engines(json, report);
	write_load(json, report->plan);
	ztt_json_array(json, "runs");
	for (size_t i = 0; i < report->run_count; i++)
		write_run(json, report, &report->runs[i]);
	ztt_json_end_array(json);
	ztt_report_json_summary(report, json);
	ztt_json_end_object(json);
}
