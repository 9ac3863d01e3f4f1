/* What a measured window cost: two samples of every part become CPU time per
 * GB and per request, busiest threads, drops, and the bottleneck. */
#ifndef ZTT_BENCH_ACCOUNT_H
#define ZTT_BENCH_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"

/* The parts of a run, in the order of every table and of the JSON. */
enum ztt_part {
	ZTT_PART_ENGINE,
	ZTT_PART_EDGE,
	ZTT_PART_LOAD,
	ZTT_PART_ORIGIN,
	ZTT_PARTS,
};

/* "engine", "edge", "load", "origin": for messages, and keys in JSON. */
extern const char *const ztt_part_names[ZTT_PARTS];

/* The raw samples of one moment; a part that is not there has no `present`. */
struct ztt_account_sample {
	bool present[ZTT_PARTS];
	struct ztt_cpu parts[ZTT_PARTS];
	struct ztt_cpu_host host;
};

/* A thread's share of the window, 0..1 and a little over for want of
 * precision. */
struct ztt_account_thread {
	char name[16];
	double cpu;  /* it ran */
	double wait; /* it was runnable, and had no core */
};

struct ztt_account_part {
	bool present;
	double cpu_s, user_s, system_s;
	double cpu_s_per_gb;       /* NAN: no byte was carried */
	double cpu_us_per_request; /* NAN: no request was answered */
	double cores;              /* cpu_s per second of the window */
	uint64_t voluntary_switches, involuntary_switches;
	uint64_t rss_peak_bytes;
	uint64_t udp_drops;
	size_t threads;
	struct ztt_account_thread busiest; /* by cpu + wait */
};

struct ztt_account {
	double window_s; /* of the CPU samples: the load's window but for the
			    milliseconds that sampling takes */
	struct ztt_account_part parts[ZTT_PARTS];
	uint64_t udp_drops; /* of all parts */
	unsigned cores;
	double busy;  /* share of all cores' time that was not idle, 0..1 */
	double steal; /* share that went to other guests, 0..1 */
	double other; /* share that went to what is no part of the run and no
			 interrupt, 0..1 */
};

/* `bytes` and `requests` are what the load counted in the window. The load's
 * threads are gone by the time its end is sampled: their shares and switches are those up to
 * `last`, a sample of the load shortly before; NULL: none was taken. */
void ztt_account_make(const struct ztt_account_sample *begin,
		      const struct ztt_account_sample *end,
		      const struct ztt_cpu *last, uint64_t bytes,
		      uint64_t requests, struct ztt_account *ret_account);

/* What held the run up. A thread that ran for 90 % of the window cannot go
 * faster, whatever the other cores do; otherwise all cores may be busy; or a
 * thread that ran and waited for 95 % of it lacked a core. */
enum ztt_bottleneck_kind {
	ZTT_BOTTLENECK_UNDECIDED, /* nothing is at its limit */
	ZTT_BOTTLENECK_THREAD,    /* `part`, one thread */
	ZTT_BOTTLENECK_CORES,     /* all of them; `part` takes the most */
	ZTT_BOTTLENECK_WAITING,   /* `part`: a thread lacked a core */
};

struct ztt_bottleneck {
	enum ztt_bottleneck_kind kind;
	enum ztt_part part;
	bool all_cores_busy;
	double share; /* THREAD: of the window that the thread ran, WAITING:
			 ran or waited; CORES: of all parts' CPU time that is
			 the part's */
};

void ztt_account_bottleneck(const struct ztt_account *account,
			    struct ztt_bottleneck *ret_bottleneck);

/* Whether the load's own thread was the limit: it ran for 90 % of the window,
 * ran or waited for 95 %, and no thread of engine or edge ran for longer. */
bool ztt_account_load_limits(const struct ztt_account *account);

#endif
