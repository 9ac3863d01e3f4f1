#define _GNU_SOURCE
#include "ztt-bench/run.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/loop.h"
#include "common/table.h"
#include "common/text.h"
#include "common/units.h"
#include "ztt-bench/control.h"
#include "ztt-bench/run_state.h"

/* cloudflared connects one after the other, a second apart. */
#define CONNECT_NS (2 * ZTT_NS_PER_S)
/* The load speaks five times a second once it measures. */
#define SILENCE_NS (20 * ZTT_NS_PER_S)
#define LOG_LINES 8

static void copy_text(char *out, size_t cap_bytes, const json_t *record,
		      const char *key)
{
	const char *text = json_string_value(json_object_get(record, key));

	if (text) {
		snprintf(out, cap_bytes, "%s", text);
		ztt_text_plain(out);
	}
}

/* A part that ended meanwhile is no error here: the supervisor has the better
 * sentence for it, in the same round. */
static int sample(struct ztt_run_state *state,
		  struct ztt_account_sample *ret_sample, struct ztt_err *err)
{
	int rc = ztt_cpu_host_sample(&ret_sample->host, err);

	for (int i = 0; i < ZTT_PARTS && rc == 0; i++) {
		const struct ztt_supervised *at = &state->supervisor.parts[i];

		if (!at->started)
			continue;
		rc = ztt_cpu_sample(at->child.pid, &ret_sample->parts[i], err);
		ret_sample->present[i] = rc == 0;
		if (rc == -ESRCH)
			rc = 0;
	}
	return rc;
}

static void show_progress(const struct ztt_run_state *state,
			  const json_t *record)
{
	double past_s = (double)(ztt_clock_ns() - state->begin_ns) /
			(double)ZTT_NS_PER_S;
	json_int_t bytes = json_integer_value(json_object_get(record, "bytes"));
	json_int_t requests =
		json_integer_value(json_object_get(record, "requests"));
	json_int_t errors =
		json_integer_value(json_object_get(record, "errors"));
	char rate[ZTT_UNITS_LEN], count[ZTT_UNITS_LEN];

	if (!state->plan->progress || past_s <= 0)
		return;
	ztt_progress(state->plan->progress,
		     "%s: %.0f s, %s, %s requests, %" PRId64 " errors",
		     state->title, past_s,
		     ztt_units_bits(rate, 8 * (double)bytes / past_s),
		     ztt_units_count(count, (double)requests), (int64_t)errors);
}

/* Only while all of its threads live: they end with the window. */
static void keep_load_threads(struct ztt_run_state *state)
{
	const struct ztt_cpu *begin = &state->begin.parts[ZTT_PART_LOAD];
	pid_t pid = state->supervisor.parts[ZTT_PART_LOAD].child.pid;
	struct ztt_cpu now;

	if (ztt_cpu_sample(pid, &now, NULL) == 0 &&
	    now.thread_count >= begin->thread_count)
		state->last_load = now;
}

static int load_event(struct ztt_run_state *state, const json_t *record,
		      struct ztt_err *err)
{
	const char *event = ztt_control_event(record);
	int rc = 0;

	state->heard_ns = ztt_clock_ns();
	if (strcmp(event, "begin") == 0) {
		state->begun = true;
		state->begin_ns = state->heard_ns;
		rc = sample(state, &state->begin, err);
	} else if (strcmp(event, "progress") == 0) {
		show_progress(state, record);
		keep_load_threads(state);
	} else if (strcmp(event, "end") == 0) {
		if (!state->begun)
			return ztt_err_set(err, -EPROTO,
					   "the load ended before "
					   "it began");
		rc = sample(state, &state->end, err);
		state->end_record = json_incref((json_t *)(uintptr_t)record);
		state->supervisor.done = rc == 0;
	}
	return rc;
}

static void edge_event(struct ztt_run_state *state, const json_t *record)
{
	struct ztt_run_result *result = state->result;
	const char *event = ztt_control_event(record);

	if (strcmp(event, "ready") == 0) {
		copy_text(state->edge, sizeof(state->edge), record, "address");
		copy_text(state->http, sizeof(state->http), record, "http");
		state->supervisor.done |= state->phase == ZTT_RUN_EDGE;
	} else if (strcmp(event, "registered") == 0) {
		state->registered++;
		copy_text(result->version, sizeof(result->version), record,
			  "version");
		copy_text(result->cipher, sizeof(result->cipher), record,
			  "cipher");
		state->supervisor.done |=
			state->phase == ZTT_RUN_REGISTER &&
			state->registered >= state->plan->connections;
	} else if (strcmp(event, "lost") == 0) {
		state->registered -= state->registered > 0;
		if (!state->lost[0])
			copy_text(state->lost, sizeof(state->lost), record,
				  "reason");
	}
}

static int on_event(struct ztt_supervisor *supervisor, enum ztt_part part,
		    const json_t *record, struct ztt_err *err)
{
	struct ztt_run_state *state =
		ZTT_CONTAINER(supervisor, struct ztt_run_state, supervisor);

	if (part == ZTT_PART_LOAD)
		return load_event(state, record, err);
	if (part == ZTT_PART_EDGE)
		edge_event(state, record);
	if (part == ZTT_PART_ORIGIN &&
	    strcmp(ztt_control_event(record), "ready") == 0) {
		copy_text(state->origin, sizeof(state->origin), record,
			  "address");
		supervisor->done |= state->phase == ZTT_RUN_ORIGIN;
	}
	return 0;
}

static bool explain_flag(const struct ztt_run_state *state, struct ztt_err *err)
{
	const struct ztt_child *child =
		&state->supervisor.parts[ZTT_PART_ENGINE].child;
	const char *mark = state->engine->unknown_flag;
	const char *end = child->log + child->log_len_bytes;
	const char *at = NULL;
	char line[512];
	size_t len = 0;

	if (mark)
		at = memmem(child->log, child->log_len_bytes, mark,
			    strlen(mark));
	if (!at)
		return false;
	while (at + len < end && at[len] != '\n' && len + 1 < sizeof(line))
		len++;
	memcpy(line, at, len);
	line[len] = '\0';
	ztt_text_plain(line);
	ztt_err_set(err, -ECHILD,
		    "%s is too old: it does not know the flag %s, and ended",
		    child->name, line + strlen(mark));
	snprintf(state->result->log, sizeof(state->result->log), "  %s\n",
		 line);
	return true;
}

/* What the part's end kept from happening. */
static int explain_end(const struct ztt_run_state *state, struct ztt_err *err)
{
	enum ztt_part failed = state->supervisor.failed;

	if (failed == ZTT_PART_ENGINE && state->phase == ZTT_RUN_REGISTER &&
	    explain_flag(state, err))
		return -ECHILD;
	if (state->phase == ZTT_RUN_REGISTER)
		return ztt_err_set(err, -ECHILD,
				   "%s before %s had registered "
				   "with the edge",
				   err->text,
				   failed == ZTT_PART_ENGINE
					   ? "it"
					   : state->engine->name);
	if (state->phase != ZTT_RUN_LOAD)
		return ztt_err_set(err, -ECHILD, "%s before it was ready",
				   err->text);
	return ztt_err_set(err, -ECHILD, "%s %s", err->text,
			   failed == ZTT_PART_LOAD ? "before it had a result"
						   : "while the load ran");
}

static int explain_silence(const struct ztt_run_state *state,
			   struct ztt_err *err)
{
	unsigned wanted = state->plan->connections;
	char past[ZTT_UNITS_LEN];

	ztt_units_ns(past, (double)state->plan->start_timeout_ns);
	if (state->phase == ZTT_RUN_LOAD)
		return ztt_err_set(err, -ETIMEDOUT, "the load fell silent");
	if (state->phase != ZTT_RUN_REGISTER)
		return ztt_err_set(err, -ETIMEDOUT,
				   "%s was not ready within "
				   "%s",
				   state->phase == ZTT_RUN_EDGE ? "edge"
								: "origin",
				   past);
	return ztt_err_set(err, -ETIMEDOUT,
			   "%s registered %u of %u connection"
			   "%s within --start-timeout %s%s%s%s",
			   state->engine->name, state->registered, wanted,
			   wanted == 1 ? "" : "s", past,
			   wanted == 1 ? ""
				       : ", and 2 s for each after the "
					 "first",
			   state->lost[0] ? "; it lost one: " : "",
			   state->lost);
}

static int explain(const struct ztt_run_state *state, int rc,
		   struct ztt_err *err)
{
	if (rc == -ECHILD)
		return explain_end(state, err);
	return rc == -ETIMEDOUT ? explain_silence(state, err) : rc;
}

static int wait_for(struct ztt_run_state *state, enum ztt_run_phase phase,
		    uint64_t wait_ns, struct ztt_err *err)
{
	int rc;

	state->phase = phase;
	rc = ztt_supervisor_wait(&state->supervisor, ztt_clock_ns() + wait_ns,
				 err);
	return rc < 0 ? explain(state, rc, err) : 0;
}

static int set_up_origin(struct ztt_run_state *state, struct ztt_err *err)
{
	int rc;

	if (state->plan->origin) {
		snprintf(state->origin, sizeof(state->origin), "%s",
			 state->plan->origin);
		return 0;
	}
	rc = ztt_run_start_origin(state, err);
	return rc < 0 ? rc
		      : wait_for(state, ZTT_RUN_ORIGIN,
				 state->plan->start_timeout_ns, err);
}

static int set_up_tunnel(struct ztt_run_state *state, struct ztt_err *err)
{
	uint64_t wait_ns = state->plan->start_timeout_ns;
	int rc = ztt_run_start_edge(state, err);

	if (rc == 0)
		rc = wait_for(state, ZTT_RUN_EDGE, wait_ns, err);
	if (rc == 0)
		rc = ztt_run_start_engine(state, err);
	wait_ns += (state->plan->connections - 1) * CONNECT_NS;
	if (rc == 0)
		rc = wait_for(state, ZTT_RUN_REGISTER, wait_ns, err);
	/* Losses on the way were made up for. */
	if (rc == 0)
		state->lost[0] = '\0';
	return rc;
}

static int load(struct ztt_run_state *state, struct ztt_err *err)
{
	const struct ztt_load_settings *load = &state->plan->load;
	int rc = ztt_run_start_load(state, err);

	if (rc < 0)
		return rc;
	state->phase = ZTT_RUN_LOAD;
	state->heard_ns = ztt_clock_ns();
	do {
		uint64_t quiet_ns = SILENCE_NS + load->timeout_ns +
				    (state->begun ? 0 : load->warmup_ns);
		uint64_t due_ns = state->heard_ns + quiet_ns;

		rc = ztt_supervisor_wait(&state->supervisor, due_ns, err);
		if (rc == -ETIMEDOUT &&
		    ztt_clock_ns() < state->heard_ns + quiet_ns)
			rc = -EAGAIN;
	} while (rc == -EAGAIN);
	return rc < 0 ? explain(state, rc, err) : ztt_run_figures(state, err);
}

static int go(struct ztt_run_state *state, struct ztt_err *err)
{
	int rc;

	if (state->plan->progress)
		ztt_progress(state->plan->progress, "%s: starting",
			     state->title);
	rc = set_up_origin(state, err);
	if (rc == 0 && state->engine->transport)
		rc = set_up_tunnel(state, err);
	return rc < 0 ? rc : load(state, err);
}

/* It was measured, and what made it invalid may stand in the engine's log. */
static bool is_tunnel_at_fault(const struct ztt_run_state *state)
{
	return state->result->measured && !state->result->valid &&
	       (state->result->errors || state->lost[0]);
}

/* Of the part that failed; when it printed nothing, or none did, the engine's.
 * Before all are stopped: what they say of that would hide the rest. */
static void keep_log(struct ztt_run_state *state)
{
	enum ztt_part part = state->supervisor.failed;
	struct ztt_run_result *result = state->result;

	for (int i = 0; i < ZTT_PARTS; i++)
		ztt_child_poll(&state->supervisor.parts[i].child);
	if (part < ZTT_PARTS && !result->log[0])
		ztt_child_last_lines(&state->supervisor.parts[part].child,
				     LOG_LINES, result->log,
				     sizeof(result->log));
	if (!result->log[0])
		ztt_child_last_lines(
			&state->supervisor.parts[ZTT_PART_ENGINE].child,
			LOG_LINES, result->log, sizeof(result->log));
}

static void print_logs(const struct ztt_run_state *state)
{
	char text[ZTT_CHILD_LOG_BYTES + 1024];

	for (int i = 0; i < ZTT_PARTS; i++) {
		const struct ztt_child *child =
			&state->supervisor.parts[i].child;

		if (ztt_child_last_lines(child, 1000, text, sizeof(text))[0])
			fprintf(state->plan->details, "%s printed:\n%s",
				child->name, text);
	}
}

static void close_files(const struct ztt_run_state *state)
{
	const int fds[] = {state->ca_fd, state->credentials_fd,
			   state->config_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void clear_figures(struct ztt_run_result *result)
{
	memset(result, 0, sizeof(*result));
	result->goodput_bps = result->requests_per_s = (double)NAN;
	result->window_s = (double)NAN;
	for (int i = 0; i < ZTT_LATENCIES; i++)
		result->latency_us[i] = (double)NAN;
}

int ztt_run(const struct ztt_run_plan *plan, const struct ztt_engine *engine,
	    const struct ztt_engine_found *found, const char *title,
	    struct ztt_run_result *ret_result)
{
	struct ztt_run_state *state = ztt_calloc(1, sizeof(*state));
	int rc;

	clear_figures(ret_result);
	ztt_supervisor_init(&state->supervisor, plan->signal_fd);
	state->supervisor.event = on_event;
	state->plan = plan;
	state->engine = engine;
	state->found = found;
	state->title = title;
	state->result = ret_result;
	state->ca_fd = state->credentials_fd = state->config_fd = -1;
	rc = go(state, &ret_result->invalid);
	if ((rc < 0 && rc != -EINTR) || is_tunnel_at_fault(state))
		keep_log(state);
	ztt_supervisor_stop(&state->supervisor);
	if (plan->details)
		print_logs(state);
	if (plan->progress)
		ztt_progress(plan->progress, "%s", "");
	close_files(state);
	json_decref(state->end_record);
	free(state);
	return rc;
}
