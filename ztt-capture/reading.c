#include "ztt-capture/reading.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"

static void on_secrets(void *owner, const char *text, size_t len_bytes)
{
	ztt_key_log_add(owner, text, len_bytes);
}

int ztt_reading_open(struct ztt_reading *reading,
		     const struct ztt_reading_plan *plan, struct ztt_err *err)
{
	struct ztt_flows_plan flows = {.observer = plan->observer,
				       .frames = plan->observer.packet != NULL};
	int rc = 0;

	if (plan->path_count > ZTT_READING_FILES_MAX)
		return ztt_err_set(err, -EINVAL, "at most %d captures at once",
				   ZTT_READING_FILES_MAX);
	reading->keys = flows.keys = ztt_key_log_new();
	if (plan->keys)
		rc = ztt_key_log_read(reading->keys, plan->keys, err);
	reading->paths = plan->paths;
	for (size_t i = 0; i < plan->path_count && rc >= 0; i++) {
		rc = ztt_source_open_path(plan->paths[i], err);
		if (rc >= 0)
			reading->fds[reading->fd_count++] = rc;
	}
	if (rc >= 0)
		reading->flows = ztt_flows_new(&flows);
	return rc < 0 ? rc : 0;
}

static void add_figures(struct ztt_source_figures *sum,
			const struct ztt_source_figures *one)
{
	sum->frames += one->frames;
	sum->bytes += one->bytes;
	sum->truncated += one->truncated;
	sum->dropped += one->dropped;
	sum->dropped_known |= one->dropped_known;
	if (!sum->problem[0])
		memcpy(sum->problem, one->problem, sizeof(sum->problem));
}

static int run_one(struct ztt_reading *reading, size_t at, struct ztt_err *err)
{
	struct ztt_source_figures figures;
	struct ztt_source *source;
	struct ztt_frame frame;
	int rc;

	reading->fds_taken = at + 1;
	rc = ztt_source_open_fd(reading->fds[at], reading->paths[at], &source,
				err);
	if (rc < 0)
		return rc;
	ztt_source_on_secrets(source, on_secrets, reading->keys);
	while ((rc = ztt_source_next(source, &frame, err)) > 0)
		ztt_flows_frame(reading->flows, &frame);
	ztt_source_figures(source, &figures);
	add_figures(&reading->figures, &figures);
	ztt_source_close(source);
	return rc;
}

int ztt_reading_run(struct ztt_reading *reading,
		    const struct ztt_capture **ret_capture, struct ztt_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < reading->fd_count && rc == 0; i++)
		rc = run_one(reading, i, err);
	*ret_capture = ztt_flows_finish(reading->flows, &reading->figures);
	return rc;
}

void ztt_reading_release(struct ztt_reading *reading)
{
	ztt_flows_free(reading->flows);
	ztt_key_log_free(reading->keys);
	for (size_t i = reading->fds_taken; i < reading->fd_count; i++)
		close(reading->fds[i]);
}
