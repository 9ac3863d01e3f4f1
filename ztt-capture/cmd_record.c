#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/commands.h"
#include "common/err.h"
#include "common/exit.h"
#include "common/signals.h"
#include "common/table.h"
#include "common/units.h"
#include "ztt-capture/cmd.h"
#include "ztt-capture/listening.h"
#include "ztt-capture/privileges.h"
#include "ztt-capture/recorder.h"
#include "ztt-capture/source/live.h"

#define NAME "record"
#define ASK_NS (10 * ZTT_NS_PER_MS)
#define DAY_NS (UINT64_C(86400) * ZTT_NS_PER_S)

struct settings {
	struct ztt_opt_common common;
	const char *interface, *write;
	uint64_t duration_ns, count, file_bytes, file_ns, files;
	uint64_t snap_bytes, buffer_bytes;
	bool whole, promiscuous;
};

#define AT(field) offsetof(struct settings, field)

const struct ztt_opt ztt_record_options[] = {
	{.name = "interface",
	 .letter = 'i',
	 .type = ZTT_OPT_STRING,
	 .arg = "NAME",
	 .preset = "any",
	 .help = "the interface, or any",
	 .offset = AT(interface)},
	{.name = "write",
	 .letter = 'w',
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "the pcapng file (\"-\": standard output; default: tunnel-TIME"
		 ".pcapng)",
	 .offset = AT(write)},
	{.name = "duration",
	 .letter = 'd',
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .max = 30 * DAY_NS,
	 .help = "stop after so long (default: when it is interrupted)",
	 .offset = AT(duration_ns)},
	{.name = "count",
	 .letter = 'c',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .help = "stop after so many frames",
	 .offset = AT(count)},
	{.name = "file-size",
	 .type = ZTT_OPT_SIZE,
	 .arg = "SIZE",
	 .min = 65536,
	 .help = "a new file past this size",
	 .offset = AT(file_bytes)},
	{.name = "file-duration",
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .min = ZTT_NS_PER_S,
	 .help = "a new file after so long",
	 .offset = AT(file_ns)},
	{.name = "files",
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .max = 99999,
	 .help = "keep the newest N files",
	 .offset = AT(files)},
	{.name = "snap-length",
	 .letter = 's',
	 .type = ZTT_OPT_SIZE,
	 .arg = "SIZE",
	 .max = 65535,
	 .help = "bytes of each packet to keep (default: all)",
	 .offset = AT(snap_bytes)},
	{.name = "buffer",
	 .letter = 'B',
	 .type = ZTT_OPT_SIZE,
	 .arg = "SIZE",
	 .preset = "16MiB",
	 .min = 1 << 20,
	 .max = 1 << 30,
	 .help = "the kernel's buffer",
	 .offset = AT(buffer_bytes)},
	{.name = "whole",
	 .help = "do not split super-datagrams (GSO, GRO)",
	 .offset = AT(whole)},
	{.name = "promiscuous",
	 .letter = 'p',
	 .help = "also what is for other hosts",
	 .offset = AT(promiscuous)},
	ZTT_OPT_COMMON_ROWS(struct settings, common),
	{.name = NULL},
};

static const struct ztt_opt_help help = {
	.usage = "ztt-capture record [options] [FILTER]",
	.purpose =
		"Records tunnel traffic as pcapng; super-datagrams are split "
		"into the packets\n"
		"that they stand for. FILTER as pcap-filter(7); without one: "
		"\n" ZTT_LISTENING_FILTER ".",
	.examples = "  ztt-capture record -w trace.pcapng\n"
		    "  ztt-capture record -i eth0 --file-size 100M --files 10 "
		    "-w ring.pcapng\n"
		    "  ztt-capture record -w - | ztt-capture read -",
};

struct recording {
	const struct settings *settings;
	struct ztt_live *live;
	struct ztt_recorder *recorder;
	uint64_t begun_ns, told_ns, asked_ns;
	int signal_fd;
};

static bool is_full(const struct recording *recording)
{
	const uint64_t count = recording->settings->count;
	struct ztt_recorder_figures figures;

	ztt_recorder_figures(recording->recorder, &figures);
	return count && figures.frames >= count;
}

/* The kernel is asked for signals now and then, not for every frame. */
static bool is_over(struct recording *recording)
{
	const struct settings *settings = recording->settings;
	uint64_t now_ns = ztt_clock_ns();

	if (settings->duration_ns &&
	    now_ns - recording->begun_ns >= settings->duration_ns)
		return true;
	if (now_ns - recording->asked_ns < ASK_NS)
		return false;
	recording->asked_ns = now_ns;
	return ztt_listening_interrupted(recording->signal_fd);
}

static void sum_up(struct recording *recording, char out[256])
{
	char bytes[ZTT_UNITS_LEN], time[ZTT_UNITS_LEN];
	struct ztt_recorder_figures figures;
	uint64_t seen, dropped;

	ztt_recorder_figures(recording->recorder, &figures);
	ztt_live_counts(recording->live, &seen, &dropped);
	snprintf(out, 256,
		 "%llu packets, %s in %s; %llu super-datagrams; %llu dropped "
		 "by the kernel%s",
		 (unsigned long long)figures.packets,
		 ztt_units_bytes(bytes, (double)figures.bytes),
		 ztt_units_ns(time,
			      (double)(ztt_clock_ns() - recording->begun_ns)),
		 (unsigned long long)figures.super_datagrams,
		 (unsigned long long)dropped,
		 ztt_live_splits(recording->live)
			 ? ""
			 : "; segment sizes are not known on this kernel");
}

/* What is recorded is on the disk before anybody is told that it is. */
static int tick(struct recording *recording, struct ztt_err *err)
{
	char text[256];
	int rc;

	if (ztt_clock_ns() - recording->told_ns < ZTT_NS_PER_S)
		return 0;
	recording->told_ns = ztt_clock_ns();
	rc = ztt_recorder_flush(recording->recorder, err);
	if (rc < 0 || recording->settings->common.quiet)
		return rc;
	sum_up(recording, text);
	ztt_progress(stderr, "%s", text);
	return 0;
}

/* 1: there was a frame, 0: none came for so long. */
static int record_one(struct recording *recording, int timeout_ms,
		      struct ztt_err *err)
{
	struct ztt_frame frame;
	int rc = ztt_live_next(recording->live, timeout_ms, &frame, err);

	if (rc == -EINTR)
		return 0;
	if (rc <= 0)
		return rc;
	rc = ztt_recorder_frame(recording->recorder, &frame, err);
	return rc < 0 ? rc : 1;
}

static int run(struct recording *recording, struct ztt_err *err)
{
	int rc = 0;

	while (rc >= 0 && !is_full(recording) && !is_over(recording)) {
		rc = record_one(recording, ZTT_LISTENING_TICK_MS, err);
		if (rc >= 0)
			rc = tick(recording, err);
	}
	ztt_live_stop(recording->live);
	while (rc >= 0 && !is_full(recording)) {
		rc = record_one(recording, ZTT_LIVE_LATE_MS, err);
		if (rc == 0)
			break;
	}
	return rc;
}

static void name_by_time(char *out, size_t cap)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(out, cap, "tunnel-%Y%m%d-%H%M%S.pcapng", &tm);
}

static int open_all(struct recording *recording, const char *filter,
		    const char *path, struct ztt_err *err)
{
	const struct settings *settings = recording->settings;
	const struct ztt_live_plan live = {
		.interface = settings->interface,
		.filter = filter,
		.snap_bytes = (uint32_t)settings->snap_bytes,
		.buffer_bytes = settings->buffer_bytes,
		.promiscuous = settings->promiscuous,
	};
	struct ztt_recorder_plan file = {
		.path = path,
		.file_bytes = settings->file_bytes,
		.file_ns = settings->file_ns,
		.files = (unsigned)settings->files,
		.snap_bytes = (uint32_t)settings->snap_bytes,
		.whole = settings->whole,
	};
	int rc = recording->signal_fd = ztt_signals_open(err);

	if (rc >= 0)
		rc = ztt_live_open(&live, &recording->live, err);
	if (rc >= 0)
		rc = ztt_privileges_drop(err);
	if (rc < 0)
		return rc;
	file.splits = ztt_live_splits(recording->live);
	return ztt_recorder_open(&file, &recording->recorder, err);
}

static int finish(struct recording *recording, int rc, struct ztt_err *err)
{
	uint64_t seen, dropped;
	char text[256];
	int closed;

	if (!recording->settings->common.quiet)
		ztt_progress(stderr, "%s", "");
	sum_up(recording, text);
	ztt_live_counts(recording->live, &seen, &dropped);
	closed = ztt_recorder_close(recording->recorder, seen, dropped,
				    rc < 0 ? NULL : err);
	recording->recorder = NULL;
	if (rc >= 0)
		rc = closed;
	if (!recording->settings->common.quiet)
		fprintf(stderr, "%s\n", text);
	return rc;
}

static int record(const struct settings *settings, const char *filter)
{
	struct recording recording = {.settings = settings, .signal_fd = -1};
	char by_time[64];
	const char *path = settings->write ? settings->write : by_time;
	struct ztt_err err;
	int rc;

	name_by_time(by_time, sizeof(by_time));
	rc = open_all(&recording, filter, path, &err);
	if (rc >= 0) {
		if (!settings->common.quiet)
			fprintf(stderr, "recording %s on %s into %s\n", filter,
				settings->interface, path);
		recording.begun_ns = recording.told_ns = ztt_clock_ns();
		rc = run(&recording, &err);
		rc = finish(&recording, rc, &err);
	}
	ztt_live_close(recording.live);
	if (recording.signal_fd >= 0)
		close(recording.signal_fd);
	return rc < 0 ? ztt_cmd_complain(NAME, rc, &err) : ZTT_EXIT_FINE;
}

int ztt_cmd_record(int argc, char **argv)
{
	char filter[ZTT_LISTENING_FILTER_MAX];
	struct settings settings = {0};
	struct ztt_err err;
	int words, rc;
	int status = ztt_command_options("ztt-capture", NAME,
					 ztt_record_options, &help, &settings,
					 &settings.common, argc, argv, &words);

	if (status >= 0)
		return status;
	rc = ztt_listening_filter(argv + 1, words, filter, &err);
	if (rc == 0 && settings.files && !settings.file_bytes &&
	    !settings.file_ns)
		rc = ztt_err_set(&err, -EINVAL,
				 "--files goes with --file-size or "
				 "--file-duration");
	return rc < 0 ? ztt_cmd_complain(NAME, rc, &err)
		      : record(&settings, filter);
}
