#include "ztt-bench/parts/relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define READ_BYTES (512 << 10)
#define CHUNKED_AHEAD_BYTES 65536

static void check_finished(struct ztt_relay *relay)
{
	if (relay->in_done && relay->out_done && relay->tcp &&
	    !relay->tcp->out.len_bytes)
		relay->finished(relay);
}

static void end_in(struct ztt_relay *relay)
{
	relay->in_done = true;
	ztt_quic_finish(&relay->stream);
	check_finished(relay);
}

static size_t smaller(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

/* What the head's reading took along. */
static void pump_ahead(struct ztt_relay *relay)
{
	struct ztt_tcp *tcp = relay->tcp;
	const size_t len =
		smaller(relay->in_left_bytes, tcp->ahead_len - tcp->ahead_at);

	if (!len)
		return;
	ztt_quic_write(&relay->stream, ztt_tcp_ahead(tcp), len);
	ztt_tcp_used(tcp, len);
	relay->in_left_bytes -= len;
}

static void pump_plain(struct ztt_relay *relay)
{
	struct iovec vec[ZTT_QUIC_VEC_MAX];
	size_t count;
	ssize_t n;

	pump_ahead(relay);
	while (relay->in_left_bytes && relay->tcp->readable) {
		count = ztt_quic_reserve(&relay->stream,
					 smaller(relay->in_left_bytes,
						 READ_BYTES),
					 vec, ZTT_QUIC_VEC_MAX);
		if (!count)
			return;
		n = ztt_tcp_read(relay->tcp, vec, count);
		ztt_quic_commit(&relay->stream, n > 0 ? (size_t)n : 0);
		if (n == -EAGAIN)
			return;
		if (n < 0 || (n == 0 && relay->in == ZTT_BODY_LENGTH)) {
			relay->failed(relay, "the connection broke off within "
					     "a body");
			return;
		}
		if (n == 0)
			relay->in_left_bytes = 0;
		else if (relay->in == ZTT_BODY_LENGTH)
			relay->in_left_bytes -= (uint64_t)n;
	}
	if (!relay->in_left_bytes)
		end_in(relay);
}

static bool has_room(struct ztt_relay *relay)
{
	struct iovec vec;
	const size_t count = ztt_quic_reserve(&relay->stream, 1, &vec, 1);

	if (count)
		ztt_quic_commit(&relay->stream, 0);
	return count;
}

/* Decodes what was read ahead; whether the body goes on. */
static bool pump_chunks(struct ztt_relay *relay)
{
	struct ztt_tcp *tcp = relay->tcp;
	struct ztt_slice body;
	bool end = false;
	ssize_t n;

	while (tcp->ahead_at < tcp->ahead_len) {
		n = ztt_http1_chunk(&relay->in_chunks, ztt_tcp_ahead(tcp),
				    tcp->ahead_len - tcp->ahead_at, &body,
				    &end);
		if (n < 0) {
			relay->failed(relay, "a chunked body is malformed");
			return false;
		}
		ztt_quic_write(&relay->stream, body.at, body.len_bytes);
		ztt_tcp_used(tcp, (size_t)n);
		if (end) {
			end_in(relay);
			return false;
		}
		if (n == 0)
			break;
	}
	return true;
}

static void pump_chunked(struct ztt_relay *relay)
{
	ssize_t n;

	while (pump_chunks(relay)) {
		if (!relay->tcp->readable || !has_room(relay))
			return;
		n = ztt_tcp_read_ahead(relay->tcp, CHUNKED_AHEAD_BYTES);
		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			relay->failed(relay, "the connection broke off within "
					     "a chunked body");
			return;
		}
	}
}

void ztt_relay_pump(struct ztt_relay *relay)
{
	if (!relay->tcp || !relay->in_open || relay->in_done ||
	    !relay->stream.quic)
		return;
	if (relay->in == ZTT_BODY_CHUNKED)
		pump_chunked(relay);
	else
		pump_plain(relay);
}

static void on_ready(struct ztt_tcp *tcp)
{
	struct ztt_relay *relay = tcp->owner;

	if (tcp->error && !(relay->in_done && relay->out_done))
		relay->failed(relay, "the connection broke off");
	else if (tcp->hung_up && relay->in_done && !relay->out_done &&
		 relay->hung_up)
		relay->hung_up(relay);
	else
		ztt_relay_pump(relay);
}

static void on_written(struct ztt_tcp *tcp, size_t len_bytes)
{
	struct ztt_relay *relay = tcp->owner;
	const size_t of_stream = smaller(relay->unwritten_bytes, len_bytes);

	relay->unwritten_bytes -= of_stream;
	ztt_quic_consumed(&relay->stream, of_stream);
	if (tcp->error)
		on_ready(tcp);
	else
		check_finished(relay);
}

void ztt_relay_attach(struct ztt_relay *relay, struct ztt_tcp *tcp)
{
	relay->tcp = tcp;
	tcp->owner = relay;
	tcp->ready = on_ready;
	tcp->written = on_written;
}

void ztt_relay_detach(struct ztt_relay *relay)
{
	if (!relay->tcp)
		return;
	relay->tcp->owner = NULL;
	relay->tcp->ready = NULL;
	relay->tcp->written = NULL;
	relay->tcp = NULL;
	ztt_quic_consumed(&relay->stream, relay->unwritten_bytes);
	relay->unwritten_bytes = 0;
}

void ztt_relay_open_in(struct ztt_relay *relay, enum ztt_body body,
		       uint64_t len_bytes)
{
	relay->in = body;
	relay->in_open = true;
	relay->in_left_bytes = body == ZTT_BODY_LENGTH ? len_bytes : UINT64_MAX;
	if (body == ZTT_BODY_NONE || !relay->in_left_bytes)
		end_in(relay);
	else
		ztt_relay_pump(relay);
}

void ztt_relay_open_out(struct ztt_relay *relay, enum ztt_body body,
			uint64_t len_bytes)
{
	relay->out = body;
	relay->out_open = true;
	relay->out_left_bytes = len_bytes;
}

static void end_out(struct ztt_relay *relay)
{
	struct ztt_tcp *tcp = relay->tcp;

	if (relay->out == ZTT_BODY_LENGTH && relay->out_left_bytes) {
		relay->failed(relay, "a body ended before its length");
		return;
	}
	relay->out_done = true;
	if (relay->out == ZTT_BODY_CHUNKED)
		ztt_chain_append(&tcp->out, "0\r\n\r\n", 5);
	else if (relay->out == ZTT_BODY_RAW)
		ztt_tcp_shut(tcp);
	ztt_tcp_flush(tcp);
	check_finished(relay);
}

static void append_chunk(struct ztt_tcp *tcp, const uint8_t *data,
			 size_t len_bytes)
{
	char line[24];
	const int len = snprintf(line, sizeof(line), "%zx\r\n", len_bytes);

	ztt_chain_append(&tcp->out, line, (size_t)len);
	ztt_chain_append(&tcp->out, data, len_bytes);
	ztt_chain_append(&tcp->out, "\r\n", 2);
}

/* Bytes past a body's announced end are dropped, as HTTP/1.1 has no place for
 * them. */
void ztt_relay_body(struct ztt_relay *relay, const uint8_t *data,
		    size_t len_bytes, bool fin)
{
	size_t keep = len_bytes;

	if (!relay->tcp || relay->out_done || relay->out == ZTT_BODY_NONE)
		keep = 0;
	else if (relay->out == ZTT_BODY_LENGTH)
		keep = smaller(relay->out_left_bytes, len_bytes);
	ztt_quic_consumed(&relay->stream, len_bytes - keep);
	if (keep) {
		relay->unwritten_bytes += keep;
		relay->out_left_bytes -= keep;
		if (relay->out == ZTT_BODY_CHUNKED)
			append_chunk(relay->tcp, data, keep);
		else
			ztt_chain_append(&relay->tcp->out, data, keep);
		ztt_tcp_flush(relay->tcp);
	}
	if (fin && relay->tcp && !relay->out_done)
		end_out(relay);
}

enum ztt_body ztt_relay_request_body(const struct ztt_http1_head *head)
{
	if (head->chunked)
		return ZTT_BODY_CHUNKED;
	if (head->content_length != ZTT_HTTP1_LENGTH_UNKNOWN &&
	    head->content_length)
		return ZTT_BODY_LENGTH;
	return ZTT_BODY_NONE;
}

enum ztt_body ztt_relay_response_body(const struct ztt_http1_head *head,
				      bool no_body)
{
	if (no_body || head->status == 204 || head->status == 304 ||
	    head->content_length == 0)
		return ZTT_BODY_NONE;
	if (head->chunked)
		return ZTT_BODY_CHUNKED;
	if (head->content_length != ZTT_HTTP1_LENGTH_UNKNOWN)
		return ZTT_BODY_LENGTH;
	return ZTT_BODY_RAW;
}

/* RFC 9110, section 5.6.2 */
bool ztt_relay_is_token(struct ztt_slice text)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < text.len_bytes; i++) {
		const char c = text.at[i];

		if ((c < '0' || c > '9') && (c < 'A' || c > 'Z') &&
		    (c < 'a' || c > 'z') && (!c || !strchr(others, c)))
			return false;
	}
	return text.len_bytes;
}
