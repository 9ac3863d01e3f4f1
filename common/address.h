/* "HOST:PORT" and socket addresses; TCP listeners. */
#ifndef ZTT_ADDRESS_H
#define ZTT_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

struct ztt_err;

struct ztt_address {
	struct sockaddr_storage storage;
	socklen_t len_bytes;
};

#define ZTT_ADDRESS_LEN 64

/* Parses "127.0.0.1:7844", "[::1]:7844", "localhost:80"; names are resolved
 * (blocking) and the first answer taken. -EINVAL: not of that form; -ENOENT:
 * the name does not resolve, with the resolver's reason. */
int ztt_address_parse(const char *text, struct ztt_address *ret_address,
		      struct ztt_err *err);

/* The same for literal addresses alone: never asks a resolver. */
int ztt_address_parse_numeric(const char *text, struct ztt_address *ret_address,
			      struct ztt_err *err);

/* "127.0.0.1:7844"; returns `out`. */
char *ztt_address_text(const struct ztt_address *address,
		       char out[ZTT_ADDRESS_LEN]);

/* The address a bound socket has, with its real port. -errno of getsockname. */
int ztt_address_of_socket(int fd, struct ztt_address *ret_address);

bool ztt_address_equal(const struct ztt_address *a,
		       const struct ztt_address *b);

/* A listening, non-blocking TCP socket with SO_REUSEADDR. -EADDRINUSE names
 * the address and how to find who has it; other -errno of socket, bind. */
int ztt_tcp_listen(const struct ztt_address *address, int *ret_fd,
		   struct ztt_err *err);

/* A non-blocking TCP socket on its way to be connected (wait for EPOLLOUT, then
 * ask SO_ERROR), with TCP_NODELAY. -errno of socket, connect. */
int ztt_tcp_connect(const struct ztt_address *address, int *ret_fd,
		    struct ztt_err *err);

/* The next connection of a listener, non-blocking, TCP_NODELAY, close-on-exec;
 * -EAGAIN: none now. */
int ztt_tcp_accept(int listen_fd, int *ret_fd);

#endif
