/* Two captures: the first two bytes say how long the first one is. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/err.h"
#include "common/json.h"
#include "ztt-capture/analysis/diff.h"
#include "ztt-capture/report/diff_report.h"

/* Two descriptors of one file in memory, each with its own offset. */
static void put(int fds[2], const uint8_t *data, size_t len)
{
	char path[64];

	fds[0] = memfd_create("capture", MFD_CLOEXEC);
	if (fds[0] < 0 || pwrite(fds[0], data, len, 0) != (ssize_t)len)
		_exit(1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	fds[1] = open(path, O_RDONLY | O_CLOEXEC);
	if (fds[1] < 0)
		_exit(1);
}

static void report(const struct ztt_diff *diff)
{
	static const char *const of[2] = {"a", "b"};
	struct ztt_json json;
	char text[8192];
	FILE *out = fmemopen(text, sizeof(text), "w");

	ztt_diff_text(diff, of, false, out);
	fclose(out);
	ztt_json_init(&json, false);
	ztt_diff_json(diff, of, &json);
	ztt_json_text(&json, NULL);
	ztt_json_release(&json);
	ztt_diff_exit(diff, 0.5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ztt_diff_plan plan = {.seed = 1};
	struct ztt_diff_files files = {.paths = {"a", "b"}};
	struct ztt_diff diff;
	struct ztt_err err;
	size_t len;

	if (size < 2)
		return 0;
	len = (size_t)(data[0] << 8 | data[1]);
	len = len > size - 2 ? size - 2 : len;
	put(files.fds[0], data + 2, len);
	put(files.fds[1], data + 2 + len, size - 2 - len);
	if (ztt_diff_run(&files, &plan, &diff, &err) == 0) {
		report(&diff);
		ztt_diff_release(&diff);
	}
	return 0;
}
