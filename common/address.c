#define _GNU_SOURCE
#include "address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "err.h"

/* Here, for getaddrinfo takes 65536 for 0. */
static bool is_port(const char *text)
{
	unsigned port = 0;

	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		port = port * 10 + (unsigned)(*text - '0');
		if (port > UINT16_MAX)
			return false;
	}
	return true;
}

static int split(const char *text, char *host, size_t cap,
		 const char **ret_port)
{
	const char *colon = strrchr(text, ':');
	size_t len;

	if (!colon || !colon[1] || !is_port(colon + 1))
		return -EINVAL;
	len = (size_t)(colon - text);
	if (text[0] == '[') {
		if (len < 2 || text[len - 1] != ']')
			return -EINVAL;
		text++;
		len -= 2;
	}
	if (len == 0 || len >= cap)
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	*ret_port = colon + 1;
	return 0;
}

static int parse(const char *text, int flags, struct ztt_address *ret_address,
		 struct ztt_err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_NUMERICSERV | flags};
	struct addrinfo *found;
	const char *port;
	char host[256];
	int rc;

	if (split(text, host, sizeof(host), &port) < 0)
		return ztt_err_set(err, -EINVAL,
				   "'%s' is not an address of the form "
				   "HOST:PORT, such as 127.0.0.1:7844 or "
				   "[::1]:7844",
				   text);
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc != 0)
		return ztt_err_set(err, -ENOENT, "cannot resolve '%s': %s",
				   text, gai_strerror(rc));
	memcpy(&ret_address->storage, found->ai_addr, found->ai_addrlen);
	ret_address->len_bytes = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

int ztt_address_parse(const char *text, struct ztt_address *ret_address,
		      struct ztt_err *err)
{
	return parse(text, 0, ret_address, err);
}

int ztt_address_parse_numeric(const char *text, struct ztt_address *ret_address,
			      struct ztt_err *err)
{
	return parse(text, AI_NUMERICHOST, ret_address, err);
}

char *ztt_address_text(const struct ztt_address *address,
		       char out[ZTT_ADDRESS_LEN])
{
	const char *format = "%s:%s";
	char host[48], port[8];

	if (getnameinfo((const struct sockaddr *)&address->storage,
			address->len_bytes, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		snprintf(out, ZTT_ADDRESS_LEN, "?");
		return out;
	}
	if (address->storage.ss_family == AF_INET6)
		format = "[%s]:%s";
	snprintf(out, ZTT_ADDRESS_LEN, format, host, port);
	return out;
}

int ztt_address_of_socket(int fd, struct ztt_address *ret_address)
{
	ret_address->len_bytes = sizeof(ret_address->storage);
	if (getsockname(fd, (struct sockaddr *)&ret_address->storage,
			&ret_address->len_bytes) < 0)
		return -errno;
	return 0;
}

bool ztt_address_equal(const struct ztt_address *a, const struct ztt_address *b)
{
	const struct sockaddr_in *a4 = (const void *)&a->storage;
	const struct sockaddr_in *b4 = (const void *)&b->storage;
	const struct sockaddr_in6 *a6 = (const void *)&a->storage;
	const struct sockaddr_in6 *b6 = (const void *)&b->storage;

	if (a->storage.ss_family != b->storage.ss_family)
		return false;
	if (a->storage.ss_family == AF_INET)
		return a4->sin_port == b4->sin_port &&
		       a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_port == b6->sin6_port &&
	       memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) ==
		       0;
}

static int tcp_socket(int family, struct ztt_err *err)
{
	const int one = 1;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return ztt_err_set(err, -errno, "cannot make a TCP socket: %s",
				   strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

int ztt_tcp_listen(const struct ztt_address *address, int *ret_fd,
		   struct ztt_err *err)
{
	char text[ZTT_ADDRESS_LEN];
	const int one = 1;
	int fd, rc;

	fd = tcp_socket(address->storage.ss_family, err);
	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&address->storage,
		 address->len_bytes) == 0 &&
	    listen(fd, 4096) == 0) {
		*ret_fd = fd;
		return 0;
	}
	rc = -errno;
	close(fd);
	ztt_address_text(address, text);
	if (rc == -EADDRINUSE)
		return ztt_err_set(err, rc,
				   "TCP %s is in use by another "
				   "process; 'ss -ltnp' names it: end it or "
				   "choose another port",
				   text);
	return ztt_err_set(err, rc, "cannot listen on TCP %s: %s", text,
			   strerror(-rc));
}

int ztt_tcp_connect(const struct ztt_address *address, int *ret_fd,
		    struct ztt_err *err)
{
	char text[ZTT_ADDRESS_LEN];
	int fd, rc;

	fd = tcp_socket(address->storage.ss_family, err);
	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&address->storage,
		    address->len_bytes) == 0 ||
	    errno == EINPROGRESS) {
		*ret_fd = fd;
		return 0;
	}
	rc = -errno;
	close(fd);
	return ztt_err_set(err, rc, "cannot connect to %s: %s",
			   ztt_address_text(address, text), strerror(-rc));
}

int ztt_tcp_accept(int listen_fd, int *ret_fd)
{
	const int one = 1;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return errno == ECONNABORTED || errno == EINTR ? -EAGAIN
							       : -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*ret_fd = fd;
	return 0;
}
