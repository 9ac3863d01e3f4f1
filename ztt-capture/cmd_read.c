#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/commands.h"
#include "common/err.h"
#include "common/exit.h"
#include "common/table.h"
#include "ztt-capture/cmd.h"
#include "ztt-capture/reading.h"
#include "ztt-capture/report/lines.h"

#define NAME "read"

struct settings {
	struct ztt_opt_common common;
	const char *keys, *connections, *from, *types, *frames;
	bool tree;
};

#define AT(field) offsetof(struct settings, field)

const struct ztt_opt ztt_read_options[] = {
	{.name = "keys",
	 .letter = 'k',
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "NSS key log (SSLKEYLOGFILE) to decrypt with",
	 .offset = AT(keys)},
	{.name = "tree",
	 .letter = 'V',
	 .help = "every field of every packet",
	 .offset = AT(tree)},
	{.name = "connection",
	 .letter = 'c',
	 .type = ZTT_OPT_STRING,
	 .arg = "N",
	 .help = "only these connections: 1,3-5",
	 .offset = AT(connections)},
	{.name = "from",
	 .type = ZTT_OPT_CHOICE,
	 .arg = "SIDE",
	 .choices = "client|server|both",
	 .preset = "both",
	 .help = "only what this side sent",
	 .offset = AT(from)},
	{.name = "type",
	 .letter = 't',
	 .type = ZTT_OPT_STRING,
	 .arg = "TYPES",
	 .help = "only these: initial,handshake,1rtt,retry,wg-data,tcp,...",
	 .offset = AT(types)},
	{.name = "frame",
	 .letter = 'f',
	 .type = ZTT_OPT_STRING,
	 .arg = "FRAMES",
	 .help = "only packets with such a frame: STREAM,ACK,...",
	 .offset = AT(frames)},
	{.name = "quiet",
	 .letter = 'q',
	 .help = "print nothing but the packets",
	 .offset = AT(common.quiet)},
	{.name = "no-color",
	 .help = "print without colours",
	 .offset = AT(common.no_color)},
	{.name = "help",
	 .letter = 'h',
	 .help = "print this help and end",
	 .offset = AT(common.help)},
	{.name = NULL},
};

static const struct ztt_opt_help help = {
	.usage = "ztt-capture read [options] FILE...",
	.purpose =
		"Prints one line for each packet of captures (\"-\": standard "
		"input).",
	.examples =
		"  ztt-capture read trace.pcapng\n"
		"  ztt-capture read -k keys.txt --frame STREAM --from client "
		"trace.pcapng\n"
		"  ztt-capture read -V -c 1 -t initial trace.pcapng",
};

struct job {
	struct ztt_reading reading;
	struct ztt_lines *lines;
	bool by_frame, quiet;
};

/* What the frames of these are nobody can say. */
static uint64_t not_opened(const struct job *job,
			   const struct ztt_capture *capture)
{
	return job->by_frame ? capture->undecoded_by[ZTT_WHY_NO_KEYS] : 0;
}

static void tell(const struct job *job, const struct ztt_capture *capture)
{
	if (job->quiet)
		return;
	if (capture->source.problem[0])
		fprintf(stderr, "ztt-capture " NAME ": %s\n",
			capture->source.problem);
	if (capture->undecoded)
		fprintf(stderr,
			"ztt-capture " NAME
			": %llu packets could not be decoded; ztt-capture "
			"report says why\n",
			(unsigned long long)capture->undecoded);
	if (not_opened(job, capture))
		fprintf(stderr,
			"ztt-capture " NAME
			": %llu packets have no key: their frames are not "
			"known\n",
			(unsigned long long)not_opened(job, capture));
}

static bool is_answer(const struct job *job, const struct ztt_capture *capture)
{
	return ztt_lines_shown(job->lines) ||
	       (ztt_lines_seen(job->lines) && !not_opened(job, capture));
}

static int work(void *arg, int result_fd)
{
	struct job *job = arg;
	const struct ztt_capture *capture;
	struct ztt_err err;
	int rc = ztt_reading_run(&job->reading, &capture, &err);
	int written = ztt_lines_finish(job->lines);

	(void)result_fd;
	tell(job, capture);
	if (rc < 0)
		return ztt_cmd_complain(NAME, -EIO, &err);
	if (written < 0 && written != -EPIPE) {
		ztt_err_set(&err, written,
			    "cannot write the standard output: %s",
			    strerror(-written));
		return ztt_cmd_complain(NAME, -EIO, &err);
	}
	return is_answer(job, capture) ? ZTT_EXIT_FINE : ZTT_EXIT_UNKNOWN;
}

static int open_job(const struct settings *settings, char *const *paths,
		    int path_count, struct job *job, struct ztt_err *err)
{
	struct ztt_filter filter;
	const struct ztt_lines_plan lines = {
		.out = stdout,
		.filter = &filter,
		.tree = settings->tree,
		.color = !settings->common.no_color && ztt_color_wanted(stdout),
		.at_once = isatty(STDOUT_FILENO),
	};
	struct ztt_reading_plan plan = {
		.paths = paths,
		.path_count = (size_t)path_count,
		.keys = settings->keys,
	};
	int rc = ztt_filter_parse(settings->connections, settings->from,
				  settings->types, settings->frames, &filter,
				  err);

	if (rc < 0)
		return rc;
	job->quiet = settings->common.quiet;
	job->by_frame = settings->frames != NULL;
	job->lines = ztt_lines_new(&lines);
	plan.observer.packet = ztt_lines_packet;
	plan.observer.owner = job->lines;
	return ztt_reading_open(&job->reading, &plan, err);
}

int ztt_cmd_read(int argc, char **argv)
{
	struct settings settings = {0};
	struct job job = {.lines = NULL};
	struct ztt_err err;
	int words, rc, fd = -1;
	int status = ztt_command_options("ztt-capture", NAME, ztt_read_options,
					 &help, &settings, &settings.common,
					 argc, argv, &words);

	if (status >= 0)
		return status;
	if (words < 1)
		rc = ztt_err_set(&err, -EINVAL,
				 "no capture: ztt-capture read FILE...");
	else
		rc = open_job(&settings, argv + 1, words, &job, &err);
	status = rc < 0 ? ztt_cmd_complain(NAME, rc, &err)
			: ztt_cmd_confined(NAME, work, &job, &fd);
	if (fd >= 0)
		close(fd);
	ztt_reading_release(&job.reading);
	ztt_lines_free(job.lines);
	return status;
}
