#define _GNU_SOURCE
#include "ztt-doctor/probes/engine_roots.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"

#define FILE_BYTES_MAX (512LL * 1024 * 1024)
#define WINDOW_BYTES (256 * 1024)

static const char head[] = "-----BEGIN CERTIFICATE-----\n";
static const char tail[] = "-----END CERTIFICATE-----";
#define HEAD_BYTES (sizeof(head) - 1)
#define TAIL_BYTES (sizeof(tail) - 1)

struct scan {
	char *pem;
	size_t len_bytes;
	int count;
};

static bool is_base64(const char *at, const char *end)
{
	for (; at < end; at++)
		if (!isalnum((unsigned char)*at) && !memchr("+/=\r\n", *at, 5))
			return false;
	return true;
}

/* Takes the certificate that begins at `at`; returns where to go on. */
static const char *take(struct scan *scan, const char *at, const char *end)
{
	const char *body = at + HEAD_BYTES, *stop;
	size_t most = (size_t)(end - body), len;

	if (most > ZTT_ENGINE_ROOT_BYTES_MAX)
		most = ZTT_ENGINE_ROOT_BYTES_MAX;
	stop = memmem(body, most, tail, TAIL_BYTES);
	if (!stop || !is_base64(body, stop))
		return body;
	stop += TAIL_BYTES;
	len = (size_t)(stop - at);
	scan->pem = ztt_realloc(scan->pem, scan->len_bytes + len + 2);
	memcpy(scan->pem + scan->len_bytes, at, len);
	scan->len_bytes += len;
	scan->pem[scan->len_bytes++] = '\n';
	scan->pem[scan->len_bytes] = 0;
	scan->count++;
	return stop;
}

/* The whole file goes through a small window: mapped, its pages would count as
 * memory of this process. Certificates that begin in the last
 * ZTT_ENGINE_ROOT_BYTES_MAX of a window are taken with the next one. */
static int scan_file(int fd, struct scan *scan)
{
	const size_t margin = HEAD_BYTES + ZTT_ENGINE_ROOT_BYTES_MAX;
	char *window = ztt_alloc(WINDOW_BYTES);
	size_t have = 0;
	ssize_t got;
	int rc = 0;

	do {
		const char *at = window, *end, *last;

		got = read(fd, window + have, WINDOW_BYTES - have);
		if (got < 0) {
			rc = -errno;
			break;
		}
		have += (size_t)got;
		end = window + have;
		last = got && have > margin ? end - margin : end;
		while (scan->count < ZTT_ENGINE_ROOTS_MAX && at < last) {
			const char *found = memmem(at, (size_t)(end - at), head,
						   HEAD_BYTES);

			if (!found || (got && found >= last))
				break;
			at = take(scan, found, end);
		}
		if (at < last)
			at = last;
		have = (size_t)(end - at);
		memmove(window, at, have);
	} while (got > 0 && scan->count < ZTT_ENGINE_ROOTS_MAX);
	free(window);
	return rc;
}

int ztt_engine_roots(const char *path, char **ret_pem, size_t *ret_len_bytes)
{
	struct scan scan = {.pem = NULL};
	struct stat st;
	int rc = 0;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EINVAL;
	else if (st.st_size > FILE_BYTES_MAX)
		rc = -EFBIG;
	else
		rc = scan_file(fd, &scan);
	close(fd);
	if (rc < 0) {
		free(scan.pem);
		return rc;
	}
	*ret_pem = scan.pem;
	*ret_len_bytes = scan.len_bytes;
	return scan.count;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

char *ztt_engine_find(const char *engine_path)
{
	const char *at = getenv("PATH"), *end;
	char path[PATH_MAX];

	if (engine_path)
		return ztt_strdup(engine_path);
	for (; at && *at; at = *end ? end + 1 : end) {
		end = strchrnul(at, ':');
		if (snprintf(path, sizeof(path), "%.*s/cloudflared",
			     (int)(end - at), at) < (int)sizeof(path) &&
		    *at == '/' && is_program(path))
			return ztt_strdup(path);
	}
	return NULL;
}
