/* Handshake messages out of CRYPTO frames in any order. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ztt-capture/decode/crypto_stream.h"

static struct ztt_crypto_stream *stream;
static uint8_t sent[262144];
static const uint8_t *message;
static size_t len_bytes;

static int setup(void **state)
{
	(void)state;
	stream = ztt_crypto_stream_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ztt_crypto_stream_free(stream);
	return 0;
}

/* A message of `len` bytes, its head among them, at `at` of what is sent. */
static size_t make(size_t at, uint8_t type, size_t len)
{
	sent[at] = type;
	sent[at + 1] = (uint8_t)((len - 4) >> 16);
	sent[at + 2] = (uint8_t)((len - 4) >> 8);
	sent[at + 3] = (uint8_t)(len - 4);
	for (size_t i = 4; i < len; i++)
		sent[at + i] = (uint8_t)(type + i * 7);
	return at + len;
}

static int add(size_t begin, size_t end)
{
	return ztt_crypto_stream_add(stream, begin, sent + begin, end - begin);
}

static void next_is(size_t at, size_t len)
{
	assert_int_equal(ztt_crypto_stream_next(stream, &message, &len_bytes),
			 1);
	assert_int_equal(len_bytes, len);
	assert_memory_equal(message, sent + at, len);
}

static void there_is_none(void)
{
	assert_int_equal(ztt_crypto_stream_next(stream, &message, &len_bytes),
			 0);
}

static void messages_come_in_order(void **state)
{
	(void)state;
	make(make(make(0, 2, 90), 8, 60), 11, 500);
	there_is_none();
	assert_int_equal(add(0, 90), 0);
	next_is(0, 90);
	there_is_none();
	assert_int_equal(add(90, 400), 0);
	next_is(90, 60);
	there_is_none();
	assert_int_equal(add(400, 650), 0);
	next_is(150, 500);
	there_is_none();
}

/* As cloudflared sends it: 77+1133, 0+68, 1210+277, 68+9. */
static void a_scrambled_hello_is_put_together(void **state)
{
	(void)state;
	make(0, 1, 1487);
	assert_int_equal(add(77, 1210), 0);
	assert_int_equal(add(0, 68), 0);
	there_is_none();
	assert_int_equal(add(1210, 1487), 0);
	there_is_none();
	assert_int_equal(add(68, 77), 0);
	next_is(0, 1487);
	there_is_none();
}

static void what_comes_again_changes_nothing(void **state)
{
	(void)state;
	make(make(0, 1, 100), 2, 100);
	assert_int_equal(add(50, 120), 0);
	sent[60] ^= 0xff;
	assert_int_equal(add(40, 70), 0);
	sent[60] ^= 0xff;
	assert_int_equal(add(0, 200), 0);
	next_is(0, 100);
	assert_int_equal(add(0, 100), 0);
	assert_int_equal(add(0, 150), 0);
	next_is(100, 100);
	assert_int_equal(add(0, 200), 0);
	assert_int_equal(add(200, 200), 0);
	there_is_none();
}

static void any_order_of_pieces_will_do(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		const size_t end = make(make(0, 1, 700), 2, 900);
		size_t seen = 0;

		ztt_crypto_stream_free(stream);
		stream = ztt_crypto_stream_new();
		for (int i = 0; seen < 1600 && i < 100000; i++) {
			const size_t begin = (size_t)rand_r(&seed) % end;
			size_t stop = begin + 1 + (size_t)rand_r(&seed) % 200;

			if (stop > end)
				stop = end;
			assert_int_equal(add(begin, stop), 0);
			if (ztt_crypto_stream_next(stream, &message,
						   &len_bytes) == 1) {
				assert_memory_equal(message, sent + seen,
						    len_bytes);
				seen += len_bytes;
			}
		}
		assert_int_equal(seen, 1600);
	}
}

static void the_window_is_bounded_and_moves(void **state)
{
	size_t at = 0;

	(void)state;
	assert_int_equal(add(ZTT_CRYPTO_WINDOW_BYTES,
			     ZTT_CRYPTO_WINDOW_BYTES + 1),
			 -EMSGSIZE);
	assert_int_equal(ztt_crypto_stream_add(stream, UINT64_MAX, sent, 1),
			 -EMSGSIZE);
	for (int i = 0; i < 30; i++) {
		make(at, 4, 6000);
		assert_int_equal(add(at, at + 6000), 0);
		next_is(at, 6000);
		at += 6000;
	}
	there_is_none();
	assert_int_equal(add(at + ZTT_CRYPTO_WINDOW_BYTES - 1,
			     at + ZTT_CRYPTO_WINDOW_BYTES),
			 0);
	assert_int_equal(add(at + ZTT_CRYPTO_WINDOW_BYTES - 1,
			     at + ZTT_CRYPTO_WINDOW_BYTES + 1),
			 -EMSGSIZE);
}

static void gaps_are_bounded(void **state)
{
	(void)state;
	make(0, 1, 1000);
	for (size_t i = 0; i < ZTT_CRYPTO_PIECES_MAX; i++)
		assert_int_equal(add(2 + 4 * i, 3 + 4 * i), 0);
	assert_int_equal(add(900, 901), -ENOBUFS);
	assert_int_equal(add(2, 4), 0);
	assert_int_equal(add(0, 1000), 0);
	next_is(0, 1000);
}

static void a_message_past_the_window_never_comes(void **state)
{
	(void)state;
	make(0, 11, 100000);
	assert_int_equal(add(0, 60000), 0);
	assert_int_equal(ztt_crypto_stream_next(stream, &message, &len_bytes),
			 -EMSGSIZE);
	make(0, 11, ZTT_CRYPTO_WINDOW_BYTES);
	ztt_crypto_stream_free(stream);
	stream = ztt_crypto_stream_new();
	assert_int_equal(add(0, ZTT_CRYPTO_WINDOW_BYTES), 0);
	next_is(0, ZTT_CRYPTO_WINDOW_BYTES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(messages_come_in_order),
		TEST(a_scrambled_hello_is_put_together),
		TEST(what_comes_again_changes_nothing),
		TEST(any_order_of_pieces_will_do),
		TEST(the_window_is_bounded_and_moves),
		TEST(gaps_are_bounded),
		TEST(a_message_past_the_window_never_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
