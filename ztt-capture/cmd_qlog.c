#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/commands.h"
#include "common/err.h"
#include "common/exit.h"
#include "ztt-capture/cmd.h"
#include "ztt-capture/reading.h"
#include "ztt-capture/report/qlog.h"

#define NAME "qlog"

struct settings {
	struct ztt_opt_common common;
	const char *keys, *write, *version, *connections;
};

#define AT(field) offsetof(struct settings, field)

const struct ztt_opt ztt_qlog_options[] = {
	{.name = "keys",
	 .letter = 'k',
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "NSS key log (SSLKEYLOGFILE) to decrypt with",
	 .offset = AT(keys)},
	{.name = "write",
	 .letter = 'w',
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .preset = "-",
	 .help = "the file to make (\"-\": standard output)",
	 .offset = AT(write)},
	{.name = "qlog-version",
	 .type = ZTT_OPT_CHOICE,
	 .arg = "VERSION",
	 .choices = "0.3|14",
	 .preset = "0.3",
	 .help = "0.3, which qvis opens, or draft 14 as JSON-SEQ",
	 .offset = AT(version)},
	{.name = "connection",
	 .letter = 'c',
	 .type = ZTT_OPT_STRING,
	 .arg = "N",
	 .help = "only these connections: 1,3-5",
	 .offset = AT(connections)},
	ZTT_OPT_COMMON_ROWS(struct settings, common),
	{.name = NULL},
};

static const struct ztt_opt_help help = {
	.usage = "ztt-capture qlog [options] FILE",
	.purpose = "Writes the QUIC connections of a capture as qlog.",
	.examples = "  ztt-capture qlog -k keys.txt -w trace.qlog trace.pcapng",
};

struct job {
	struct ztt_reading reading;
	struct ztt_qlog *qlog;
	FILE *out;
};

static int work(void *arg, int result_fd)
{
	struct job *job = arg;
	const struct ztt_capture *capture;
	struct ztt_err err;
	int rc = ztt_reading_run(&job->reading, &capture, &err);

	(void)result_fd;
	if (rc == 0)
		rc = ztt_qlog_finish(job->qlog, &err);
	if (rc == 0 && fflush(job->out) != 0)
		rc = ztt_err_set(&err, -errno, "cannot write the qlog: %s",
				 strerror(errno));
	if (rc < 0)
		return ztt_cmd_complain(NAME, -EIO, &err);
	return ztt_qlog_events(job->qlog) ? ZTT_EXIT_FINE : ZTT_EXIT_UNKNOWN;
}

static int open_out(const char *path, const char *in, FILE **ret_out,
		    struct ztt_err *err)
{
	if (strcmp(path, "-") == 0) {
		*ret_out = stdout;
		return 0;
	}
	if (ztt_cmd_check_out(path, &in, 1, err) < 0)
		return -EBUSY;
	*ret_out = fopen(path, "we");
	if (!*ret_out)
		return ztt_err_set(err, -EIO, "cannot write %s: %s", path,
				   strerror(errno));
	/* URLs and addresses of the traffic are in it. */
	fchmod(fileno(*ret_out), 0600);
	return 0;
}

static int open_job(const struct settings *settings, char *const *paths,
		    struct job *job, struct ztt_err *err)
{
	struct ztt_filter filter;
	struct ztt_qlog_plan qlog = {.filter = &filter, .of = paths[0]};
	struct ztt_reading_plan plan = {.paths = paths,
					.path_count = 1,
					.keys = settings->keys};
	int rc = ztt_filter_parse(settings->connections, NULL, NULL, NULL,
				  &filter, err);

	if (rc == 0)
		rc = ztt_qlog_version_parse(settings->version, &qlog.version,
					    err);
	if (rc == 0)
		rc = open_out(settings->write, paths[0], &job->out, err);
	if (rc < 0)
		return rc;
	qlog.out = job->out;
	rc = ztt_qlog_new(&qlog, &job->qlog, err);
	plan.observer.packet = ztt_qlog_packet;
	plan.observer.owner = job->qlog;
	return rc < 0 ? rc : ztt_reading_open(&job->reading, &plan, err);
}

int ztt_cmd_qlog(int argc, char **argv)
{
	struct settings settings = {0};
	struct job job = {.out = NULL};
	struct ztt_err err;
	int words, rc, fd = -1;
	int status = ztt_command_options("ztt-capture", NAME, ztt_qlog_options,
					 &help, &settings, &settings.common,
					 argc, argv, &words);

	if (status >= 0)
		return status;
	if (words != 1)
		rc = ztt_err_set(&err, -EINVAL, "one capture is expected");
	else
		rc = open_job(&settings, argv + 1, &job, &err);
	status = rc < 0 ? ztt_cmd_complain(NAME, rc, &err)
			: ztt_cmd_confined(NAME, work, &job, &fd);
	if (fd >= 0)
		close(fd);
	ztt_reading_release(&job.reading);
	ztt_qlog_free(job.qlog);
	if (job.out && job.out != stdout)
		fclose(job.out);
	return status;
}
