#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "common/http1.h"
#include "ztt-bench/parts/origin/websocket.h"

static struct ztt_slice slice(const char *text)
{
	return (struct ztt_slice){text, strlen(text)};
}

/* The example of RFC 6455, section 1.3. */
static void a_key_is_accepted_as_the_rfc_says(void **state)
{
	char accept[ZTT_WEBSOCKET_ACCEPT_LEN];

	(void)state;
	assert_int_equal(ztt_websocket_accept(slice("dGhlIHNhbXBsZSBub25jZQ=="),
					      accept),
			 0);
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_int_equal(ztt_websocket_accept(slice("short"), accept), -EINVAL);
	assert_int_equal(ztt_websocket_accept((struct ztt_slice){NULL, 0},
					      accept),
			 -EINVAL);
}

static void assert_head(const char *bytes, size_t len, uint64_t payload)
{
	struct ztt_websocket_frame frame;

	for (size_t i = 0; i < len; i++)
		assert_int_equal(ztt_websocket_head(bytes, i, &frame), 0);
	assert_int_equal(ztt_websocket_head(bytes, len, &frame), len);
	assert_int_equal(frame.len_bytes, payload);
	assert_memory_equal(frame.mask, bytes + len - 4, 4);
}

static void lengths_have_three_forms(void **state)
{
	(void)state;
	assert_head("\x82\x85"
		    "abcd",
		    6, 5);
	assert_head("\x82\xfe\x01\x00"
		    "abcd",
		    8, 256);
	assert_head("\x82\xff\x00\x00\x00\x01\x00\x00\x00\x00"
		    "abcd",
		    14, UINT64_C(1) << 32);
}

static void frames_against_the_rules_are_refused(void **state)
{
	static const char *const bad[] = {
		"\x82\x05"
		"abcd", /* not masked */
		"\xc2\x85"
		"abcd", /* reserved bit */
		"\x83\x85"
		"abcd", /* reserved opcode */
		"\x8b\x85"
		"abcd", /* reserved control opcode */
		"\x09\x85"
		"abcd",             /* a ping in pieces */
		"\x89\xfe\x01\x00", /* a long ping */
	};
	struct ztt_websocket_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ztt_websocket_head(bad[i], 4, &frame),
				 -EPROTO);
	assert_int_equal(ztt_websocket_head("\x82\xff\x80\0\0\0\0\0\0\0abcd",
					    14, &frame),
			 -EPROTO);
}

static void heads_are_written_as_short_as_can_be(void **state)
{
	uint8_t head[ZTT_WEBSOCKET_HEAD_MAX_BYTES];

	(void)state;
	assert_int_equal(ztt_websocket_write_head(head, 1, false, 125), 2);
	assert_memory_equal(head, "\x01\x7d", 2);
	assert_int_equal(ztt_websocket_write_head(head, 2, true, 126), 4);
	assert_memory_equal(head, "\x82\x7e\x00\x7e", 4);
	assert_int_equal(ztt_websocket_write_head(head, 2, true, 65535), 4);
	assert_int_equal(ztt_websocket_write_head(head, 2, true, 65536), 10);
	assert_memory_equal(head, "\x82\x7f\0\0\0\0\0\1\0\0", 10);
}

static void the_mask_comes_off_at_any_place(void **state)
{
	struct ztt_websocket_frame frame = {.mask = {1, 2, 3, 4}};
	uint8_t masked[9], plain[9];

	(void)state;
	ztt_websocket_unmask(&frame, 0, "websocket", masked, 9);
	for (size_t cut = 0; cut <= 9; cut++) {
		ztt_websocket_unmask(&frame, 0, masked, plain, cut);
		ztt_websocket_unmask(&frame, cut, masked + cut, plain + cut,
				     9 - cut);
		assert_memory_equal(plain, "websocket", 9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_accepted_as_the_rfc_says),
		cmocka_unit_test(lengths_have_three_forms),
		cmocka_unit_test(frames_against_the_rules_are_refused),
		cmocka_unit_test(heads_are_written_as_short_as_can_be),
		cmocka_unit_test(the_mask_comes_off_at_any_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
