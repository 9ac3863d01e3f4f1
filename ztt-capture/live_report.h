/* An interface read into flows, with what the host counts meanwhile. */
#ifndef ZTT_CAPTURE_LIVE_REPORT_H
#define ZTT_CAPTURE_LIVE_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ztt_capture;
struct ztt_err;
struct ztt_live_report; /* opaque */

struct ztt_live_report_plan {
	const char *interface, *filter;
	const char *keys;     /* an NSS key log that may still grow, or NULL */
	uint64_t duration_ns; /* 0: until it is interrupted */
	pid_t pid;            /* whose sockets' drops count; 0: nobody's */
	const char *metrics;  /* cloudflared's, or NULL */
	bool quiet;           /* no line of progress */
};

/* Opens everything, then gives up every privilege. As ztt_live_open,
 * ztt_key_log_read, ztt_counters_open, ztt_metrics_url. */
int ztt_live_report_open(const struct ztt_live_report_plan *plan,
			 struct ztt_live_report **ret_report,
			 struct ztt_err *err);
/* Reads until the time is over; the capture lives as long as `report`, and has
 * an attribution where a process or metrics were named. */
int ztt_live_report_run(struct ztt_live_report *report,
			const struct ztt_capture **ret_capture,
			struct ztt_err *err);
void ztt_live_report_free(struct ztt_live_report *report);

#endif
