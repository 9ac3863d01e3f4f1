#include "tunnel_stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hex.h"

#define FIXTURE "cf-connect.hex"
#define HEAD_HEX "0a36cd12a13e 3031"

static struct ztt_slice slice(const char *text)
{
	return (struct ztt_slice){text, strlen(text)};
}

static void assert_slice(struct ztt_slice slice, const char *text)
{
	assert_int_equal(slice.len_bytes, strlen(text));
	assert_memory_equal(slice.at, text, slice.len_bytes);
}

static void assert_meta(const struct ztt_connect_meta *meta, const char *key,
			const char *value)
{
	assert_slice(meta->key, key);
	assert_slice(meta->value, value);
}

static void knows_both_kinds_of_stream(void **state)
{
	static const uint8_t data[] = {0x0a, 0x36, 0xcd, 0x12, 0xa1, 0x3e};
	static const uint8_t rpc[] = {0x52, 0xbb, 0x82, 0x5c, 0xdb, 0x65};
	enum ztt_stream_kind kind;

	(void)state;
	for (size_t len = 0; len < 6; len++) {
		assert_int_equal(ztt_stream_preamble(data, len, &kind), 0);
		assert_int_equal(ztt_stream_preamble(rpc, len, &kind), 0);
	}
	assert_int_equal(ztt_stream_preamble(data, 6, &kind), 6);
	assert_int_equal(kind, ZTT_STREAM_DATA);
	assert_int_equal(ztt_stream_preamble(rpc, 6, &kind), 6);
	assert_int_equal(kind, ZTT_STREAM_RPC);
}

static void refuses_other_streams_at_the_first_wrong_byte(void **state)
{
	static const uint8_t other[] = {0x0a, 0x36, 0xcd, 0x12, 0xa1, 0x3f};
	enum ztt_stream_kind kind;

	(void)state;
	assert_int_equal(ztt_stream_preamble((const uint8_t *)"GET", 1, &kind),
			 -EPROTO);
	assert_int_equal(ztt_stream_preamble(other, 5, &kind), 0);
	assert_int_equal(ztt_stream_preamble(other, 6, &kind), -EPROTO);
}

static void replays_a_request(void **state)
{
	uint8_t data[1024], out[1024];
	size_t len = hex_section(FIXTURE, "edge request", data, sizeof(data));
	struct ztt_connect_request request;

	(void)state;
	for (size_t have = 0; have < len; have++)
		assert_int_equal(ztt_connect_request_decode(data, have,
							    &request),
				 0);
	assert_int_equal(ztt_connect_request_decode(data, sizeof(data),
						    &request),
			 len);
	assert_int_equal(request.type, ZTT_CONNECT_HTTP);
	assert_slice(request.dest, "http://x.example/blob?n=20000");
	assert_int_equal(request.meta_count, 2);
	assert_meta(&request.meta[0], ZTT_META_METHOD, "GET");
	assert_meta(&request.meta[1], ZTT_META_HOST, "x.example");

	assert_int_equal(ztt_connect_request_encode(&request, out, sizeof(out)),
			 len);
	assert_memory_equal(out, data, len);
}

static void replays_the_response_of_cloudflared(void **state)
{
	uint8_t data[1024], out[1024];
	size_t len = hex_section(FIXTURE, "agent response", data, sizeof(data));
	struct ztt_connect_response response;

	(void)state;
	assert_int_equal(ztt_connect_response_decode(data, len, &response),
			 len);
	assert_int_equal(response.error.len_bytes, 0);
	assert_int_equal(response.meta_count, 4);
	assert_meta(&response.meta[0], ZTT_META_STATUS, "200");
	assert_meta(&response.meta[1], "HttpHeader:Date",
		    "Sun, 22 Nov 2026 08:00:50 GMT");
	assert_meta(&response.meta[2], "HttpHeader:Content-Type",
		    "application/octet-stream");
	assert_meta(&response.meta[3], "HttpHeader:Content-Length", "20000");

	assert_int_equal(ztt_connect_response_encode(&response, out,
						     sizeof(out)),
			 len);
	assert_memory_equal(out, data, len);
}

static void keeps_an_error_without_metadata(void **state)
{
	struct ztt_connect_response response = {.error = slice("no route")};
	struct ztt_connect_response got;
	uint8_t out[128];
	ssize_t len = ztt_connect_response_encode(&response, out, sizeof(out));

	(void)state;
	assert_int_equal(ztt_connect_response_decode(out, (size_t)len, &got),
			 len);
	assert_slice(got.error, "no route");
	assert_int_equal(got.meta_count, 0);
}

static void keeps_as_much_metadata_as_it_holds(void **state)
{
	static struct ztt_connect_request request, got;
	static uint8_t out[16384];
	ssize_t len;

	(void)state;
	request.type = ZTT_CONNECT_TCP;
	request.dest = slice("127.0.0.1:22");
	request.meta_count = ZTT_CONNECT_META_MAX;
	for (size_t i = 0; i < ZTT_CONNECT_META_MAX; i++) {
		request.meta[i].key = slice("HttpHeader:A");
		request.meta[i].value = slice(i % 2 ? "b" : "");
	}
	len = ztt_connect_request_encode(&request, out, sizeof(out));
	assert_int_equal(ztt_connect_request_decode(out, (size_t)len, &got),
			 len);
	assert_int_equal(got.type, ZTT_CONNECT_TCP);
	assert_int_equal(got.meta_count, ZTT_CONNECT_META_MAX);
	assert_meta(&got.meta[127], "HttpHeader:A", "b");

	request.meta_count++;
	assert_int_equal(ztt_connect_request_encode(&request, out, sizeof(out)),
			 -EMSGSIZE);
}

static ssize_t decode_request(const char *hex)
{
	uint8_t data[1024];
	size_t len = hex_bytes(hex, data, sizeof(data));
	struct ztt_connect_request request;

	return ztt_connect_request_decode(data, len, &request);
}

static void refuses_malformed_heads(void **state)
{
	(void)state;
	assert_int_equal(decode_request("0a36cd12a13e 3032"), -EPROTO);
	assert_int_equal(decode_request("0a36cd12a13e 32"), -EPROTO);
	assert_int_equal(decode_request("52bb825cdb65"), -EPROTO);
	/* Type 3. */
	assert_int_equal(decode_request(HEAD_HEX
					"0000000002000000 0000000001000000"
					"0300000000000000"),
			 -EPROTO);
	/* A destination without its NUL; past the end. */
	assert_int_equal(decode_request(HEAD_HEX
					"0000000003000000 0000000000000100"
					"010000000a000000 6100000000000000"),
			 -EPROTO);
	assert_int_equal(decode_request(HEAD_HEX
					"0000000003000000 0000000000000100"
					"0100000052000000 6100000000000000"),
			 -EPROTO);
}

static void refuses_more_metadata_than_it_holds(void **state)
{
	(void)state;
	/* 129 empty structs in no space at all. */
	assert_int_equal(decode_request(HEAD_HEX
					"0000000004000000 0000000000000200"
					"0000000000000000 0100000007000000"
					"0402000000000000"),
			 -EPROTO);
	/* 129 bytes. */
	assert_int_equal(decode_request(HEAD_HEX
					"0000000014000000 0000000000000200"
					"0000000000000000 010000000a040000"
					"0000000000000000 0000000000000000"
					"0000000000000000 0000000000000000"
					"0000000000000000 0000000000000000"
					"0000000000000000 0000000000000000"
					"0000000000000000 0000000000000000"
					"0000000000000000 0000000000000000"
					"0000000000000000 0000000000000000"
					"0000000000000000 0000000000000000"
					"0000000000000000"),
			 -EMSGSIZE);
}

static void refuses_long_messages_from_their_framing(void **state)
{
	(void)state;
	assert_int_equal(decode_request(HEAD_HEX "0000000000200000"),
			 -EMSGSIZE);
	assert_int_equal(decode_request(HEAD_HEX "00000000ff1f0000"), 0);
}

static void never_writes_past_the_room_it_has(void **state)
{
	uint8_t data[1024];
	size_t len = hex_section(FIXTURE, "edge request", data, sizeof(data));
	struct ztt_connect_request request;

	(void)state;
	assert_int_equal(ztt_connect_request_decode(data, len, &request), len);
	for (size_t cap = 0; cap <= len; cap++) {
		uint8_t *out = malloc(cap ? cap : 1);
		ssize_t written =
			ztt_connect_request_encode(&request, out, cap);

		free(out);
		assert_int_equal(written, cap < len ? -EMSGSIZE : (ssize_t)len);
	}
}

static void refuses_to_write_what_it_would_not_read(void **state)
{
	static char text[ZTT_CONNECT_MAX_BYTES];
	static uint8_t out[2 * ZTT_CONNECT_MAX_BYTES];
	struct ztt_connect_response response = {
		.error = {text, sizeof(text)},
	};

	(void)state;
	assert_int_equal(ztt_connect_response_encode(&response, out,
						     sizeof(out)),
			 -EMSGSIZE);
}

static void takes_the_name_out_of_a_header_key(void **state)
{
	(void)state;
	assert_slice(ztt_connect_header_name(slice("HttpHeader:X-A")), "X-A");
	assert_null(ztt_connect_header_name(slice("HttpHeader:")).at);
	assert_null(ztt_connect_header_name(slice("HttpHeader:a:b")).at);
	assert_null(ztt_connect_header_name(slice("HttpHeaderX")).at);
	assert_null(ztt_connect_header_name(slice("HttpStatus")).at);
	assert_null(ztt_connect_header_name(slice("")).at);
	assert_null(ztt_connect_header_name((struct ztt_slice){NULL, 0}).at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_both_kinds_of_stream),
		cmocka_unit_test(refuses_other_streams_at_the_first_wrong_byte),
		cmocka_unit_test(replays_a_request),
		cmocka_unit_test(replays_the_response_of_cloudflared),
		cmocka_unit_test(keeps_an_error_without_metadata),
		cmocka_unit_test(keeps_as_much_metadata_as_it_holds),
		cmocka_unit_test(refuses_malformed_heads),
		cmocka_unit_test(refuses_more_metadata_than_it_holds),
		cmocka_unit_test(refuses_long_messages_from_their_framing),
		cmocka_unit_test(never_writes_past_the_room_it_has),
		cmocka_unit_test(refuses_to_write_what_it_would_not_read),
		cmocka_unit_test(takes_the_name_out_of_a_header_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
