/* What the files of one run share: run.c has the sequence, run_start.c the
 * parts' command lines, run_figures.c what the window amounts to. */
#ifndef ZTT_BENCH_RUN_STATE_H
#define ZTT_BENCH_RUN_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"
#include "ztt-bench/credentials.h"
#include "ztt-bench/run.h"
#include "ztt-bench/supervisor.h"

/* What the run waits for; the order is that of a run. */
enum ztt_run_phase {
	ZTT_RUN_ORIGIN,   /* the origin's "ready" */
	ZTT_RUN_EDGE,     /* the edge's "ready" */
	ZTT_RUN_REGISTER, /* all connections registered */
	ZTT_RUN_LOAD,     /* the load's "end" */
};

struct ztt_run_state {
	struct ztt_supervisor supervisor;
	const struct ztt_run_plan *plan;
	const struct ztt_engine *engine;
	const struct ztt_engine_found *found;
	const char *title;
	struct ztt_run_result *result;

	enum ztt_run_phase phase;
	char origin[ZTT_LOAD_HOST_MAX_BYTES + 8]; /* HOST:PORT */
	char edge[ZTT_ADDRESS_LEN], http[ZTT_ADDRESS_LEN];
	char tunnel_id[ZTT_UUID_LEN];
	int ca_fd, credentials_fd, config_fd; /* memfds: nothing on disk */
	unsigned registered;
	char lost[256]; /* why the first connection was lost, or "" */

	bool begun; /* the measured window */
	uint64_t begin_ns, heard_ns;
	struct ztt_account_sample begin, end;
	struct ztt_cpu last_load; /* at the last progress; at_ns 0: none */
	json_t *end_record;
};

/* run_start.c: each starts one part; -errno as ztt_supervisor_start. */
int ztt_run_start_origin(struct ztt_run_state *state, struct ztt_err *err);
int ztt_run_start_edge(struct ztt_run_state *state, struct ztt_err *err);
int ztt_run_start_engine(struct ztt_run_state *state, struct ztt_err *err);
int ztt_run_start_load(struct ztt_run_state *state, struct ztt_err *err);

/* run_figures.c: fills the result from the samples and the load's record, and
 * judges it. -EPROTO: the record is no result. */
int ztt_run_figures(struct ztt_run_state *state, struct ztt_err *err);

/* Sets `valid` and `invalid` of a result that has its figures. `bare`: the
 * engine is no tunnel, and a busy load is no fault then. `lost` as above. The
 * UDP drops of a run are told, and do not make it invalid. */
void ztt_run_judge(struct ztt_run_result *result, bool bare, const char *lost);

#endif
