#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/commands.h"
#include "common/err.h"
#include "common/exit.h"
#include "common/json.h"
#include "common/save.h"
#include "common/table.h"
#include "ztt-capture/cmd.h"
#include "ztt-capture/listening.h"
#include "ztt-capture/live_report.h"
#include "ztt-capture/reading.h"
#include "ztt-capture/report/attribution_report.h"
#include "ztt-capture/report/report.h"

#define NAME "report"
#define PID_MAX (1 << 22) /* proc(5), pid_max */
#define DAY_NS (UINT64_C(86400) * ZTT_NS_PER_S)

struct settings {
	struct ztt_opt_common common;
	const char *keys, *json;
	double loss_most_percent;
	const char *interface, *metrics;
	uint64_t duration_ns, pid;
};

#define AT(field) offsetof(struct settings, field)

const struct ztt_opt ztt_report_options[] = {
	{.name = "keys",
	 .letter = 'k',
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "NSS key log (SSLKEYLOGFILE) to decrypt with",
	 .offset = AT(keys)},
	{.name = "json",
	 .letter = 'j',
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "write the result as JSON too (\"-\": in place of the text)",
	 .offset = AT(json)},
	{.name = "max-loss",
	 .type = ZTT_OPT_PERCENT,
	 .arg = "PERCENT",
	 .help = "exit with status 1 when a direction lost more",
	 .offset = AT(loss_most_percent)},
	{.name = "interface",
	 .letter = 'i',
	 .type = ZTT_OPT_STRING,
	 .arg = "NAME",
	 .help = "listen to this interface, or any, in place of files",
	 .offset = AT(interface)},
	{.name = "duration",
	 .letter = 'd',
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .max = 30 * DAY_NS,
	 .help = "listen for so long (default: until it is interrupted)",
	 .offset = AT(duration_ns)},
	{.name = "live",
	 .type = ZTT_OPT_UINT,
	 .arg = "PID",
	 .min = 1,
	 .max = PID_MAX,
	 .help = "say where packets of this process were lost",
	 .offset = AT(pid)},
	{.name = "metrics",
	 .type = ZTT_OPT_STRING,
	 .arg = "URL",
	 .help = "join with what cloudflared counts: "
		 "http://127.0.0.1:20241/metrics",
	 .offset = AT(metrics)},
	ZTT_OPT_COMMON_ROWS(struct settings, common),
	{.name = NULL},
};

static const struct ztt_opt_help help = {
	.usage = "ztt-capture report [options] FILE...\n"
		 "       ztt-capture report -i NAME [options] [FILTER]",
	.purpose =
		"Says of each connection in captures what was sent, lost and "
		"delayed, and how\n"
		"far that can be known.",
	.examples = "  ztt-capture report trace.pcapng\n"
		    "  ztt-capture report -k keys.txt --json - trace.pcapng\n"
		    "  ztt-capture report -i eth0 --duration 30s --live "
		    "$(pidof cloudflared)",
};

struct job {
	const struct settings *settings;
	struct ztt_reading reading;
	struct ztt_live_report *live; /* or NULL */
	const char *of;
	bool loss_given;
};

static bool to_stdout(const struct settings *settings)
{
	return settings->json && strcmp(settings->json, "-") == 0;
}

static void write_json(const struct job *job, const struct ztt_capture *capture,
		       int result_fd)
{
	struct ztt_json json;

	ztt_json_init(&json, true);
	ztt_capture_json(capture, job->of, &json);
	ztt_cmd_put_json(result_fd, &json);
	ztt_json_release(&json);
}

static void write_text(const struct settings *settings,
		       const struct ztt_capture *capture)
{
	bool color = !settings->common.no_color && ztt_color_wanted(stdout);

	ztt_capture_text(capture, color, settings->common.verbose, stdout);
	if (capture->attribution)
		ztt_attribution_text(capture->attribution, color, stdout);
}

static int work(void *arg, int result_fd)
{
	struct job *job = arg;
	const struct settings *settings = job->settings;
	const struct ztt_capture *capture;
	char sentence[ZTT_CAPTURE_SENTENCE_LEN];
	struct ztt_err err;
	int rc = job->live ? ztt_live_report_run(job->live, &capture, &err)
			   : ztt_reading_run(&job->reading, &capture, &err);

	if (rc < 0)
		return ztt_cmd_complain(NAME, -EIO, &err);
	if (settings->json)
		write_json(job, capture, result_fd);
	if (settings->common.quiet && !to_stdout(settings))
		puts(ztt_capture_sentence(capture, sentence));
	else if (!to_stdout(settings))
		write_text(settings, capture);
	if (fflush(stdout) != 0) {
		ztt_err_set(&err, -errno,
			    "cannot write the standard output: %s",
			    strerror(errno));
		return ztt_cmd_complain(NAME, -EIO, &err);
	}
	return ztt_capture_exit(capture,
				job->loss_given
					? settings->loss_most_percent / 100
					: -1);
}

static int report(struct job *job, char *const *paths, int path_count)
{
	const struct settings *settings = job->settings;
	const struct ztt_reading_plan plan = {.paths = paths,
					      .path_count = (size_t)path_count,
					      .keys = settings->keys};
	int rc = 0, status, fd = -1;
	struct ztt_err err;

	if (settings->json)
		rc = ztt_save_check(settings->json, &err);
	if (rc == 0 && settings->json)
		rc = ztt_cmd_check_out(settings->json,
				       (const char *const *)paths,
				       (size_t)path_count, &err);
	if (rc == 0)
		rc = ztt_reading_open(&job->reading, &plan, &err);
	if (rc < 0)
		return ztt_cmd_complain(NAME, rc == -EINVAL ? rc : -EIO, &err);
	status = ztt_cmd_confined(NAME, work, job, &fd);
	if (settings->json && fd >= 0)
		status = ztt_cmd_save_json(NAME, settings->json, fd, status);
	if (fd >= 0)
		close(fd);
	return status;
}

/* In this process, as what it listens to stays open. */
static int listen_and_report(struct job *job)
{
	const struct settings *settings = job->settings;
	int fd = memfd_create("result", MFD_CLOEXEC);
	struct ztt_err err;
	int status;

	if (fd < 0) {
		ztt_err_set(&err, -errno, "no memory for the result: %s",
			    strerror(errno));
		return ztt_cmd_complain(NAME, -EIO, &err);
	}
	status = work(job, fd);
	if (settings->json)
		status = ztt_cmd_save_json(NAME, settings->json, fd, status);
	close(fd);
	return status;
}

static int report_live(struct job *job, char *const *words, int count)
{
	const struct settings *settings = job->settings;
	char filter[ZTT_LISTENING_FILTER_MAX];
	const struct ztt_live_report_plan plan = {
		.interface = settings->interface,
		.filter = filter,
		.keys = settings->keys,
		.duration_ns = settings->duration_ns,
		.pid = (pid_t)settings->pid,
		.metrics = settings->metrics,
		.quiet = settings->common.quiet,
	};
	struct ztt_err err;
	int rc = ztt_listening_filter(words, count, filter, &err);
	int status;

	if (rc == 0 && settings->json)
		rc = ztt_save_check(settings->json, &err);
	if (rc == 0)
		rc = ztt_live_report_open(&plan, &job->live, &err);
	if (rc < 0)
		return ztt_cmd_complain(NAME, rc, &err);
	status = listen_and_report(job);
	ztt_live_report_free(job->live);
	return status;
}

static int check(const struct settings *settings, int words,
		 struct ztt_err *err)
{
	if (!settings->interface &&
	    (settings->duration_ns || settings->pid || settings->metrics))
		return ztt_err_set(
			err, -EINVAL,
			"--duration, --live and --metrics go with an "
			"interface to listen to: -i NAME");
	if (!settings->interface && words < 1)
		return ztt_err_set(err, -EINVAL,
				   "no capture: ztt-capture report FILE...");
	return 0;
}

int ztt_cmd_report(int argc, char **argv)
{
	struct settings settings = {.loss_most_percent = -1};
	struct job job = {.settings = &settings};
	struct ztt_err err;
	int words;
	int status = ztt_command_options("ztt-capture", NAME,
					 ztt_report_options, &help, &settings,
					 &settings.common, argc, argv, &words);

	if (status >= 0)
		return status;
	if (check(&settings, words, &err) < 0)
		return ztt_cmd_complain(NAME, -EINVAL, &err);
	job.loss_given = settings.loss_most_percent >= 0;
	if (settings.interface) {
		job.of = settings.interface;
		return report_live(&job, argv + 1, words);
	}
	job.of = words == 1 ? argv[1] : "several captures";
	job.loss_given = settings.loss_most_percent >= 0;
	status = report(&job, argv + 1, words);
	ztt_reading_release(&job.reading);
	return status;
}
