#include "http1.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ztt_http1_head head;

static ssize_t request(const char *text)
{
	return ztt_http1_request(text, strlen(text), &head);
}

static ssize_t response(const char *text)
{
	return ztt_http1_response(text, strlen(text), &head);
}

/* A request with these header lines. */
static ssize_t request_with(const char *headers)
{
	char text[1024];

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n", headers);
	return request(text);
}

static ssize_t response_with(const char *headers)
{
	char text[1024];

	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s\r\n", headers);
	return response(text);
}

static void assert_slice(struct ztt_slice slice, const char *text)
{
	assert_int_equal(slice.len_bytes, strlen(text));
	assert_memory_equal(slice.at, text, slice.len_bytes);
}

static void reads_a_request(void **state)
{
	static const char text[] = "POST /a?b=c HTTP/1.1\r\n"
				   "Host: example.com:80\r\n"
				   "Content-Length: 12\r\n"
				   "X-Empty:\r\n"
				   "X-Blanks: \t a\tb  \r\n"
				   "\r\nbody";

	(void)state;
	assert_int_equal(request(text), sizeof(text) - 1 - 4);
	assert_slice(head.method, "POST");
	assert_slice(head.target, "/a?b=c");
	assert_slice(head.host, "example.com:80");
	assert_int_equal(head.content_length, 12);
	assert_int_equal(head.header_count, 4);
	assert_slice(head.headers[2].name, "X-Empty");
	assert_slice(head.headers[2].value, "");
	assert_slice(head.headers[3].value, "a\tb");
	assert_slice(ztt_http1_find(&head, "x-BLANKS"), "a\tb");
	assert_non_null(ztt_http1_find(&head, "x-empty").at);
	assert_null(ztt_http1_find(&head, "x").at);
	assert_true(head.keep_alive);
	assert_false(head.chunked);
	assert_false(head.upgrade);
	assert_false(head.expect_continue);
}

static void reads_a_response(void **state)
{
	static const char text[] = "HTTP/1.1 404 Not \xc3\xa4 Found\r\n"
				   "transfer-encoding: Chunked\r\n"
				   "Connection: Close\r\n"
				   "\r\n";

	(void)state;
	assert_int_equal(response(text), sizeof(text) - 1);
	assert_int_equal(head.status, 404);
	assert_true(head.chunked);
	assert_false(head.keep_alive);
	assert_int_equal(head.content_length, ZTT_HTTP1_LENGTH_UNKNOWN);
	assert_null(head.host.at);
	assert_int_equal(head.method.len_bytes, 0);

	assert_true(response("HTTP/1.1 200\r\n\r\n") > 0);
	assert_true(response("HTTP/1.1 599 \r\n\r\n") > 0);
	assert_int_equal(head.status, 599);
	assert_int_equal(head.header_count, 0);
}

static void asks_for_more_at_every_cut(void **state)
{
	static const char req[] = "\r\nGET /index.html HTTP/1.1\r\n"
				  "Host: h\r\nConnection: upgrade, close\r\n"
				  "Content-Length: 5\r\n\r\n";
	static const char res[] = "HTTP/1.0 301 Moved there\r\n"
				  "Content-Length: 5\r\nX: y\r\n\r\n";

	(void)state;
	for (size_t len = 0; len < sizeof(req) - 1; len++) {
		char *copy = malloc(len ? len : 1);

		memcpy(copy, req, len);
		assert_int_equal(ztt_http1_request(copy, len, &head), 0);
		free(copy);
	}
	for (size_t len = 0; len < sizeof(res) - 1; len++) {
		char *copy = malloc(len ? len : 1);

		memcpy(copy, res, len);
		assert_int_equal(ztt_http1_response(copy, len, &head), 0);
		free(copy);
	}
	assert_int_equal(request(req), sizeof(req) - 1);
	assert_int_equal(response(res), sizeof(res) - 1);
}

static void finds_a_bad_byte_wherever_it_is(void **state)
{
	static const char good[] = "GET /some/path HTTP/1.1\r\n"
				   "X-Header: a value of some length\r\n\r\n";
	static const char bad[] = {0, 1, '\n', '\r', 0x1f, 0x7f};

	(void)state;
	for (size_t at = 0; at < sizeof(good) - 1; at++) {
		for (size_t i = 0; i < sizeof(bad); i++) {
			char text[sizeof(good)];
			ssize_t got;

			memcpy(text, good, sizeof(good));
			if (text[at] == bad[i])
				continue;
			text[at] = bad[i];
			got = ztt_http1_request(text, sizeof(good) - 1, &head);
			if (got != -EPROTO)
				fail_msg("%d at %zu gives %zd", bad[i], at,
					 got);
		}
	}
}

static void refuses_malformed_requests(void **state)
{
	static const char *const cases[] = {
		" GET / HTTP/1.1\r\n\r\n",
		"G(T / HTTP/1.1\r\n\r\n",
		"GET  / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1 \r\n\r\n",
		"GET /a b HTTP/1.1\r\n\r\n",
		"GET /\r\n",
		"GET / http/1.1\r\n\r\n",
		"GET / HTTP/1.2\r\n\r\n",
		"GET / HTTP/2.0\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"GET / HTTP/1.1\n\n",
		"GET / HTTP/1.1\r\nA: b\n\r\n",
		"GET / HTTP/1.1\r\n\n",
		"\n\nGET / HTTP/1.1\r\n\r\n",
		"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\n A: b\r\n\r\n",
		"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
		"GET / HTTP/1.1\r\nA : b\r\n\r\n",
		"GET / HTTP/1.1\r\n: b\r\n\r\n",
		"GET / HTTP/1.1\r\nA\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (request(cases[i]) != -EPROTO)
			fail_msg("taken: %s", cases[i]);
}

static void refuses_malformed_responses(void **state)
{
	static const char *const cases[] = {
		"HTTP/1.1 099 A\r\n\r\n", "HTTP/1.1 600 A\r\n\r\n",
		"HTTP/1.1 20 A\r\n\r\n",  "HTTP/1.1 2000 A\r\n\r\n",
		"HTTP/1.1  200\r\n\r\n",  "HTTP/1.1 -20 A\r\n\r\n",
		"HTTP/2 200\r\n\r\n",     "\r\nHTTP/1.1 200 OK\r\n\r\n",
		"ICY 200 OK\r\n\r\n",     "HTTP/1.1 200 O\001\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (response(cases[i]) != -EPROTO)
			fail_msg("taken: %s", cases[i]);
}

static void reads_a_length(void **state)
{
	(void)state;
	assert_true(request_with("Content-Length: 0\r\n") > 0);
	assert_int_equal(head.content_length, 0);
	assert_true(request_with("Content-Length: 9223372036854775807\r\n") >
		    0);
	assert_int_equal(head.content_length, INT64_MAX);
	assert_true(request_with("content-length: 5\r\n"
				 "CONTENT-LENGTH: 5\r\n") > 0);
	assert_int_equal(head.content_length, 5);
	assert_true(request_with("") > 0);
	assert_int_equal(head.content_length, ZTT_HTTP1_LENGTH_UNKNOWN);
}

static void refuses_a_doubtful_length(void **state)
{
	static const char *const cases[] = {
		"Content-Length:\r\n",
		"Content-Length: -1\r\n",
		"Content-Length: +1\r\n",
		"Content-Length: 1 2\r\n",
		"Content-Length: 5, 5\r\n",
		"Content-Length: 0x5\r\n",
		"Content-Length: 5\r\nContent-Length: 6\r\n",
		"Content-Length: 9223372036854775808\r\n",
		"Content-Length: 18446744073709551616\r\n",
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (request_with(cases[i]) != -EPROTO ||
		    response_with(cases[i]) != -EPROTO)
			fail_msg("taken: %s", cases[i]);
}

static void takes_chunked_in_the_last_place_only(void **state)
{
	(void)state;
	assert_true(request_with("Transfer-Encoding: chunked\r\n") > 0);
	assert_true(head.chunked);
	assert_true(request_with("Transfer-Encoding: gzip , chunked\r\n") > 0);
	assert_true(head.chunked);
	assert_true(request_with("Transfer-Encoding: gzip\r\n"
				 "Transfer-Encoding: , chunked,\r\n") > 0);
	assert_true(head.chunked);
	assert_true(response_with("Transfer-Encoding: gzip\r\n") > 0);
	assert_false(head.chunked);
	assert_int_equal(request_with("Transfer-Encoding: gzip\r\n"), -EPROTO);
	assert_int_equal(request_with("Transfer-Encoding: xchunked\r\n"),
			 -EPROTO);
	assert_int_equal(request_with("Transfer-Encoding:\r\n"), -EPROTO);
	assert_int_equal(response_with("Transfer-Encoding: chunked, gzip\r\n"),
			 -EPROTO);
	assert_int_equal(response_with("Transfer-Encoding: chunked\r\n"
				       "Transfer-Encoding: chunked\r\n"),
			 -EPROTO);
	assert_int_equal(response_with("Transfer-Encoding: chunked;a=b\r\n"),
			 -EPROTO);
	assert_int_equal(response("HTTP/1.0 200 OK\r\n"
				  "Transfer-Encoding: chunked\r\n\r\n"),
			 -EPROTO);
}

static void knows_whether_the_connection_stays(void **state)
{
	(void)state;
	assert_true(request_with("Connection: foo\r\n") > 0);
	assert_true(head.keep_alive);
	assert_true(request_with("Connection: a, CLOSE ,b\r\n") > 0);
	assert_false(head.keep_alive);
	assert_true(request_with("Connection: keep-alive\r\n"
				 "Connection: close\r\n") > 0);
	assert_false(head.keep_alive);
	assert_true(request("GET / HTTP/1.0\r\n\r\n") > 0);
	assert_false(head.keep_alive);
	assert_true(request("GET / HTTP/1.0\r\n"
			    "Connection: Keep-Alive\r\n\r\n") > 0);
	assert_true(head.keep_alive);
}

static void knows_an_upgrade_by_both_headers(void **state)
{
	(void)state;
	assert_true(request_with("Upgrade: websocket\r\n"
				 "Connection: keep-alive, Upgrade\r\n") > 0);
	assert_true(head.upgrade);
	assert_true(request_with("Upgrade: websocket\r\n") > 0);
	assert_false(head.upgrade);
	assert_true(request_with("Connection: Upgrade\r\n") > 0);
	assert_false(head.upgrade);
}

static void knows_an_expectation(void **state)
{
	(void)state;
	assert_true(request_with("Expect: 100-Continue\r\n") > 0);
	assert_true(head.expect_continue);
	assert_true(request_with("Expect: something\r\n") > 0);
	assert_false(head.expect_continue);
	assert_true(request("GET / HTTP/1.0\r\n"
			    "Expect: 100-continue\r\n\r\n") > 0);
	assert_false(head.expect_continue);
}

static void refuses_a_second_host(void **state)
{
	(void)state;
	assert_true(request_with("Host:\r\n") > 0);
	assert_non_null(head.host.at);
	assert_int_equal(request_with("Host: a\r\nhost: a\r\n"), -EPROTO);
}

static void bounds_the_number_of_headers(void **state)
{
	static char text[8192];
	int at;

	(void)state;
	at = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n");
	for (int i = 0; i < ZTT_HTTP1_HEADERS_MAX; i++)
		at += sprintf(text + at, "A: b\r\n");
	sprintf(text + at, "\r\n");
	assert_true(request(text) > 0);
	assert_int_equal(head.header_count, ZTT_HTTP1_HEADERS_MAX);
	sprintf(text + at, "A: b\r\n\r\n");
	assert_int_equal(request(text), -EMSGSIZE);
}

static void bounds_the_length_of_a_head(void **state)
{
	static char text[2 * ZTT_HTTP1_HEAD_MAX_BYTES];
	static const char begin[] = "GET / HTTP/1.1\r\nA: ";
	const size_t max = ZTT_HTTP1_HEAD_MAX_BYTES;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, begin, sizeof(begin) - 1);
	assert_int_equal(ztt_http1_request(text, max - 1, &head), 0);
	assert_int_equal(ztt_http1_request(text, max, &head), -EMSGSIZE);
	assert_int_equal(ztt_http1_request(text, sizeof(text), &head),
			 -EMSGSIZE);
	memcpy(text + max - 4, "\r\n\r\n", 4);
	assert_int_equal(ztt_http1_request(text, sizeof(text), &head), max);
	memcpy(text + max - 4, "x\r\n\r\n", 5);
	assert_int_equal(ztt_http1_request(text, sizeof(text), &head),
			 -EMSGSIZE);
}

static void leaves_the_head_alone_on_failure(void **state)
{
	static struct ztt_http1_head before;

	(void)state;
	memset(&head, 0x5a, sizeof(head));
	memcpy(&before, &head, sizeof(head));
	assert_int_equal(request("GET / HTTP/1.1\r\nA: b\r\n"), 0);
	assert_int_equal(request("GET / HTTP/1.1\r\nA: b\r\n\001"), -EPROTO);
	assert_memory_equal(&head, &before, sizeof(head));
}

static void compares_slices_without_case(void **state)
{
	struct ztt_slice slice = {"aB[9", 4};

	(void)state;
	assert_true(ztt_slice_is(slice, "Ab[9"));
	assert_false(ztt_slice_is(slice, "Ab{9"));
	assert_false(ztt_slice_is(slice, "Ab["));
	assert_false(ztt_slice_is(slice, "Ab[99"));
	assert_true(ztt_slice_is((struct ztt_slice){NULL, 0}, ""));
}

/* Decodes `text` fed in pieces of `step` bytes, each of which is called until
 * it is used up. Returns the bytes consumed or -errno. */
static ssize_t dechunk(const char *text, size_t step, char body[512],
		       bool *ret_end)
{
	struct ztt_http1_chunks chunks = {0};
	size_t at = 0, len = strlen(text), body_len = 0;
	bool end = false;

	while (at < len && !end) {
		size_t piece = len - at < step ? len - at : step;
		struct ztt_slice run;
		ssize_t used =
			ztt_http1_chunk(&chunks, text + at, piece, &run, &end);

		if (used < 0)
			return used;
		assert_true(used > 0);
		assert_true((size_t)used <= piece);
		memcpy(body + body_len, run.at, run.len_bytes);
		body_len += run.len_bytes;
		at += (size_t)used;
	}
	body[body_len] = '\0';
	*ret_end = end;
	return (ssize_t)at;
}

static void decodes_chunks_from_any_cut(void **state)
{
	static const char text[] = "5\r\nhello\r\n"
				   "00A;name=\"v\" \r\n, world...\r\n"
				   "1 \r\n!\r\n"
				   "0\r\nTrailer: x\r\nOther:\r\n\r\n";
	char with_next[256], body[512];
	bool end;

	(void)state;
	snprintf(with_next, sizeof(with_next), "%sHTTP/1.1 ", text);
	for (size_t step = 1; step < sizeof(with_next); step++) {
		assert_int_equal(dechunk(with_next, step, body, &end),
				 sizeof(text) - 1);
		assert_string_equal(body, "hello, world...!");
		assert_true(end);
	}
}

static void gives_the_end_with_the_last_run(void **state)
{
	static const char text[] = "5\r\nhello\r\n0\r\n\r\n";
	struct ztt_http1_chunks chunks = {0};
	struct ztt_slice run;
	bool end;

	(void)state;
	assert_int_equal(ztt_http1_chunk(&chunks, text, sizeof(text) - 1, &run,
					 &end),
			 sizeof(text) - 1);
	assert_slice(run, "hello");
	assert_true(end);
	assert_int_equal(ztt_http1_chunk(&chunks, "5\r\n", 3, &run, &end), 0);
	assert_int_equal(run.len_bytes, 0);
	assert_true(end);
}

static void refuses_malformed_chunks(void **state)
{
	static const char *const cases[] = {
		"\r\n",
		";x\r\n",
		"-1\r\n",
		"0x5\r\n",
		"5\nhello",
		"5\r\rhello",
		"5\r\nhello\n",
		"5\r\nhelloo",
		"5\r\nhello\r\r",
		"5 6\r\n",
		"5;a\nb\r\n",
		"5;a\001\r\n",
		"8000000000000000\r\n",
		"fffffffffffffffff\r\n",
		"0\r\nA: b\n\r\n",
		"0\r\n\rx",
		"0\r\nA\x7f\r\n",
	};
	char body[512];
	bool end;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t step = 1; step < 20; step++)
			if (dechunk(cases[i], step, body, &end) != -EPROTO)
				fail_msg("taken: %s", cases[i]);
}

static void bounds_what_is_not_body(void **state)
{
	static char text[2 * ZTT_HTTP1_HEAD_MAX_BYTES];
	struct ztt_http1_chunks chunks = {0};
	struct ztt_slice run;
	bool end;

	(void)state;
	memset(text, '0', sizeof(text));
	assert_int_equal(ztt_http1_chunk(&chunks, text,
					 ZTT_HTTP1_LINE_MAX_BYTES, &run, &end),
			 ZTT_HTTP1_LINE_MAX_BYTES);
	assert_int_equal(ztt_http1_chunk(&chunks, text, 1, &run, &end),
			 -EPROTO);

	memset(&chunks, 0, sizeof(chunks));
	memset(text, 'a', sizeof(text));
	memcpy(text, "0\r\n", 3);
	assert_int_equal(ztt_http1_chunk(&chunks, text,
					 ZTT_HTTP1_HEAD_MAX_BYTES, &run, &end),
			 ZTT_HTTP1_HEAD_MAX_BYTES);
	assert_int_equal(ztt_http1_chunk(&chunks, text, sizeof(text), &run,
					 &end),
			 -EPROTO);
}

static void bounds_size_lines_one_by_one(void **state)
{
	struct ztt_http1_chunks chunks = {0};
	struct ztt_slice run;
	bool end;

	(void)state;
	for (size_t i = 0; i < ZTT_HTTP1_LINE_MAX_BYTES; i++)
		assert_int_equal(ztt_http1_chunk(&chunks, "1\r\na\r\n", 6, &run,
						 &end),
				 6);
	assert_false(end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_request),
		cmocka_unit_test(reads_a_response),
		cmocka_unit_test(asks_for_more_at_every_cut),
		cmocka_unit_test(finds_a_bad_byte_wherever_it_is),
		cmocka_unit_test(refuses_malformed_requests),
		cmocka_unit_test(refuses_malformed_responses),
		cmocka_unit_test(reads_a_length),
		cmocka_unit_test(refuses_a_doubtful_length),
		cmocka_unit_test(takes_chunked_in_the_last_place_only),
		cmocka_unit_test(knows_whether_the_connection_stays),
		cmocka_unit_test(knows_an_upgrade_by_both_headers),
		cmocka_unit_test(knows_an_expectation),
		cmocka_unit_test(refuses_a_second_host),
		cmocka_unit_test(bounds_the_number_of_headers),
		cmocka_unit_test(bounds_the_length_of_a_head),
		cmocka_unit_test(leaves_the_head_alone_on_failure),
		cmocka_unit_test(compares_slices_without_case),
		cmocka_unit_test(decodes_chunks_from_any_cut),
		cmocka_unit_test(gives_the_end_with_the_last_run),
		cmocka_unit_test(refuses_malformed_chunks),
		cmocka_unit_test(bounds_what_is_not_body),
		cmocka_unit_test(bounds_size_lines_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
