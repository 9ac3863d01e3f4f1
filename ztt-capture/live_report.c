#define _GNU_SOURCE
#include "ztt-capture/live_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/signals.h"
#include "common/table.h"
#include "common/units.h"
#include "ztt-capture/flow/flows.h"
#include "ztt-capture/listening.h"
#include "ztt-capture/live_counters.h"
#include "ztt-capture/privileges.h"
#include "ztt-capture/source/live.h"

#define FRAMES_BETWEEN 64 /* looks at the clock */

struct ztt_live_report {
	struct ztt_live_report_plan plan;
	struct ztt_live *live;
	struct ztt_counters *counters;
	struct ztt_key_log *keys;
	off_t keys_bytes;
	struct ztt_flows *flows;
	struct ztt_source_figures figures;
	struct ztt_capture capture; /* with the attribution */
	struct ztt_attribution *attribution;
	uint64_t begun_ns, told_ns;
	int64_t keys_ns; /* when the key log was last looked at */
	int signals_fd;
};

/* A secret is written before what it protects is sent: frames that came after
 * the last look may need one that is new. */
static void read_keys(struct ztt_live_report *report, int64_t frame_ns)
{
	struct timespec now;
	struct ztt_source_figures *figures = &report->figures;
	struct ztt_err err;
	struct stat at;

	if (!report->plan.keys || frame_ns < report->keys_ns)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	report->keys_ns =
		(int64_t)now.tv_sec * (int64_t)ZTT_NS_PER_S + now.tv_nsec;
	if (stat(report->plan.keys, &at) < 0 ||
	    (at.st_size == report->keys_bytes && at.st_size != 0))
		return;
	report->keys_bytes = at.st_size;
	if (ztt_key_log_read(report->keys, report->plan.keys, &err) < 0)
		snprintf(figures->problem, sizeof(figures->problem), "%.255s",
			 err.text);
}

static int open_flows(struct ztt_live_report *report, struct ztt_err *err)
{
	struct ztt_flows_plan flows = {.keys = NULL};
	int rc = 0;

	report->keys = flows.keys = ztt_key_log_new();
	if (report->plan.keys)
		rc = ztt_key_log_read(report->keys, report->plan.keys, err);
	if (rc == 0)
		report->flows = ztt_flows_new(&flows);
	return rc;
}

static int open_counters(struct ztt_live_report *report, struct ztt_err *err)
{
	const struct ztt_live_report_plan *plan = &report->plan;
	struct ztt_metrics_url url;
	struct ztt_counters_plan counters = {
		.pid = plan->pid,
		.interface = plan->interface,
		.metrics = plan->metrics ? &url : NULL,
	};
	int rc = 0;

	if (plan->metrics)
		rc = ztt_metrics_url(plan->metrics, &url, err);
	if (rc == 0 && (plan->pid || plan->metrics))
		rc = ztt_counters_open(&counters, &report->counters, err);
	return rc;
}

static int open_all(struct ztt_live_report *report, struct ztt_err *err)
{
	const struct ztt_live_plan live = {
		.interface = report->plan.interface,
		.filter = report->plan.filter,
	};
	int rc = open_flows(report, err);

	if (rc == 0)
		rc = report->signals_fd = ztt_signals_open(err);
	if (rc >= 0)
		rc = open_counters(report, err);
	if (rc >= 0)
		rc = ztt_live_open(&live, &report->live, err);
	if (rc >= 0)
		rc = ztt_privileges_drop(err);
	if (rc >= 0 && report->counters)
		rc = ztt_counters_begin(report->counters, err);
	return rc;
}

int ztt_live_report_open(const struct ztt_live_report_plan *plan,
			 struct ztt_live_report **ret_report,
			 struct ztt_err *err)
{
	struct ztt_live_report *report = ztt_calloc(1, sizeof(*report));
	int rc;

	report->plan = *plan;
	report->signals_fd = -1;
	rc = open_all(report, err);
	if (rc < 0) {
		ztt_live_report_free(report);
		return rc;
	}
	*ret_report = report;
	return 0;
}

static void tell(struct ztt_live_report *report, uint64_t now_ns)
{
	char bytes[ZTT_UNITS_LEN];
	uint64_t seen, dropped;

	if (report->plan.quiet || now_ns - report->told_ns < ZTT_NS_PER_S)
		return;
	report->told_ns = now_ns;
	ztt_live_counts(report->live, &seen, &dropped);
	ztt_progress(stderr,
		     "%s: %" PRIu64 " frames, %s in %" PRIu64 " s; %" PRIu64
		     " dropped by the kernel",
		     report->plan.interface, report->figures.frames,
		     ztt_units_bytes(bytes, (double)report->figures.bytes),
		     (now_ns - report->begun_ns) / ZTT_NS_PER_S, dropped);
}

static bool goes_on(struct ztt_live_report *report)
{
	uint64_t now_ns = ztt_clock_ns();

	tell(report, now_ns);
	return !ztt_listening_interrupted(report->signals_fd) &&
	       (!report->plan.duration_ns ||
		now_ns - report->begun_ns < report->plan.duration_ns);
}

static int wait_ms(const struct ztt_live_report *report)
{
	uint64_t gone_ns = ztt_clock_ns() - report->begun_ns;
	uint64_t left_ms = ZTT_LISTENING_TICK_MS;

	if (report->plan.duration_ns)
		left_ms = report->plan.duration_ns > gone_ns
				  ? (report->plan.duration_ns - gone_ns) /
						    UINT64_C(1000000) +
					    1
				  : 0;
	return left_ms < ZTT_LISTENING_TICK_MS ? (int)left_ms
					       : ZTT_LISTENING_TICK_MS;
}

static int read_frames(struct ztt_live_report *report, struct ztt_err *err)
{
	struct ztt_frame frame;
	unsigned since = 0;
	int rc;

	for (;;) {
		rc = ztt_live_next(report->live, wait_ms(report), &frame, err);
		if (rc < 0 && rc != -EINTR)
			return rc;
		if (rc > 0) {
			report->figures.frames++;
			report->figures.bytes += frame.captured_bytes;
			report->figures.truncated +=
				frame.captured_bytes < frame.length_bytes;
			read_keys(report, frame.at_ns);
			ztt_flows_frame(report->flows, &frame);
		}
		since = rc > 0 ? since + 1 : FRAMES_BETWEEN;
		if (since < FRAMES_BETWEEN)
			continue;
		if (!goes_on(report))
			return 0;
		since = 0;
	}
}

static void finish(struct ztt_live_report *report)
{
	uint64_t seen;

	ztt_live_counts(report->live, &seen, &report->figures.dropped);
	report->figures.dropped_known = true;
	report->capture = *ztt_flows_finish(report->flows, &report->figures);
	if (report->counters)
		report->capture.attribution = report->attribution =
			ztt_attribution_new(&report->capture,
					    ztt_counters_end(report->counters));
}

int ztt_live_report_run(struct ztt_live_report *report,
			const struct ztt_capture **ret_capture,
			struct ztt_err *err)
{
	int rc;

	report->begun_ns = report->told_ns = ztt_clock_ns();
	rc = read_frames(report, err);
	if (!report->plan.quiet)
		ztt_progress(stderr, "%s", "");
	if (rc < 0)
		return rc;
	finish(report);
	*ret_capture = &report->capture;
	return 0;
}

void ztt_live_report_free(struct ztt_live_report *report)
{
	if (!report)
		return;
	ztt_attribution_free(report->attribution);
	ztt_counters_free(report->counters);
	ztt_live_close(report->live);
	ztt_flows_free(report->flows);
	ztt_key_log_free(report->keys);
	if (report->signals_fd >= 0)
		close(report->signals_fd);
	free(report);
}
