#include "capnp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "hex.h"

static uint8_t bytes[65536];

/* Opens a message of any framing. The bytes stay until the next one. */
static void open_hex(const char *hex, struct ztt_capnp *ret_message)
{
	size_t len = hex_bytes(hex, bytes, sizeof(bytes));

	assert_int_equal(ztt_capnp_open(bytes, len, sizeof(bytes), ret_message),
			 len);
}

static void assert_slice(struct ztt_slice slice, const char *text)
{
	assert_int_equal(slice.len_bytes, strlen(text));
	assert_memory_equal(slice.at, text, slice.len_bytes);
}

static struct ztt_slice slice(const char *text)
{
	return (struct ztt_slice){text, strlen(text)};
}

static ssize_t open_bytes(const char *hex, size_t max_bytes)
{
	struct ztt_capnp message;
	size_t len = hex_bytes(hex, bytes, sizeof(bytes));

	return ztt_capnp_open(bytes, len, max_bytes, &message);
}

static void asks_for_more_until_the_message_is_whole(void **state)
{
	(void)state;
	assert_int_equal(open_bytes("", 1024), 0);
	assert_int_equal(open_bytes("000000", 1024), 0);
	assert_int_equal(open_bytes("00000000", 1024), 0);
	assert_int_equal(open_bytes("0000000001000000 00", 1024), 0);
	assert_int_equal(open_bytes("01000000 01000000 01000000", 1024), 0);
	assert_int_equal(open_bytes("0000000001000000 0000000000000000 ff",
				    1024),
			 16);
}

static void refuses_impossible_framing(void **state)
{
	(void)state;
	assert_int_equal(open_bytes("ffffffff", 1024), -EPROTO);
	assert_int_equal(open_bytes("40000000", 1024), -EPROTO);
	assert_int_equal(open_bytes("0000000000000000", 1024), -EPROTO);
	assert_int_equal(open_bytes("00000000ffffffff", 1024), -EMSGSIZE);
	assert_int_equal(open_bytes("0000000080000000", 1024), -EMSGSIZE);
	assert_int_equal(open_bytes("000000007f000000", 1024), 0);
	assert_int_equal(open_bytes("01000000 01000000 ffffffff 00000000",
				    1024),
			 -EMSGSIZE);
}

static void reads_fields_and_defaults(void **state)
{
	struct ztt_capnp message;
	struct ztt_capnp_struct root;

	(void)state;
	open_hex("0000000002000000 0000000001000000 0123456789abcdef",
		 &message);
	root = ztt_capnp_root(&message);
	assert_int_equal(ztt_capnp_u8(&root, 7), 0xef);
	assert_int_equal(ztt_capnp_u16(&root, 2), 0x6745);
	assert_int_equal(ztt_capnp_u32(&root, 4), 0xefcdab89);
	assert_int_equal(ztt_capnp_u64(&root, 0), 0xefcdab8967452301);
	assert_true(ztt_capnp_bit(&root, 0));
	assert_false(ztt_capnp_bit(&root, 1));
	assert_true(ztt_capnp_bit(&root, 63));
	assert_int_equal(ztt_capnp_u8(&root, 8), 0);
	assert_int_equal(ztt_capnp_u16(&root, 7), 0);
	assert_int_equal(ztt_capnp_u32(&root, SIZE_MAX), 0);
	assert_int_equal(ztt_capnp_u64(&root, 8), 0);
	assert_false(ztt_capnp_bit(&root, 64));
	assert_int_equal(ztt_capnp_kind(&root, 0), ZTT_CAPNP_NULL);
	assert_null(ztt_capnp_get_text(&root, 0).at);
	assert_int_equal(ztt_capnp_get_list(&root, 3).count, 0);
	assert_false(message.malformed);
}

static void reads_a_null_root_as_defaults(void **state)
{
	struct ztt_capnp message;
	struct ztt_capnp_struct root, inner;

	(void)state;
	open_hex("0000000001000000 0000000000000000", &message);
	root = ztt_capnp_root(&message);
	inner = ztt_capnp_get_struct(&root, 0);
	assert_int_equal(ztt_capnp_u64(&inner, 0), 0);
	assert_null(ztt_capnp_get_text(&inner, 0).at);
	assert_false(message.malformed);
}

/* Root with one text pointer, then the segments as written. */
static struct ztt_slice far_text(const char *hex, struct ztt_capnp *ret_message)
{
	struct ztt_capnp_struct root;

	open_hex(hex, ret_message);
	root = ztt_capnp_root(ret_message);
	return ztt_capnp_get_text(&root, 0);
}

static void follows_a_far_pointer(void **state)
{
	struct ztt_capnp message;

	(void)state;
	/* Segment 1: a word, the landing pad, the text. */
	assert_slice(far_text("01000000 02000000 03000000 00000000"
			      "0000000000000100 0a00000001000000"
			      "ffffffffffffffff 010000001a000000"
			      "6869000000000000",
			      &message),
		     "hi");
	assert_false(message.malformed);
}

static void follows_a_far_root(void **state)
{
	struct ztt_capnp message;
	struct ztt_capnp_struct root;

	(void)state;
	open_hex("01000000 01000000 02000000 00000000"
		 "0200000001000000 0000000001000000 2a00000000000000",
		 &message);
	root = ztt_capnp_root(&message);
	assert_int_equal(ztt_capnp_u64(&root, 0), 42);
}

static void follows_a_double_far_pointer(void **state)
{
	struct ztt_capnp message;

	(void)state;
	/* Segment 1: the pad (far to segment 2 word 1, tag); segment 2. */
	assert_slice(far_text("02000000 02000000 02000000 02000000"
			      "0000000000000100 0600000001000000"
			      "0a00000002000000 010000001a000000"
			      "ffffffffffffffff 6869000000000000",
			      &message),
		     "hi");
	assert_false(message.malformed);
}

static void assert_malformed(const char *hex)
{
	struct ztt_capnp message;
	struct ztt_slice text = far_text(hex, &message);

	if (!message.malformed || text.at != NULL)
		fail_msg("taken as well-formed: %s", hex);
}

static void refuses_far_pointers_that_lead_nowhere(void **state)
{
	(void)state;
	/* No such segment; past its end; half a landing pad. */
	assert_malformed("0000000002000000 0000000000000100 0200000001000000");
	assert_malformed("0000000002000000 0000000000000100 1200000000000000");
	assert_malformed("0000000002000000 0000000000000100 0e00000000000000");
	/* Itself; a pad of two words that begins with no far pointer, or with
	 * another one of two words; a tag that is a far pointer. */
	assert_malformed("0000000002000000 0000000000000100 0a00000000000000");
	assert_malformed("0000000004000000 0000000000000100 1600000000000000"
			 "010000001a000000 010000001a000000");
	assert_malformed("0000000004000000 0000000000000100 1600000000000000"
			 "0600000000000000 010000001a000000");
	assert_malformed("0000000004000000 0000000000000100 1600000000000000"
			 "0200000000000000 0200000000000000");
	/* Content past the end of the far segment. */
	assert_malformed("0000000004000000 0000000000000100 1600000000000000"
			 "2200000000000000 010000001a000000");
}

static void refuses_pointers_out_of_their_segment(void **state)
{
	(void)state;
	assert_malformed("0000000002000000 0000000000000100 010000000a000000");
	assert_malformed("0000000002000000 0000000000000100 010000000200ffff");
	assert_malformed("0000000002000000 0000000000000100 f5ffffff0a000000");
	assert_malformed("0000000002000000 0000000000000100 fdffff7f0a000000");
	assert_malformed("0000000002000000 0000000000000100 01000080faffffff");
	assert_malformed("0000000002000000 0000000000000100 01000000ffffffff");
}

static void refuses_pointers_of_another_kind(void **state)
{
	(void)state;
	assert_malformed("0000000002000000 0000000000000100 fcffffff00000000");
	assert_malformed("0000000002000000 0000000000000100 0300000000000000");
	/* A list of words, and one of structs, for a text. */
	assert_malformed("0000000003000000 0000000000000100 010000000d000000"
			 "0000000000000000");
	assert_malformed("0000000004000000 0000000000000100 010000000f000000"
			 "0400000001000000 0000000000000000");
}

static void reads_lists_of_texts(void **state)
{
	uint8_t out[256];
	struct ztt_capnp_builder builder;
	struct ztt_capnp message;
	struct ztt_capnp_struct root, item;
	struct ztt_capnp_list list;
	size_t place;
	ssize_t len;

	(void)state;
	ztt_capnp_begin(&builder, out, sizeof(out));
	place = ztt_capnp_add_struct(&builder, 0, 0, 1);
	place = ztt_capnp_add_pointers(&builder, place, 2);
	ztt_capnp_add_text(&builder, place, slice("one"));
	ztt_capnp_add_text(&builder, place + 1, slice("two"));
	len = ztt_capnp_end(&builder);
	assert_int_equal(ztt_capnp_open(out, (size_t)len, sizeof(out),
					&message),
			 len);
	root = ztt_capnp_root(&message);
	list = ztt_capnp_get_list(&root, 0);
	assert_int_equal(list.count, 2);
	item = ztt_capnp_element(&list, 1);
	assert_slice(ztt_capnp_get_text(&item, 0), "two");
	item = ztt_capnp_element(&list, 2);
	assert_null(ztt_capnp_get_text(&item, 0).at);
	assert_false(message.malformed);
}

static void reads_lists_of_structs(void **state)
{
	uint8_t out[256];
	struct ztt_capnp_builder builder;
	struct ztt_capnp message;
	struct ztt_capnp_struct root, item;
	struct ztt_capnp_list list;
	size_t place;
	ssize_t len;

	(void)state;
	ztt_capnp_begin(&builder, out, sizeof(out));
	place = ztt_capnp_add_struct(&builder, 0, 0, 1);
	place = ztt_capnp_add_structs(&builder, place, 2, 1, 1);
	ztt_capnp_put(&builder, place, 0, 7);
	ztt_capnp_put(&builder, place + 2, 8, 9);
	ztt_capnp_add_text(&builder, place + 3, slice("two"));
	len = ztt_capnp_end(&builder);
	ztt_capnp_open(out, (size_t)len, sizeof(out), &message);
	root = ztt_capnp_root(&message);
	list = ztt_capnp_get_list(&root, 0);
	assert_int_equal(list.count, 2);
	item = ztt_capnp_element(&list, 0);
	assert_int_equal(ztt_capnp_u64(&item, 0), 7);
	assert_null(ztt_capnp_get_text(&item, 0).at);
	item = ztt_capnp_element(&list, 1);
	assert_int_equal(ztt_capnp_u8(&item, 1), 9);
	assert_slice(ztt_capnp_get_text(&item, 0), "two");
	assert_false(message.malformed);
}

static void refuses_lists_that_claim_more_than_they_hold(void **state)
{
	struct ztt_capnp message;
	struct ztt_capnp_struct root;

	(void)state;
	/* A tag of two structs of one word in a list of one word. */
	open_hex("0000000004000000 0000000000000100 010000000f000000"
		 "0800000001000000 0000000000000000",
		 &message);
	root = ztt_capnp_root(&message);
	assert_int_equal(ztt_capnp_get_list(&root, 0).count, 0);
	assert_true(message.malformed);
	/* 2^30 - 1 structs, and 2^29 - 1 values, of no size. */
	open_hex("0000000003000000 0000000000000100 0100000007000000"
		 "fcffffff00000000",
		 &message);
	root = ztt_capnp_root(&message);
	assert_int_equal(ztt_capnp_get_list(&root, 0).count, 0);
	assert_true(message.malformed);
	open_hex("0000000002000000 0000000000000100 01000000f8ffffff",
		 &message);
	root = ztt_capnp_root(&message);
	assert_int_equal(ztt_capnp_get_list(&root, 0).count, 0);
	assert_true(message.malformed);
}

static void takes_empty_structs_and_lists_at_the_very_end(void **state)
{
	struct ztt_capnp message;
	struct ztt_capnp_struct root;

	(void)state;
	open_hex("0000000003000000 0000000000000200"
		 "fcffffff00000000 0100000002000000",
		 &message);
	root = ztt_capnp_root(&message);
	assert_int_equal(ztt_capnp_kind(&root, 0), ZTT_CAPNP_STRUCT);
	assert_int_equal(ztt_capnp_get_struct(&root, 0).data_bytes, 0);
	assert_int_equal(ztt_capnp_kind(&root, 1), ZTT_CAPNP_LIST);
	assert_null(ztt_capnp_get_text(&root, 1).at);
	assert_false(message.malformed);
}

static void reads_capabilities(void **state)
{
	struct ztt_capnp message;
	struct ztt_capnp_struct root;
	uint32_t index = 99;

	(void)state;
	open_hex("0000000003000000 0000000000000200"
		 "0300000005000000 0700000005000000",
		 &message);
	root = ztt_capnp_root(&message);
	assert_int_equal(ztt_capnp_kind(&root, 0), ZTT_CAPNP_CAPABILITY);
	assert_true(ztt_capnp_get_capability(&root, 0, &index));
	assert_int_equal(index, 5);
	assert_false(ztt_capnp_get_capability(&root, 2, &index));
	assert_false(message.malformed);
	assert_false(ztt_capnp_get_capability(&root, 1, &index));
	assert_true(message.malformed);
}

static void bounds_a_cycle(void **state)
{
	struct ztt_capnp message;
	struct ztt_capnp_struct at;
	unsigned depth = 0;

	(void)state;
	/* A struct of one pointer, to itself. */
	open_hex("0000000002000000 0000000000000100 fcffffff00000100",
		 &message);
	at = ztt_capnp_root(&message);
	while (at.data && depth < 1000) {
		at = ztt_capnp_get_struct(&at, 0);
		depth++;
	}
	assert_true(message.malformed);
	assert_true(depth <= 2 * 2);
}

static void bounds_the_depth(void **state)
{
	uint8_t out[1024];
	struct ztt_capnp_builder builder;
	struct ztt_capnp message;
	struct ztt_capnp_struct at;
	size_t place = 0;
	ssize_t len;

	(void)state;
	ztt_capnp_begin(&builder, out, sizeof(out));
	for (unsigned i = 0; i < ZTT_CAPNP_DEPTH_MAX + 1; i++)
		place = ztt_capnp_add_struct(&builder, place, 0, 1);
	len = ztt_capnp_end(&builder);
	ztt_capnp_open(out, (size_t)len, sizeof(out), &message);
	at = ztt_capnp_root(&message);
	for (unsigned i = 1; i < ZTT_CAPNP_DEPTH_MAX; i++)
		at = ztt_capnp_get_struct(&at, 0);
	assert_false(message.malformed);
	assert_null(ztt_capnp_get_struct(&at, 0).data);
	assert_true(message.malformed);
}

static void bounds_pointers_that_share_a_target(void **state)
{
	uint8_t out[2048];
	struct ztt_capnp_builder builder;
	struct ztt_capnp message;
	struct ztt_capnp_struct root;
	size_t place, taken = 0;
	char text[513] = {0};
	ssize_t len;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	ztt_capnp_begin(&builder, out, sizeof(out));
	place = ztt_capnp_add_struct(&builder, 0, 0, 64);
	ztt_capnp_add_text(&builder, place + 63, slice(text));
	for (size_t i = 0; i < 63; i++) {
		ztt_capnp_put(&builder, place + i, 0,
			      (uint64_t)513 << 35 | UINT64_C(2) << 32 |
				      (63 - i) << 2 | 1);
	}
	len = ztt_capnp_end(&builder);
	ztt_capnp_open(out, (size_t)len, sizeof(out), &message);
	root = ztt_capnp_root(&message);
	for (size_t i = 0; i < 64; i++)
		taken += ztt_capnp_get_text(&root, i).len_bytes;
	assert_true(message.malformed);
	assert_true(taken <= 2 * (size_t)len);
}

static void stops_reading_after_the_first_fault(void **state)
{
	struct ztt_capnp message;
	struct ztt_capnp_struct root;

	(void)state;
	open_hex("0000000004000000 0000000000000200"
		 "ffffffff00000000 010000001a000000 6869000000000000",
		 &message);
	root = ztt_capnp_root(&message);
	assert_slice(ztt_capnp_get_text(&root, 1), "hi");
	assert_null(ztt_capnp_get_text(&root, 0).at);
	assert_true(message.malformed);
	assert_null(ztt_capnp_get_text(&root, 1).at);
}

static void writes_an_empty_struct_as_not_null(void **state)
{
	uint8_t out[64], wanted[64];
	struct ztt_capnp_builder builder;
	ssize_t len;

	(void)state;
	hex_bytes("0000000001000000 fcffffff00000000", wanted, sizeof(wanted));
	ztt_capnp_begin(&builder, out, sizeof(out));
	ztt_capnp_add_struct(&builder, 0, 0, 0);
	len = ztt_capnp_end(&builder);
	assert_int_equal(len, 16);
	assert_memory_equal(out, wanted, 16);
}

static void writes_nothing_past_its_room(void **state)
{
	uint8_t out[40];
	struct ztt_capnp_builder builder;
	size_t place;

	(void)state;
	memset(out, 0xaa, sizeof(out));
	ztt_capnp_begin(&builder, out, 32);
	place = ztt_capnp_add_struct(&builder, 0, 0, 1);
	ztt_capnp_add_text(&builder, place, slice("too long for it"));
	assert_int_equal(ztt_capnp_end(&builder), -EMSGSIZE);
	assert_int_equal(out[32], 0xaa);
	ztt_capnp_begin(&builder, NULL, 0);
	place = ztt_capnp_add_structs(&builder, 0, SIZE_MAX, 1, 1);
	ztt_capnp_put(&builder, place, 0, 1);
	assert_int_equal(ztt_capnp_end(&builder), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_for_more_until_the_message_is_whole),
		cmocka_unit_test(refuses_impossible_framing),
		cmocka_unit_test(reads_fields_and_defaults),
		cmocka_unit_test(reads_a_null_root_as_defaults),
		cmocka_unit_test(follows_a_far_pointer),
		cmocka_unit_test(follows_a_far_root),
		cmocka_unit_test(follows_a_double_far_pointer),
		cmocka_unit_test(refuses_far_pointers_that_lead_nowhere),
		cmocka_unit_test(refuses_pointers_out_of_their_segment),
		cmocka_unit_test(refuses_pointers_of_another_kind),
		cmocka_unit_test(reads_lists_of_texts),
		cmocka_unit_test(reads_lists_of_structs),
		cmocka_unit_test(refuses_lists_that_claim_more_than_they_hold),
		cmocka_unit_test(takes_empty_structs_and_lists_at_the_very_end),
		cmocka_unit_test(reads_capabilities),
		cmocka_unit_test(bounds_a_cycle),
		cmocka_unit_test(bounds_the_depth),
		cmocka_unit_test(bounds_pointers_that_share_a_target),
		cmocka_unit_test(stops_reading_after_the_first_fault),
		cmocka_unit_test(writes_an_empty_struct_as_not_null),
		cmocka_unit_test(writes_nothing_past_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
