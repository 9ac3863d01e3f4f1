#define _GNU_SOURCE
#include "ztt-bench/parts/origin/echo.h"

#include <errno.h>
#include <string.h>

#include "common/http1.h"
#include "ztt-bench/parts/origin/conn.h"

#define FRAMING_BYTES 16 /* of a chunk with the end of the body after it */
#define STATUS_PROTOCOL_ERROR 1002

static void put_body(struct ztt_origin_conn *conn, struct ztt_slice body)
{
	if (conn->body_chunked && body.len_bytes)
		ztt_origin_putf(conn, "%zx\r\n", body.len_bytes);
	ztt_origin_put(conn, body.at, body.len_bytes);
	if (conn->body_chunked && body.len_bytes)
		ztt_origin_putf(conn, "\r\n");
	if (conn->body_chunked && conn->body_done)
		ztt_origin_putf(conn, "0\r\n\r\n");
	conn->echo_done = conn->body_done;
}

static int step_echo(struct ztt_origin_conn *conn)
{
	struct ztt_slice body = {NULL, 0};
	int rc = ztt_origin_flush(conn, false);

	if (rc != ZTT_ORIGIN_ON)
		return rc;
	if (conn->echo_done)
		return ztt_origin_next(conn);
	rc = ztt_origin_body(conn, sizeof(conn->out) - FRAMING_BYTES, &body);
	if (rc == ZTT_ORIGIN_WAIT)
		return ztt_origin_fill(conn);
	if (rc == ZTT_ORIGIN_ON)
		put_body(conn, body);
	return rc;
}

void ztt_origin_echo_begin(struct ztt_origin_conn *conn)
{
	ztt_origin_put_head(conn, "200 OK", "application/octet-stream",
			    conn->body_chunked ? ZTT_HTTP1_LENGTH_UNKNOWN
					       : conn->body_left_bytes);
	conn->echo_done = false;
	conn->step = step_echo;
}

static uint8_t answering_opcode(const struct ztt_websocket_frame *frame)
{
	return frame->opcode == ZTT_WEBSOCKET_PING ? ZTT_WEBSOCKET_PONG
						   : frame->opcode;
}

/* A pong answers nothing of ours, so it is not echoed (RFC 6455, 5.5.3). */
static bool is_echoed(const struct ztt_websocket_frame *frame)
{
	return frame->opcode != ZTT_WEBSOCKET_PONG;
}

static void refuse_frame(struct ztt_origin_conn *conn)
{
	static const uint8_t frame[] = {0x80 | ZTT_WEBSOCKET_CLOSE, 2,
					STATUS_PROTOCOL_ERROR >> 8,
					STATUS_PROTOCOL_ERROR & 0xff};

	ztt_origin_put(conn, frame, sizeof(frame));
	conn->closing = true;
}

static int relay_head(struct ztt_origin_conn *conn)
{
	uint8_t head[ZTT_WEBSOCKET_HEAD_MAX_BYTES];
	ssize_t len = ztt_websocket_head(conn->in + conn->in_at_bytes,
					 conn->in_len_bytes - conn->in_at_bytes,
					 &conn->frame);

	if (len < 0)
		refuse_frame(conn);
	if (len <= 0)
		return ZTT_ORIGIN_WAIT;
	conn->in_at_bytes += (size_t)len;
	conn->frame_at_bytes = 0;
	conn->frame_open = true;
	if (is_echoed(&conn->frame))
		ztt_origin_put(conn, head,
			       ztt_websocket_write_head(
				       head, answering_opcode(&conn->frame),
				       conn->frame.fin, conn->frame.len_bytes));
	return ZTT_ORIGIN_ON;
}

static int relay_payload(struct ztt_origin_conn *conn)
{
	uint64_t left = conn->frame.len_bytes - conn->frame_at_bytes;
	size_t have = conn->in_len_bytes - conn->in_at_bytes;
	size_t room = sizeof(conn->out) - conn->out_len_bytes;

	have = have < room ? have : room;
	have = have < left ? have : (size_t)left;
	if (left && !have)
		return ZTT_ORIGIN_WAIT;
	if (is_echoed(&conn->frame)) {
		ztt_websocket_unmask(&conn->frame, conn->frame_at_bytes,
				     conn->in + conn->in_at_bytes,
				     conn->out + conn->out_len_bytes, have);
		conn->out_len_bytes += have;
	}
	conn->in_at_bytes += have;
	conn->frame_at_bytes += have;
	if (have == left) {
		conn->frame_open = false;
		conn->closing = conn->frame.opcode == ZTT_WEBSOCKET_CLOSE;
	}
	return ZTT_ORIGIN_ON;
}

/* Moves what it can from `in` to `out`: WAIT when one of them is at its end. */
static int relay(struct ztt_origin_conn *conn)
{
	if (conn->closing || sizeof(conn->out) - conn->out_len_bytes <
				     ZTT_WEBSOCKET_HEAD_MAX_BYTES)
		return ZTT_ORIGIN_WAIT;
	return conn->frame_open ? relay_payload(conn) : relay_head(conn);
}

static int step_websocket(struct ztt_origin_conn *conn)
{
	bool relayed;
	int rc;

	while (relay(conn) == ZTT_ORIGIN_ON)
		;
	relayed = conn->out_len_bytes > 0;
	rc = ztt_origin_flush(conn, false);
	if (rc != ZTT_ORIGIN_ON)
		return rc;
	if (conn->closing)
		return ztt_origin_linger(conn);
	return relayed ? ZTT_ORIGIN_ON : ztt_origin_fill(conn);
}

int ztt_origin_websocket_begin(struct ztt_origin_conn *conn,
			       const struct ztt_http1_head *head)
{
	char accept[ZTT_WEBSOCKET_ACCEPT_LEN];

	if (!ztt_slice_is(head->method, "GET") ||
	    !ztt_slice_is(ztt_http1_find(head, "Upgrade"), "websocket") ||
	    !ztt_slice_is(ztt_http1_find(head, "Sec-WebSocket-Version"),
			  "13") ||
	    ztt_websocket_accept(ztt_http1_find(head, "Sec-WebSocket-Key"),
				 accept) < 0)
		return -EINVAL;
	ztt_origin_putf(conn,
			"HTTP/1.1 101 Switching Protocols\r\n"
			"Upgrade: websocket\r\nConnection: Upgrade\r\n"
			"Sec-WebSocket-Accept: %s\r\n\r\n",
			accept);
	conn->frame_open = conn->closing = false;
	conn->step = step_websocket;
	return 0;
}
