/* Handshake messages: those of RFC 9001 appendix A, and made ones. */
#include "hex.h"

#include <errno.h>
#include <stdlib.h>

#include "ztt-capture/decode/tls_hello.h"

static const char client_hello[] =
	"010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b"
	"69484c00000413011302010000c000000010000e00000b6578616d706c652e636f6dff"
	"01000100000a00080006001d0017001800100007000504616c706e0005000501000000"
	"00003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce1"
	"5d43e994ec74d748002b0003020304000d0010000e0403050306030203080408050806"
	"002d00020101001c00024001003900320408ffffffffffffffff05048000ffff070480"
	"00ffff0801100104800075300901100f088394c8f03e51570806048000ffff";
static const char server_hello[] =
	"020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a"
	"045a1200130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d"
	"1081287c834d5311bcf32bb9da1a002b00020304";
static const char retry_request[] =
	"020000380303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8"
	"a8339c001302000010 0033 0002 0017 002b 0002 0304 002c 0000";
static const char encrypted_extensions[] =
	"08 000022 0020 0010 000d 000b 0a 6172676f74756e6e656c 0039 000b 0104"
	"80001388 0b 01 1a 0c 00";

static uint8_t message[8192];
static struct ztt_hello hello;

static int parse(const char *hex, bool quic)
{
	const size_t len = hex_bytes(hex, message, sizeof(message));
	uint8_t *data = malloc(len);
	int result;

	memcpy(data, message, len);
	result = ztt_hello_parse(data, len, quic, &hello);
	free(data);
	return result;
}

static void a_client_hello_is_read(void **state)
{
	(void)state;
	assert_int_equal(parse(client_hello, true), 0);
	assert_false(hello.server);
	assert_int_equal(hello.random[0], 0xeb);
	assert_int_equal(hello.random[31], 0x4c);
	assert_string_equal(hello.server_name, "example.com");
	assert_string_equal(hello.alpn, "alpn");
	assert_int_equal(hello.version, 0x0304);
	assert_int_equal(hello.group, 0x001d);
	assert_int_equal(hello.cipher_count, 2);
	assert_int_equal(hello.ciphers[1], 0x1302);
	assert_int_equal(hello.group_count, 3);
	assert_int_equal(hello.groups[2], 0x0018);
	assert_memory_equal(hello.ja4, "q13d0211an_", 11);
	assert_true(hello.parameters.present);
}

static void its_transport_parameters_are_read(void **state)
{
	const struct ztt_transport_parameters *parameters = &hello.parameters;

	(void)state;
	assert_int_equal(parse(client_hello, true), 0);
	assert_int_equal(parameters->max_idle_timeout_ms, 30000);
	assert_true(parameters->initial_max_data == (UINT64_C(1) << 62) - 1);
	assert_int_equal(parameters->initial_max_stream_data_bidi_local, 65535);
	assert_int_equal(parameters->initial_max_streams_bidi, 16);
	assert_true(parameters->max_udp_payload_bytes == UINT64_MAX);
	assert_true(parameters->ack_delay_exponent == UINT64_MAX);
	assert_int_equal(parameters->unknown, 0);
	assert_false(parameters->has_reset_token);
}

static void over_tcp_there_are_none(void **state)
{
	(void)state;
	assert_int_equal(parse(client_hello, false), 0);
	assert_int_equal(hello.ja4[0], 't');
	assert_false(hello.parameters.present);
	assert_true(hello.parameters.initial_max_data == UINT64_MAX);
}

static void a_server_hello_is_read(void **state)
{
	(void)state;
	assert_int_equal(parse(server_hello, true), 0);
	assert_true(hello.server);
	assert_false(hello.retry_request);
	assert_int_equal(hello.cipher_suite, 0x1301);
	assert_int_equal(hello.version, 0x0304);
	assert_int_equal(hello.group, 0x001d);
	assert_string_equal(hello.ja4, "");
}

static void a_retry_request_is_told_by_its_random(void **state)
{
	(void)state;
	assert_int_equal(parse(retry_request, true), 0);
	assert_true(hello.retry_request);
	assert_int_equal(hello.group, 0x0017);
	assert_int_equal(hello.cipher_suite, 0x1302);
}

static void encrypted_extensions_add_to_the_hello(void **state)
{
	(void)state;
	assert_int_equal(parse(server_hello, true), 0);
	assert_int_equal(parse(encrypted_extensions, true), 0);
	assert_string_equal(hello.alpn, "argotunnel");
	assert_int_equal(hello.parameters.max_idle_timeout_ms, 5000);
	assert_int_equal(hello.parameters.max_ack_delay_ms, 26);
	assert_true(hello.parameters.disable_active_migration);
	assert_int_equal(hello.cipher_suite, 0x1301);
	assert_int_equal(hello.random[0], 0xee);
}

static void other_messages_are_told_apart(void **state)
{
	(void)state;
	hello.cipher_suite = 7;
	assert_int_equal(parse("14 000002 aabb", true), -ENOMSG);
	assert_int_equal(parse("0b 000000", true), -ENOMSG);
	assert_int_equal(hello.cipher_suite, 7);
}

static void cut_short_anywhere_it_is_refused(void **state)
{
	static const char *const all[] = {client_hello, server_hello,
					  retry_request, encrypted_extensions};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const size_t len = hex_bytes(all[i], message, sizeof(message));

		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *data = malloc(cut + 1);

			memcpy(data, message, cut);
			assert_int_equal(ztt_hello_parse(data, cut, true,
							 &hello),
					 -EPROTO);
			/* The same where the head owns up to it. */
			if (cut > 4) {
				data[2] = (uint8_t)((cut - 4) >> 8);
				data[3] = (uint8_t)(cut - 4);
				ztt_hello_parse(data, cut, true, &hello);
			}
			free(data);
		}
	}
}

static void lists_that_do_not_fit_their_lengths_are_refused(void **state)
{
	static const char *const bad[] = {
		/* an odd list of ciphers */
		"01 000033 0303"
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e"
		"1f 00 0003 130113 0100 0006 0010 0002 0000",
		/* an extension longer than all of them */
		"01 00002f 0303"
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e"
		"1f 00 0002 1301 0100 0004 0010 0004",
		/* a transport parameter longer than its extension */
		"08 00000a 0008 0039 0004 0104 8000",
		/* one whose value is not one integer */
		"08 00000b 0009 0039 0005 0103 050505",
		/* more after the extensions */
		"08 000003 0000 00",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(parse(bad[i], true), -EPROTO);
}

static void a_hello_need_have_no_extensions(void **state)
{
	(void)state;
	assert_int_equal(parse("01 000029 0301"
			       "000102030405060708090a0b0c0d0e0f10111213141516"
			       "1718191a1b1c1d1e1f 00 0002 002f 0100",
			       false),
			 0);
	assert_string_equal(hello.ja4, "t10i010000_ba72b8082249_000000000000");
}

static void names_are_made_printable(void **state)
{
	(void)state;
	assert_int_equal(parse("01 000043 0303"
			       "000102030405060708090a0b0c0d0e0f10111213141516"
			       "1718191a1b1c1d1e1f 00 0002 1301 0100 0018"
			       "0000 000b 0009 00 0006 61 0a 1b c3 a9 62"
			       "0010 0005 0003 02 68 00",
			       false),
			 0);
	assert_string_equal(hello.server_name, "a????b");
	assert_string_equal(hello.alpn, "h?");
}

static void lists_past_their_room_are_left_out(void **state)
{
	uint8_t *at = message;
	const size_t ciphers = 1000;

	(void)state;
	memset(message, 0, sizeof(message));
	*at++ = 1;
	at += 3 + 2 + 32 + 1;
	*at++ = (uint8_t)(2 * ciphers >> 8);
	*at++ = (uint8_t)(2 * ciphers);
	at += 2 * ciphers;
	*at++ = 1;
	at++;
	message[2] = (uint8_t)((at - message - 4) >> 8);
	message[3] = (uint8_t)(at - message - 4);
	assert_int_equal(ztt_hello_parse(message, (size_t)(at - message), false,
					 &hello),
			 0);
	assert_int_equal(hello.cipher_count, ZTT_HELLO_LIST_MAX);
	assert_string_equal(hello.ja4, "");
}

static void parameters_that_are_not_known_are_counted(void **state)
{
	static const uint8_t data[] = {
		0x1b, 0x02, 0xaa, 0xbb,                  /* GREASE */
		0x0f, 0x01, 0xcc,                        /* a connection ID */
		0x20, 0x02, 0x7f, 0xff,                  /* datagrams */
		0x02, 0x10, 1,    2,    3,    4,  5,  6, /* a reset token */
		7,    8,    9,    10,   11,   12, 13, 14,
		15,   16,   0x6a, 0xb2, 0x00, /* grease_quic_bit */
	};
	struct ztt_transport_parameters parameters;

	(void)state;
	assert_int_equal(ztt_transport_parameters_parse(data, sizeof(data),
							&parameters),
			 0);
	assert_int_equal(parameters.unknown, 1);
	assert_int_equal(parameters.max_datagram_frame_bytes, 16383);
	assert_true(parameters.has_reset_token);
	assert_int_equal(parameters.reset_token[15], 16);
	assert_int_equal(ztt_transport_parameters_parse(data, 0, &parameters),
			 0);
	assert_true(parameters.present);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_hello_is_read),
		cmocka_unit_test(its_transport_parameters_are_read),
		cmocka_unit_test(over_tcp_there_are_none),
		cmocka_unit_test(a_server_hello_is_read),
		cmocka_unit_test(a_retry_request_is_told_by_its_random),
		cmocka_unit_test(encrypted_extensions_add_to_the_hello),
		cmocka_unit_test(other_messages_are_told_apart),
		cmocka_unit_test(cut_short_anywhere_it_is_refused),
		cmocka_unit_test(
			lists_that_do_not_fit_their_lengths_are_refused),
		cmocka_unit_test(a_hello_need_have_no_extensions),
		cmocka_unit_test(names_are_made_printable),
		cmocka_unit_test(lists_past_their_room_are_left_out),
		cmocka_unit_test(parameters_that_are_not_known_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
