#define _GNU_SOURCE
#include "ztt-bench/parts/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/err.h"

#define AHEAD_BYTES 2048
#define VEC_MAX 32

static void fail(struct ztt_tcp *tcp, int error)
{
	if (!tcp->error)
		tcp->error = error;
	tcp->readable = true;
}

static bool write_out(struct ztt_tcp *tcp, size_t *ret_len)
{
	struct iovec vec[VEC_MAX];
	struct msghdr message = {.msg_iov = vec};
	ssize_t n;

	message.msg_iovlen =
		ztt_chain_peek(&tcp->out, NULL, SIZE_MAX, vec, VEC_MAX);
	n = sendmsg(tcp->watch.fd, &message, MSG_NOSIGNAL);
	if (n < 0) {
		tcp->writable = false;
		if (errno == EAGAIN)
			return false;
		fail(tcp, -errno);
		ztt_chain_release(&tcp->out);
		return false;
	}
	ztt_chain_drop(&tcp->out, (size_t)n, NULL);
	*ret_len += (size_t)n;
	return true;
}

static void run_flush(struct ztt_deferred *deferred)
{
	struct ztt_tcp *tcp = ZTT_CONTAINER(deferred, struct ztt_tcp, flush);
	size_t len = 0;

	while (tcp->writable && tcp->out.len_bytes && write_out(tcp, &len))
		;
	if (tcp->shut_when_flushed && !tcp->out.len_bytes && !tcp->error) {
		tcp->shut_when_flushed = false;
		shutdown(tcp->watch.fd, SHUT_WR);
	}
	if (len && tcp->written)
		tcp->written(tcp, len);
	else if (tcp->error && tcp->ready)
		tcp->ready(tcp);
}

static void on_events(struct ztt_watch *watch, uint32_t events)
{
	struct ztt_tcp *tcp = ZTT_CONTAINER(watch, struct ztt_tcp, watch);
	socklen_t len = sizeof(int);
	int error = 0;

	if (events & EPOLLERR) {
		getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		fail(tcp, error ? -error : -EIO);
	}
	if (events & EPOLLOUT && !tcp->error) {
		void (*connected)(struct ztt_tcp *) = tcp->connected;

		tcp->writable = true;
		tcp->connected = NULL;
		if (connected)
			connected(tcp);
		if (tcp->out.len_bytes || tcp->shut_when_flushed)
			ztt_tcp_flush(tcp);
	}
	if (watch->fd < 0)
		return;
	if (events & (EPOLLRDHUP | EPOLLHUP))
		tcp->hung_up = true;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		tcp->readable = true;
	if (tcp->readable && tcp->ready)
		tcp->ready(tcp);
}

int ztt_tcp_init(struct ztt_tcp *tcp, int fd, struct ztt_loop *loop,
		 struct ztt_pool *pool, struct ztt_err *err)
{
	*tcp = (struct ztt_tcp){
		.watch = {.fd = fd, .ready = on_events},
		.loop = loop,
		.flush = {.run = run_flush},
	};
	ztt_chain_init(&tcp->out, pool);
	return ztt_loop_watch(loop, &tcp->watch,
			      EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, err);
}

void ztt_tcp_close(struct ztt_tcp *tcp)
{
	if (tcp->watch.fd < 0 || !tcp->loop)
		return;
	ztt_loop_undefer(tcp->loop, &tcp->flush);
	ztt_loop_unwatch(tcp->loop, &tcp->watch);
	close(tcp->watch.fd);
	tcp->watch.fd = -1;
	ztt_chain_release(&tcp->out);
	free(tcp->ahead);
	tcp->ahead = NULL;
	tcp->ahead_at = tcp->ahead_len = tcp->ahead_cap = 0;
}

void ztt_tcp_flush(struct ztt_tcp *tcp)
{
	if (tcp->watch.fd >= 0)
		ztt_loop_defer(tcp->loop, &tcp->flush);
}

void ztt_tcp_shut(struct ztt_tcp *tcp)
{
	tcp->shut_when_flushed = true;
	ztt_tcp_flush(tcp);
}

static size_t vec_len(const struct iovec *vec, size_t count)
{
	size_t len = 0;

	while (count--)
		len += vec[count].iov_len;
	return len;
}

/* After a short read epoll tells of anything new, but not again of a FIN that
 * it told of together with these bytes (epoll(7), edge-triggered). */
ssize_t ztt_tcp_read(struct ztt_tcp *tcp, const struct iovec *vec, size_t count)
{
	ssize_t n;

	if (tcp->error)
		return tcp->error;
	do {
		n = readv(tcp->watch.fd, vec, (int)count);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		if ((size_t)n < vec_len(vec, count) && !tcp->hung_up)
			tcp->readable = false;
		return n;
	}
	if (n == 0) {
		tcp->eof = true;
		return 0;
	}
	if (errno == EAGAIN) {
		tcp->readable = false;
		return -EAGAIN;
	}
	tcp->error = -errno;
	return tcp->error;
}

static int grow_ahead(struct ztt_tcp *tcp, size_t max_bytes)
{
	if (tcp->ahead_at) {
		tcp->ahead_len -= tcp->ahead_at;
		memmove(tcp->ahead, tcp->ahead + tcp->ahead_at, tcp->ahead_len);
		tcp->ahead_at = 0;
	}
	if (tcp->ahead_len < tcp->ahead_cap)
		return 0;
	if (tcp->ahead_cap >= max_bytes)
		return -EMSGSIZE;
	tcp->ahead_cap = tcp->ahead_cap ? tcp->ahead_cap * 4 : AHEAD_BYTES;
	if (tcp->ahead_cap > max_bytes)
		tcp->ahead_cap = max_bytes;
	tcp->ahead = ztt_realloc(tcp->ahead, tcp->ahead_cap);
	return 0;
}

ssize_t ztt_tcp_read_ahead(struct ztt_tcp *tcp, size_t max_bytes)
{
	struct iovec vec;
	ssize_t n;

	if (grow_ahead(tcp, max_bytes) < 0)
		return -EMSGSIZE;
	vec.iov_base = tcp->ahead + tcp->ahead_len;
	vec.iov_len = tcp->ahead_cap - tcp->ahead_len;
	n = ztt_tcp_read(tcp, &vec, 1);
	if (n > 0)
		tcp->ahead_len += (size_t)n;
	return n;
}

const char *ztt_tcp_ahead(const struct ztt_tcp *tcp)
{
	return tcp->ahead ? tcp->ahead + tcp->ahead_at : "";
}

void ztt_tcp_used(struct ztt_tcp *tcp, size_t len_bytes)
{
	tcp->ahead_at += len_bytes;
	if (tcp->ahead_at < tcp->ahead_len)
		return;
	tcp->ahead_at = tcp->ahead_len = 0;
	if (tcp->ahead_cap > AHEAD_BYTES) {
		free(tcp->ahead);
		tcp->ahead = NULL;
		tcp->ahead_cap = 0;
	}
}
