/* One measured run: the parts are started, loaded, sampled and stopped. */
#ifndef ZTT_BENCH_RUN_H
#define ZTT_BENCH_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"
#include "ztt-bench/account/account.h"
#include "ztt-bench/engine.h"
#include "ztt-bench/parts/load/plan.h"
#include "ztt-bench/parts/load/result.h"

#define ZTT_CONNECTIONS_MAX 64
#define ZTT_RUN_LOG_BYTES 2048

/* What all runs of one call have in common. */
struct ztt_run_plan {
	struct ztt_load_settings load; /* target, host, path, threads and
					  control are the run's business; path
					  and host hold for the user's origin */
	const char *origin; /* HOST:PORT of the user's own, or NULL */
	unsigned connections;
	unsigned threads;          /* of each part; 0: its own choice */
	const char *cipher;        /* for the edge: "auto", "aes128", ... */
	const char *key_log;       /* path, or NULL */
	uint64_t start_timeout_ns; /* for all that comes before the load */
	FILE *details;  /* where command lines and logs go, or NULL */
	FILE *progress; /* where the live line goes, or NULL */
	int signal_fd;  /* of SIGINT, SIGTERM, SIGHUP, which are blocked */
};

/* Figures are NAN, and numbers 0, while `measured` is false. */
struct ztt_run_result {
	size_t engine; /* index of the caller's */
	size_t round;
	bool measured; /* the window ended: the figures hold */
	bool valid;
	struct ztt_err invalid;      /* the reason, "" when valid */
	char log[ZTT_RUN_LOG_BYTES]; /* last lines of what failed, or "" */
	char version[ZTT_ENGINE_VERSION_LEN]; /* as it registered, or "" */
	char cipher[64];                      /* as negotiated, or "" */

	double window_s; /* the load's */
	double goodput_bps, requests_per_s;
	uint64_t bytes_down, bytes_up, requests, errors, late;
	uint64_t errors_by_kind[ZTT_LOAD_ERRORS];
	char first_error[sizeof(((struct ztt_err *)0)->text)]; /* or "" */
	double latency_us[5]; /* p50, p90, p99, p99.9, the largest */
	struct ztt_account account;
};

#define ZTT_LATENCIES 5
extern const char *const ztt_latency_names[ZTT_LATENCIES]; /* keys in JSON */

/* Runs once; blocks. `title` begins the live line ("run 2 of 8, direct").
 * *ret_result is always filled. 0: measured, valid or not; -EINTR: a signal
 * came; other negative values: it could not be measured. In both cases of
 * failure ret_result->invalid is the sentence. Nothing is left behind: no
 * process, no file. Call from the main thread. */
int ztt_run(const struct ztt_run_plan *plan, const struct ztt_engine *engine,
	    const struct ztt_engine_found *found, const char *title,
	    struct ztt_run_result *ret_result);

#endif
