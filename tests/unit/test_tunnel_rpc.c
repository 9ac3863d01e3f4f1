#include "tunnel_rpc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hex.h"

#define FIXTURE "cf-registration.hex"

/* Answers that a real cloudflared has accepted, and what it sends first. */
static const char *const bootstrap_hex =
	"0000000005000000 0000000001000100 0800000000000000 0000000001000100"
	"0000000000000000 0000000000000000";
static const char *const return_bootstrap_hex =
	"000000000b000000 0000000001000100 0300000000000000 0000000002000100"
	"0000000000000000 0000000000000000 0000000000000200 0300000000000000"
	"0100000017000000 0400000001000100 0100000000000000 0000000000000000";
static const char *const return_registered_hex =
	"0000000011000000 0000000001000100 0300000000000000 0000000002000100"
	"0100000000000000 0000000000000000 0000000000000200 0400000000000100"
	"0000000000000000 0000000001000100 0100000000000000 0000000001000200"
	"0000000000000000 0500000082000000 0900000022000000 0001020304050607"
	"08090a0b0c0d0e0f 5a54540000000000";
static const char *const return_empty_hex =
	"0000000008000000 0000000001000100 0300000000000000 0000000002000100"
	"0100000000000000 0000000000000000 0000000000000200 fcffffff00000000"
	"0000000000000000";

static struct ztt_slice slice(const char *text)
{
	return (struct ztt_slice){text, strlen(text)};
}

static void assert_slice(struct ztt_slice slice, const char *text)
{
	assert_int_equal(slice.len_bytes, strlen(text));
	assert_memory_equal(slice.at, text, slice.len_bytes);
}

/* Says nothing of the bytes: some hold a secret. */
static void assert_same(const uint8_t *a, ssize_t a_len, const uint8_t *b,
			size_t b_len)
{
	assert_int_equal(a_len, b_len);
	assert_true(memcmp(a, b, b_len) == 0);
}

static void assert_writes(const uint8_t *out, ssize_t len, const char *hex)
{
	uint8_t wanted[1024];
	size_t wanted_len = hex_bytes(hex, wanted, sizeof(wanted));

	assert_int_equal(len, wanted_len);
	assert_memory_equal(out, wanted, wanted_len);
}

static struct ztt_rpc_message decode(const uint8_t *data, size_t len)
{
	struct ztt_rpc_message message;

	assert_int_equal(ztt_rpc_decode(data, len, &message), len);
	return message;
}

/* Reads a section into `out`, which must outlive the message. */
static struct ztt_rpc_message replay(const char *section, uint8_t out[1024],
				     size_t *ret_len)
{
	*ret_len = hex_section(FIXTURE, section, out, 1024);
	return decode(out, *ret_len);
}

static void writes_the_bootstrap_that_cloudflared_sends(void **state)
{
	uint8_t out[256];

	(void)state;
	assert_writes(out, ztt_rpc_bootstrap(0, out, sizeof(out)),
		      bootstrap_hex);
}

static void writes_the_answers_that_cloudflared_accepts(void **state)
{
	struct ztt_rpc_registered result = {.location = slice("ZTT")};
	uint8_t out[256];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		result.uuid[i] = i;
	assert_writes(out, ztt_rpc_return_capability(0, 0, out, sizeof(out)),
		      return_bootstrap_hex);
	assert_writes(out,
		      ztt_rpc_return_registered(1, &result, out, sizeof(out)),
		      return_registered_hex);
	assert_writes(out, ztt_rpc_return_empty(1, out, sizeof(out)),
		      return_empty_hex);
}

static void replays_the_bootstrap_of_cloudflared(void **state)
{
	uint8_t data[1024], out[1024];
	size_t len;
	struct ztt_rpc_message message = replay("agent bootstrap", data, &len);

	(void)state;
	assert_int_equal(message.tag, ZTT_RPC_BOOTSTRAP);
	assert_int_equal(message.id, 0);
	assert_same(out, ztt_rpc_bootstrap(0, out, sizeof(out)), data, len);

	message = replay("edge return bootstrap", data, &len);
	assert_int_equal(message.tag, ZTT_RPC_RETURN);
	assert_int_equal(message.id, 0);
	assert_true(message.has_capability);
	assert_int_equal(message.capability_id, 0);
	assert_false(message.has_registered);
}

static void assert_registration(const struct ztt_rpc_register *params)
{
	static const char *const features[] = {
		"serialized_headers", "support_datagram_v2", "support_quic_eof",
		"management_logs",    "allow_remote_config",
	};
	static const uint8_t tunnel_id[] = {0x11, 0x11, 0x11, 0x11, 0x22, 0x22,
					    0x33, 0x33, 0x44, 0x44, 0x55, 0x55,
					    0x55, 0x55, 0x55, 0x55};
	static const uint8_t client_id[] = {0x46, 0x56, 0xec, 0x3d, 0x43, 0xb9,
					    0x4b, 0x94, 0x92, 0xd7, 0x2c, 0xa0,
					    0xbb, 0xb5, 0xe7, 0xf8};

	assert_slice(params->account_tag, "ztt");
	assert_int_equal(params->tunnel_secret.len_bytes, 32);
	assert_memory_equal(params->tunnel_id, tunnel_id, 16);
	assert_memory_equal(params->client_id, client_id, 16);
	assert_int_equal(params->conn_index, 0);
	assert_int_equal(params->feature_count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_slice(params->features[i], features[i]);
	assert_slice(params->version, "2026.8.2");
	assert_slice(params->arch, "linux_amd64");
	assert_int_equal(params->origin_local_ip.len_bytes, 16);
	assert_memory_equal(params->origin_local_ip.at,
			    "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
	assert_false(params->replace_existing);
	assert_int_equal(params->compression_quality, 0);
	assert_int_equal(params->previous_attempts, 0);
}

static void replays_the_registration_of_cloudflared(void **state)
{
	uint8_t data[1024], out[1024];
	size_t len;
	struct ztt_rpc_message message =
		replay("agent call registerConnection", data, &len);

	(void)state;
	assert_int_equal(len, 520);
	assert_int_equal(message.tag, ZTT_RPC_CALL);
	assert_int_equal(message.id, 1);
	assert_int_equal(message.interface_id, ZTT_RPC_REGISTRATION);
	assert_int_equal(message.method_id, ZTT_RPC_REGISTER_CONNECTION);
	assert_true(message.target_promised);
	assert_int_equal(message.target_id, 0);
	assert_registration(&message.registration);
	assert_same(out,
		    ztt_rpc_call_register(1, 0, &message.registration, out,
					  sizeof(out)),
		    data, len);
}

static void writes_the_registration_of_http2_too(void **state)
{
	uint8_t data[1024], out[1024];
	size_t len;
	struct ztt_rpc_message message =
		replay("agent call registerConnection over HTTP/2", data, &len);

	(void)state;
	assert_slice(message.registration.features[0], "allow_remote_config");
	assert_same(out,
		    ztt_rpc_call_register(1, 0, &message.registration, out,
					  sizeof(out)),
		    data, len);
}

static void reads_the_answer_to_a_registration(void **state)
{
	uint8_t data[1024];
	size_t len;
	struct ztt_rpc_message message =
		replay("edge return registerConnection", data, &len);

	(void)state;
	assert_int_equal(message.tag, ZTT_RPC_RETURN);
	assert_int_equal(message.id, 1);
	assert_true(message.has_registered);
	assert_false(message.registered.refused);
	assert_slice(message.registered.location, "ZTT");
	assert_memory_equal(message.registered.uuid, "\x49\xa3\x32\x97\xbd\x2a",
			    6);
	assert_false(message.registered.remotely_managed);
}

static void replays_the_configuration_of_cloudflared(void **state)
{
	uint8_t data[1024], out[1024];
	size_t len;
	struct ztt_rpc_message message =
		replay("agent call updateLocalConfiguration", data, &len);

	(void)state;
	assert_int_equal(message.tag, ZTT_RPC_CALL);
	assert_int_equal(message.id, 1);
	assert_int_equal(message.method_id, ZTT_RPC_UPDATE_LOCAL_CONFIGURATION);
	assert_false(message.target_promised);
	assert_int_equal(message.target_id, 0);
	assert_int_equal(message.configuration.len_bytes, 181);
	assert_memory_equal(message.configuration.at,
			    "{\"__configuration_flags\":", 25);
	assert_same(out,
		    ztt_rpc_call_configuration(1, 0, message.configuration, out,
					       sizeof(out)),
		    data, len);

	message = replay("edge return updateLocalConfiguration", data, &len);
	assert_int_equal(message.tag, ZTT_RPC_RETURN);
	assert_false(message.has_registered);
	assert_false(message.has_capability);
}

static void assert_finish(const char *section, uint32_t question)
{
	uint8_t data[1024], out[1024];
	size_t len;
	struct ztt_rpc_message message = replay(section, data, &len);

	assert_int_equal(message.tag, ZTT_RPC_FINISH);
	assert_int_equal(message.id, question);
	assert_false(message.release_result_caps);
	assert_same(out, ztt_rpc_finish(question, false, out, sizeof(out)),
		    data, len);
}

static void replays_the_finishes_of_cloudflared(void **state)
{
	(void)state;
	assert_finish("agent finish bootstrap", 0);
	assert_finish("agent finish registerConnection", 1);
	assert_finish("agent finish updateLocalConfiguration", 1);
}

static void reads_a_whole_stream_in_order_from_any_cut(void **state)
{
	static const char *const sections[] = {
		"agent bootstrap",
		"agent call registerConnection",
		"agent finish bootstrap",
		"agent finish registerConnection",
		"agent call updateLocalConfiguration",
		"agent finish updateLocalConfiguration",
	};
	static const enum ztt_rpc_tag tags[] = {
		ZTT_RPC_BOOTSTRAP, ZTT_RPC_CALL, ZTT_RPC_FINISH,
		ZTT_RPC_FINISH,    ZTT_RPC_CALL, ZTT_RPC_FINISH,
	};
	uint8_t data[2048];
	size_t len = 0, at = 0, seen = 0;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		len += hex_section(FIXTURE, sections[i], data + len,
				   sizeof(data) - len);
	assert_int_equal(len, 1000);
	for (size_t have = 0; have <= len; have++) {
		struct ztt_rpc_message message;
		ssize_t consumed =
			ztt_rpc_decode(data + at, have - at, &message);

		assert_true(consumed >= 0);
		if (consumed == 0)
			continue;
		assert_int_equal(consumed, have - at);
		assert_int_equal(message.tag, tags[seen]);
		at = have;
		seen++;
	}
	assert_int_equal(seen, 6);
}

static void keeps_a_refusal(void **state)
{
	struct ztt_rpc_registered result = {
		.refused = true,
		.cause = slice("EDUPCONN"),
		.retry_after_ns = -5,
		.should_retry = true,
	};
	uint8_t out[256];
	ssize_t len = ztt_rpc_return_registered(7, &result, out, sizeof(out));
	struct ztt_rpc_message message = decode(out, (size_t)len);

	(void)state;
	assert_int_equal(message.id, 7);
	assert_true(message.has_registered);
	assert_true(message.registered.refused);
	assert_slice(message.registered.cause, "EDUPCONN");
	assert_int_equal(message.registered.retry_after_ns, -5);
	assert_true(message.registered.should_retry);
}

static void keeps_details(void **state)
{
	struct ztt_rpc_registered result = {
		.uuid = {9, 8, 7},
		.location = slice("lhr01"),
		.remotely_managed = true,
	};
	uint8_t out[256];
	ssize_t len = ztt_rpc_return_registered(7, &result, out, sizeof(out));
	struct ztt_rpc_message message = decode(out, (size_t)len);

	(void)state;
	assert_false(message.registered.refused);
	assert_memory_equal(message.registered.uuid, result.uuid, 16);
	assert_slice(message.registered.location, "lhr01");
	assert_true(message.registered.remotely_managed);
}

static void keeps_every_field_of_a_registration(void **state)
{
	struct ztt_rpc_register params = {
		.account_tag = slice("tag"),
		.tunnel_secret = slice("0123456789"),
		.tunnel_id = {1, 2, 3},
		.conn_index = 3,
		.client_id = {4, 5, 6},
		.features = {slice("a"), slice(""), slice("long_enough")},
		.feature_count = 3,
		.version = slice("v"),
		.arch = slice("x"),
		.origin_local_ip = slice("\x7f\x01\x01\x01"),
		.replace_existing = true,
		.compression_quality = 200,
		.previous_attempts = 255,
	};
	uint8_t out[512];
	ssize_t len = ztt_rpc_call_register(UINT32_MAX, 77, &params, out,
					    sizeof(out));
	struct ztt_rpc_message message = decode(out, (size_t)len);
	const struct ztt_rpc_register *got = &message.registration;

	(void)state;
	assert_int_equal(message.id, UINT32_MAX);
	assert_int_equal(message.target_id, 77);
	assert_slice(got->account_tag, "tag");
	assert_int_equal(got->tunnel_secret.len_bytes, 10);
	assert_true(memcmp(got->tunnel_secret.at, "0123456789", 10) == 0);
	assert_slice(got->version, "v");
	assert_slice(got->arch, "x");
	assert_int_equal(got->conn_index, 3);
	assert_memory_equal(got->tunnel_id, params.tunnel_id, 16);
	assert_memory_equal(got->client_id, params.client_id, 16);
	assert_int_equal(got->feature_count, 3);
	assert_slice(got->features[0], "a");
	assert_int_equal(got->features[1].len_bytes, 0);
	assert_slice(got->features[2], "long_enough");
	assert_slice(got->origin_local_ip, "\x7f\x01\x01\x01");
	assert_true(got->replace_existing);
	assert_int_equal(got->compression_quality, 200);
	assert_int_equal(got->previous_attempts, 255);
}

static void keeps_the_messages_of_a_shutdown(void **state)
{
	uint8_t out[256];
	ssize_t len = ztt_rpc_call_unregister(4, 9, out, sizeof(out));
	struct ztt_rpc_message message = decode(out, (size_t)len);

	(void)state;
	assert_int_equal(len, 120);
	assert_int_equal(message.method_id, ZTT_RPC_UNREGISTER_CONNECTION);
	assert_false(message.target_promised);
	assert_int_equal(message.target_id, 9);

	len = ztt_rpc_release(9, 1, out, sizeof(out));
	message = decode(out, (size_t)len);
	assert_int_equal(message.tag, ZTT_RPC_RELEASE);
	assert_int_equal(message.id, 9);
	assert_int_equal(message.release_count, 1);

	len = ztt_rpc_abort("rpc: shutdown", out, sizeof(out));
	message = decode(out, (size_t)len);
	assert_int_equal(message.tag, ZTT_RPC_ABORT);
	assert_slice(message.reason, "rpc: shutdown");
}

static void keeps_an_exception(void **state)
{
	uint8_t out[256];
	ssize_t len = ztt_rpc_return_exception(3, "no", out, sizeof(out));
	struct ztt_rpc_message message = decode(out, (size_t)len);

	(void)state;
	assert_int_equal(message.id, 3);
	assert_true(message.exception);
	assert_slice(message.reason, "no");
	assert_false(message.has_registered);
}

static void keeps_the_default_of_a_finish(void **state)
{
	uint8_t out[64];
	ssize_t len = ztt_rpc_finish(3, true, out, sizeof(out));

	(void)state;
	assert_true(decode(out, (size_t)len).release_result_caps);
}

static void passes_over_other_tags(void **state)
{
	/* Resolve, whose body is left out; Message with a null body. */
	uint8_t out[256];
	size_t len = hex_bytes("0000000003000000 0000000001000100"
			       "0500000000000000 0000000000000000",
			       out, sizeof(out));
	struct ztt_rpc_message message = decode(out, len);

	(void)state;
	assert_int_equal(message.tag, 5);
	assert_int_equal(message.id, 0);
}

static void passes_over_calls_of_other_interfaces(void **state)
{
	uint8_t data[1024];
	size_t len = hex_section(FIXTURE, "agent call registerConnection", data,
				 sizeof(data));
	struct ztt_rpc_message message;

	(void)state;
	data[5 * 8] = 0;
	message = decode(data, len);
	assert_int_not_equal(message.interface_id, ZTT_RPC_REGISTRATION);
	assert_int_equal(message.registration.account_tag.len_bytes, 0);
}

/* One word of the captured call is replaced. */
static ssize_t decode_with_word(size_t word, const char *hex,
				struct ztt_rpc_message *ret_message)
{
	uint8_t data[1024];
	size_t len = hex_section(FIXTURE, "agent call registerConnection", data,
				 sizeof(data));

	hex_bytes(hex, data + 8 + word * 8, 8);
	return ztt_rpc_decode(data, len, ret_message);
}

static void refuses_malformed_messages(void **state)
{
	static const struct {
		size_t word;
		const char *hex;
	} cases[] = {
		{0, "fdffffff01000100"},  /* list for a struct */
		{0, "f8ffffff01000100"},  /* before the segment */
		{9, "0000000002000000"},  /* a third kind of target */
		{18, "210000007a000000"}, /* a tunnel id of 15 bytes */
		{20, "050000001a000000"}, /* a tag without its NUL */
		{21, "0500000002ffffff"}, /* a secret past the end */
		{31, "750000001a000000"}, /* an address of 3 bytes */
		{33, "100000002e000000"}, /* a struct for the features */
		{17, "0300000002000000"}, /* a capability for a struct */
		{17, "0200000001000000"}, /* a segment that is not there */
	};
	struct ztt_rpc_message message;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ssize_t got =
			decode_with_word(cases[i].word, cases[i].hex, &message);

		if (got != -EPROTO)
			fail_msg("case %zu gives %zd", i, got);
	}
}

static void refuses_more_features_than_it_holds(void **state)
{
	struct ztt_rpc_message message;

	(void)state;
	/* 33 pointers from word 5 on. */
	assert_int_equal(decode_with_word(33, "8dffffff0e010000", &message),
			 -EMSGSIZE);
}

static void refuses_long_messages_from_their_framing(void **state)
{
	struct ztt_rpc_message message;
	uint8_t data[8];

	(void)state;
	hex_bytes("0000000000800000", data, sizeof(data));
	assert_int_equal(ztt_rpc_decode(data, 8, &message), -EMSGSIZE);
	hex_bytes("00000000ff7f0000", data, sizeof(data));
	assert_int_equal(ztt_rpc_decode(data, 8, &message), 0);
}

static void leaves_the_message_alone_on_failure(void **state)
{
	struct ztt_rpc_message message, before;

	(void)state;
	memset(&message, 0x5a, sizeof(message));
	memcpy(&before, &message, sizeof(before));
	assert_int_equal(decode_with_word(9, "0000000002000000", &message),
			 -EPROTO);
	assert_memory_equal(&message, &before, sizeof(before));
}

static void refuses_a_capability_outside_its_table(void **state)
{
	uint8_t data[256];
	struct ztt_rpc_message message;
	size_t len = hex_bytes(return_bootstrap_hex, data, sizeof(data));

	(void)state;
	data[8 * 7 + 4] = 1;
	assert_int_equal(ztt_rpc_decode(data, len, &message), -EPROTO);
}

static void never_writes_past_the_room_it_has(void **state)
{
	uint8_t data[1024];
	size_t len;
	struct ztt_rpc_message message =
		replay("agent call registerConnection", data, &len);

	(void)state;
	for (size_t cap = 0; cap <= len; cap++) {
		uint8_t *out = malloc(cap ? cap : 1);
		ssize_t written =
			ztt_rpc_call_register(1, 0, &message.registration, out,
					      cap);

		free(out);
		assert_int_equal(written, cap < len ? -EMSGSIZE : (ssize_t)len);
	}
}

static void refuses_to_write_what_it_would_not_read(void **state)
{
	static char json[ZTT_RPC_MAX_BYTES];
	static uint8_t out[2 * ZTT_RPC_MAX_BYTES];
	struct ztt_slice all = {json, sizeof(json)};

	(void)state;
	assert_int_equal(ztt_rpc_call_configuration(1, 0, all, out,
						    sizeof(out)),
			 -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_bootstrap_that_cloudflared_sends),
		cmocka_unit_test(writes_the_answers_that_cloudflared_accepts),
		cmocka_unit_test(replays_the_bootstrap_of_cloudflared),
		cmocka_unit_test(replays_the_registration_of_cloudflared),
		cmocka_unit_test(writes_the_registration_of_http2_too),
		cmocka_unit_test(reads_the_answer_to_a_registration),
		cmocka_unit_test(replays_the_configuration_of_cloudflared),
		cmocka_unit_test(replays_the_finishes_of_cloudflared),
		cmocka_unit_test(reads_a_whole_stream_in_order_from_any_cut),
		cmocka_unit_test(keeps_a_refusal),
		cmocka_unit_test(keeps_details),
		cmocka_unit_test(keeps_every_field_of_a_registration),
		cmocka_unit_test(keeps_the_messages_of_a_shutdown),
		cmocka_unit_test(keeps_an_exception),
		cmocka_unit_test(keeps_the_default_of_a_finish),
		cmocka_unit_test(passes_over_other_tags),
		cmocka_unit_test(passes_over_calls_of_other_interfaces),
		cmocka_unit_test(refuses_malformed_messages),
		cmocka_unit_test(refuses_more_features_than_it_holds),
		cmocka_unit_test(refuses_long_messages_from_their_framing),
		cmocka_unit_test(leaves_the_message_alone_on_failure),
		cmocka_unit_test(refuses_a_capability_outside_its_table),
		cmocka_unit_test(never_writes_past_the_room_it_has),
		cmocka_unit_test(refuses_to_write_what_it_would_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
