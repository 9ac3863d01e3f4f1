#define _GNU_SOURCE
#include "ztt-bench/cmd_run.h"
#include "ztt-bench/isolate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/save.h"
#include "common/signals.h"
#include "common/table.h"
#include "ztt-bench/parts/part.h"
#include "ztt-bench/report/report.h"
#include "ztt-bench/report/summary.h"
#include "ztt-bench/run_options.h"

#define FLOOR_NS (3 * ZTT_NS_PER_S)

/* All that one call of the subcommand has. */
struct bench {
	struct ztt_run_settings settings;
	struct ztt_run_origin origin;
	struct ztt_run_plan plan;
	struct ztt_engine_found found[ZTT_ENGINES_MAX];
	struct ztt_run_result *runs;
	struct ztt_report report;
};

static int complain(const struct ztt_err *err, int status)
{
	fprintf(stderr, "ztt-bench run: %s\n", err->text);
	return status;
}

static void list_engines(const struct ztt_run_settings *settings)
{
	struct ztt_engine_found found;
	struct ztt_err err;

	for (const struct ztt_engine *const *at = ztt_engines; *at; at++) {
		int rc = (*at)->find(settings->engine_path, &found, &err);

		if (rc == 0)
			printf("%-12s can run here%s%s\n", (*at)->name,
			       found.version[0] ? ": " : "", found.version);
		else
			printf("%-12s cannot run here: %s\n", (*at)->name,
			       rc == -ENOENT && !settings->engine_path
				       ? "not in PATH; --engine-path names it"
				       : err.text);
		printf("  %s\n  needs %s\n", (*at)->what, (*at)->needs);
	}
}

static int choose_engines(struct bench *bench, struct ztt_err *err)
{
	const struct ztt_run_settings *settings = &bench->settings;
	const struct ztt_engine *engines[ZTT_ENGINES_MAX];
	struct ztt_report *report = &bench->report;
	const char *why = NULL;
	int rc = ztt_engines_choose(settings->engine, settings->engine_path,
				    engines, bench->found,
				    &report->engine_count, &why, err);

	if (rc < 0)
		return rc;
	if (why && !settings->common.quiet)
		fprintf(stderr, "%s\n", why);
	for (size_t i = 0; i < report->engine_count; i++) {
		report->engines[i].engine = engines[i];
		memcpy(report->engines[i].version, bench->found[i].version,
		       sizeof(report->engines[i].version));
	}
	return 0;
}

/* What the program says of itself is what it is called elsewhere. */
static void note_engine(struct ztt_report_engine *engine,
			const struct ztt_run_result *run)
{
	if (!engine->version[0])
		memcpy(engine->version, run->version, sizeof(engine->version));
	if (run->cipher[0])
		memcpy(engine->cipher, run->cipher, sizeof(engine->cipher));
}

static int run_one(struct bench *bench, size_t round, size_t engine)
{
	struct ztt_report *report = &bench->report;
	struct ztt_run_result *run = &bench->runs[report->run_count];
	const struct ztt_engine *at = report->engines[engine].engine;
	char title[80];
	int rc;

	snprintf(title, sizeof(title), "run %zu of %zu, %s",
		 report->run_count + 1, report->rounds * report->engine_count,
		 at->name);
	rc = ztt_run(&bench->plan, at, &bench->found[engine], title, run);
	run->engine = engine;
	run->round = round;
	report->run_count++;
	note_engine(&report->engines[engine], run);
	return rc;
}

/* Every second round backwards, so that what drifts with time, such as the
 * clock of a warm CPU, meets each engine alike. Stops at a run that could not
 * be measured: the next would fare no better. */
static void run_all(struct bench *bench)
{
	struct ztt_report *report = &bench->report;
	size_t count = report->engine_count;

	for (size_t round = 0; round < report->rounds; round++)
		for (size_t i = 0; i < count; i++)
			if (run_one(bench, round,
				    round % 2 ? count - 1 - i : i) < 0)
				return;
}

static bool wants_floor(const struct bench *bench)
{
	for (size_t i = 0; i < bench->report.run_count; i++) {
		const struct ztt_run_result *run = &bench->runs[i];

		if (run->valid && ztt_summary_is_bulk(run) &&
		    run->account.parts[ZTT_PART_ENGINE].present)
			return !bench->settings.no_floor;
	}
	return false;
}

static void measure_floor(struct bench *bench)
{
	struct ztt_report_floor *floor = &bench->report.floor;
	struct ztt_err why;

	floor->down = floor->up = (double)NAN;
	if (!wants_floor(bench))
		return;
	if (bench->plan.progress)
		ztt_progress(bench->plan.progress,
			     "measuring this host's floor");
	if (ztt_floor_measure(FLOOR_NS / ztt_floor_measure_count(), floor->rows,
			      ZTT_FLOOR_ROWS_MAX, &floor->count, &why) == 0) {
		ztt_floor_path(floor->rows, floor->count, &floor->down,
			       &floor->up, &why);
		floor->measured = true;
	}
	if (bench->plan.progress)
		ztt_progress(bench->plan.progress, "%s", "");
}

static int save_json(const struct bench *bench, struct ztt_err *err)
{
	const char *text;
	struct ztt_json json;
	size_t len;
	int rc;

	ztt_json_init(&json, true);
	ztt_report_json(&bench->report, &json);
	text = ztt_json_text(&json, &len);
	rc = ztt_save(bench->settings.json, text, len, err);
	ztt_json_release(&json);
	return rc;
}

/* A run that was measured and is invalid has its reason in the text too. */
static void print_failures(const struct ztt_report *report, bool text_shown)
{
	for (size_t i = 0; i < report->run_count; i++) {
		const struct ztt_run_result *run = &report->runs[i];

		if (!run->valid && !(text_shown && run->measured))
			complain(&run->invalid, 0);
		if (run->log[0])
			fprintf(stderr, "last log lines:\n%s", run->log);
	}
}

static int show(const struct bench *bench)
{
	const struct ztt_run_settings *settings = &bench->settings;
	const struct ztt_report *report = &bench->report;
	bool to_stdout = settings->json && strcmp(settings->json, "-") == 0;
	bool color = !settings->common.no_color && ztt_color_wanted(stdout);
	bool any = false;
	struct ztt_err err;

	for (size_t i = 0; i < report->run_count; i++)
		any |= report->runs[i].measured;
	if (any && !to_stdout && !settings->common.quiet)
		ztt_report_text(report, color, stdout);
	if (settings->json && save_json(bench, &err) < 0)
		return complain(&err, ZTT_EXIT_UNKNOWN);
	print_failures(report, any && !to_stdout);
	if (any && !to_stdout)
		ztt_report_verdict(report, stdout);
	if (fflush(stdout) != 0) {
		ztt_err_set(&err, -errno,
			    "cannot write the standard output: "
			    "%s",
			    strerror(errno));
		return complain(&err, ZTT_EXIT_UNKNOWN);
	}
	return ztt_report_is_valid(report) ? ZTT_EXIT_FINE : ZTT_EXIT_UNKNOWN;
}

/* Where a namespace is not permitted the run goes on, and says so. */
static void isolate(struct bench *bench)
{
	const struct ztt_run_settings *settings = &bench->settings;
	struct ztt_err err;

	if (settings->host_network || settings->origin)
		return;
	if (ztt_isolate(&err) == 0)
		bench->report.host.isolated = true;
	else if (!settings->common.quiet)
		fprintf(stderr, "network: this host's, for %s\n", err.text);
}

static int prepare(struct bench *bench, struct ztt_err *err)
{
	const struct ztt_run_settings *settings = &bench->settings;
	int rc = ztt_run_plan_make(settings, &bench->origin, &bench->plan, err);

	if (rc == 0)
		rc = choose_engines(bench, err);
	if (rc == -EINVAL)
		return rc;
	if (rc == 0 && settings->json)
		rc = ztt_save_check(settings->json, err);
	if (rc == 0)
		rc = bench->plan.signal_fd = ztt_signals_open(err);
	if (rc < 0)
		return rc == -EINVAL ? -EIO : rc;
	bench->plan.progress = settings->common.quiet ? NULL : stderr;
	bench->plan.details = settings->common.verbose ? stderr : NULL;
	bench->report.plan = &bench->plan;
	bench->report.rounds = settings->repeat;
	bench->runs = ztt_calloc(settings->repeat * bench->report.engine_count,
				 sizeof(*bench->runs));
	bench->report.runs = bench->runs;
	ztt_host_read(&bench->report.host);
	isolate(bench);
	return 0;
}

static int measure(struct bench *bench)
{
	struct ztt_err err;
	int rc = prepare(bench, &err);

	if (rc < 0)
		return complain(&err, rc == -EINVAL ? ZTT_EXIT_USAGE
						    : ZTT_EXIT_UNKNOWN);
	run_all(bench);
	measure_floor(bench);
	rc = show(bench);
	close(bench->plan.signal_fd);
	free(bench->runs);
	return rc;
}

int ztt_cmd_run(int argc, char **argv)
{
	struct bench *bench = ztt_calloc(1, sizeof(*bench));
	int status = ztt_part_options("run", ztt_run_options, &ztt_run_help,
				      &bench->settings, &bench->settings.common,
				      argc, argv);

	if (status < 0 && bench->settings.list) {
		list_engines(&bench->settings);
		status = ZTT_EXIT_FINE;
	}
	if (status < 0)
		status = measure(bench);
	free(bench);
	return status;
}
