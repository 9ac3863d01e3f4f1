#define _GNU_SOURCE
#include "ztt-bench/parts/origin/conn.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "ztt-bench/parts/origin/blob.h"
#include "ztt-bench/parts/origin/endpoints.h"

#define STEPS_IN_A_TURN 16
#define YIELD_BYTES 262144 /* a step that moved more ends the turn */
#define LINGER_NS ZTT_NS_PER_S
#define EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
#define DISCARD_BYTES 1048576

/* recv with MSG_TRUNC throws TCP data away without writing here (tcp(7)). */
static char discarded[DISCARD_BYTES];

static int step_head(struct ztt_origin_conn *conn);

struct ztt_origin_conn *ztt_origin_conn_new(int fd, const struct ztt_blob *blob)
{
	struct ztt_origin_conn *conn = ztt_alloc(sizeof(*conn));

	memset(conn, 0, offsetof(struct ztt_origin_conn, in));
	conn->watch.fd = fd;
	conn->blob = blob;
	conn->step = step_head;
	return conn;
}

void ztt_origin_conn_free(struct ztt_origin_conn *conn)
{
	if (conn->list) {
		ztt_loop_timer(conn->loop, &conn->timer, ZTT_NEVER);
		ztt_loop_timer(conn->loop, &conn->yield, ZTT_NEVER);
		ztt_loop_unwatch(conn->loop, &conn->watch);
		if (conn->next)
			conn->next->previous = conn->previous;
		if (conn->previous)
			conn->previous->next = conn->next;
		else
			*conn->list = conn->next;
	}
	close(conn->watch.fd);
	free(conn);
}

static void drive(struct ztt_origin_conn *conn)
{
	int left = STEPS_IN_A_TURN, rc = ZTT_ORIGIN_ON;

	while (rc == ZTT_ORIGIN_ON && left--)
		rc = conn->step(conn);
	if (rc < 0)
		ztt_origin_conn_free(conn);
	else if (rc != ZTT_ORIGIN_WAIT)
		ztt_loop_timer(conn->loop, &conn->yield,
			       ztt_loop_now_ns(conn->loop) + 1);
}

static void on_ready(struct ztt_watch *watch, uint32_t events)
{
	struct ztt_origin_conn *conn = (struct ztt_origin_conn *)watch;

	if (events & (EPOLLERR | EPOLLHUP)) {
		ztt_origin_conn_free(conn);
		return;
	}
	conn->readable |= (events & (EPOLLIN | EPOLLRDHUP)) != 0;
	conn->peer_ended |= (events & EPOLLRDHUP) != 0;
	drive(conn);
}

static void on_yield(struct ztt_timer *timer)
{
	drive((struct ztt_origin_conn *)((char *)timer -
					 offsetof(struct ztt_origin_conn,
						  yield)));
}

static void on_timer(struct ztt_timer *timer)
{
	struct ztt_origin_conn *conn =
		(struct ztt_origin_conn *)((char *)timer -
					   offsetof(struct ztt_origin_conn,
						    timer));

	if (!conn->answer) {
		ztt_origin_conn_free(conn);
		return;
	}
	conn->answer(conn);
	drive(conn);
}

void ztt_origin_conn_start(struct ztt_origin_conn *conn, struct ztt_loop *loop,
			   struct ztt_origin_conn **list)
{
	conn->loop = loop;
	conn->watch.ready = on_ready;
	conn->timer.fire = on_timer;
	conn->yield.fire = on_yield;
	if (ztt_loop_watch(loop, &conn->watch, EVENTS, NULL) < 0) {
		ztt_origin_conn_free(conn);
		return;
	}
	conn->list = list;
	conn->next = *list;
	if (conn->next)
		conn->next->previous = conn;
	*list = conn;
}

void ztt_origin_put(struct ztt_origin_conn *conn, const void *data,
		    size_t len_bytes)
{
	assert(len_bytes <= sizeof(conn->out) - conn->out_len_bytes);
	memcpy(conn->out + conn->out_len_bytes, data, len_bytes);
	conn->out_len_bytes += len_bytes;
}

void ztt_origin_putf(struct ztt_origin_conn *conn, const char *fmt, ...)
{
	size_t room = sizeof(conn->out) - conn->out_len_bytes;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(conn->out + conn->out_len_bytes, room, fmt, args);
	va_end(args);
	assert(len >= 0 && (size_t)len < room);
	conn->out_len_bytes += (size_t)len;
}

int ztt_origin_fill(struct ztt_origin_conn *conn)
{
	size_t room;
	ssize_t got;

	if (conn->in_at_bytes == conn->in_len_bytes) {
		conn->in_at_bytes = conn->in_len_bytes = 0;
	} else if (conn->in_len_bytes == sizeof(conn->in)) {
		conn->in_len_bytes -= conn->in_at_bytes;
		memmove(conn->in, conn->in + conn->in_at_bytes,
			conn->in_len_bytes);
		conn->in_at_bytes = 0;
	}
	room = sizeof(conn->in) - conn->in_len_bytes;
	if (!room)
		return -EPROTO;
	if (!conn->readable)
		return ZTT_ORIGIN_WAIT;
	got = recv(conn->watch.fd, conn->in + conn->in_len_bytes, room, 0);
	if (got <= 0) {
		conn->readable = false;
		return got < 0 && errno == EAGAIN ? ZTT_ORIGIN_WAIT : -EPIPE;
	}
	if ((size_t)got < room)
		conn->readable = conn->peer_ended;
	conn->in_len_bytes += (size_t)got;
	return ZTT_ORIGIN_ON;
}

int ztt_origin_flush(struct ztt_origin_conn *conn, bool more)
{
	int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);

	while (conn->out_at_bytes < conn->out_len_bytes) {
		ssize_t sent =
			send(conn->watch.fd, conn->out + conn->out_at_bytes,
			     conn->out_len_bytes - conn->out_at_bytes, flags);
		if (sent < 0)
			return errno == EAGAIN ? ZTT_ORIGIN_WAIT : -EPIPE;
		conn->out_at_bytes += (size_t)sent;
	}
	conn->out_at_bytes = conn->out_len_bytes = 0;
	return ZTT_ORIGIN_ON;
}

int ztt_origin_body(struct ztt_origin_conn *conn, size_t max_bytes,
		    struct ztt_slice *ret_body)
{
	const char *at = conn->in + conn->in_at_bytes;
	size_t have = conn->in_len_bytes - conn->in_at_bytes;
	ssize_t used;

	have = have < max_bytes ? have : max_bytes;
	if (conn->body_chunked) {
		used = ztt_http1_chunk(&conn->chunks, at, have, ret_body,
				       &conn->body_done);
		if (used < 0)
			return (int)used;
	} else {
		if (have > conn->body_left_bytes)
			have = (size_t)conn->body_left_bytes;
		used = (ssize_t)have;
		*ret_body = (struct ztt_slice){at, have};
		conn->body_left_bytes -= have;
		conn->body_done = conn->body_left_bytes == 0;
	}
	conn->in_at_bytes += (size_t)used;
	conn->body_bytes += ret_body->len_bytes;
	return used || conn->body_done ? ZTT_ORIGIN_ON : ZTT_ORIGIN_WAIT;
}

void ztt_origin_put_head(struct ztt_origin_conn *conn, const char *reason,
			 const char *type, uint64_t len_bytes)
{
	ztt_origin_putf(conn, "HTTP/1.1 %s\r\nContent-Type: %s\r\n", reason,
			type);
	if (len_bytes == ZTT_HTTP1_LENGTH_UNKNOWN)
		ztt_origin_putf(conn, "Transfer-Encoding: chunked\r\n");
	else
		ztt_origin_putf(conn, "Content-Length: %" PRIu64 "\r\n",
				len_bytes);
	ztt_origin_putf(conn, conn->keep_alive ? "\r\n"
					       : "Connection: close\r\n\r\n");
}

int ztt_origin_answer(struct ztt_origin_conn *conn, const char *reason,
		      const char *type, const char *text)
{
	size_t len = strlen(text);

	ztt_origin_put_head(conn, reason, type, len);
	if (!conn->head_only)
		ztt_origin_put(conn, text, len);
	conn->step = ztt_origin_send;
	return ZTT_ORIGIN_ON;
}

int ztt_origin_send(struct ztt_origin_conn *conn)
{
	ssize_t sent;
	int rc = ztt_origin_flush(conn, conn->blob_left_bytes > 0);

	if (rc != ZTT_ORIGIN_ON)
		return rc;
	if (!conn->blob_left_bytes)
		return ztt_origin_next(conn);
	sent = ztt_blob_send(conn->blob, conn->watch.fd, conn->blob_at_bytes,
			     conn->blob_left_bytes);
	if (sent <= 0)
		return sent == -EAGAIN ? ZTT_ORIGIN_WAIT : -EPIPE;
	conn->blob_at_bytes += (uint64_t)sent;
	conn->blob_left_bytes -= (uint64_t)sent;
	return sent > YIELD_BYTES ? ZTT_ORIGIN_YIELD : ZTT_ORIGIN_ON;
}

int ztt_origin_next(struct ztt_origin_conn *conn)
{
	if (!conn->keep_alive)
		return ztt_origin_linger(conn);
	conn->step = step_head;
	return ZTT_ORIGIN_ON;
}

static ssize_t discard(struct ztt_origin_conn *conn, uint64_t max_bytes)
{
	size_t ask =
		max_bytes < DISCARD_BYTES ? (size_t)max_bytes : DISCARD_BYTES;
	ssize_t got;

	if (!conn->readable)
		return -EAGAIN;
	got = recv(conn->watch.fd, discarded, ask, MSG_TRUNC);
	if (got <= 0) {
		conn->readable = false;
		return got < 0 && errno == EAGAIN ? -EAGAIN : -EPIPE;
	}
	if ((size_t)got < ask)
		conn->readable = conn->peer_ended;
	return got;
}

static int step_linger(struct ztt_origin_conn *conn)
{
	ssize_t got = discard(conn, DISCARD_BYTES);

	if (got == -EAGAIN)
		return ZTT_ORIGIN_WAIT;
	return got < 0 ? (int)got : ZTT_ORIGIN_ON;
}

int ztt_origin_linger(struct ztt_origin_conn *conn)
{
	shutdown(conn->watch.fd, SHUT_WR);
	conn->answer = NULL;
	conn->step = step_linger;
	ztt_loop_timer(conn->loop, &conn->timer,
		       ztt_loop_now_ns(conn->loop) + LINGER_NS);
	return ZTT_ORIGIN_ON;
}

static int step_wait(struct ztt_origin_conn *conn)
{
	(void)conn;
	return ZTT_ORIGIN_WAIT;
}

int ztt_origin_wait(struct ztt_origin_conn *conn, uint64_t wait_ns)
{
	conn->step = step_wait;
	ztt_loop_timer(conn->loop, &conn->timer,
		       ztt_loop_now_ns(conn->loop) + wait_ns);
	return ZTT_ORIGIN_WAIT;
}

static int refuse(struct ztt_origin_conn *conn, const char *reason)
{
	conn->keep_alive = false;
	conn->head_only = false;
	return ztt_origin_answer(conn, reason, "text/plain",
				 "This request cannot be read.\n");
}

/* Reads the body of a request whose endpoint answers after it. */
static int step_body(struct ztt_origin_conn *conn)
{
	bool empty = conn->in_at_bytes == conn->in_len_bytes;
	struct ztt_slice body;
	ssize_t got;
	int rc = ztt_origin_flush(conn, false);

	if (rc != ZTT_ORIGIN_ON)
		return rc;
	if (conn->body_done)
		return conn->answer(conn);
	if (empty && !conn->body_chunked) {
		got = discard(conn, conn->body_left_bytes);
		if (got < 0)
			return got == -EAGAIN ? ZTT_ORIGIN_WAIT : (int)got;
		conn->body_bytes += (uint64_t)got;
		conn->body_left_bytes -= (uint64_t)got;
		conn->body_done = conn->body_left_bytes == 0;
		return got > YIELD_BYTES ? ZTT_ORIGIN_YIELD : ZTT_ORIGIN_ON;
	}
	rc = ztt_origin_body(conn, sizeof(conn->in), &body);
	if (rc == -EPROTO)
		return refuse(conn, "400 Bad Request");
	return rc == ZTT_ORIGIN_WAIT ? ztt_origin_fill(conn) : rc;
}

static void begin_request(struct ztt_origin_conn *conn,
			  const struct ztt_http1_head *head)
{
	conn->keep_alive = head->keep_alive;
	conn->head_only = ztt_slice_is(head->method, "HEAD");
	conn->body_chunked = head->chunked;
	conn->body_left_bytes = 0;
	if (head->content_length != ZTT_HTTP1_LENGTH_UNKNOWN)
		conn->body_left_bytes = head->content_length;
	conn->body_done = !head->chunked && !conn->body_left_bytes;
	conn->body_bytes = 0;
	conn->chunks = (struct ztt_http1_chunks){0};
	conn->param = 0;
	conn->step = step_body;
	if (head->expect_continue && !conn->body_done)
		ztt_origin_putf(conn, "HTTP/1.1 100 Continue\r\n\r\n");
	ztt_origin_route(conn, head);
}

static int step_head(struct ztt_origin_conn *conn)
{
	size_t have = conn->in_len_bytes - conn->in_at_bytes;
	struct ztt_http1_head head;
	ssize_t len = 0;

	if (have)
		len = ztt_http1_request(conn->in + conn->in_at_bytes, have,
					&head);
	if (len == -EMSGSIZE || (len == 0 && have == sizeof(conn->in)))
		return refuse(conn, "431 Request Header Fields Too Large");
	if (len < 0)
		return refuse(conn, "400 Bad Request");
	if (len == 0)
		return ztt_origin_fill(conn);
	begin_request(conn, &head);
	conn->in_at_bytes += (size_t)len;
	return ZTT_ORIGIN_ON;
}
