/* A TCP connection of a part: edge-triggered, what waits to be written in a
 * chain, what was read ahead in a buffer. */
#ifndef ZTT_BENCH_TCP_H
#define ZTT_BENCH_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/chain.h"
#include "common/loop.h"

struct ztt_err;

struct ztt_tcp {
	struct ztt_watch watch; /* fd -1: closed */
	struct ztt_loop *loop;
	struct ztt_deferred flush;
	struct ztt_chain out;
	char *ahead; /* read but not used: ahead[ahead_at .. ahead_len) */
	size_t ahead_at, ahead_len, ahead_cap;
	bool readable, writable, hung_up, eof, shut_when_flushed;
	int error; /* 0, or what ended it */

	/* Set by the owner, may be set anew at any time. `ready`: there may be
	 * something to read, or it ended (`eof`, `error`). `written`:
	 * `len_bytes` of `out` went into the kernel. Any may close it. */
	void *owner;
	void (*ready)(struct ztt_tcp *tcp);
	/* A connection under way is made; then set to NULL. */
	void (*connected)(struct ztt_tcp *tcp);
	void (*written)(struct ztt_tcp *tcp, size_t len_bytes);
};

/* Takes over `fd`. */
int ztt_tcp_init(struct ztt_tcp *tcp, int fd, struct ztt_loop *loop,
		 struct ztt_pool *pool, struct ztt_err *err);
/* Closes it and lets go of everything; fine when already closed. */
void ztt_tcp_close(struct ztt_tcp *tcp);

/* Something was added to `out`: it is written at the end of the round. */
void ztt_tcp_flush(struct ztt_tcp *tcp);
/* Sends FIN once `out` is written. */
void ztt_tcp_shut(struct ztt_tcp *tcp);

/* Reads more into `ahead`, growing it up to `max_bytes`. Returns the bytes read,
 * -EAGAIN, 0 at the end, -EMSGSIZE when `ahead` is full, or what failed. */
ssize_t ztt_tcp_read_ahead(struct ztt_tcp *tcp, size_t max_bytes);
/* The same into `vec`; -EAGAIN, and a short read, clear `readable`. */
ssize_t ztt_tcp_read(struct ztt_tcp *tcp, const struct iovec *vec,
		     size_t count);
/* What was read and not used, from its beginning; never NULL. */
const char *ztt_tcp_ahead(const struct ztt_tcp *tcp);
/* Drops what was used of `ahead`; the buffer is freed when it is empty and
 * large. */
void ztt_tcp_used(struct ztt_tcp *tcp, size_t len_bytes);

#endif
