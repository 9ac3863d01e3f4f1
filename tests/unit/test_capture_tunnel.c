#include "ztt-capture/decode/tunnel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/capnp.h"
#include "common/tunnel_rpc.h"
#include "common/tunnel_stream.h"
#include "hex.h"

#define REGISTRATION "cf-registration.hex"
#define CONNECT "cf-connect.hex"

static struct ztt_tunnel *tunnel;
static char text[1024];

static int set_up(void **state)
{
	(void)state;
	tunnel = ztt_tunnel_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ztt_tunnel_free(tunnel);
	return 0;
}

static const struct ztt_tunnel_facts *facts(void)
{
	return ztt_tunnel_facts(tunnel);
}

static const char *stream(uint64_t id, bool from_client, uint64_t offset,
			  const uint8_t *data, size_t len)
{
	struct ztt_line line = ztt_line_of(text, sizeof(text));

	ztt_tunnel_stream(tunnel, id, from_client, offset, data, len, &line);
	return text;
}

static const char *datagram(const char *hex)
{
	struct ztt_line line = ztt_line_of(text, sizeof(text));
	uint8_t data[256];
	size_t len = hex_bytes(hex, data, sizeof(data));

	ztt_tunnel_datagram(tunnel, true, data, len, &line);
	return text;
}

static struct ztt_slice slice(const char *word)
{
	return (struct ztt_slice){word, strlen(word)};
}

static size_t request(const char *method, const char *dest,
		      enum ztt_connect_type type, size_t cookies, uint8_t *out,
		      size_t cap)
{
	static char cookie[256];
	struct ztt_connect_request head = {.type = type, .dest = slice(dest)};
	ssize_t len;

	memset(cookie, 'c', sizeof(cookie) - 1);
	head.meta[head.meta_count++] =
		(struct ztt_connect_meta){slice(ZTT_META_METHOD),
					  slice(method)};
	head.meta[head.meta_count++] =
		(struct ztt_connect_meta){slice("HttpHeader:Authorization"),
					  slice("Bearer hunter2")};
	for (size_t i = 0; i < cookies; i++)
		head.meta[head.meta_count++] =
			(struct ztt_connect_meta){slice("HttpHeader:Cookie"),
						  slice(cookie)};
	len = ztt_connect_request_encode(&head, out, cap);
	assert_true(len > 0);
	return (size_t)len;
}

static void tells_a_registration_without_its_secret(void **state)
{
	uint8_t data[2048];
	size_t at = hex_section(REGISTRATION, "agent bootstrap", data,
				sizeof(data));

	(void)state;
	assert_string_equal(stream(0, true, 0, data, at), "bootstrap 0");
	stream(0, true, at, data,
	       hex_section(REGISTRATION, "agent call registerConnection", data,
			   sizeof(data)));
	assert_non_null(strstr(text, "registerConnection index 0 tunnel "));
	assert_non_null(strstr(text, "secret (redacted)"));
	assert_non_null(strstr(text, " features "));
	assert_string_equal(facts()->version, "2026.8.2");
	assert_int_equal(facts()->messages, 2);

	at = hex_section(REGISTRATION, "edge return bootstrap", data,
			 sizeof(data));
	assert_string_equal(stream(0, false, 0, data, at),
			    "return 0 capability 0");
	stream(0, false, at, data,
	       hex_section(REGISTRATION, "edge return registerConnection", data,
			   sizeof(data)));
	assert_non_null(strstr(text, "registered at "));
	assert_true(facts()->registered);
	assert_int_equal(facts()->malformed, 0);
}

static void never_shows_the_secret(void **state)
{
	static const char secret[] = "0123456789abcdefTUNNELSECRET6789";
	struct ztt_rpc_register params = {
		.account_tag = slice("account-tag"),
		.tunnel_secret = {secret, sizeof(secret) - 1},
		.version = slice("9.9"),
		.arch = slice("vax\n\x1b[31m"),
		.feature_count = 1,
		.features = {slice("support_datagram_v3_2")},
	};
	uint8_t data[1024];
	ssize_t len = ztt_rpc_call_register(1, 0, &params, data, sizeof(data));

	(void)state;
	stream(0, true, 0, data, (size_t)len);
	assert_null(strstr(text, "SECRET"));
	assert_null(strstr(text, "account-tag"));
	assert_null(strchr(text, '\x1b'));
	assert_null(strchr(text, '\n'));
	assert_non_null(strstr(text, "client 9.9 vax??[31m"));
	/* Datagrams are v3's from then on. */
	assert_string_equal(datagram("02 4500001c0000000040010000 0a000001"
				     "0a000002 0800000000000000"),
			    "datagram v3: ICMP 10.0.0.1 to 10.0.0.2, 28 bytes");
}

static void reads_messages_byte_by_byte(void **state)
{
	uint8_t data[2048];
	size_t len = hex_section(REGISTRATION, "agent bootstrap", data,
				 sizeof(data));
	uint8_t *next = data + len;
	size_t next_len =
		hex_section(REGISTRATION, "agent call registerConnection", next,
			    sizeof(data) - len);

	(void)state;
	len += next_len;
	for (size_t i = 0; i < len - 1; i++)
		stream(0, true, i, data + i, 1);
	assert_int_equal(facts()->messages, 1);
	stream(0, true, len - 1, data + len - 1, 1);
	assert_int_equal(facts()->messages, 2);
	assert_non_null(strstr(text, "registerConnection"));
	assert_int_equal(facts()->malformed, 0);
}

static void reads_pieces_in_any_order(void **state)
{
	uint8_t data[2048];
	size_t len = request("GET", "https://app.example.com/a", 0, 3, data,
			     sizeof(data));

	(void)state;
	for (size_t at = 100; at < len; at += 100)
		assert_string_equal(stream(5, false, at, data + at,
					   len - at < 100 ? len - at : 100),
				    "");
	assert_string_equal(stream(5, false, 0, data, 100),
			    "GET https://app.example.com/a");
	assert_int_equal(facts()->requests, 1);
}

static void counts_a_request_once_however_often_it_is_sent(void **state)
{
	uint8_t data[2048];
	size_t len =
		request("GET", "https://a.example/", 0, 0, data, sizeof(data));

	(void)state;
	for (uint64_t id = 1; id < 4 * 3000; id += 4) {
		stream(id, false, 0, data, len);
		stream(id, false, 0, data, len);
	}
	assert_int_equal(facts()->requests, 3000);
}

static void tells_replayed_heads(void **state)
{
	uint8_t data[1024];
	size_t len = hex_section(CONNECT, "edge request", data, sizeof(data));

	(void)state;
	assert_string_equal(stream(1, false, 0, data, len),
			    "GET http://x.example/blob?(redacted)");
	len = hex_section(CONNECT, "agent response", data, sizeof(data));
	stream(1, true, 0, data, len);
	assert_memory_equal(text, "response 200", 12);
	assert_int_equal(facts()->responses, 1);
	/* The body that follows is nothing to tell. */
	assert_string_equal(stream(1, true, len, data, len), "");
	assert_int_equal(facts()->malformed, 0);
}

static void hides_what_may_be_secret_in_a_url(void **state)
{
	uint8_t data[2048];
	size_t len = request("GET",
			     "https://joe:hunter2@a.example/p?token=hunter2#h",
			     0, 1, data, sizeof(data));

	(void)state;
	assert_string_equal(stream(1, false, 0, data, len),
			    "GET https://(redacted)@a.example/p?(redacted)");
	len = request("", "10.0.0.9:22", ZTT_CONNECT_TCP, 0, data,
		      sizeof(data));
	assert_string_equal(stream(5, false, 0, data, len), "tcp 10.0.0.9:22");
	len = request("GET", "wss://a.example/s", ZTT_CONNECT_WEBSOCKET, 0,
		      data, sizeof(data));
	assert_string_equal(stream(9, false, 0, data, len),
			    "websocket wss://a.example/s");
}

static void tells_the_beginning_of_a_head_that_is_too_long(void **state)
{
	static uint8_t data[16384];
	size_t len = request("POST", "https://a.example/long", 0, 30, data,
			     sizeof(data));
	bool told = false;

	(void)state;
	assert_true(len > ZTT_TUNNEL_HEAD_BYTES);
	for (size_t at = 0; at < len; at += 1300) {
		stream(1, false, at, data + at,
		       len - at < 1300 ? len - at : 1300);
		told = told ||
		       !strcmp(text, "POST https://a.example/long (head cut)");
	}
	assert_true(told);
	assert_int_equal(facts()->requests, 1);
	assert_int_equal(facts()->malformed, 0);
}

static void passes_over_a_message_that_is_too_long(void **state)
{
	static uint8_t data[32768];
	static char json[20000];
	ssize_t len, next;

	(void)state;
	memset(json, ' ', sizeof(json));
	len = ztt_rpc_call_configuration(1, 0,
					 (struct ztt_slice){json, sizeof(json)},
					 data, sizeof(data));
	assert_true(len > 20000);
	next = ztt_rpc_finish(7, false, data + len, 64);
	for (size_t at = 0; at < (size_t)len; at += 1200)
		stream(0, true, at, data + at,
		       (size_t)len - at < 1200 ? (size_t)len - at : 1200);
	assert_int_equal(facts()->messages, 1);
	assert_string_equal(stream(0, true, (uint64_t)len, data + len,
				   (size_t)next),
			    "finish 7");
}

static void goes_on_after_bytes_that_were_not_captured(void **state)
{
	uint8_t data[64];
	ssize_t len = ztt_rpc_finish(3, true, data, sizeof(data));

	(void)state;
	assert_string_equal(stream(0, true, 100000, data, (size_t)len),
			    "finish 3");
}

/* SessionManager.registerUdpSession as the edge sends it (facts 6.3). */
static size_t register_session(uint8_t *out, size_t cap)
{
	static const char id[16] = "0123456789abcdef";
	static const char ip[4] = {10, 0, 0, 53};
	struct ztt_capnp_builder builder;
	size_t root, call, target, payload, params;

	ztt_capnp_begin(&builder, out, cap);
	root = ztt_capnp_add_struct(&builder, 0, 1, 1);
	ztt_capnp_put(&builder, root, 0, ZTT_RPC_CALL);
	call = ztt_capnp_add_struct(&builder, root + 1, 3, 3);
	ztt_capnp_put(&builder, call + 1, 0, ZTT_RPC_SESSION);
	target = ztt_capnp_add_struct(&builder, call + 3, 1, 1);
	(void)target;
	payload = ztt_capnp_add_struct(&builder, call + 4, 0, 2);
	params = ztt_capnp_add_struct(&builder, payload, 2, 3);
	ztt_capnp_put(&builder, params, 0, 53);
	ztt_capnp_add_data(&builder, params + 2, (struct ztt_slice){id, 16});
	ztt_capnp_add_data(&builder, params + 3, (struct ztt_slice){ip, 4});
	return (size_t)ztt_capnp_end(&builder);
}

static void tells_a_session_s_calls(void **state)
{
	uint8_t data[1024];
	size_t len = hex_bytes("52bb825cdb65", data, sizeof(data));

	(void)state;
	len += register_session(data + len, sizeof(data) - len);
	assert_string_equal(stream(1, false, 0, data, len),
			    "registerUdpSession to 10.0.0.53 port 53 session "
			    "30313233-3435-3637-3839-616263646566");
	len = (size_t)ztt_rpc_return_empty(1, data, sizeof(data));
	assert_string_equal(stream(1, true, 0, data, len), "return 1");
	assert_int_equal(facts()->messages, 2);
	assert_int_equal(facts()->malformed, 0);
}

#define ID_HEX "000102030405060708090a0b0c0d0e0f"
#define ID_TEXT "00010203-0405-0607-0809-0a0b0c0d0e0f"

static void tells_datagrams_of_version_2(void **state)
{
	(void)state;
	assert_string_equal(datagram("ffaabbcc" ID_HEX "00"),
			    "datagram v2: UDP session " ID_TEXT ", 4 bytes");
	assert_string_equal(datagram("4500001c0000000040010000 0a000001"
				     "0a000002 0800000000000000 01"),
			    "datagram v2: ICMP 10.0.0.1 to 10.0.0.2, 28 bytes");
	assert_string_equal(datagram("45ff01"),
			    "datagram v2: malformed, 3 bytes");
	assert_int_equal(facts()->datagrams, 3);
	assert_int_equal(facts()->malformed, 1);
}

static void tells_datagrams_of_version_3(void **state)
{
	(void)state;
	assert_string_equal(datagram("00 00 0035 00d2" ID_HEX "0a000035 ff"),
			    "datagram v3: registration to 10.0.0.53 port 53 "
			    "idle 210 s session " ID_TEXT);
	assert_string_equal(datagram("01" ID_HEX "aabbccff"),
			    "datagram v3: UDP session " ID_TEXT ", 4 bytes");
	assert_string_equal(datagram("03 ff" ID_HEX "0003 6e6f21"),
			    "datagram v3: registration error session " ID_TEXT
			    ": no!");
	assert_string_equal(datagram("03 00" ID_HEX "0000"),
			    "datagram v3: registration ok session " ID_TEXT);
	assert_int_equal(facts()->malformed, 0);
	datagram("03 00" ID_HEX "0009 41");
	assert_int_equal(facts()->malformed, 1);
}

static void cuts_a_line_at_a_whole_character(void **state)
{
	char small[8];
	struct ztt_line line = ztt_line_of(small, sizeof(small));

	(void)state;
	ztt_line_slice(&line, slice("abcde\xc3\xa9\xc3\xa9"));
	assert_string_equal(small, "abcde\xc3\xa9");
	line = ztt_line_of(small, sizeof(small));
	ztt_line_slice(&line, slice("abcdef\xc3\xa9"));
	assert_string_equal(small, "abcdef");
	ztt_line_next(&line);
	ztt_line_add(&line, "%s", "more");
	assert_true(strlen(small) < sizeof(small));
}

int main(void)
{
#define WITH_TUNNEL(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_TUNNEL(tells_a_registration_without_its_secret),
		WITH_TUNNEL(never_shows_the_secret),
		WITH_TUNNEL(reads_messages_byte_by_byte),
		WITH_TUNNEL(reads_pieces_in_any_order),
		WITH_TUNNEL(counts_a_request_once_however_often_it_is_sent),
		WITH_TUNNEL(tells_replayed_heads),
		WITH_TUNNEL(hides_what_may_be_secret_in_a_url),
		WITH_TUNNEL(tells_the_beginning_of_a_head_that_is_too_long),
		WITH_TUNNEL(passes_over_a_message_that_is_too_long),
		WITH_TUNNEL(goes_on_after_bytes_that_were_not_captured),
		WITH_TUNNEL(tells_a_session_s_calls),
		WITH_TUNNEL(tells_datagrams_of_version_2),
		WITH_TUNNEL(tells_datagrams_of_version_3),
		cmocka_unit_test(cuts_a_line_at_a_whole_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
