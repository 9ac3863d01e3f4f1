/* Captures made of bytes, in temporary files. */
#ifndef CAPTURE_FILE_H
#define CAPTURE_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"
#include "ztt-capture/source/source.h"

/* Bytes as they are put; `big` is the order of the numbers. */
struct test_bytes {
	uint8_t data[1 << 21];
	size_t len;
	bool big;
};

static inline void test_put(struct test_bytes *bytes, const void *data,
			    size_t len)
{
	assert_true(len <= sizeof(bytes->data) - bytes->len);
	if (len)
		memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
}

static inline void test_put_uint(struct test_bytes *bytes, uint64_t value,
				 size_t width)
{
	uint8_t out[8];

	for (size_t i = 0; i < width; i++)
		out[bytes->big ? width - 1 - i : i] = (uint8_t)(value >> 8 * i);
	test_put(bytes, out, width);
}

static inline void test_put16(struct test_bytes *bytes, unsigned value)
{
	test_put_uint(bytes, value, 2);
}

static inline void test_put32(struct test_bytes *bytes, uint32_t value)
{
	test_put_uint(bytes, value, 4);
}

static inline void test_put64(struct test_bytes *bytes, uint64_t value)
{
	test_put_uint(bytes, value, 8);
}

/* A file in /tmp with `data`; the caller unlinks it. */
struct test_file {
	char path[32];
};

static inline struct test_file test_file_of(const void *data, size_t len)
{
	struct test_file file = {"/tmp/ztt-capture.XXXXXX"};
	int fd = mkstemp(file.path);

	assert_true(fd >= 0);
	while (len) {
		ssize_t done = write(fd, data, len);

		assert_true(done > 0);
		data = (const uint8_t *)data + done;
		len -= (size_t)done;
	}
	close(fd);
	return file;
}

static inline struct ztt_source *test_open(const char *path)
{
	struct ztt_source *source = NULL;
	struct ztt_err err = {""};
	int rc = ztt_source_open_file(path, &source, &err);

	if (rc < 0)
		fail_msg("%s", err.text);
	return source;
}

/* The source of a file with these bytes, which is gone already. */
static inline struct ztt_source *test_source(const struct test_bytes *bytes)
{
	struct test_file file = test_file_of(bytes->data, bytes->len);
	struct ztt_source *source = test_open(file.path);

	unlink(file.path);
	return source;
}

/* Whether a program is there to compare with. */
static inline bool test_has(const char *program)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1",
		 program);
	return system(command) == 0;
}

#endif
