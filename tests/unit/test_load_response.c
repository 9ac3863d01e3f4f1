#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "ztt-bench/parts/load/response.h"

/* Feeds `text` in pieces that grow up to `piece` bytes, as a socket would;
 * returns 0 or the error, and how much follows the response. */
static int feed(struct ztt_load_response *response, const char *text,
		size_t piece, size_t *ret_left)
{
	size_t len = strlen(text), at = 0, end = 0, used;
	int rc = 0;

	*response = (struct ztt_load_response){0};
	while (rc == 0 && !response->done && end < len) {
		end = end + piece < len ? end + piece : len;
		rc = ztt_load_response_read(response, text + at, end - at,
					    &used);
		at += rc == 0 ? used : 0;
	}
	*ret_left = len - at;
	return rc;
}

static void assert_done(const char *text, unsigned status, uint64_t body_bytes,
			bool keep_alive)
{
	struct ztt_load_response response;
	size_t left;

	for (size_t piece = 1; piece <= strlen(text); piece++) {
		assert_int_equal(feed(&response, text, piece, &left), 0);
		assert_true(response.done);
		assert_int_equal(left, 0);
		assert_int_equal(response.status, status);
		assert_int_equal(response.body_bytes, body_bytes);
		assert_int_equal(response.keep_alive, keep_alive);
	}
}

static void a_length_ends_the_body(void **state)
{
	(void)state;
	assert_done("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, 5,
		    true);
	assert_done("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n"
		    "Connection: close\r\n\r\n",
		    502, 0, false);
}

static void chunks_end_the_body(void **state)
{
	(void)state;
	assert_done("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
		    200, 15, true);
}

static void some_statuses_have_no_body(void **state)
{
	(void)state;
	assert_done("HTTP/1.1 204 No Content\r\n\r\n", 204, 0, true);
	assert_done("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
		    304, 0, true);
}

static void informational_responses_are_passed_over(void **state)
{
	(void)state;
	assert_done("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n"
		    "Link: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		    "\r\na",
		    200, 1, true);
}

static void without_a_length_the_body_goes_on(void **state)
{
	struct ztt_load_response response;
	size_t left;

	(void)state;
	assert_int_equal(feed(&response, "HTTP/1.1 200 OK\r\n\r\nhello", 4,
			      &left),
			 0);
	assert_false(response.done);
	assert_false(response.keep_alive);
	assert_int_equal(response.framing, ZTT_LOAD_TO_CLOSE);
	assert_int_equal(response.body_bytes, 5);
}

static void what_follows_is_left(void **state)
{
	struct ztt_load_response response;
	size_t left;

	(void)state;
	assert_int_equal(feed(&response,
			      "HTTP/1.1 200 OK\r\n"
			      "Content-Length: 1\r\n\r\nabc",
			      100, &left),
			 0);
	assert_true(response.done);
	assert_int_equal(left, 2);
}

static void a_body_can_be_skipped(void **state)
{
	struct ztt_load_response response;
	size_t left;

	(void)state;
	assert_int_equal(feed(&response,
			      "HTTP/1.1 200 OK\r\n"
			      "Content-Length: 10\r\n\r\nabc",
			      100, &left),
			 0);
	assert_int_equal(response.left_bytes, 7);
	ztt_load_response_skip(&response, 6);
	assert_false(response.done);
	ztt_load_response_skip(&response, 1);
	assert_true(response.done);
	assert_int_equal(response.body_bytes, 10);
}

static void what_is_no_response_is_refused(void **state)
{
	static const char *const bad[] = {
		"SSH-2.0-x\r\n\r\n",
		"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	};
	struct ztt_load_response response;
	size_t left;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (size_t piece = 1; piece <= strlen(bad[i]); piece++)
			assert_int_equal(feed(&response, bad[i], piece, &left),
					 -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_length_ends_the_body),
		cmocka_unit_test(chunks_end_the_body),
		cmocka_unit_test(some_statuses_have_no_body),
		cmocka_unit_test(informational_responses_are_passed_over),
		cmocka_unit_test(without_a_length_the_body_goes_on),
		cmocka_unit_test(what_follows_is_left),
		cmocka_unit_test(a_body_can_be_skipped),
		cmocka_unit_test(what_is_no_response_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
