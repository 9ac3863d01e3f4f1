/* Packets of RFC 9001 and RFC 9369, packets made here, and real captures. */
#include "capture_quic.h"
#include "capture_seal.h"
#include "hex.h"

#include <unistd.h>

static const struct ztt_cid rfc_dcid = {8,
					{0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51,
					 0x57, 0x08}};
static uint8_t packet[2048], out[2048];

static struct ztt_quic_header parsed(size_t len_bytes, size_t dcid_bytes)
{
	struct ztt_quic_header header;

	assert_int_equal(ztt_quic_header_parse(packet, len_bytes, dcid_bytes,
					       &header),
			 0);
	return header;
}

static size_t rfc_packet(const char *version, const char *name)
{
	char section[32];

	snprintf(section, sizeof(section), "%s %s", version, name);
	return hex_section("quic-rfc.hex", section, packet, sizeof(packet));
}

static const struct {
	const char *name;
	uint32_t number;
} versions[] = {{"v1", ZTT_QUIC_V1}, {"v2", ZTT_QUIC_V2}};

static void the_clients_initial_of_the_rfc_opens(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const size_t len = rfc_packet(versions[i].name, "client");
		struct ztt_quic_header header = parsed(len, 0);
		struct ztt_quic_keys *keys =
			ztt_quic_keys_initial(header.version, &header.dcid,
					      false);
		struct ztt_quic_opened opened;

		assert_int_equal(header.type, ZTT_PACKET_INITIAL);
		assert_int_equal(header.version, versions[i].number);
		assert_int_equal(header.packet_bytes, 1200);
		assert_memory_equal(&header.dcid, &rfc_dcid, sizeof(rfc_dcid));
		assert_int_equal(header.token_bytes, 0);
		assert_int_equal(ztt_quic_unprotect(keys, &header, 0, out, &opened),
				 0);
		assert_int_equal(opened.number, 2);
		assert_int_equal(opened.payload_bytes, 1162);
		assert_memory_equal(opened.payload, "\x06\x00\x40\xf1\x01", 5);
		assert_string_equal(ztt_quic_keys_cipher(keys), "AES-128-GCM");
		ztt_quic_keys_free(keys);
	}
}

static void the_servers_initial_of_the_rfc_opens(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const size_t len = rfc_packet(versions[i].name, "server");
		struct ztt_quic_header header = parsed(len, 0);
		struct ztt_quic_keys *keys =
			ztt_quic_keys_initial(header.version, &rfc_dcid, true);
		struct ztt_quic_opened opened;

		assert_int_equal(header.dcid.len_bytes, 0);
		assert_int_equal(header.scid.len_bytes, 8);
		assert_int_equal(ztt_quic_unprotect(keys, &header, 0, out, &opened),
				 0);
		assert_int_equal(opened.number, 1);
		assert_int_equal(opened.payload_bytes, 99);
		assert_memory_equal(opened.payload, "\x02\x00\x00\x00\x00\x06",
				    6);
		ztt_quic_keys_free(keys);
	}
}

static void the_retry_of_the_rfc_is_authentic(void **state)
{
	struct ztt_cid other = rfc_dcid;

	(void)state;
	other.data[0] ^= 1;
	for (size_t i = 0; i < 2; i++) {
		const size_t len = rfc_packet(versions[i].name, "retry");
		struct ztt_quic_header header = parsed(len, 0);

		assert_int_equal(header.type, ZTT_PACKET_RETRY);
		assert_int_equal(header.number_offset, 0);
		assert_int_equal(header.token_bytes, 5);
		assert_memory_equal(header.token, "token", 5);
		assert_true(ztt_quic_retry_is_authentic(&header, &rfc_dcid));
		assert_false(ztt_quic_retry_is_authentic(&header, &other));
		packet[len - 1] ^= 1;
		assert_false(ztt_quic_retry_is_authentic(&header, &rfc_dcid));
	}
}

#define CHACHA_SECRET \
	"9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b"

static void the_chacha_packet_of_the_rfc_opens(void **state)
{
	uint8_t secret[32];

	(void)state;
	hex_bytes(CHACHA_SECRET, secret, sizeof(secret));
	for (size_t i = 0; i < 4; i++) {
		const size_t len = rfc_packet(versions[i / 2].name, "chacha");
		struct ztt_quic_header header = parsed(len, 0);
		struct ztt_quic_keys *keys =
			ztt_quic_keys_of_secret(versions[i / 2].number,
						i & 1 ? 0x1303 : 0, secret, 32);
		struct ztt_quic_opened opened;

		assert_int_equal(header.type, ZTT_PACKET_1RTT);
		assert_int_equal(ztt_quic_unprotect(keys, &header, 654360564, out,
					       &opened),
				 0);
		assert_int_equal(opened.number, 654360564);
		assert_int_equal(opened.payload_bytes, 1);
		assert_int_equal(opened.payload[0], 1);
		assert_string_equal(ztt_quic_keys_cipher(keys),
				    "ChaCha20-Poly1305");
		ztt_quic_keys_free(keys);
	}
}

/* 1-RTT packets made here */
static const uint8_t secret_bytes[48] = {7, 1, 8, 2, 8};
static const uint8_t dcid[4] = {1, 2, 3, 4};
static const uint8_t plain[48] = {1, 1, 1};

static int open_made(struct ztt_quic_keys *keys, struct sealer *sealer,
		     uint64_t number, uint64_t expected,
		     struct ztt_quic_opened *ret_opened)
{
	const size_t len = seal_short(sealer, dcid, sizeof(dcid), number, plain,
				      sizeof(plain), packet);
	struct ztt_quic_header header = parsed(len, sizeof(dcid));

	return ztt_quic_unprotect(keys, &header, expected, out, ret_opened);
}

static const struct {
	uint16_t suite;
	gnutls_cipher_algorithm_t cipher;
	size_t secret_len;
	const char *name;
} suites[] = {
	{0x1301, GNUTLS_CIPHER_AES_128_GCM, 32, "AES-128-GCM"},
	{0x1302, GNUTLS_CIPHER_AES_256_GCM, 48, "AES-256-GCM"},
	{0x1303, GNUTLS_CIPHER_CHACHA20_POLY1305, 32, "ChaCha20-Poly1305"},
};

static void each_cipher_is_found_out_by_what_opens(void **state)
{
	struct ztt_quic_opened opened;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct sealer sealer;
		struct ztt_quic_keys *keys =
			ztt_quic_keys_of_secret(ZTT_QUIC_V1,
						i < 3 ? suites[i].suite : 0,
						secret_bytes,
						suites[i % 3].secret_len);

		sealer_init(&sealer, suites[i % 3].cipher, false, secret_bytes);
		assert_int_equal(open_made(keys, &sealer, 70000, 70001,
					   &opened),
				 0);
		assert_int_equal(opened.number, 70000);
		assert_string_equal(ztt_quic_keys_cipher(keys),
				    suites[i % 3].name);
		assert_int_equal(open_made(keys, &sealer, 70001, 70001,
					   &opened),
				 0);
		ztt_quic_keys_free(keys);
		sealer_release(&sealer);
	}
}

static void a_cipher_is_not_known_before_a_packet_opened(void **state)
{
	struct ztt_quic_keys *keys =
		ztt_quic_keys_of_secret(ZTT_QUIC_V1, 0, secret_bytes, 32);

	(void)state;
	assert_null(ztt_quic_keys_cipher(keys));
	ztt_quic_keys_free(keys);
	keys = ztt_quic_keys_of_secret(ZTT_QUIC_V2, 0, secret_bytes, 48);
	assert_string_equal(ztt_quic_keys_cipher(keys), "AES-256-GCM");
	ztt_quic_keys_free(keys);
}

static void there_are_no_keys_of_other_secrets(void **state)
{
	(void)state;
	assert_null(ztt_quic_keys_of_secret(2, 0x1301, secret_bytes, 32));
	assert_null(
		ztt_quic_keys_of_secret(ZTT_QUIC_V1, 0x1301, secret_bytes, 48));
	assert_null(
		ztt_quic_keys_of_secret(ZTT_QUIC_V1, 0x1304, secret_bytes, 32));
	assert_null(ztt_quic_keys_of_secret(ZTT_QUIC_V1, 0, secret_bytes, 20));
	assert_null(ztt_quic_keys_initial(0xff00001d, &rfc_dcid, false));
	ztt_quic_keys_free(NULL);
}

static void key_updates_are_followed(void **state)
{
	struct ztt_quic_opened opened;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sealer sealer;
		struct ztt_quic_keys *keys =
			ztt_quic_keys_of_secret(ZTT_QUIC_V2, suites[i].suite,
						secret_bytes,
						suites[i].secret_len);

		sealer_init(&sealer, suites[i].cipher, true, secret_bytes);
		for (uint64_t number = 0; number < 50; number++) {
			assert_int_equal(open_made(keys, &sealer, number,
						   number, &opened),
					 0);
			assert_int_equal(opened.number, number);
			assert_int_equal(opened.generation, number / 10);
			assert_int_equal(opened.key_phase, number / 10 % 2);
			if (number % 10 == 9)
				sealer_update(&sealer);
		}
		ztt_quic_keys_free(keys);
		sealer_release(&sealer);
	}
}

static void what_was_overtaken_by_a_key_update_opens(void **state)
{
	struct ztt_quic_keys *keys =
		ztt_quic_keys_of_secret(ZTT_QUIC_V1, 0x1301, secret_bytes, 32);
	struct sealer old, new;
	struct ztt_quic_opened opened;

	(void)state;
	sealer_init(&old, GNUTLS_CIPHER_AES_128_GCM, false, secret_bytes);
	sealer_init(&new, GNUTLS_CIPHER_AES_128_GCM, false, secret_bytes);
	sealer_update(&new);
	assert_int_equal(open_made(keys, &old, 1, 0, &opened), 0);
	assert_int_equal(open_made(keys, &new, 6, 2, &opened), 0);
	assert_int_equal(opened.generation, 1);
	assert_int_equal(open_made(keys, &old, 3, 7, &opened), 0);
	assert_int_equal(opened.generation, 0);
	assert_int_equal(open_made(keys, &new, 5, 7, &opened), 0);
	assert_int_equal(opened.generation, 1);
	assert_int_equal(open_made(keys, &old, 4, 7, &opened), 0);
	assert_int_equal(opened.generation, 0);
	sealer_update(&new);
	assert_int_equal(open_made(keys, &new, 8, 7, &opened), 0);
	assert_int_equal(opened.generation, 2);
	assert_int_equal(open_made(keys, &old, 2, 7, &opened), -EBADMSG);
	ztt_quic_keys_free(keys);
	sealer_release(&old);
	sealer_release(&new);
}

static int search_made(struct ztt_quic_keys *keys, struct sealer *sealer,
		       uint64_t number, struct ztt_quic_opened *ret_opened)
{
	const size_t len = seal_short(sealer, dcid, sizeof(dcid), number, plain,
				      sizeof(plain), packet);
	struct ztt_quic_header header = parsed(len, sizeof(dcid));
	unsigned tries = 10000;

	return ztt_quic_search(keys, &header, 60, 1 << 20, &tries, out,
			       ret_opened);
}

static void a_connection_that_was_joined_midway_opens(void **state)
{
	struct ztt_quic_opened opened;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct sealer sealer;
		struct ztt_quic_keys *keys =
			ztt_quic_keys_of_secret(ZTT_QUIC_V1,
						i < 3 ? suites[i].suite : 0,
						secret_bytes,
						suites[i % 3].secret_len);

		sealer_init(&sealer, suites[i % 3].cipher, false, secret_bytes);
		for (size_t update = 0; update < 50 + i; update++)
			sealer_update(&sealer);
		assert_int_equal(search_made(keys, &sealer, 1 << 20, &opened),
				 -EBADMSG);
		assert_int_equal(search_made(keys, &sealer, 777777, &opened),
				 0);
		assert_int_equal(opened.number, 777777);
		assert_int_equal(opened.generation, 50 + i);
		assert_int_equal(opened.payload_bytes, sizeof(plain));
		assert_int_equal(open_made(keys, &sealer, 777778, 777778,
					   &opened),
				 0);
		sealer_update(&sealer);
		assert_int_equal(open_made(keys, &sealer, 777780, 777779,
					   &opened),
				 0);
		assert_int_equal(opened.generation, 51 + i);
		assert_string_equal(ztt_quic_keys_cipher(keys),
				    suites[i % 3].name);
		ztt_quic_keys_free(keys);
		sealer_release(&sealer);
	}
}

static void a_search_that_finds_nothing_changes_nothing(void **state)
{
	struct ztt_quic_keys *keys =
		ztt_quic_keys_of_secret(ZTT_QUIC_V1, 0, secret_bytes, 32);
	struct sealer other, sealer;
	struct ztt_quic_opened opened;

	(void)state;
	sealer_init(&other, GNUTLS_CIPHER_AES_128_GCM, false, plain);
	sealer_init(&sealer, GNUTLS_CIPHER_AES_128_GCM, false, secret_bytes);
	assert_int_equal(search_made(keys, &other, 5, &opened), -EBADMSG);
	assert_null(ztt_quic_keys_cipher(keys));
	assert_int_equal(open_made(keys, &sealer, 5, 0, &opened), 0);
	ztt_quic_keys_free(keys);
	sealer_release(&other);
	sealer_release(&sealer);
}

static void what_does_not_open_changes_nothing(void **state)
{
	struct ztt_quic_keys *keys =
		ztt_quic_keys_of_secret(ZTT_QUIC_V1, 0, secret_bytes, 32);
	struct sealer sealer;
	struct ztt_quic_opened opened;
	struct ztt_quic_header header;
	size_t len;

	(void)state;
	sealer_init(&sealer, GNUTLS_CIPHER_CHACHA20_POLY1305, false,
		    secret_bytes);
	len = seal_short(&sealer, dcid, sizeof(dcid), 9, plain, sizeof(plain),
			 packet);
	header = parsed(len, sizeof(dcid));
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			packet[i] ^= (uint8_t)(1 << bit);
			assert_int_equal(ztt_quic_unprotect(keys, &header, 9, out,
						       &opened),
					 -EBADMSG);
			packet[i] ^= (uint8_t)(1 << bit);
		}
	assert_int_equal(ztt_quic_unprotect(keys, &header, 9, out, &opened), 0);
	assert_int_equal(opened.generation, 0);
	for (header.packet_bytes = 0; header.packet_bytes < 5 + 4 + 16;
	     header.packet_bytes++)
		assert_int_equal(ztt_quic_unprotect(keys, &header, 9, out, &opened),
				 -EMSGSIZE);
	ztt_quic_keys_free(keys);
	sealer_release(&sealer);
}

static void packet_numbers_are_completed(void **state)
{
	static const struct {
		uint64_t expected, truncated;
		size_t width;
		uint64_t number;
	} cases[] = {
		{0xa82f30eb, 0x9b32, 2, 0xa82f9b32}, /* RFC 9000 A.3 */
		{0, 0, 1, 0},
		{1, 0, 1, 0},
		{255, 0, 1, 256},
		{256, 255, 1, 255},
		{1000, 0xe7, 1, 999},
		{0x10000, 0xffff, 2, 0xffff},
		{0x1000000, 0x123, 3, 0x1000123},
		{0xffffffff, 1, 4, 0x100000001},
		{(UINT64_C(1) << 62) - 1, 0, 4, 0x3fffffff00000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(ztt_quic_number_decode(cases[i].expected,
							cases[i].truncated,
							cases[i].width),
				 cases[i].number);
}

static void type_bits_depend_on_the_version(void **state)
{
	static const enum ztt_packet_type want[2][4] = {
		{ZTT_PACKET_INITIAL, ZTT_PACKET_0RTT, ZTT_PACKET_HANDSHAKE,
		 ZTT_PACKET_RETRY},
		{ZTT_PACKET_RETRY, ZTT_PACKET_INITIAL, ZTT_PACKET_0RTT,
		 ZTT_PACKET_HANDSHAKE},
	};
	static const char *const names[2][4] = {
		{"Initial", "0-RTT", "Handshake", "Retry"},
		{"Retry", "Initial", "0-RTT", "Handshake"},
	};

	(void)state;
	for (size_t v = 0; v < 2; v++)
		for (size_t bits = 0; bits < 4; bits++) {
			const size_t len = hex_bytes(
				v == 0 ? "c0 00000001 02 aabb 01 cc 00 1400000"
					 "00000000000000000000000000000000000"
				       : "c0 6b3343cf 02 aabb 01 cc 00 1400000"
					 "0000000000000000000000000000000000"
					 "0",
				packet, sizeof(packet));
			struct ztt_quic_header header;

			packet[0] = (uint8_t)(0xc0 | bits << 4);
			header = parsed(len, 0);
			assert_int_equal(header.type, want[v][bits]);
			assert_string_equal(ztt_packet_type_name(header.type),
					    names[v][bits]);
			assert_int_equal(header.dcid.len_bytes, 2);
			assert_int_equal(header.scid.len_bytes, 1);
		}
}

static void version_negotiation_lists_versions(void **state)
{
	const size_t len = hex_bytes("80 00000000 01 aa 02 bbcc 00000001 "
				     "6b3343cf 1a2a3a4a",
				     packet, sizeof(packet));
	struct ztt_quic_header header = parsed(len, 0);

	(void)state;
	assert_int_equal(header.type, ZTT_PACKET_VERSION_NEGOTIATION);
	assert_int_equal(header.token_bytes, 12);
	assert_int_equal(header.number_offset, 0);
	assert_int_equal(ztt_quic_header_parse(packet, len - 1, 0, &header),
			 -EPROTO);
}

static void an_unknown_version_gives_its_connection_ids(void **state)
{
	const size_t len = hex_bytes("c0 1a2a3a4a 01 aa 02 bbcc 0102030405",
				     packet, sizeof(packet));
	struct ztt_quic_header header;

	(void)state;
	assert_int_equal(ztt_quic_header_parse(packet, len, 0, &header),
			 -ENOTSUP);
	assert_int_equal(header.version, 0x1a2a3a4a);
	assert_int_equal(header.dcid.data[0], 0xaa);
	assert_int_equal(header.scid.len_bytes, 2);
	assert_int_equal(header.packet_bytes, len);
	assert_int_equal(ztt_packet_type_name(ZTT_PACKET_TYPES)[0], 'u');
}

static void coalesced_packets_follow_each_other(void **state)
{
	size_t len = hex_bytes("e0 00000001 01 aa 01 bb 05 0102030405 "
			       "40 aa 01020304",
			       packet, sizeof(packet));
	struct ztt_quic_header header = parsed(len, 1);

	(void)state;
	assert_int_equal(header.type, ZTT_PACKET_HANDSHAKE);
	assert_int_equal(header.packet_bytes, 15);
	assert_int_equal(header.number_offset, 10);
	assert_int_equal(ztt_quic_header_parse(packet + 15, len - 15, 1,
					       &header),
			 0);
	assert_int_equal(header.type, ZTT_PACKET_1RTT);
	assert_int_equal(header.dcid.data[0], 0xaa);
	assert_int_equal(header.packet_bytes, 6);
}

static void a_packet_that_was_cut_keeps_what_is_there(void **state)
{
	const size_t len = rfc_packet("v1", "client");
	struct ztt_quic_header header;
	int result;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *data = malloc(cut + 1);

		memcpy(data, packet, cut);
		result = ztt_quic_header_parse(data, cut, 0, &header);
		assert_int_equal(result, cut < 15 ? -EPROTO : -EMSGSIZE);
		if (result == -EMSGSIZE) {
			assert_int_equal(header.packet_bytes, cut);
			assert_memory_equal(&header.dcid, &rfc_dcid,
					    sizeof(rfc_dcid));
		}
		free(data);
	}
}

static void what_is_no_packet_is_refused(void **state)
{
	static const char *const cases[] = {
		"00",
		"0000000000",
		"c0",
		"c000000001",
		"c0 00000001 15 000000000000000000000000000000000000000000 00",
		"f0 00000001 00 00 01020304", /* a Retry without a tag */
		"40 aabb",                    /* shorter than its DCID */
	};
	struct ztt_quic_header header;

	(void)state;
	assert_int_equal(ztt_quic_header_parse(packet, 0, 0, &header), -EPROTO);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const size_t len = hex_bytes(cases[i], packet, sizeof(packet));

		assert_int_equal(ztt_quic_header_parse(packet, len, 8, &header),
				 -EPROTO);
	}
}

static void a_stateless_reset_ends_in_its_token(void **state)
{
	static const uint8_t token[16] = {1, 2, 3, 4, 5};
	uint8_t data[32] = {0x40};

	(void)state;
	memcpy(data + 16, token, 16);
	assert_true(ztt_quic_is_stateless_reset(data, 32, token));
	assert_false(ztt_quic_is_stateless_reset(data + 12, 20, token));
	assert_false(ztt_quic_is_stateless_reset(data, 31, token));
	data[0] = 0xc0;
	assert_false(ztt_quic_is_stateless_reset(data, 32, token));
}

/* Real captures */
static void walked(const char *name, bool guess, unsigned opened,
		   unsigned super_datagrams, unsigned generations,
		   struct walk *walk)
{
	*walk = (struct walk){.guess_ciphers = guess};
	walk_capture(walk, name);
	assert_int_equal(walk->opened, opened);
	assert_int_equal(walk->failed, 0);
	assert_int_equal(walk->malformed, 0);
	assert_int_equal(walk->super_datagrams, super_datagrams);
	assert_int_equal(walk->generations, generations);
}

static void every_packet_of_cloudflared_opens(void **state)
{
	static struct walk walk;

	(void)state;
	for (int guess = 0; guess < 2; guess++) {
		walked("cf-basic", guess, 124, 31, 1, &walk);
		assert_int_equal(walk.connection_count, 2);
		walk_release(&walk);
	}
}

static void what_cloudflared_says_hello_with_is_read(void **state)
{
	static struct walk walk;
	const struct ztt_hello *client, *server;

	(void)state;
	walked("cf-basic", false, 124, 31, 1, &walk);
	client = &walk.connections[1].sides[0].hello;
	server = &walk.connections[1].sides[1].hello;
	assert_string_equal(walk.connections[0].sides[0].hello.server_name,
			    "probe.cftunnel.com");
	assert_string_equal(client->server_name, "quic.cftunnel.com");
	assert_string_equal(client->alpn, "argotunnel");
	assert_string_equal(server->alpn, "argotunnel");
	assert_string_equal(client->ja4,
			    "q13d0313al_55b375c5d22e_f902b76752af");
	assert_int_equal(client->group, 0x11ec);
	assert_int_equal(client->version, 0x0304);
	assert_int_equal(server->version, 0x0304);
	assert_int_equal(server->cipher_suite, 0x1301);
	assert_int_equal(client->parameters.max_idle_timeout_ms, 5000);
	assert_int_equal(client->parameters.max_datagram_frame_bytes, 16383);
	assert_int_equal(client->parameters.initial_max_data, 786432);
	assert_int_equal(client->parameters.max_udp_payload_bytes, 1452);
	assert_true(server->parameters.present);
	walk_release(&walk);
}

static void a_retry_of_ngtcp2_is_followed(void **state)
{
	static struct walk walk;

	(void)state;
	walked("ng-retry", false, 44, 8, 0, &walk);
	assert_true(walk.connections[0].retried);
	assert_true(walk.connections[0].retry_is_authentic);
	walk_release(&walk);
}

static void key_updates_of_ngtcp2_are_followed(void **state)
{
	static struct walk walk;

	(void)state;
	for (int guess = 0; guess < 2; guess++) {
		walked("ng-keyupdate", guess, 42, 9, 1, &walk);
		walk_release(&walk);
	}
}

static void chacha_of_ngtcp2_opens(void **state)
{
	static struct walk walk;

	(void)state;
	for (int guess = 0; guess < 2; guess++) {
		walked("ng-chacha", guess, 42, 18, 0, &walk);
		assert_string_equal(
			ztt_quic_keys_cipher(
				walk.connections[0].sides[0].keys[LEVEL_1RTT]),
			"ChaCha20-Poly1305");
		walk_release(&walk);
	}
}

/* Per captured frame what tshark prints: packet numbers, then frame types. */
struct lines {
	char numbers[1024][256], types[1024][1024];
};

static void append(char *line, size_t size, uint64_t value)
{
	const size_t len = strlen(line);

	snprintf(line + len, size - len, "%s%llu", len > 0 ? "," : "",
		 (unsigned long long)value);
}

static void note(void *owner, unsigned at, const struct ztt_quic_header *header,
		 const struct ztt_quic_opened *opened)
{
	struct ztt_bytes payload =
		ztt_bytes_of(opened->payload, opened->payload_bytes);
	struct lines *lines = owner;
	struct ztt_quic_frame frame;

	(void)header;
	assert_true(at < 1024);
	append(lines->numbers[at], sizeof(lines->numbers[at]), opened->number);
	while (ztt_quic_frame_next(&payload, &frame) == 1)
		for (size_t i = 0; i < (frame.type == 0x01 ? frame.repeats : 1);
		     i++)
			append(lines->types[at], sizeof(lines->types[at]),
			       frame.type);
}

/* Some versions print hex. */
static void in_decimal(const char *types, char *decimal, size_t size)
{
	char *end;

	decimal[0] = '\0';
	do {
		append(decimal, size, strtoull(types, &end, 0));
		types = end + 1;
	} while (*end == ',');
}

static void compare_line(const struct lines *lines, char *line, unsigned *same)
{
	char *numbers = strchr(line, '\t'), *types, decimal[1024];
	const unsigned long at = strtoul(line, NULL, 10);

	assert_non_null(numbers);
	types = strchr(++numbers, '\t');
	assert_non_null(types);
	*types++ = '\0';
	types[strcspn(types, "\n")] = '\0';
	/* Without types it did not open: a super-datagram. */
	if (*types == '\0')
		return;
	assert_true(at < 1024);
	assert_string_equal(lines->numbers[at], numbers);
	in_decimal(types, decimal, sizeof(decimal));
	assert_string_equal(lines->types[at], decimal);
	++*same;
}

static unsigned compare_tshark(const char *name, const struct lines *lines)
{
	static char line[4096];
	char command[512];
	unsigned same = 0;
	FILE *in;

	snprintf(command, sizeof(command),
		 "tshark -r tests/fixtures/%s.pcap -o "
		 "tls.keylog_file:tests/fixtures/%s.keys -d "
		 "udp.port==7844,quic -T fields -e frame.number -e "
		 "quic.packet_number -e quic.frame_type 2>/dev/null",
		 name, name);
	in = popen(command, "r");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in))
		compare_line(lines, line, &same);
	pclose(in);
	return same;
}

static void numbers_and_frames_are_as_tshark_says(void **state)
{
	static const char *const names[] = {"cf-basic", "ng-retry",
					    "ng-keyupdate", "ng-chacha"};
	static struct lines lines;
	static struct walk walk;

	(void)state;
	if (system("command -v tshark >/dev/null") != 0) {
		print_message("# skip: no tshark\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		memset(&lines, 0, sizeof(lines));
		walk = (struct walk){.packet = note, .owner = &lines};
		walk_capture(&walk, names[i]);
		assert_true(compare_tshark(names[i], &lines) > 30);
		walk_release(&walk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_clients_initial_of_the_rfc_opens),
		cmocka_unit_test(the_servers_initial_of_the_rfc_opens),
		cmocka_unit_test(the_retry_of_the_rfc_is_authentic),
		cmocka_unit_test(the_chacha_packet_of_the_rfc_opens),
		cmocka_unit_test(each_cipher_is_found_out_by_what_opens),
		cmocka_unit_test(a_cipher_is_not_known_before_a_packet_opened),
		cmocka_unit_test(there_are_no_keys_of_other_secrets),
		cmocka_unit_test(key_updates_are_followed),
		cmocka_unit_test(what_was_overtaken_by_a_key_update_opens),
		cmocka_unit_test(a_connection_that_was_joined_midway_opens),
		cmocka_unit_test(a_search_that_finds_nothing_changes_nothing),
		cmocka_unit_test(what_does_not_open_changes_nothing),
		cmocka_unit_test(packet_numbers_are_completed),
		cmocka_unit_test(type_bits_depend_on_the_version),
		cmocka_unit_test(version_negotiation_lists_versions),
		cmocka_unit_test(an_unknown_version_gives_its_connection_ids),
		cmocka_unit_test(coalesced_packets_follow_each_other),
		cmocka_unit_test(a_packet_that_was_cut_keeps_what_is_there),
		cmocka_unit_test(what_is_no_packet_is_refused),
		cmocka_unit_test(a_stateless_reset_ends_in_its_token),
		cmocka_unit_test(every_packet_of_cloudflared_opens),
		cmocka_unit_test(what_cloudflared_says_hello_with_is_read),
		cmocka_unit_test(a_retry_of_ngtcp2_is_followed),
		cmocka_unit_test(key_updates_of_ngtcp2_are_followed),
		cmocka_unit_test(chacha_of_ngtcp2_opens),
		cmocka_unit_test(numbers_and_frames_are_as_tshark_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
