#define _GNU_SOURCE
#include "ztt-bench/parts/load/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/address.h"
#include "common/clock.h"
#include "common/err.h"
#include "ztt-bench/parts/load/plan.h"
#include "ztt-bench/parts/load/worker.h"
#include "ztt-bench/parts/origin/blob.h"

#define EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
#define CALLS_IN_A_TURN 2 /* of up to a MiB each */
#define LOW_WATER_BYTES (128 << 10)
#define DISCARD_BYTES 1048576
#define BACKOFF_MIN_NS (10 * ZTT_NS_PER_MS)
#define BACKOFF_MAX_NS ZTT_NS_PER_S
#define STATUS_ERROR_MIN 400

/* Far from a body's end, be woken for a good piece at a time: the sender then
 * wakes this thread less often, which costs it too (socket(7), SO_RCVLOWAT). */
static void set_low_water(struct ztt_load_stream *stream)
{
	const int want = stream->response.left_bytes > 2 * LOW_WATER_BYTES
				 ? LOW_WATER_BYTES
				 : 1;

	if (want == stream->low_water_bytes)
		return;
	stream->low_water_bytes = want;
	setsockopt(stream->watch.fd, SOL_SOCKET, SO_RCVLOWAT, &want,
		   sizeof(want));
}

/* recv with MSG_TRUNC throws TCP data away without writing here (tcp(7)). */
static char discarded[DISCARD_BYTES];

static void on_ready(struct ztt_watch *watch, uint32_t events);
static void on_again(struct ztt_timer *timer);

void ztt_load_stream_init(struct ztt_load_stream *stream,
			  struct ztt_load_worker *worker, bool up)
{
	memset(stream, 0, offsetof(struct ztt_load_stream, in));
	stream->watch.fd = -1;
	stream->low_water_bytes = 1;
	stream->watch.ready = on_ready;
	stream->again.fire = on_again;
	stream->worker = worker;
	stream->up = up;
	stream->wanted_ns = worker->start_ns;
}

void ztt_load_stream_close(struct ztt_load_stream *stream)
{
	if (stream->state == ZTT_LOAD_CLOSED)
		return;
	ztt_load_worker_forget(stream->worker, stream);
	stream->worker->busy -= stream->state == ZTT_LOAD_BUSY;
	ztt_loop_timer(stream->worker->loop, &stream->again, ZTT_NEVER);
	ztt_loop_unwatch(stream->worker->loop, &stream->watch);
	close(stream->watch.fd);
	stream->watch.fd = -1;
	stream->low_water_bytes = 1;
	stream->state = ZTT_LOAD_CLOSED;
}

/* The next attempt waits, longer each time until a response arrives. */
static void retry_later(struct ztt_load_stream *stream)
{
	uint64_t wait_ns = stream->backoff_ns * 2;

	if (wait_ns < BACKOFF_MIN_NS)
		wait_ns = BACKOFF_MIN_NS;
	stream->backoff_ns =
		wait_ns < BACKOFF_MAX_NS ? wait_ns : BACKOFF_MAX_NS;
	stream->wanted_ns = ZTT_NEVER;
	ztt_loop_timer(stream->worker->loop, &stream->again,
		       ztt_clock_ns() + stream->backoff_ns);
}

static void fail(struct ztt_load_stream *stream, enum ztt_load_error kind,
		 const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void fail(struct ztt_load_stream *stream, enum ztt_load_error kind,
		 const char *fmt, ...)
{
	struct ztt_err reason;
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason.text, sizeof(reason.text), fmt, args);
	va_end(args);
	ztt_load_stream_close(stream);
	retry_later(stream);
	ztt_load_worker_failed(stream->worker, kind, &reason);
}

void ztt_load_stream_connect(struct ztt_load_stream *stream)
{
	struct ztt_load_worker *worker = stream->worker;
	struct ztt_err err = {""};
	int rc =
		ztt_tcp_connect(&worker->plan->target, &stream->watch.fd, &err);

	if (stream->wanted_ns == ZTT_NEVER)
		stream->wanted_ns = ztt_clock_ns();
	if (rc == 0) {
		rc = ztt_loop_watch(worker->loop, &stream->watch, EVENTS, &err);
		if (rc < 0)
			close(stream->watch.fd);
	}
	if (rc < 0) {
		fail(stream, ZTT_LOAD_CONNECT, "%s", err.text);
		return;
	}
	stream->state = ZTT_LOAD_CONNECTING;
	stream->readable = stream->peer_ended = false;
	stream->moved_ns = ztt_loop_now_ns(worker->loop);
}

/* The connection ended as HTTP allows: a new one at once. */
static void reconnect(struct ztt_load_stream *stream, uint64_t now_ns)
{
	ztt_load_stream_close(stream);
	stream->wanted_ns = now_ns;
	ztt_load_stream_connect(stream);
}

static void connected(struct ztt_load_stream *stream)
{
	char text[ZTT_ADDRESS_LEN];
	socklen_t len = sizeof(int);
	int error = 0;

	getsockopt(stream->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error) {
		ztt_address_text(&stream->worker->plan->target, text);
		fail(stream, ZTT_LOAD_CONNECT, "cannot connect to %s: %s", text,
		     strerror(error));
		return;
	}
	stream->state = ZTT_LOAD_FREE;
	ztt_load_worker_next(stream->worker, stream, stream->wanted_ns,
			     ztt_clock_ns());
}

static void fail_broken(struct ztt_load_stream *stream, int error)
{
	fail(stream, ZTT_LOAD_SHORT,
	     "the connection broke after %" PRIu64
	     " bytes of a response's body: %s",
	     stream->response.body_bytes,
	     error ? strerror(error) : "closed by the other side");
}

static bool is_sent(const struct ztt_load_stream *stream)
{
	return stream->head_at_bytes == stream->request->head_len_bytes &&
	       stream->body_at_bytes == stream->request->body_bytes;
}

static ssize_t send_some(struct ztt_load_stream *stream)
{
	const struct ztt_load_request *request = stream->request;
	size_t head_left = request->head_len_bytes - stream->head_at_bytes;
	int more = request->body_bytes ? MSG_MORE : 0;
	ssize_t sent;

	if (head_left) {
		sent = send(stream->watch.fd,
			    request->head + stream->head_at_bytes, head_left,
			    MSG_NOSIGNAL | more);
		if (sent < 0)
			return -errno;
		stream->head_at_bytes += (size_t)sent;
		return sent;
	}
	sent = ztt_blob_send(stream->worker->blob, stream->watch.fd,
			     stream->body_at_bytes,
			     request->body_bytes - stream->body_at_bytes);
	if (sent > 0) {
		stream->body_at_bytes += (uint64_t)sent;
		ztt_load_worker_count_bytes(stream->worker, 0, (uint64_t)sent);
	}
	return sent;
}

/* Sends what the socket takes. A connection that broke may still hold the
 * response that says why, so the reading side reports it. */
static void send_turn(struct ztt_load_stream *stream)
{
	ssize_t sent = 1;

	for (int i = 0; i < CALLS_IN_A_TURN && !is_sent(stream); i++) {
		sent = send_some(stream);
		if (sent <= 0)
			break;
	}
	if (sent == -EPIPE || sent == -ECONNRESET)
		stream->readable = stream->peer_ended = true;
	else if (sent < 0 && sent != -EAGAIN)
		fail_broken(stream, (int)-sent);
	else if (sent > 0 && !is_sent(stream))
		ztt_loop_timer(stream->worker->loop, &stream->again,
			       ztt_loop_now_ns(stream->worker->loop) + 1);
}

void ztt_load_stream_send(struct ztt_load_stream *stream,
			  const struct ztt_load_request *request,
			  uint64_t due_ns, uint64_t now_ns)
{
	stream->state = ZTT_LOAD_BUSY;
	stream->request = request;
	stream->due_ns = due_ns;
	stream->sent_ns = now_ns;
	stream->moved_ns = now_ns;
	stream->head_at_bytes = 0;
	stream->body_at_bytes = 0;
	stream->in_len_bytes = 0;
	stream->response = (struct ztt_load_response){0};
	stream->worker->busy++;
	send_turn(stream);
}

static void finish(struct ztt_load_stream *stream)
{
	struct ztt_load_worker *worker = stream->worker;
	bool failed = stream->response.status >= STATUS_ERROR_MIN;
	bool reusable = stream->response.keep_alive && is_sent(stream) &&
			!stream->peer_ended;
	uint64_t now_ns = ztt_clock_ns();
	struct ztt_err reason;

	stream->state = ZTT_LOAD_FREE;
	stream->backoff_ns = 0;
	worker->busy--;
	if (failed) {
		snprintf(reason.text, sizeof(reason.text),
			 "the target answered with status %u",
			 stream->response.status);
		ztt_load_worker_failed(worker, ZTT_LOAD_STATUS, &reason);
	} else {
		ztt_load_worker_done(worker, stream->due_ns, stream->sent_ns,
				     now_ns);
	}
	if (reusable)
		ztt_load_worker_next(worker, stream, now_ns, now_ns);
	else
		reconnect(stream, now_ns);
}

/* An early answer to a body that is still being sent waits for it, unless it
 * is a refusal. */
static bool is_over(const struct ztt_load_stream *stream)
{
	return stream->response.done &&
	       (is_sent(stream) || !stream->response.keep_alive ||
		stream->response.status >= STATUS_ERROR_MIN);
}

/* The text of a refusal is no goodput. */
static void count_down(struct ztt_load_stream *stream, uint64_t bytes)
{
	if (stream->response.status < STATUS_ERROR_MIN)
		ztt_load_worker_count_bytes(stream->worker, bytes, 0);
}

static void take(struct ztt_load_stream *stream)
{
	struct ztt_load_response *response = &stream->response;
	uint64_t before = response->body_bytes;
	size_t used = 0;
	int rc = 0;

	if (!response->done)
		rc = ztt_load_response_read(response, stream->in,
					    stream->in_len_bytes, &used);
	stream->in_len_bytes -= used;
	if (rc == 0 && stream->in_len_bytes)
		memmove(stream->in, stream->in + used, stream->in_len_bytes);
	count_down(stream, response->body_bytes - before);
	if (rc < 0)
		fail(stream, ZTT_LOAD_PROTOCOL,
		     "the target answered with what is no HTTP/1.1 response");
	else if (response->done && stream->in_len_bytes)
		fail(stream, ZTT_LOAD_PROTOCOL,
		     "the target sent more than the response it announced");
	else if (stream->in_len_bytes == sizeof(stream->in))
		fail(stream, ZTT_LOAD_PROTOCOL,
		     "the target answered with a head of more than %zu bytes",
		     sizeof(stream->in));
}

/* Reads a body of known length away, or what needs a look. */
static ssize_t receive_some(struct ztt_load_stream *stream, size_t *ret_asked)
{
	struct ztt_load_response *response = &stream->response;
	size_t ask = sizeof(stream->in) - stream->in_len_bytes;
	char *to = stream->in + stream->in_len_bytes;
	bool skip = response->framing == ZTT_LOAD_LENGTH && !response->done;
	ssize_t got;

	if (skip) {
		to = discarded;
		ask = response->left_bytes < DISCARD_BYTES
			      ? (size_t)response->left_bytes
			      : DISCARD_BYTES;
	}
	got = recv(stream->watch.fd, to, ask, skip ? MSG_TRUNC : 0);
	*ret_asked = ask;
	if (got < 0)
		return -errno;
	if (got == 0)
		return 0;
	if (skip) {
		ztt_load_response_skip(response, (uint64_t)got);
		count_down(stream, (uint64_t)got);
		set_low_water(stream);
	} else {
		stream->in_len_bytes += (size_t)got;
		take(stream);
	}
	return got;
}

static void ended(struct ztt_load_stream *stream, int error)
{
	if (!error && stream->response.framing == ZTT_LOAD_TO_CLOSE)
		finish(stream);
	else
		fail_broken(stream, error);
}

static void receive_turn(struct ztt_load_stream *stream)
{
	size_t asked;
	ssize_t got;

	for (int i = 0; i < CALLS_IN_A_TURN; i++) {
		if (stream->state != ZTT_LOAD_BUSY || !stream->readable)
			return;
		got = receive_some(stream, &asked);
		if (stream->state != ZTT_LOAD_BUSY)
			return;
		if (got <= 0) {
			stream->readable = false;
			if (got != -EAGAIN)
				ended(stream, (int)-got);
			return;
		}
		if ((size_t)got < asked)
			stream->readable = stream->peer_ended;
		if (is_over(stream))
			finish(stream);
	}
	if (stream->state == ZTT_LOAD_BUSY && stream->readable)
		ztt_loop_timer(stream->worker->loop, &stream->again,
			       ztt_loop_now_ns(stream->worker->loop) + 1);
}

static void go_on(struct ztt_load_stream *stream)
{
	stream->moved_ns = ztt_loop_now_ns(stream->worker->loop);
	if (!is_sent(stream))
		send_turn(stream);
	if (stream->state == ZTT_LOAD_BUSY && is_over(stream))
		finish(stream);
	receive_turn(stream);
}

static void on_again(struct ztt_timer *timer)
{
	struct ztt_load_stream *stream =
		(struct ztt_load_stream *)((char *)timer -
					   offsetof(struct ztt_load_stream,
						    again));

	if (stream->state == ZTT_LOAD_CLOSED)
		ztt_load_stream_connect(stream);
	else if (stream->state == ZTT_LOAD_BUSY)
		go_on(stream);
}

/* Between requests: the target may end the connection, and nothing else. */
static void on_idle_ready(struct ztt_load_stream *stream)
{
	char byte;
	ssize_t got = 0;

	if (!stream->peer_ended)
		got = recv(stream->watch.fd, &byte, 1, MSG_PEEK);
	if (got > 0)
		fail(stream, ZTT_LOAD_PROTOCOL,
		     "the target sent something that was not asked for");
	else if (got < 0 && errno == EAGAIN)
		stream->readable = false;
	else
		reconnect(stream, ztt_clock_ns());
}

static void on_ready(struct ztt_watch *watch, uint32_t events)
{
	struct ztt_load_stream *stream = (struct ztt_load_stream *)watch;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		stream->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		stream->peer_ended = true;
	if (stream->state == ZTT_LOAD_CONNECTING)
		connected(stream);
	else if (stream->state == ZTT_LOAD_FREE)
		on_idle_ready(stream);
	else
		go_on(stream);
}

void ztt_load_stream_check(struct ztt_load_stream *stream, uint64_t since_ns)
{
	char text[ZTT_ADDRESS_LEN];

	if (stream->moved_ns >= since_ns)
		return;
	if (stream->state == ZTT_LOAD_BUSY) {
		fail(stream, ZTT_LOAD_TIMEOUT,
		     "a request stood still for longer than the timeout, after "
		     "%" PRIu64 " bytes up and %" PRIu64 " down",
		     stream->body_at_bytes, stream->response.body_bytes);
	} else if (stream->state == ZTT_LOAD_CONNECTING) {
		ztt_address_text(&stream->worker->plan->target, text);
		fail(stream, ZTT_LOAD_CONNECT,
		     "cannot connect to %s within the timeout", text);
	}
}
