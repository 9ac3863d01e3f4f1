/* What a process, its host and its engine count while a capture runs. */
#ifndef ZTT_CAPTURE_LIVE_COUNTERS_H
#define ZTT_CAPTURE_LIVE_COUNTERS_H

#include "ztt-capture/analysis/attribution.h"
#include "ztt-capture/live_metrics.h"

struct ztt_counters; /* opaque */

struct ztt_counters_plan {
	pid_t pid;                             /* 0: none */
	const char *interface;                 /* "any": all but loopback */
	const struct ztt_metrics_url *metrics; /* NULL: none; copied */
};

/* Reads all of it for the first time; which sockets are the process's may need
 * a privilege that is given up after it. -ESRCH, -EACCES: the process; or as
 * ztt_metrics_get. */
int ztt_counters_open(const struct ztt_counters_plan *plan,
		      struct ztt_counters **ret_counters, struct ztt_err *err);
/* From here on each second, in a thread with the privileges of the caller. */
int ztt_counters_begin(struct ztt_counters *counters, struct ztt_err *err);
/* Reads all of it for the last time; the counts live as long as `counters`. */
const struct ztt_host_counts *ztt_counters_end(struct ztt_counters *counters);
void ztt_counters_free(struct ztt_counters *counters);

/* A line of /proc/net/udp or udp6: the socket's address, inode and drops. */
bool ztt_counters_read_socket(const char *line,
			      struct ztt_counted_socket *ret_socket,
			      uint64_t *ret_drops);

#endif
