/* What the tests over QUIC share: a loop that runs until something has come
 * about, ends of connections that note what they are told, and a listener. */
#ifndef ZTT_TESTS_QUIC_PEER_H
#define ZTT_TESTS_QUIC_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/loop.h"
#include "common/quic.h"
#include "common/tls.h"

#define SLICE_NS (200 * ZTT_NS_PER_US)
#define WAIT_NS (20 * ZTT_NS_PER_S) /* no test waits so long, unless it fails */
#define ENDS_MAX 512

static struct ztt_loop *loop;
static struct ztt_quic_shared *shared;
static struct ztt_err err;

/* --- the loop ------------------------------------------------------------ */

static inline void loop_begin(void)
{
	assert_int_equal(ztt_loop_new(&loop, &err), 0);
	shared = ztt_quic_shared_new(loop);
}

static inline void loop_end(void)
{
	ztt_quic_shared_free(shared);
	ztt_loop_free(loop);
}

static inline void stop_slice(struct ztt_timer *timer)
{
	(void)timer;
	ztt_loop_stop(loop);
}

static inline void run_slice(uint64_t due_ns, const char *what)
{
	struct ztt_timer timer = {.fire = stop_slice};
	const uint64_t now_ns = ztt_clock_ns();

	if (now_ns > due_ns)
		fail_msg("this never came: %s", what);
	ztt_loop_timer(loop, &timer, now_ns + SLICE_NS);
	ztt_loop_run(loop);
}

/* Runs the loop until the condition holds. */
#define until(condition)                                                 \
	for (uint64_t due_ns_ = ztt_clock_ns() + WAIT_NS; !(condition);) \
	run_slice(due_ns_, #condition)

static inline void stop_round(struct ztt_deferred *deferred)
{
	(void)deferred;
	ztt_loop_stop(loop);
}

static inline void run_round(void)
{
	struct ztt_deferred deferred = {.run = stop_round};

	ztt_loop_defer(loop, &deferred);
	ztt_loop_run(loop);
}

/* --- ends ---------------------------------------------------------------- */

/* What is done with the bytes of a stream. */
enum mode {
	MODE_SINK, /* compared with the pattern, consumed */
	MODE_ECHO, /* sent back */
	MODE_HOLD, /* never consumed */
	MODE_KEEP, /* consumed, collected in `text` */
};

struct end;

struct stream {
	struct ztt_quic_stream quic;
	struct end *end;
	struct stream *next;
	enum mode mode;
	uint64_t got, held;
	uint64_t sent, to_send; /* of the pattern */
	bool fin, reset, stopped, closed, differs;
	uint64_t reset_code;
	unsigned fins;
	char *text;
	size_t text_len;
	void *own; /* of the test, freed with the stream */
};

struct end {
	struct ztt_quic *quic; /* NULL: none, or over */
	bool established, ended;
	struct ztt_quic_end why;
	struct stream *streams; /* all there ever were, newest first */
	size_t opened, closed;
	enum mode mode; /* of streams that the peer opens */
	bool refuse;    /* them */
	/* More to do than to note; may be NULL. */
	void (*on_established)(struct end *end);
	void (*on_stream)(struct stream *stream);
	void (*on_data)(struct stream *stream, bool fin);
	void (*on_reset)(struct stream *stream);
};

static inline uint8_t pattern(uint64_t at)
{
	return (uint8_t)(at * 131 + (at >> 8) * 17 + (at >> 16));
}

static inline struct stream *stream_of(struct ztt_quic_stream *quic)
{
	return ZTT_CONTAINER(quic, struct stream, quic);
}

static inline struct stream *stream_new(struct end *end, enum mode mode)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	stream->end = end;
	stream->mode = mode;
	stream->next = end->streams;
	end->streams = stream;
	return stream;
}

/* As much of the pattern as there is room for, then the end. */
static inline void stream_feed(struct stream *stream)
{
	struct iovec vec[ZTT_QUIC_VEC_MAX];
	uint64_t left, at;

	while ((left = stream->to_send - stream->sent)) {
		const size_t count =
			ztt_quic_reserve(&stream->quic,
					 left < 65536 ? left : 65536, vec,
					 ZTT_QUIC_VEC_MAX);

		if (!count)
			return;
		at = stream->sent;
		for (size_t i = 0; i < count; i++)
			for (size_t j = 0; j < vec[i].iov_len; j++)
				((uint8_t *)vec[i].iov_base)[j] = pattern(at++);
		ztt_quic_commit(&stream->quic, at - stream->sent);
		stream->sent = at;
	}
	ztt_quic_finish(&stream->quic);
}

/* Opens a stream that sends so much of the pattern. */
static inline struct stream *stream_send(struct end *end, uint64_t len)
{
	struct stream *stream = stream_new(end, MODE_SINK);

	assert_int_equal(ztt_quic_open(end->quic, &stream->quic), 0);
	end->opened++;
	stream->to_send = len;
	stream_feed(stream);
	return stream;
}

static inline void end_established(void *owner)
{
	struct end *end = owner;

	assert_false(end->established);
	end->established = true;
	if (end->on_established)
		end->on_established(end);
}

static inline struct ztt_quic_stream *end_opened(void *owner, int64_t id)
{
	struct end *end = owner;
	struct stream *stream;

	(void)id;
	if (end->refuse)
		return NULL;
	stream = stream_new(end, end->mode);
	end->opened++;
	if (end->on_stream)
		end->on_stream(stream);
	return &stream->quic;
}

static inline void stream_keep(struct stream *stream, const uint8_t *data,
			       size_t len)
{
	stream->text = realloc(stream->text, stream->text_len + len + 1);
	if (len)
		memcpy(stream->text + stream->text_len, data, len);
	stream->text_len += len;
	stream->text[stream->text_len] = '\0';
}

static inline void end_data(struct ztt_quic_stream *quic, const uint8_t *data,
			    size_t len, bool fin)
{
	struct stream *stream = stream_of(quic);

	assert_false(stream->fin || stream->closed);
	if (stream->mode == MODE_SINK)
		for (size_t i = 0; i < len; i++)
			stream->differs |= data[i] != pattern(stream->got + i);
	if (stream->mode == MODE_ECHO)
		ztt_quic_write(quic, data, len);
	if (stream->mode == MODE_ECHO && fin)
		ztt_quic_finish(quic);
	if (stream->mode == MODE_KEEP)
		stream_keep(stream, data, len);
	stream->got += len;
	stream->fin |= fin;
	stream->fins += fin;
	if (stream->mode == MODE_HOLD)
		stream->held += len;
	else
		ztt_quic_consumed(quic, len);
	if (stream->end->on_data)
		stream->end->on_data(stream, fin);
}

static inline void end_writable(struct ztt_quic_stream *quic)
{
	stream_feed(stream_of(quic));
}

static inline void end_reset(struct ztt_quic_stream *quic, uint64_t code)
{
	struct stream *stream = stream_of(quic);

	stream->reset = true;
	stream->reset_code = code;
	if (stream->end->on_reset)
		stream->end->on_reset(stream);
}

static inline void end_stopped(struct ztt_quic_stream *quic)
{
	assert_false(stream_of(quic)->stopped);
	stream_of(quic)->stopped = true;
}

static inline void end_closed(struct ztt_quic_stream *quic)
{
	struct stream *stream = stream_of(quic);

	assert_false(stream->closed);
	assert_null(quic->quic);
	stream->closed = true;
	stream->end->closed++;
}

static inline void end_ended(void *owner, const struct ztt_quic_end *why)
{
	struct end *end = owner;

	assert_false(end->ended);
	assert_int_equal(end->opened, end->closed);
	end->ended = true;
	end->why = *why;
	ztt_quic_free(end->quic);
	end->quic = NULL;
}

static const struct ztt_quic_events end_events = {
	.established = end_established,
	.opened = end_opened,
	.data = end_data,
	.writable = end_writable,
	.reset = end_reset,
	.stopped = end_stopped,
	.closed = end_closed,
	.ended = end_ended,
};

static inline void end_release(struct end *end)
{
	struct stream *stream;

	ztt_quic_free(end->quic);
	while ((stream = end->streams)) {
		end->streams = stream->next;
		free(stream->text);
		free(stream->own);
		free(stream);
	}
	*end = (struct end){.quic = NULL};
}

/* --- a listener ---------------------------------------------------------- */

static struct listener {
	struct ztt_udp udp;
	struct ztt_watch watch;
	struct ztt_udp_batch *batch;
	struct ztt_address address;
	struct ztt_quic_plan plan; /* of the connections it accepts */
	struct end proto;          /* they begin as copies of this */
	struct end *ends[ENDS_MAX];
	size_t count;
	bool deaf;
	uint8_t datagram[2048]; /* the newest */
	size_t datagram_len;
	size_t heard;
} listener;

static inline void listener_accept(const struct ztt_address *peer,
				   const uint8_t *data, size_t len)
{
	struct ztt_quic_plan plan = listener.plan;
	struct end *end = calloc(1, sizeof(*end));

	assert_true(listener.count < ENDS_MAX);
	*end = listener.proto;
	plan.shared = shared;
	plan.alpn = ZTT_TLS_EDGE_ALPN;
	plan.local = listener.address;
	plan.peer = *peer;
	plan.events = &end_events;
	plan.owner = end;
	if (ztt_quic_accept(&plan, data, len, &end->quic, &err) < 0)
		free(end);
	else
		listener.ends[listener.count++] = end;
}

static inline void listener_datagram(const struct ztt_udp_received *r)
{
	listener.heard++;
	listener.datagram_len = r->len_bytes < sizeof(listener.datagram)
					? r->len_bytes
					: sizeof(listener.datagram);
	memcpy(listener.datagram, r->data, listener.datagram_len);
	if (listener.deaf)
		return;
	for (size_t i = 0; i < listener.count; i++)
		if (listener.ends[i]->quic &&
		    ztt_address_equal(ztt_quic_peer(listener.ends[i]->quic),
				      &r->from)) {
			ztt_quic_input(listener.ends[i]->quic, r->data,
				       r->len_bytes);
			return;
		}
	if (ztt_quic_classify(r->data, r->len_bytes) == ZTT_QUIC_FIRST_INITIAL)
		listener_accept(&r->from, r->data, r->len_bytes);
}

static inline void listener_ready(struct ztt_watch *watch, uint32_t events)
{
	const struct ztt_udp_received *received;
	const int count = ztt_udp_receive(watch->fd, listener.batch, &received);

	(void)events;
	for (int i = 0; i < count; i++)
		listener_datagram(&received[i]);
}

static inline void listener_open(struct ztt_tls *tls)
{
	struct ztt_udp_plan plan = {.local = &listener.address,
				    .share_port = true,
				    .no_gro = true};

	memset(&listener, 0, sizeof(listener));
	ztt_address_parse_numeric("127.0.0.1:0", &listener.address, &err);
	assert_int_equal(ztt_udp_open(&plan, &listener.udp, &err), 0);
	ztt_address_of_socket(listener.udp.fd, &listener.address);
	listener.batch = ztt_udp_batch_new();
	listener.watch = (struct ztt_watch){listener.udp.fd, listener_ready};
	listener.plan.tls = tls;
	listener.plan.streams_max = 1000;
	assert_int_equal(ztt_loop_watch(loop, &listener.watch, EPOLLIN, &err),
			 0);
}

static inline void listener_close(void)
{
	for (size_t i = 0; i < listener.count; i++) {
		end_release(listener.ends[i]);
		free(listener.ends[i]);
	}
	ztt_loop_unwatch(loop, &listener.watch);
	close(listener.udp.fd);
	ztt_udp_batch_free(listener.batch);
}

#endif
