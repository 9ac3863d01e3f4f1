#include "ztt-bench/run_state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/hist.h"

#define ERRORS_MAX 0.01
#define STEAL_MAX 0.05

const char *const ztt_latency_names[ZTT_LATENCIES] = {"p50", "p90", "p99",
						      "p999", "max"};
static const double quantiles[ZTT_LATENCIES] = {0.5, 0.9, 0.99, 0.999, 1};

static void take_latency(struct ztt_run_result *result,
			 const struct ztt_hist *hist)
{
	bool empty = ztt_hist_count(hist) == 0;

	for (int i = 0; i < ZTT_LATENCIES; i++)
		result->latency_us[i] =
			empty ? (double)NAN
			      : (double)ztt_hist_quantile(hist, quantiles[i]) /
					(double)ZTT_NS_PER_US;
}

static void take_load(struct ztt_run_result *result,
		      const struct ztt_load_result *load)
{
	double window_s = (double)load->duration_ns / (double)ZTT_NS_PER_S;

	result->window_s = window_s;
	result->bytes_down = load->bytes_down;
	result->bytes_up = load->bytes_up;
	result->requests = load->requests;
	result->late = load->late;
	result->errors = ztt_load_result_errors(load);
	for (int i = 0; i < ZTT_LOAD_ERRORS; i++)
		result->errors_by_kind[i] = load->errors[i];
	snprintf(result->first_error, sizeof(result->first_error), "%s",
		 load->first_error);
	if (window_s > 0) {
		result->goodput_bps =
			8 * (double)(load->bytes_down + load->bytes_up) /
			window_s;
		result->requests_per_s = (double)load->requests / window_s;
	}
	take_latency(result, load->latency);
}

static int reason(struct ztt_run_result *result, const char *lost, bool bare,
		  struct ztt_err *why)
{
	double asked = (double)(result->requests + result->errors);
	const char *first = result->first_error;

	if (lost[0])
		return ztt_err_set(why, -1,
				   "the engine lost a connection to "
				   "the edge: %s",
				   lost);
	if (result->errors && (double)result->errors > ERRORS_MAX * asked)
		return ztt_err_set(why, -1,
				   "%" PRIu64 " of %.0f requests "
				   "failed%s%s",
				   result->errors, asked,
				   first[0] ? "; the first: " : "", first);
	/* Large bodies may all be on their way still: goodput holds then. */
	if (!result->requests && !(result->bytes_down + result->bytes_up))
		return ztt_err_set(why, -1,
				   "nothing was carried within the "
				   "window: no request was answered and no "
				   "byte of a body moved");
	if (!bare && ztt_account_load_limits(&result->account))
		return ztt_err_set(
			why, -1,
			"the load was the bottleneck, one "
			"thread at %.0f %%; give it more with "
			"--threads",
			100 * result->account.parts[ZTT_PART_LOAD].busiest.cpu);
	if (result->account.steal > STEAL_MAX)
		return ztt_err_set(why, -1,
				   "environment: the host lost %.0f "
				   "%% of its CPU time to other guests",
				   100 * result->account.steal);
	return 0;
}

void ztt_run_judge(struct ztt_run_result *result, bool bare, const char *lost)
{
	result->invalid.text[0] = '\0';
	result->valid = reason(result, lost, bare, &result->invalid) == 0;
}

int ztt_run_figures(struct ztt_run_state *state, struct ztt_err *err)
{
	struct ztt_run_result *result = state->result;
	struct ztt_load_result load;
	int rc;

	ztt_load_result_init(&load);
	rc = ztt_load_result_read(state->end_record, &load, err);
	if (rc == 0) {
		take_load(result, &load);
		ztt_account_make(&state->begin, &state->end,
				 state->last_load.at_ns ? &state->last_load
							: NULL,
				 load.bytes_down + load.bytes_up, load.requests,
				 &result->account);
		result->measured = true;
		ztt_run_judge(result, !state->engine->transport, state->lost);
	}
	ztt_load_result_release(&load);
	return rc;
}
