#include "ztt-doctor/engine/endpoint.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/http1.h"
#include "ztt-doctor/probes/dial.h"

#define GROW_BYTES 16384

/* All that the other side sends until it closes: "Connection: close". */
static int read_all(int fd, uint64_t due_ns, char **ret_data, size_t *ret_len)
{
	size_t cap = GROW_BYTES, len = 0;
	char *data = ztt_alloc(cap);
	int rc = 0;

	while (rc == 0) {
		ssize_t got;

		if (len == cap) {
			if (cap >= ZTT_ENDPOINT_BODY_MAX) {
				rc = -EFBIG;
				break;
			}
			cap *= 4;
			data = ztt_realloc(data, cap);
		}
		got = read(fd, data + len, cap - len);
		if (got == 0)
			break;
		if (got > 0)
			len += (size_t)got;
		else if (errno == EAGAIN)
			rc = ztt_dial_wait(fd, POLLIN, due_ns);
		else if (errno != EINTR)
			rc = -errno;
	}
	if (rc < 0) {
		free(data);
		return rc;
	}
	*ret_data = data;
	*ret_len = len;
	return 0;
}

static int write_all(int fd, const char *data, size_t len, uint64_t due_ns)
{
	int rc = 0;

	while (len > 0 && rc == 0) {
		ssize_t put = write(fd, data, len);

		if (put > 0) {
			data += put;
			len -= (size_t)put;
		} else if (errno == EAGAIN) {
			rc = ztt_dial_wait(fd, POLLOUT, due_ns);
		} else if (errno != EINTR) {
			rc = -errno;
		}
	}
	return rc;
}

/* Puts the chunks together at the front of `data`. */
static int unchunk(char *data, size_t len, size_t *ret_len)
{
	struct ztt_http1_chunks chunks = {0};
	size_t at = 0, put = 0;
	bool end = false;

	while (!end && at < len) {
		struct ztt_slice body;
		ssize_t took = ztt_http1_chunk(&chunks, data + at, len - at,
					       &body, &end);

		if (took < 0)
			return -EPROTO;
		if (took == 0)
			break;
		memmove(data + put, body.at, body.len_bytes);
		put += body.len_bytes;
		at += (size_t)took;
	}
	*ret_len = put;
	return end ? 0 : -EPROTO;
}

/* Leaves the body at the front of `data`. */
static int read_response(char *data, size_t len, unsigned *ret_status,
			 size_t *ret_len)
{
	struct ztt_http1_head head;
	ssize_t head_len = ztt_http1_response(data, len, &head);
	uint64_t length;

	if (head_len <= 0)
		return -EPROTO;
	*ret_status = head.status;
	length = head.content_length;
	len -= (size_t)head_len;
	memmove(data, data + head_len, len);
	if (head.chunked)
		return unchunk(data, len, ret_len);
	if (length != ZTT_HTTP1_LENGTH_UNKNOWN) {
		if (length > len)
			return -EPROTO;
		len = (size_t)length;
	}
	*ret_len = len;
	return 0;
}

static int exchange(int fd, const char *host, const char *path, uint64_t due_ns,
		    char **ret_data, size_t *ret_len)
{
	char request[512];
	int len = snprintf(request, sizeof(request),
			   "GET %s HTTP/1.1\r\nHost: %s\r\n"
			   "Accept: application/json;version=1, */*\r\n"
			   "Connection: close\r\n\r\n",
			   path, host);
	int rc;

	if (len < 0 || len >= (int)sizeof(request))
		return -EINVAL;
	rc = write_all(fd, request, (size_t)len, due_ns);
	return rc < 0 ? rc : read_all(fd, due_ns, ret_data, ret_len);
}

static int fetch(int fd, const char *host, const char *path, uint64_t due_ns,
		 unsigned *ret_status, char **ret_body, size_t *ret_len)
{
	char *data = NULL;
	unsigned status = 0;
	size_t len = 0;
	int rc = exchange(fd, host, path, due_ns, &data, &len);

	if (rc < 0)
		return rc;
	rc = read_response(data, len, &status, &len);
	if (rc < 0) {
		free(data);
		return rc;
	}
	*ret_status = status;
	*ret_body = ztt_realloc(data, len + 1);
	(*ret_body)[len] = 0;
	*ret_len = len;
	return 0;
}

int ztt_endpoint_get(const struct ztt_address *address, const char *path,
		     uint64_t due_ns, unsigned *ret_status, char **ret_body,
		     size_t *ret_len, struct ztt_err *err)
{
	char host[ZTT_ADDRESS_LEN];
	int fd, rc = ztt_dial_tcp(address, due_ns, &fd, err);

	if (rc < 0)
		return rc;
	ztt_address_text(address, host);
	rc = fetch(fd, host, path, due_ns, ret_status, ret_body, ret_len);
	close(fd);
	if (rc == -EPROTO)
		ztt_err_set(err, rc, "%s%s: no answer in HTTP/1.1", host, path);
	else if (rc == -EFBIG)
		ztt_err_set(err, rc, "%s%s: more than %d bytes", host, path,
			    ZTT_ENDPOINT_BODY_MAX);
	else if (rc < 0)
		ztt_err_set(err, rc, "%s%s: %s", host, path, strerror(-rc));
	return rc;
}
