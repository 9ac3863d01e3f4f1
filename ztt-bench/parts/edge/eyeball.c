#include "ztt-bench/parts/edge/eyeball.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"

static void serve(struct ztt_eyeball *eyeball);

static struct ztt_request *request_of(struct ztt_quic_stream *stream)
{
	return ZTT_CONTAINER(stream, struct ztt_request, relay.stream);
}

static void free_if_over(struct ztt_request *request)
{
	if (request->eyeball || request->relay.stream.quic)
		return;
	free(request->head);
	free(request);
}

/* The request and its eyeball part; the stream may live on for a while. */
static void let_go(struct ztt_request *request)
{
	struct ztt_eyeball *eyeball = request->eyeball;

	ztt_relay_detach(&request->relay);
	request->eyeball = NULL;
	eyeball->request = NULL;
	free_if_over(request);
}

static void leave_tunnel(struct ztt_eyeball *eyeball)
{
	if (eyeball->tunnel)
		eyeball->tunnel->eyeball_count--;
	eyeball->tunnel = NULL;
}

static void close_eyeball(struct ztt_eyeball *eyeball)
{
	struct ztt_request *request = eyeball->request;

	if (request) {
		ztt_quic_reset(&request->relay.stream, 0);
		let_go(request);
	}
	leave_tunnel(eyeball);
	if (eyeball->prev)
		eyeball->prev->next = eyeball->next;
	else
		eyeball->worker->eyeballs = eyeball->next;
	if (eyeball->next)
		eyeball->next->prev = eyeball->prev;
	ztt_tcp_close(&eyeball->tcp);
	free(eyeball);
}

static void on_idle_ready(struct ztt_tcp *tcp)
{
	serve(tcp->owner);
}

static void discard(struct ztt_tcp *tcp)
{
	while (tcp->readable && !tcp->eof &&
	       ztt_tcp_read_ahead(tcp, ZTT_HTTP1_HEAD_MAX_BYTES) > 0)
		ztt_tcp_used(tcp, tcp->ahead_len - tcp->ahead_at);
	if (tcp->error || (tcp->eof && !tcp->out.len_bytes))
		close_eyeball(tcp->owner);
}

static void on_last_written(struct ztt_tcp *tcp, size_t len_bytes)
{
	(void)len_bytes;
	discard(tcp);
}

/* Closing with bytes unread would send a RST and so take away what the client
 * has not read yet (RFC 9112, section 9.6). */
static void close_gently(struct ztt_eyeball *eyeball)
{
	struct ztt_tcp *tcp = &eyeball->tcp;

	tcp->owner = eyeball;
	tcp->ready = discard;
	tcp->written = on_last_written;
	ztt_tcp_used(tcp, tcp->ahead_len - tcp->ahead_at);
	ztt_tcp_shut(tcp);
	discard(tcp);
}

static void wait_for_request(struct ztt_eyeball *eyeball)
{
	eyeball->tcp.owner = eyeball;
	eyeball->tcp.ready = on_idle_ready;
	eyeball->tcp.written = NULL;
}

static void refuse(struct ztt_eyeball *eyeball, unsigned status,
		   const char *phrase, const char *text)
{
	ztt_response_refuse(&eyeball->tcp.out, status, phrase, text);
	close_gently(eyeball);
}

static void on_finished(struct ztt_relay *relay)
{
	struct ztt_request *request =
		ZTT_CONTAINER(relay, struct ztt_request, relay);
	struct ztt_eyeball *eyeball = request->eyeball;

	let_go(request);
	if (eyeball->keep_alive) {
		wait_for_request(eyeball);
		serve(eyeball);
	} else if (eyeball->unread) {
		close_gently(eyeball);
	} else {
		close_eyeball(eyeball);
	}
}

static void on_hung_up(struct ztt_relay *relay)
{
	close_eyeball(ZTT_CONTAINER(relay, struct ztt_request, relay)->eyeball);
}

static void fail_request(struct ztt_request *request, const char *why)
{
	struct ztt_eyeball *eyeball = request->eyeball;
	const bool answered = request->answered;

	ztt_quic_reset(&request->relay.stream, 0);
	if (!eyeball)
		return;
	if (answered || eyeball->tcp.error) {
		close_eyeball(eyeball);
		return;
	}
	let_go(request);
	refuse(eyeball, 502, "Bad Gateway", why);
}

static void on_failed(struct ztt_relay *relay, const char *why)
{
	fail_request(ZTT_CONTAINER(relay, struct ztt_request, relay), why);
}

static void begin_request(struct ztt_eyeball *eyeball,
			  const struct ztt_http1_head *head, size_t head_len)
{
	const enum ztt_connect_type type = ztt_request_type(head);
	const enum ztt_body body = ztt_relay_request_body(head);
	const uint64_t body_bytes = head->content_length;
	struct ztt_edge_worker *worker = eyeball->worker;
	struct ztt_request *request;
	ssize_t len;

	len = ztt_request_encode(head, type, worker->keys, worker->scratch);
	if (len < 0) {
		refuse(eyeball, 431, "Request Header Fields Too Large",
		       "the request's head is too large for the tunnel");
		return;
	}
	request = ztt_calloc(1, sizeof(*request));
	if (ztt_quic_open(eyeball->tunnel->quic, &request->relay.stream) < 0) {
		free(request);
		refuse(eyeball, 503, "Service Unavailable",
		       "the connector takes no more streams now");
		return;
	}
	request->eyeball = eyeball;
	request->type = type;
	request->head_request = ztt_slice_is(head->method, "HEAD");
	request->relay.finished = on_finished;
	request->relay.failed = on_failed;
	if (type == ZTT_CONNECT_HTTP)
		request->relay.hung_up = on_hung_up;
	eyeball->request = request;
	eyeball->keep_alive = head->keep_alive;
	if (head->expect_continue)
		ztt_chain_append(&eyeball->tcp.out,
				 "HTTP/1.1 100 Continue\r\n\r\n", 25);
	ztt_quic_write(&request->relay.stream, worker->scratch, (size_t)len);
	ztt_tcp_used(&eyeball->tcp, head_len);
	ztt_relay_attach(&request->relay, &eyeball->tcp);
	if (type == ZTT_CONNECT_HTTP)
		ztt_relay_open_in(&request->relay, body, body_bytes);
}

static bool has_tunnel(struct ztt_eyeball *eyeball)
{
	if (eyeball->tunnel && eyeball->tunnel->registered &&
	    ztt_quic_is_established(eyeball->tunnel->quic))
		return true;
	leave_tunnel(eyeball);
	eyeball->tunnel = ztt_tunnel_pick(eyeball->worker);
	if (eyeball->tunnel)
		eyeball->tunnel->eyeball_count++;
	return eyeball->tunnel;
}

/* Reads heads until a request has begun, or there is nothing more to read. */
static void serve(struct ztt_eyeball *eyeball)
{
	struct ztt_tcp *tcp = &eyeball->tcp;
	struct ztt_http1_head head;
	ssize_t n;

	for (;;) {
		n = ztt_http1_request(ztt_tcp_ahead(tcp),
				      tcp->ahead_len - tcp->ahead_at, &head);
		if (n != 0)
			break;
		n = tcp->readable
			    ? ztt_tcp_read_ahead(tcp, ZTT_HTTP1_HEAD_MAX_BYTES)
			    : -EAGAIN;
		if (n == -EAGAIN)
			return;
		if (n == -EMSGSIZE)
			break;
		if (n <= 0) {
			close_eyeball(eyeball);
			return;
		}
	}
	if (n < 0)
		refuse(eyeball, n == -EMSGSIZE ? 431 : 400, "Bad Request",
		       n == -EMSGSIZE ? "the request's head is too large"
				      : "the request is malformed");
	else if (!has_tunnel(eyeball))
		refuse(eyeball, 530, "No Tunnel",
		       "no connector is registered with this edge");
	else
		begin_request(eyeball, &head, (size_t)n);
}

void ztt_eyeball_new(struct ztt_edge_worker *worker, int fd)
{
	struct ztt_eyeball *eyeball = ztt_calloc(1, sizeof(*eyeball));
	struct ztt_err err;

	if (ztt_tcp_init(&eyeball->tcp, fd, worker->loop,
			 ztt_quic_shared_pool(worker->shared), &err) < 0) {
		close(fd);
		free(eyeball);
		return;
	}
	eyeball->worker = worker;
	eyeball->next = worker->eyeballs;
	if (worker->eyeballs)
		worker->eyeballs->prev = eyeball;
	worker->eyeballs = eyeball;
	wait_for_request(eyeball);
}

void ztt_eyeball_forget_tunnel(struct ztt_edge_worker *worker,
			       const struct ztt_tunnel *tunnel)
{
	for (struct ztt_eyeball *e = worker->eyeballs; e; e = e->next)
		if (e->tunnel == tunnel)
			e->tunnel = NULL;
}

void ztt_eyeball_close_all(struct ztt_edge_worker *worker)
{
	while (worker->eyeballs)
		close_eyeball(worker->eyeballs);
}

/* --- the stream's side --------------------------------------------------- */

static void open_body(struct ztt_request *request, int status)
{
	ztt_relay_open_out(&request->relay, request->body, request->body_bytes);
	if (status == 101 || request->type == ZTT_CONNECT_TCP)
		ztt_relay_open_in(&request->relay, ZTT_BODY_RAW, 0);
	else if (request->type == ZTT_CONNECT_WEBSOCKET)
		ztt_relay_open_in(&request->relay, ZTT_BODY_NONE, 0);
}

static int write_head(struct ztt_request *request,
		      const struct ztt_connect_response *response)
{
	struct ztt_eyeball *eyeball = request->eyeball;
	struct ztt_chain *out = &eyeball->tcp.out;

	if (request->type == ZTT_CONNECT_TCP) {
		request->body = ZTT_BODY_RAW;
		eyeball->keep_alive = false;
		ztt_chain_append(out, "HTTP/1.1 200 Connected\r\n\r\n", 26);
		return 200;
	}
	return ztt_response_write(response, request, eyeball->keep_alive, out,
				  &request->body, &request->body_bytes);
}

/* A head that is whole: the bytes it took, 0 when more are needed. */
static ssize_t answer(struct ztt_request *request, const uint8_t *data,
		      size_t len)
{
	struct ztt_connect_response response;
	const ssize_t n = ztt_connect_response_decode(data, len, &response);
	char why[256];
	int status;

	if (n <= 0)
		return n;
	if (response.error.len_bytes) {
		snprintf(why, sizeof(why), "the connector: %.*s",
			 (int)response.error.len_bytes, response.error.at);
		fail_request(request, why);
		return -ECONNABORTED;
	}
	status = write_head(request, &response);
	if (status < 0)
		return -EPROTO;
	request->answered = true;
	if (status == 101)
		request->eyeball->keep_alive = false;
	ztt_tcp_flush(&request->eyeball->tcp);
	open_body(request, status);
	return n;
}

static void keep_head(struct ztt_request *request, const uint8_t *data,
		      size_t len)
{
	request->head = ztt_realloc(request->head, request->head_len + len + 1);
	memcpy(request->head + request->head_len, data, len);
	request->head_len += len;
}

/* The head comes in one packet as a rule; only a split one is copied. */
static void head_data(struct ztt_request *request, const uint8_t *data,
		      size_t len, bool fin)
{
	const size_t before = request->head_len;
	ssize_t n;

	if (before) {
		keep_head(request, data, len);
		n = answer(request, request->head, request->head_len);
		if (n == 0 && request->head_len > ZTT_CONNECT_MAX_BYTES)
			n = -EMSGSIZE;
	} else {
		n = answer(request, data, len);
	}
	if (n == -ECONNABORTED)
		return;
	if (n < 0 || (n == 0 && fin)) {
		fail_request(request, "the connector's answer is malformed");
	} else if (n == 0) {
		ztt_quic_consumed(&request->relay.stream, len);
		if (!before)
			keep_head(request, data, len);
	} else {
		const size_t taken = (size_t)n - before;

		ztt_quic_consumed(&request->relay.stream, taken);
		ztt_relay_body(&request->relay, data + taken, len - taken, fin);
	}
}

void ztt_request_data(struct ztt_quic_stream *stream, const uint8_t *data,
		      size_t len_bytes, bool fin)
{
	struct ztt_request *request = request_of(stream);

	if (!request->eyeball)
		ztt_quic_consumed(stream, len_bytes);
	else if (request->answered)
		ztt_relay_body(&request->relay, data, len_bytes, fin);
	else
		head_data(request, data, len_bytes, fin);
}

void ztt_request_writable(struct ztt_quic_stream *stream)
{
	ztt_relay_pump(&request_of(stream)->relay);
}

void ztt_request_reset(struct ztt_quic_stream *stream, uint64_t code)
{
	(void)code;
	fail_request(request_of(stream), "the connector gave the request up");
}

/* The answer may still come whole, or wait to be written; what is left of the
 * request is not wanted and the connection cannot be used again. */
static void end_upload(struct ztt_request *request)
{
	struct ztt_eyeball *eyeball = request->eyeball;

	request->relay.in_done = true;
	eyeball->keep_alive = false;
	eyeball->unread = true;
	if (request->relay.out_done && !eyeball->tcp.out.len_bytes)
		on_finished(&request->relay);
}

void ztt_request_stopped(struct ztt_quic_stream *stream)
{
	struct ztt_request *request = request_of(stream);

	if (request->eyeball && !request->relay.in_done)
		end_upload(request);
}

void ztt_request_closed(struct ztt_quic_stream *stream)
{
	struct ztt_request *request = request_of(stream);

	if (request->eyeball && !request->relay.out_done)
		fail_request(request, "the tunnel broke off");
	else if (request->eyeball && !request->relay.in_done)
		end_upload(request);
	else
		free_if_over(request);
}
