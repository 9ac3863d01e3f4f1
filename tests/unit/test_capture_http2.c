#include "ztt-capture/decode/http2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "common/tunnel_rpc.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define EDGE false
#define AGENT true

static struct ztt_http2 *http2;
static struct ztt_tunnel *tunnel;
static nghttp2_hd_deflater *deflaters[2];
static char text[2048];

/* Frames one after another. */
static struct {
	uint8_t data[65536];
	size_t len;
} wire;

static struct ztt_tunnel *give_tunnel(void *owner)
{
	return owner;
}

static int set_up(void **state)
{
	(void)state;
	tunnel = ztt_tunnel_new();
	http2 = ztt_http2_new(give_tunnel, tunnel);
	nghttp2_hd_deflate_new(&deflaters[0], 65536);
	nghttp2_hd_deflate_new(&deflaters[1], 65536);
	wire.len = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	nghttp2_hd_deflate_del(deflaters[0]);
	nghttp2_hd_deflate_del(deflaters[1]);
	ztt_http2_free(http2);
	ztt_tunnel_free(tunnel);
	return 0;
}

static const struct ztt_http2_facts *facts(void)
{
	return ztt_http2_facts(http2);
}

static void add(const void *data, size_t len)
{
	assert_true(wire.len + len <= sizeof(wire.data));
	if (len)
		memcpy(wire.data + wire.len, data, len);
	wire.len += len;
}

static void add_frame(uint8_t type, uint8_t flags, uint32_t stream,
		      const void *payload, size_t len)
{
	const uint8_t head[] = {
		(uint8_t)(len >> 16),
		(uint8_t)(len >> 8),
		(uint8_t)len,
		type,
		flags,
		(uint8_t)(stream >> 24),
		(uint8_t)(stream >> 16),
		(uint8_t)(stream >> 8),
		(uint8_t)stream,
	};

	add(head, sizeof(head));
	add(payload, len);
}

#define FIELD(name, value)                                                    \
	{                                                                     \
		(uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value),  \
			sizeof(name) - 1, strlen(value), NGHTTP2_NV_FLAG_NONE \
	}

static size_t deflate(bool up, nghttp2_nv *fields, size_t count, uint8_t *out,
		      size_t cap)
{
	ssize_t len =
		nghttp2_hd_deflate_hd(deflaters[up], out, cap, fields, count);

	assert_true(len > 0);
	return (size_t)len;
}

static void add_request(uint32_t stream, const char *path, const char *upgrade)
{
	nghttp2_nv fields[] = {
		FIELD(":method", "GET"),
		FIELD(":scheme", "https"),
		FIELD(":authority", "app.example.com"),
		FIELD(":path", path),
		FIELD("authorization", "Bearer hunter2"),
		FIELD("cookie", "hunter2"),
		FIELD("cf-cloudflared-proxy-connection-upgrade", upgrade),
	};
	uint8_t block[1024];
	size_t len =
		deflate(EDGE, fields, upgrade[0] ? 7 : 6, block, sizeof(block));

	add_frame(NGHTTP2_HEADERS, 0x4 | 0x1, stream, block, len);
}

/* All of `wire`, `step` bytes at a time. */
static const char *feed(bool up, size_t step)
{
	struct ztt_line line = ztt_line_of(text, sizeof(text));

	for (size_t at = 0; at < wire.len; at += step)
		ztt_http2_data(http2, up, wire.data + at,
			       wire.len - at < step ? wire.len - at : step,
			       &line);
	wire.len = 0;
	return text;
}

static void begin(void)
{
	add(PREFACE, sizeof(PREFACE) - 1);
	add_frame(NGHTTP2_SETTINGS, 0, 0, "", 0);
	feed(EDGE, wire.len);
	add_frame(NGHTTP2_SETTINGS, 0, 0, "", 0);
	feed(AGENT, wire.len);
}

static void tells_requests_without_secrets(void **state)
{
	(void)state;
	begin();
	add_request(1, "/a?token=hunter2", "");
	add_request(3, "/b", "");
	assert_string_equal(
		feed(EDGE, wire.len),
		"HEADERS 1 GET https://app.example.com/a?(redacted) end; "
		"HEADERS 3 GET https://app.example.com/b end");
	assert_int_equal(facts()->requests, 2);
	assert_int_equal(facts()->streams, 2);
	assert_true(facts()->seen);
}

static void reads_frames_byte_by_byte(void **state)
{
	(void)state;
	add(PREFACE, sizeof(PREFACE) - 1);
	add_frame(NGHTTP2_SETTINGS, 0, 0, "\0\3\0\0\0\144", 6);
	add_frame(NGHTTP2_WINDOW_UPDATE, 0, 0, "\0\0\3\350", 4);
	add_request(1, "/a", "");
	add_frame(NGHTTP2_DATA, 1, 1, "hello", 5);
	add_frame(NGHTTP2_PING, 1, 0, "12345678", 8);
	add_frame(NGHTTP2_RST_STREAM, 0, 1, "\0\0\0\10", 4);
	add_frame(0x1f, 0, 1, "x", 1);
	assert_string_equal(feed(EDGE, 1),
			    "SETTINGS max_concurrent 100; "
			    "WINDOW_UPDATE 0 +1000; "
			    "HEADERS 1 GET https://app.example.com/a end; "
			    "DATA 1 5 bytes end; PING ack; RST_STREAM 1 "
			    "CANCEL; type 0x1f 1");
	assert_int_equal(facts()->frames, 7);
	assert_int_equal(facts()->malformed, 0);
}

static void reads_padding_priority_and_continuations(void **state)
{
	nghttp2_nv fields[] = {FIELD(":status", "502"),
			       FIELD("server", "somebody with a long name")};
	uint8_t block[256], padded[300] = {3, 0, 0, 0, 0, 16};
	size_t len;

	(void)state;
	begin();
	len = deflate(AGENT, fields, 2, block, sizeof(block));
	memcpy(padded + 6, block, 5);
	add_frame(NGHTTP2_HEADERS, 0x8 | 0x20, 7, padded, 6 + 5 + 3);
	add_frame(NGHTTP2_CONTINUATION, 0, 7, block + 5, 1);
	add_frame(NGHTTP2_CONTINUATION, 0x4, 7, block + 6, len - 6);
	assert_string_equal(feed(AGENT, 4), "HEADERS 7 502");
	assert_int_equal(facts()->malformed, 0);
}

static void follows_the_header_table_s_size(void **state)
{
	(void)state;
	begin();
	/* The agent allows 64 bytes, the edge takes note. */
	add_frame(NGHTTP2_SETTINGS, 0, 0, "\0\1\0\0\0\100", 6);
	feed(AGENT, wire.len);
	nghttp2_hd_deflate_change_table_size(deflaters[EDGE], 64);
	add_frame(NGHTTP2_SETTINGS, 1, 0, "", 0);
	for (uint32_t i = 1; i < 40; i += 2)
		add_request(i, "/much/the/same", "");
	feed(EDGE, wire.len);
	assert_int_equal(facts()->requests, 20);
	assert_int_equal(facts()->unread_headers, 0);
}

static void reads_the_control_stream(void **state)
{
	uint8_t message[64], padded[128] = {9};
	ssize_t len = ztt_rpc_bootstrap(0, message, sizeof(message));

	(void)state;
	begin();
	add_request(1, "/", "control-stream");
	assert_non_null(strstr(feed(EDGE, wire.len), "control-stream"));
	assert_int_equal(facts()->requests, 0);
	memcpy(padded + 1, message, (size_t)len);
	add_frame(NGHTTP2_DATA, 0x8, 1, padded, (size_t)len + 10);
	assert_string_equal(feed(AGENT, 7), "DATA 1 58 bytes; bootstrap 0");
	assert_int_equal(ztt_tunnel_facts(tunnel)->messages, 1);
}

static void goes_on_after_a_gap_within_data(void **state)
{
	static const uint8_t body[1000];
	struct ztt_line line = ztt_line_of(text, sizeof(text));

	(void)state;
	begin();
	add_frame(NGHTTP2_DATA, 0, 1, body, sizeof(body));
	ztt_http2_data(http2, EDGE, wire.data, 300, &line);
	ztt_http2_gap(http2, EDGE, wire.len - 300 - 10);
	ztt_http2_data(http2, EDGE, wire.data + wire.len - 10, 10, &line);
	wire.len = 0;
	add_request(3, "/after", "");
	assert_string_equal(feed(EDGE, wire.len),
			    "HEADERS 3 GET https://app.example.com/after end");
}

static void
finds_frames_again_after_a_gap_and_says_what_it_cannot_read(void **state)
{
	(void)state;
	begin();
	ztt_http2_gap(http2, EDGE, 0);
	add("\xff\xff\xff no frame", 12);
	feed(EDGE, wire.len);
	add_request(3, "/after", "");
	assert_string_equal(feed(EDGE, wire.len),
			    "HEADERS 3 (not readable) end");
	assert_int_equal(facts()->unread_headers, 1);
	add_frame(NGHTTP2_GOAWAY, 0, 0, "\0\0\0\7\0\0\0\2", 8);
	assert_string_equal(feed(EDGE, wire.len),
			    "GOAWAY after 7 INTERNAL_ERROR");
	assert_true(facts()->going_away);
	assert_int_equal(facts()->going_away_code, 2);
}

static void passes_over_what_is_no_http2(void **state)
{
	(void)state;
	add("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27);
	assert_string_equal(feed(AGENT, 3), "");
	assert_false(facts()->seen);
	assert_int_equal(facts()->frames, 0);
}

static void refuses_a_broken_header_block(void **state)
{
	(void)state;
	begin();
	add_frame(NGHTTP2_HEADERS, 0x4, 1, "\xff\xff\xff\xff\xff\xff", 6);
	add_request(3, "/after", "");
	feed(EDGE, wire.len);
	assert_int_equal(facts()->unread_headers, 2);
	assert_int_equal(facts()->requests, 0);
}

int main(void)
{
#define WITH_HTTP2(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_HTTP2(tells_requests_without_secrets),
		WITH_HTTP2(reads_frames_byte_by_byte),
		WITH_HTTP2(reads_padding_priority_and_continuations),
		WITH_HTTP2(follows_the_header_table_s_size),
		WITH_HTTP2(reads_the_control_stream),
		WITH_HTTP2(goes_on_after_a_gap_within_data),
		WITH_HTTP2(
			finds_frames_again_after_a_gap_and_says_what_it_cannot_read),
		WITH_HTTP2(passes_over_what_is_no_http2),
		WITH_HTTP2(refuses_a_broken_header_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
