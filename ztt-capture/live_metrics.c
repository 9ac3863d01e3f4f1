#define _GNU_SOURCE
#include "ztt-capture/live_metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/http1.h"

#define SCHEME "http://"
#define BODY_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define FIRST_BYTES ((size_t)64 * 1024)

static bool is_this_host(const struct ztt_address *address)
{
	const void *at = &address->storage;
	const struct sockaddr_in6 *six = at;
	const struct sockaddr_in *four = at;

	if (address->storage.ss_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return address->storage.ss_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static bool is_plain(const char *path)
{
	for (; *path; path++)
		if (*path <= ' ' || *path > '~')
			return false;
	return true;
}

int ztt_metrics_url(const char *text, struct ztt_metrics_url *ret_url,
		    struct ztt_err *err)
{
	const size_t scheme = strlen(SCHEME);
	char host[ZTT_ADDRESS_LEN + 1];
	const char *path;
	size_t len;
	int rc;

	if (strncmp(text, SCHEME, scheme) != 0)
		return ztt_err_set(err, -EINVAL,
				   "--metrics: not of the form "
				   "http://127.0.0.1:20241/metrics");
	len = strcspn(text + scheme, "/");
	path = text + scheme + len;
	if (len >= sizeof(host) || strlen(path) >= sizeof(ret_url->path) ||
	    !is_plain(path))
		return ztt_err_set(err, -EINVAL, "--metrics: no such URL");
	snprintf(host, sizeof(host), "%.*s", (int)len, text + scheme);
	rc = ztt_address_parse(host, &ret_url->address, err);
	if (rc < 0)
		return ztt_err_prefix(err, -EINVAL, "--metrics");
	if (!is_this_host(&ret_url->address))
		return ztt_err_set(err, -EINVAL,
				   "--metrics: only of this host: 127.0.0.1 or "
				   "[::1]");
	snprintf(ret_url->path, sizeof(ret_url->path), "%s",
		 path[0] && path[1] ? path : "/metrics");
	return 0;
}

static int wait_for(int fd, short events, uint64_t due_ns)
{
	struct pollfd one = {.fd = fd, .events = events};
	uint64_t now_ns = ztt_clock_ns();
	int left_ms = due_ns > now_ns ? (int)((due_ns - now_ns) / 1000000) : 0;
	int rc = poll(&one, 1, left_ms);

	if (rc > 0 || (rc < 0 && errno == EINTR))
		return 0;
	return rc == 0 ? -ETIMEDOUT : -errno;
}

static int send_request(int fd, const struct ztt_metrics_url *url,
			uint64_t due_ns)
{
	char request[512], host[ZTT_ADDRESS_LEN];
	int error = 0, rc = wait_for(fd, POLLOUT, due_ns);
	socklen_t error_len = sizeof(error);
	int len = snprintf(request, sizeof(request),
			   "GET %s HTTP/1.1\r\nHost: %s\r\n"
			   "Connection: close\r\n\r\n",
			   url->path, ztt_address_text(&url->address, host));

	if (rc < 0)
		return rc;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0)
		return -errno;
	if (error)
		return -error;
	/* A new connection takes so few bytes at once. */
	return send(fd, request, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -EPIPE;
}

/* All until the other side closes. */
static int receive(int fd, uint64_t due_ns, char **data, size_t *ret_len)
{
	size_t cap = FIRST_BYTES, len = 0;

	*data = ztt_alloc(cap);
	for (;;) {
		ssize_t got = read(fd, *data + len, cap - 1 - len);
		int rc = 0;

		if (got == 0) {
			*ret_len = len;
			(*data)[len] = '\0';
			return 0;
		}
		if (got > 0)
			len += (size_t)got;
		else if (errno == EAGAIN)
			rc = wait_for(fd, POLLIN, due_ns);
		else if (errno != EINTR)
			rc = -errno;
		if (rc == 0 && len == cap - 1) {
			cap *= 4;
			rc = cap > BODY_BYTES_MAX ? -EFBIG : 0;
			if (rc == 0)
				*data = ztt_realloc(*data, cap);
		}
		if (rc < 0)
			return rc;
	}
}

/* Puts the chunks together at the front. */
static int unchunk(char *data, size_t len)
{
	struct ztt_http1_chunks chunks = {0};
	size_t at = 0, put = 0;
	bool end = false;

	while (!end && at < len) {
		struct ztt_slice body;
		ssize_t took = ztt_http1_chunk(&chunks, data + at, len - at,
					       &body, &end);

		if (took <= 0)
			break;
		memmove(data + put, body.at, body.len_bytes);
		put += body.len_bytes;
		at += (size_t)took;
	}
	data[put] = '\0';
	return end ? 0 : -EPROTO;
}

static int read_body(char *data, size_t len, struct ztt_metrics *ret_metrics)
{
	struct ztt_http1_head head;
	ssize_t head_len = ztt_http1_response(data, len, &head);

	if (head_len <= 0 || head.status != 200)
		return -EPROTO;
	data += head_len;
	len -= (size_t)head_len;
	if (head.content_length != ZTT_HTTP1_LENGTH_UNKNOWN &&
	    head.content_length > len)
		return -EPROTO;
	if (head.chunked && unchunk(data, len) < 0)
		return -EPROTO;
	ztt_metrics_read(data, ret_metrics);
	return 0;
}

int ztt_metrics_get(const struct ztt_metrics_url *url, uint64_t due_ns,
		    struct ztt_metrics *ret_metrics, struct ztt_err *err)
{
	char text[ZTT_ADDRESS_LEN];
	char *data = NULL;
	size_t len = 0;
	int fd = -1, rc = ztt_tcp_connect(&url->address, &fd, err);

	if (rc == 0)
		rc = send_request(fd, url, due_ns);
	if (rc == 0)
		rc = receive(fd, due_ns, &data, &len);
	if (rc == 0)
		rc = read_body(data, len, ret_metrics);
	free(data);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		ztt_err_set(err, rc, "metrics of %s%s: %s",
			    ztt_address_text(&url->address, text), url->path,
			    rc == -EPROTO ? "no answer of status 200 in "
					    "HTTP/1.1"
					  : strerror(-rc));
	return rc;
}

/* `line` is NAME{LABELS} VALUE or NAME VALUE: the value, 0 when it is another
 * name's, negative or no number. */
static uint64_t value_of(const char *line, const char *name)
{
	const size_t len = strlen(name);
	const char *end;
	double value;

	if (strncmp(line, name, len) != 0 ||
	    (line[len] != '{' && line[len] != ' '))
		return 0;
	end = line[len] == '{' ? strrchr(line, '}') : line + len - 1;
	if (!end)
		return 0;
	value = strtod(end + 1, NULL);
	return value > 0 && value < 0x1p62 ? (uint64_t)value : 0;
}

void ztt_metrics_read(char *body, struct ztt_metrics *ret_metrics)
{
	struct ztt_metrics sum = {0};
	char *line, *rest = body;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, "quic_client_", 12) == 0)
			sum.quic = true;
		sum.lost += value_of(line, "quic_client_lost_packets");
		sum.too_big +=
			value_of(line, "quic_client_packet_too_big_dropped");
		if (!strstr(line, "reason=\"duplicate\""))
			sum.dropped_bytes +=
				value_of(line, "quic_client_dropped_packets");
	}
	*ret_metrics = sum;
}
