#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/commands.h"
#include "common/err.h"
#include "common/exit.h"
#include "common/json.h"
#include "common/save.h"
#include "common/table.h"
#include "ztt-capture/analysis/diff.h"
#include "ztt-capture/cmd.h"
#include "ztt-capture/report/diff_report.h"

#define NAME "diff"

struct settings {
	struct ztt_opt_common common;
	const char *json;
	uint64_t window_ns;
	double loss_most_percent;
	bool same_clock;
};

#define AT(field) offsetof(struct settings, field)

const struct ztt_opt ztt_diff_options[] = {
	{.name = "json",
	 .letter = 'j',
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "write the result as JSON too (\"-\": in place of the text)",
	 .offset = AT(json)},
	{.name = "same-clock",
	 .help = "both were captured on one host: the clocks do not differ",
	 .offset = AT(same_clock)},
	{.name = "window",
	 .letter = 'w',
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .preset = "10s",
	 .min = ZTT_NS_PER_MS,
	 .max = 3600 * ZTT_NS_PER_S,
	 .help = "how long a packet is waited for",
	 .offset = AT(window_ns)},
	{.name = "max-loss",
	 .type = ZTT_OPT_PERCENT,
	 .arg = "PERCENT",
	 .help = "exit with status 1 when a direction lost more",
	 .offset = AT(loss_most_percent)},
	ZTT_OPT_COMMON_ROWS(struct settings, common),
	{.name = NULL},
};

static const struct ztt_opt_help help = {
	.usage = "ztt-capture diff [options] A B",
	.purpose = "Compares two captures of the same traffic at two points: "
		   "exact loss, reordering\n"
		   "and delay in each direction, without keys.",
	.examples = "  ztt-capture diff connector.pcapng edge.pcapng",
};

struct job {
	const struct settings *settings;
	struct ztt_diff_files files;
};

static bool to_stdout(const struct settings *settings)
{
	return settings->json && strcmp(settings->json, "-") == 0;
}

static int show(const struct job *job, const struct ztt_diff *diff,
		int result_fd)
{
	const struct settings *settings = job->settings;
	bool color = !settings->common.no_color && ztt_color_wanted(stdout);
	char sentence[ZTT_DIFF_SENTENCE_LEN];
	struct ztt_json json;

	if (settings->json) {
		ztt_json_init(&json, true);
		ztt_diff_json(diff, job->files.paths, &json);
		ztt_cmd_put_json(result_fd, &json);
		ztt_json_release(&json);
	}
	if (settings->common.quiet && !to_stdout(settings))
		puts(ztt_diff_sentence(diff, sentence));
	else if (!to_stdout(settings))
		ztt_diff_text(diff, job->files.paths, color, stdout);
	return ztt_diff_exit(diff, settings->loss_most_percent >= 0
					   ? settings->loss_most_percent / 100
					   : -1);
}

static int work(void *arg, int result_fd)
{
	struct job *job = arg;
	const struct ztt_diff_plan plan = {
		.same_clock = job->settings->same_clock,
		.window_ns = job->settings->window_ns,
	};
	struct ztt_diff diff;
	struct ztt_err err;
	int rc = ztt_diff_run(&job->files, &plan, &diff, &err);

	if (rc < 0)
		return ztt_cmd_complain(NAME, -EIO, &err);
	rc = show(job, &diff, result_fd);
	ztt_diff_release(&diff);
	return rc;
}

int ztt_cmd_diff(int argc, char **argv)
{
	struct settings settings = {.loss_most_percent = -1};
	struct job job = {.settings = &settings};
	struct ztt_err err;
	int words, rc = 0, fd = -1;
	int status = ztt_command_options("ztt-capture", NAME, ztt_diff_options,
					 &help, &settings, &settings.common,
					 argc, argv, &words);

	if (status >= 0)
		return status;
	if (words != 2)
		rc = ztt_err_set(&err, -EINVAL, "two captures are expected");
	if (rc == 0 && settings.json)
		rc = ztt_save_check(settings.json, &err);
	if (rc == 0 && settings.json)
		rc = ztt_cmd_check_out(settings.json,
				       (const char *const *)argv + 1, 2, &err);
	if (rc == 0)
		rc = ztt_diff_open(argv[1], argv[2], &job.files, &err);
	if (rc < 0)
		return ztt_cmd_complain(NAME, rc, &err);
	status = ztt_cmd_confined(NAME, work, &job, &fd);
	if (settings.json && fd >= 0)
		status = ztt_cmd_save_json(NAME, settings.json, fd, status);
	if (fd >= 0)
		close(fd);
	ztt_diff_close(&job.files);
	return status;
}
