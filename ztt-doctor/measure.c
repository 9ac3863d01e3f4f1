#define _GNU_SOURCE
#include "ztt-doctor/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/child.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/table.h"
#include "common/text.h"

#define BENCH "ztt-bench"
#define RESULT_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define BITS_PER_GBIT 1e9

/* Beside this program, as built and as installed; else in PATH. */
static void find_bench(char out[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *slash;

	if (len > 0) {
		out[len] = 0;
		slash = strrchr(out, '/');
		if (slash &&
		    (size_t)(slash - out) + sizeof("/" BENCH) < PATH_MAX) {
			strcpy(slash + 1, BENCH);
			if (access(out, X_OK) == 0)
				return;
		}
	}
	strcpy(out, BENCH);
}

static int start(const char *engine_path, int result_fd,
		 struct ztt_child *child, struct ztt_err *err)
{
	char path[PATH_MAX];
	char *argv[12] = {BENCH,        "run", "--quiet", "--no-floor",
			  "--duration", "3s",  "--json",  "/proc/self/fd/3"};
	struct ztt_child_plan plan = {.name = BENCH,
				      .path = path,
				      .argv = argv,
				      .keep_fds = {result_fd},
				      .keep_count = 1};

	find_bench(path);
	if (engine_path) {
		argv[8] = "--engine-path";
		argv[9] = (char *)(uintptr_t)engine_path;
	}
	return ztt_child_start(&plan, child, err);
}

/* Until ztt-bench has closed it, which is when it ends. */
static size_t read_result(int fd, char *data)
{
	size_t len = 0;

	while (len < RESULT_BYTES_MAX) {
		ssize_t got = read(fd, data + len, RESULT_BYTES_MAX - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	return len;
}

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static void name_engine(const json_t *result, char out[64])
{
	json_t *engine = json_array_get(json_object_get(result, "engines"), 0);
	const char *name = json_string_value(json_object_get(engine, "name"));
	const char *version =
		json_string_value(json_object_get(engine, "version"));

	snprintf(out, 64, "%s %s", name ? name : "an engine",
		 version ? version : "");
	ztt_text_plain(out);
}

static int judge(const char *data, size_t len,
		 struct ztt_measured *ret_measured, struct ztt_err *err)
{
	json_t *result = json_loadb(data, len, 0, NULL);
	json_t *run = json_array_get(json_object_get(result, "runs"), 0);
	json_t *parts = json_object_get(run, "parts");
	double cores = number(json_object_get(parts, "engine"), "cores");
	double gbps = number(run, "goodput_bps") / BITS_PER_GBIT;
	const char *why =
		json_string_value(json_object_get(run, "invalid_reason"));
	int rc = 0;

	if (json_is_true(json_object_get(run, "valid")) && gbps > 0 &&
	    cores > 0) {
		ret_measured->vcpu_per_gbps = cores / gbps;
		name_engine(result, ret_measured->engine);
	} else {
		rc = ztt_err_set(err, -EIO, "--measure: %s",
				 why ? why : "ztt-bench gave no result");
	}
	json_decref(result);
	return rc;
}

int ztt_measure(const char *engine_path, FILE *progress,
		struct ztt_measured *ret_measured, struct ztt_err *err)
{
	struct ztt_child *child = ztt_calloc(1, sizeof(*child));
	char *data = NULL;
	size_t len;
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		rc = ztt_err_set(err, -errno, "--measure: no pipe: %s",
				 strerror(errno));
		goto out;
	}
	if (progress)
		ztt_progress(progress, "measuring what a tunnel costs here");
	rc = start(engine_path, fds[1], child, err);
	close(fds[1]);
	if (rc == 0) {
		data = ztt_alloc(RESULT_BYTES_MAX);
		len = read_result(fds[0], data);
		ztt_child_stop(child, ZTT_NS_PER_S);
		rc = judge(data, len, ret_measured, err);
	} else {
		ztt_err_prefix(err, rc, "--measure");
	}
	close(fds[0]);
	if (progress)
		ztt_progress(progress, "%s", "");
out:
	free(data);
	free(child);
	return rc;
}
