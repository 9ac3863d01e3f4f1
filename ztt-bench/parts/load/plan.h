/* What a load does: the options, checked and made definite. */
#ifndef ZTT_LOAD_PLAN_H
#define ZTT_LOAD_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"
#include "common/opt.h"
#include "ztt-bench/parts/load/mix.h"

struct ztt_err;

#define ZTT_LOAD_STREAMS_MAX 100000
#define ZTT_LOAD_THREADS_MAX 64
#define ZTT_LOAD_PATH_MAX_BYTES 4096
#define ZTT_LOAD_HOST_MAX_BYTES 255
#define ZTT_LOAD_RATE_MAX_PER_S 1e7

/* What the option table fills; 0 and NULL are "not given". */
struct ztt_load_settings {
	struct ztt_opt_common common;
	const char *target, *host, *path, *direction, *mix, *json;
	uint64_t streams, threads, size_bytes, requests, control;
	uint64_t warmup_ns, duration_ns, timeout_ns;
	double rate_per_s;
};

enum ztt_load_direction {
	ZTT_LOAD_DOWN,
	ZTT_LOAD_UP,
	ZTT_LOAD_BOTH
};

/* Plain data, read by every thread. */
struct ztt_load_plan {
	struct ztt_address target;
	char host[ZTT_LOAD_HOST_MAX_BYTES + 1];
	char path[ZTT_LOAD_PATH_MAX_BYTES + 1]; /* "": /blob and /sink */
	enum ztt_load_direction direction;
	struct ztt_load_mix mix; /* one size is a mix of one; none with a path
				    that is only read */
	unsigned streams, threads;
	double rate_per_s; /* 0: closed loop */
	uint64_t warmup_ns, timeout_ns;
	uint64_t duration_ns; /* 0: until `requests` are done */
	uint64_t requests;    /* 0: until `duration_ns` is over */
};

/* Checks `settings` and the operand `url` (NULL: none given). Resolves the
 * target's name (blocking) and reads the mix file. -EINVAL: contradiction, or
 * out of range; -ENOENT: the name does not resolve, no such file; others as
 * ztt_load_mix_read. */
int ztt_load_plan_make(const struct ztt_load_settings *settings,
		       const char *url, struct ztt_load_plan *ret_plan,
		       struct ztt_err *err);

/* Whether stream `index` of the plan sends bodies up. */
bool ztt_load_plan_is_up(const struct ztt_load_plan *plan, unsigned index);

/* The first stream of a thread; thread `threads` stands for the end. */
unsigned ztt_load_plan_first_stream(const struct ztt_load_plan *plan,
				    unsigned thread);

#endif
