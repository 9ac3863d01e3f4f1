#define _GNU_SOURCE
#include "ztt-bench/parts/load/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/save.h"
#include "common/table.h"
#include "ztt-bench/control.h"
#include "ztt-bench/parts/load/measure.h"
#include "ztt-bench/parts/load/plan.h"
#include "ztt-bench/parts/load/report.h"
#include "ztt-bench/parts/load/result.h"
#include "ztt-bench/parts/part.h"

#define EXIT_PROBLEM 1
#define DAY_NS (86400 * ZTT_NS_PER_S)
#define HOUR_NS (3600 * ZTT_NS_PER_S)
#define AT(member) offsetof(struct ztt_load_settings, member)

const struct ztt_opt ztt_load_options[] = {
	{.name = "target",
	 .type = ZTT_OPT_STRING,
	 .arg = "HOST:PORT",
	 .help = "where to connect, in place of a URL",
	 .offset = AT(target)},
	{.name = "host",
	 .type = ZTT_OPT_STRING,
	 .arg = "NAME",
	 .preset = "bench.ztt.internal",
	 .help = "the Host header",
	 .offset = AT(host)},
	{.name = "streams",
	 .letter = 's',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .preset = "8",
	 .help = "connections, each with one request at a time",
	 .offset = AT(streams),
	 .min = 1,
	 .max = ZTT_LOAD_STREAMS_MAX},
	{.name = "threads",
	 .letter = 't',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .preset = "1",
	 .help = "threads that share the streams",
	 .offset = AT(threads),
	 .min = 1,
	 .max = ZTT_LOAD_THREADS_MAX},
	{.name = "size",
	 .type = ZTT_OPT_SIZE,
	 .arg = "SIZE",
	 .help = "bytes of every body (default 100M)",
	 .offset = AT(size_bytes),
	 .min = 1,
	 .max = UINT64_C(1) << 40},
	{.name = "mix",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "sizes in proportions, in place of --size: lines such as "
		 "\"70 1KiB\", weight and size",
	 .offset = AT(mix)},
	{.name = "direction",
	 .letter = 'd',
	 .type = ZTT_OPT_CHOICE,
	 .arg = "WAY",
	 .preset = "down",
	 .choices = "down|up|both",
	 .help = "where the bodies go; both: every second stream sends up",
	 .offset = AT(direction)},
	{.name = "path",
	 .type = ZTT_OPT_STRING,
	 .arg = "PATH",
	 .help = "ask for this, as it is, of an origin of your own",
	 .offset = AT(path)},
	{.name = "rate",
	 .letter = 'r',
	 .type = ZTT_OPT_RATE,
	 .arg = "RATE",
	 .help = "requests per second, due on a schedule whatever became of "
		 "the ones before; latency counts from when they were due "
		 "(default: each stream asks as soon as it is answered)",
	 .offset = AT(rate_per_s)},
	{.name = "duration",
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .help = "how long to measure (default 5s)",
	 .offset = AT(duration_ns),
	 .min = ZTT_NS_PER_MS,
	 .max = DAY_NS},
	{.name = "requests",
	 .letter = 'n',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .help = "how many requests to measure, in place of --duration",
	 .offset = AT(requests),
	 .min = 1,
	 .max = UINT64_C(1000000000000)},
	{.name = "warmup",
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .preset = "1s",
	 .help = "load before measuring",
	 .offset = AT(warmup_ns),
	 .max = HOUR_NS},
	{.name = "timeout",
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .preset = "10s",
	 .help = "fail a request in which no byte moves for "
		 "this long",
	 .offset = AT(timeout_ns),
	 .min = ZTT_NS_PER_MS,
	 .max = HOUR_NS},
	{.name = "json",
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "write the result as JSON; - for standard output, in place "
		 "of the text",
	 .offset = AT(json)},
	{.name = "control",
	 .type = ZTT_OPT_UINT,
	 .arg = "FD",
	 .help = "socket of the run that started this",
	 .offset = AT(control),
	 .min = 3,
	 .max = 65535,
	 .hidden = true},
	ZTT_OPT_COMMON_ROWS(struct ztt_load_settings, common),
	{.name = NULL},
};

static const struct ztt_opt_help help = {
	.usage = "ztt-bench load [options] URL",
	.purpose = "Loads an HTTP/1.1 server, the edge's front or an origin, "
		   "and measures goodput and latency. Without --path it asks "
		   "for /blob and /sink, which ztt-bench origin serves.",
	.examples = "ztt-bench load http://127.0.0.1:8081 --size 100M\n"
		    "ztt-bench load http://127.0.0.1:8081 --size 1KiB "
		    "--streams 64 --rate 5k\n"
		    "ztt-bench load http://127.0.0.1:8080/index.html",
};

static int write_json(const struct ztt_load_plan *plan,
		      const struct ztt_load_result *result, const char *path,
		      struct ztt_err *err)
{
	const char *text;
	struct ztt_json json;
	size_t len;
	int rc;

	ztt_json_init(&json, true);
	ztt_load_report_json(plan, result, &json);
	text = ztt_json_text(&json, &len);
	rc = ztt_save(path, text, len, err);
	ztt_json_release(&json);
	return rc;
}

static int show(const struct ztt_load_settings *settings,
		const struct ztt_load_plan *plan,
		const struct ztt_load_result *result, struct ztt_err *err)
{
	bool color = !settings->common.no_color && ztt_color_wanted(stdout);
	int rc = 0;

	if (settings->json)
		rc = write_json(plan, result, settings->json, err);
	if (!settings->json || strcmp(settings->json, "-") != 0)
		ztt_load_report(plan, result, color, stdout);
	if (fflush(stdout) != 0 && rc == 0)
		rc = ztt_err_set(err, -errno,
				 "cannot write the standard "
				 "output: %s",
				 strerror(errno));
	return rc;
}

static int status_of(const struct ztt_load_plan *plan,
		     const struct ztt_load_result *result)
{
	if (!result->requests && !result->bytes_down && !result->bytes_up)
		return ZTT_EXIT_UNKNOWN;
	return ztt_load_result_errors(result) ||
			       ztt_load_result_is_behind(result, plan->streams)
		       ? EXIT_PROBLEM
		       : 0;
}

/* Returns the exit status, or a negative errno value. */
static int load(const struct ztt_load_settings *settings,
		const struct ztt_load_plan *plan, struct ztt_err *err)
{
	int control_fd =
		settings->control ? (int)settings->control : ZTT_CONTROL_NONE;
	struct ztt_load_result result;
	int rc = 0;

	if (settings->json)
		rc = ztt_save_check(settings->json, err);
	if (rc < 0)
		return rc;
	ztt_load_result_init(&result);
	rc = ztt_load_measure(plan, control_fd, !settings->common.quiet,
			      &result, err);
	if (rc == 0 && control_fd == ZTT_CONTROL_NONE) {
		rc = show(settings, plan, &result, err);
		rc = rc == 0 ? status_of(plan, &result) : rc;
	}
	ztt_load_result_release(&result);
	return rc;
}

int ztt_cmd_load(int argc, char **argv)
{
	struct ztt_load_settings settings = {0};
	struct ztt_load_plan plan;
	struct ztt_err err = {""};
	int operands = 0, status = ZTT_EXIT_USAGE, rc;

	rc = ztt_opt_parse(ztt_load_options, &settings, argc, argv, &operands,
			   &err);
	if (rc == 0 && settings.common.help) {
		ztt_opt_help(ztt_load_options, &help, stdout);
		return 0;
	}
	if (rc == 0 && operands > 1)
		rc = ztt_err_set(&err, -EINVAL, "one URL is enough, not %d",
				 operands);
	if (rc == 0)
		rc = ztt_load_plan_make(&settings, operands ? argv[1] : NULL,
					&plan, &err);
	if (rc == 0) {
		rc = load(&settings, &plan, &err);
		status = rc < 0 ? ZTT_EXIT_UNKNOWN : rc;
	}
	if (rc < 0)
		fprintf(stderr, "ztt-bench load: %s\n", err.text);
	return status;
}
