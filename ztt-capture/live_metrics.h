/* What cloudflared counts of its own packets, over its metrics endpoint. */
#ifndef ZTT_CAPTURE_LIVE_METRICS_H
#define ZTT_CAPTURE_LIVE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"

struct ztt_err;

struct ztt_metrics_url {
	struct ztt_address address;
	char path[256];
};

struct ztt_metrics {
	bool quic; /* it has connections over QUIC: the others mean something */
	uint64_t lost, too_big; /* packets */
	uint64_t dropped_bytes; /* without duplicates, which are no loss */
};

/* "http://127.0.0.1:20241/metrics". -EINVAL: anything but http to this host. */
int ztt_metrics_url(const char *text, struct ztt_metrics_url *ret_url,
		    struct ztt_err *err);
/* Blocks until `due_ns` (ztt_clock_ns) at most. -ETIMEDOUT, -ECONNREFUSED,
 * -EPROTO, -EFBIG and others of connect(2). */
int ztt_metrics_get(const struct ztt_metrics_url *url, uint64_t due_ns,
		    struct ztt_metrics *ret_metrics, struct ztt_err *err);
/* Sums what a body says; for tests. It is changed. */
void ztt_metrics_read(char *body, struct ztt_metrics *ret_metrics);

#endif
