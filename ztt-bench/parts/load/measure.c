#define _GNU_SOURCE
#include "ztt-bench/parts/load/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/hist.h"
#include "common/json.h"
#include "common/table.h"
#include "common/units.h"
#include "ztt-bench/control.h"
#include "ztt-bench/parts/load/plan.h"
#include "ztt-bench/parts/load/result.h"
#include "ztt-bench/parts/load/worker.h"
#include "ztt-bench/parts/origin/blob.h"
#include "ztt-bench/parts/part.h"

#define PROGRESS_NS (200 * ZTT_NS_PER_MS)

enum {
	SIGNAL,
	CONTROL,
	DONE,
	WATCHED
};

struct load {
	const struct ztt_load_plan *plan;
	int control_fd;
	bool live;
	struct pollfd watched[WATCHED];
	struct ztt_blob blob;
	struct ztt_load_worker *workers;
	unsigned worker_count; /* initialised */
	uint64_t start_ns, begin_ns;
	bool begun;
};

static void send_begin(const struct load *load)
{
	struct ztt_json json;

	ztt_control_begin(&json, "begin");
	ztt_json_uint(&json, "at_ns", load->begin_ns);
	ztt_control_send(load->control_fd, &json);
}

static void send_progress(const struct load *load, uint64_t now_ns)
{
	uint64_t requests = 0, bytes = 0, errors = 0;
	char rate_text[ZTT_UNITS_LEN], count_text[ZTT_UNITS_LEN];
	uint64_t past_ns = now_ns - load->begin_ns;
	double past_s = (double)past_ns / (double)ZTT_NS_PER_S;
	struct ztt_json json;

	for (unsigned i = 0; i < load->worker_count; i++) {
		const struct ztt_load_counters *counters =
			&load->workers[i].counters;

		requests += counters->requests;
		bytes += counters->bytes_down + counters->bytes_up;
		errors += counters->errors;
	}
	ztt_control_begin(&json, "progress");
	ztt_json_uint(&json, "requests", requests);
	ztt_json_uint(&json, "bytes", bytes);
	ztt_json_uint(&json, "errors", errors);
	ztt_control_send(load->control_fd, &json);
	if (load->live && past_s > 0)
		ztt_progress(
			stderr, "%.0f s: %s, %s requests, %" PRIu64 " errors",
			past_s,
			ztt_units_bits(rate_text, (double)bytes * 8 / past_s),
			ztt_units_count(count_text, (double)requests), errors);
}

/* What is due now; returns when the next is. */
static uint64_t tick(struct load *load, uint64_t now_ns, uint64_t due_ns)
{
	if (now_ns < due_ns)
		return due_ns;
	if (!load->begun) {
		load->begun = true;
		send_begin(load);
		return load->begin_ns + PROGRESS_NS;
	}
	send_progress(load, now_ns);
	return due_ns + PROGRESS_NS;
}

static void stop_workers(struct load *load)
{
	for (unsigned i = 0; i < load->worker_count; i++)
		ztt_load_worker_stop(&load->workers[i]);
}

static int wait_until(struct load *load, uint64_t due_ns)
{
	uint64_t now_ns = ztt_clock_ns();
	uint64_t wait_ns = due_ns > now_ns ? due_ns - now_ns : 0;
	struct timespec timeout = {
		.tv_sec = (time_t)(wait_ns / ZTT_NS_PER_S),
		.tv_nsec = (long)(wait_ns % ZTT_NS_PER_S),
	};

	return ppoll(load->watched, WATCHED, &timeout, NULL);
}

/* Until every worker is done; a signal or the run's end makes that now. */
static int watch(struct load *load)
{
	uint64_t due_ns = load->begin_ns, done = 0, count;
	int rc = 0;

	while (done < load->worker_count) {
		if (wait_until(load, due_ns) > 0) {
			if (load->watched[DONE].revents &&
			    read(load->watched[DONE].fd, &count,
				 sizeof(count)) > 0)
				done += count;
			if (load->watched[CONTROL].revents)
				rc = -EPIPE;
			else if (load->watched[SIGNAL].revents)
				rc = -EINTR;
		}
		if (rc < 0) {
			stop_workers(load);
			return rc;
		}
		due_ns = tick(load, ztt_clock_ns(), due_ns);
	}
	return 0;
}

static void add_worker(const struct ztt_load_worker *worker,
		       struct ztt_load_result *result, uint64_t *first_error_ns)
{
	const struct ztt_load_result *from = &worker->result;

	result->requests += from->requests;
	result->bytes_down += from->bytes_down;
	result->bytes_up += from->bytes_up;
	result->late += from->late;
	for (int i = 0; i < ZTT_LOAD_ERRORS; i++)
		result->errors[i] += from->errors[i];
	ztt_hist_add(result->latency, from->latency);
	ztt_hist_add(result->service, from->service);
	if (worker->ended_ns > result->at_ns)
		result->at_ns = worker->ended_ns;
	if (worker->first_error_ns < *first_error_ns) {
		*first_error_ns = worker->first_error_ns;
		strcpy(result->first_error, from->first_error);
	}
}

static void add_up(const struct load *load, struct ztt_load_result *result)
{
	uint64_t first_error_ns = ZTT_NEVER;

	for (unsigned i = 0; i < load->worker_count; i++)
		add_worker(&load->workers[i], result, &first_error_ns);
	result->threads = load->worker_count;
	if (result->at_ns > load->begin_ns)
		result->duration_ns = result->at_ns - load->begin_ns;
}

static int send_end(struct load *load, const struct ztt_load_result *result,
		    struct ztt_err *err)
{
	struct ztt_json json;
	int rc;

	if (load->control_fd == ZTT_CONTROL_NONE)
		return 0;
	ztt_control_begin(&json, "end");
	ztt_load_result_write(result, &json);
	rc = ztt_control_send(load->control_fd, &json);
	if (rc < 0)
		return ztt_err_set(err, rc, "cannot hand the result over: %s",
				   strerror(-rc));
	poll(load->watched, DONE, -1);
	return 0;
}

static int init(struct load *load, struct ztt_err *err)
{
	const struct ztt_load_plan *plan = load->plan;
	int rc = 0;

	load->workers = ztt_calloc(plan->threads, sizeof(load->workers[0]));
	load->start_ns = ztt_clock_ns();
	load->begin_ns = load->start_ns + plan->warmup_ns;
	while (rc == 0 && load->worker_count < plan->threads) {
		struct ztt_load_worker *worker =
			&load->workers[load->worker_count];

		worker->plan = plan;
		worker->blob = &load->blob;
		worker->index = load->worker_count;
		worker->start_ns = load->start_ns;
		worker->done_fd = load->watched[DONE].fd;
		rc = ztt_load_worker_init(worker, err);
		load->worker_count += rc == 0;
	}
	return rc;
}

static int run(struct load *load, struct ztt_load_result *result,
	       struct ztt_err *err)
{
	int rc = init(load, err);

	for (unsigned i = 0; i < load->worker_count && rc == 0; i++)
		rc = ztt_load_worker_start(&load->workers[i], err);
	if (rc == 0)
		rc = watch(load);
	else
		stop_workers(load);
	for (unsigned i = 0; i < load->worker_count; i++)
		ztt_load_worker_join(&load->workers[i]);
	if (load->live)
		ztt_progress(stderr, "%s", "");
	if (rc == 0 || rc == -EINTR) {
		add_up(load, result);
		rc = result->duration_ns
			     ? send_end(load, result, err)
			     : ztt_err_set(err, -EINTR,
					   "interrupted before the measured "
					   "window began");
	}
	for (unsigned i = 0; i < load->worker_count; i++)
		ztt_load_worker_release(&load->workers[i]);
	free(load->workers);
	return rc;
}

int ztt_load_measure(const struct ztt_load_plan *plan, int control_fd,
		     bool live, struct ztt_load_result *result,
		     struct ztt_err *err)
{
	struct load load = {
		.plan = plan,
		.control_fd = control_fd,
		.live = live && control_fd == ZTT_CONTROL_NONE,
	};
	int signal_fd = ztt_part_begin(err);
	int done_fd = eventfd(0, EFD_CLOEXEC);
	int rc = signal_fd;

	if (done_fd < 0)
		rc = ztt_err_set(err, -errno, "cannot make an eventfd: %s",
				 strerror(errno));
	if (rc >= 0) {
		load.watched[SIGNAL] = (struct pollfd){signal_fd, POLLIN, 0};
		load.watched[CONTROL] = (struct pollfd){control_fd, POLLIN, 0};
		load.watched[DONE] = (struct pollfd){done_fd, POLLIN, 0};
		ztt_blob_init(&load.blob);
		rc = run(&load, result, err);
		ztt_blob_release(&load.blob);
	}
	if (rc == -EPIPE)
		ztt_err_set(err, rc, "the run that started this is gone");
	close(signal_fd);
	close(done_fd);
	return rc;
}
