#define _GNU_SOURCE
#include "ztt-capture/recorder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/version.h"
#include "ztt-capture/source/split.h"
#include "ztt-capture/source/writer.h"

#define SUFFIX ".pcapng"

struct ztt_recorder {
	struct ztt_recorder_plan plan;
	struct ztt_writer *writer;
	uint64_t begun_ns; /* of the file that is written */
	struct ztt_recorder_figures figures;
	struct ztt_split split;
};

static bool is_ring(const struct ztt_recorder_plan *plan)
{
	return plan->file_bytes || plan->file_ns;
}

/* "trace.pcapng" becomes "trace_00001.pcapng". */
static int name_file(const struct ztt_recorder_plan *plan, unsigned number,
		     char out[PATH_MAX], struct ztt_err *err)
{
	size_t len = strlen(plan->path), suffix = strlen(SUFFIX);
	int written;

	if (len > suffix && strcmp(plan->path + len - suffix, SUFFIX) == 0)
		len -= suffix;
	else
		suffix = 0;
	if (is_ring(plan))
		written = snprintf(out, PATH_MAX, "%.*s_%05u%s", (int)len,
				   plan->path, number, suffix ? SUFFIX : "");
	else
		written = snprintf(out, PATH_MAX, "%s", plan->path);
	if (written < 0 || written >= PATH_MAX)
		return ztt_err_set(err, -ENAMETOOLONG,
				   "the name of the file is too long");
	return 0;
}

static int begin_file(struct ztt_recorder *recorder, struct ztt_err *err)
{
	const struct ztt_writer_interface interface = {
		.name = "any",
		.link = ZTT_LINK_LINUX_SLL2,
		.snap_bytes = recorder->plan.snap_bytes,
		.vnet = recorder->plan.splits,
	};
	char path[PATH_MAX];
	int rc = name_file(&recorder->plan, recorder->figures.files + 1, path,
			   err);

	if (rc == 0)
		rc = ztt_writer_open(path, 0600, -1, &recorder->writer, err);
	if (rc == 0)
		rc = ztt_writer_section(recorder->writer,
					"ztt-capture " ZTT_VERSION, err);
	if (rc == 0)
		rc = ztt_writer_interface(recorder->writer, &interface, err);
	recorder->begun_ns = ztt_clock_ns();
	recorder->figures.files++;
	return rc;
}

/* The oldest of a ring that is full. */
static void forget_file(struct ztt_recorder *recorder)
{
	const unsigned files = recorder->figures.files;
	char path[PATH_MAX];

	if (recorder->plan.files && files >= recorder->plan.files &&
	    name_file(&recorder->plan, files - recorder->plan.files + 1, path,
		      NULL) == 0)
		unlink(path);
}

int ztt_recorder_open(const struct ztt_recorder_plan *plan,
		      struct ztt_recorder **ret_recorder, struct ztt_err *err)
{
	struct ztt_recorder *recorder;
	int rc;

	if (is_ring(plan) && strcmp(plan->path, "-") == 0)
		return ztt_err_set(err, -EINVAL,
				   "a ring of files needs a name: -w FILE");
	recorder = ztt_calloc(1, sizeof(*recorder));
	recorder->plan = *plan;
	rc = begin_file(recorder, err);
	if (rc < 0) {
		ztt_writer_close(recorder->writer, NULL);
		free(recorder);
		return rc;
	}
	*ret_recorder = recorder;
	return 0;
}

static bool is_over(const struct ztt_recorder *recorder)
{
	const struct ztt_recorder_plan *plan = &recorder->plan;

	return (plan->file_bytes &&
		ztt_writer_bytes(recorder->writer) >= plan->file_bytes) ||
	       (plan->file_ns &&
		ztt_clock_ns() - recorder->begun_ns >= plan->file_ns);
}

static int next_file(struct ztt_recorder *recorder, struct ztt_err *err)
{
	int rc = ztt_writer_close(recorder->writer, err);

	recorder->writer = NULL;
	if (rc < 0)
		return rc;
	forget_file(recorder);
	return begin_file(recorder, err);
}

static int write_one(struct ztt_recorder *recorder,
		     const struct ztt_frame *frame, struct ztt_err *err)
{
	recorder->figures.packets++;
	recorder->figures.bytes += frame->length_bytes;
	return ztt_writer_frame(recorder->writer, frame, NULL, err);
}

int ztt_recorder_frame(struct ztt_recorder *recorder,
		       const struct ztt_frame *frame, struct ztt_err *err)
{
	struct ztt_frame one;
	int rc = 0;

	if (is_over(recorder))
		rc = next_file(recorder, err);
	if (rc < 0)
		return rc;
	recorder->figures.frames++;
	recorder->figures.super_datagrams += frame->segment_bytes > 0;
	if (recorder->plan.whole ||
	    ztt_split_begin(&recorder->split, frame) == 1)
		return write_one(recorder, frame, err);
	while (rc == 0 && ztt_split_next(&recorder->split, &one))
		rc = write_one(recorder, &one, err);
	return rc;
}

int ztt_recorder_flush(struct ztt_recorder *recorder, struct ztt_err *err)
{
	return ztt_writer_flush(recorder->writer, err);
}

void ztt_recorder_figures(const struct ztt_recorder *recorder,
			  struct ztt_recorder_figures *ret_figures)
{
	*ret_figures = recorder->figures;
}

int ztt_recorder_close(struct ztt_recorder *recorder, uint64_t seen,
		       uint64_t dropped, struct ztt_err *err)
{
	struct timespec now;
	int rc, closed;

	if (!recorder)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	rc = ztt_writer_statistics(recorder->writer, 0,
				   (int64_t)now.tv_sec * (int64_t)ZTT_NS_PER_S +
					   now.tv_nsec,
				   seen, dropped, err);
	closed = ztt_writer_close(recorder->writer, rc < 0 ? NULL : err);
	free(recorder);
	return rc < 0 ? rc : closed;
}
