/* JA4 against fingerprints that FoxIO published, with what they are made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ztt-capture/decode/ja4.h"

#define CHROME_SIGNATURES "0403,0804,0401,0503,0805,0501,0806,0601"

static const struct {
	const char *want;
	bool quic;
	uint16_t version;
	const char *alpn, *ciphers, *extensions, *signatures;
} published[] = {
	/* The example of the description itself. */
	{"t13d1516h2_8daaf6152771_e5627efa2ab1", false, 0x0304, "h2",
	 "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,"
	 "002f,0035",
	 "001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,"
	 "000b,000a,0015",
	 CHROME_SIGNATURES},
	/* The same with GREASE wherever Chrome puts it. */
	{"t13d1516h2_8daaf6152771_e5627efa2ab1", false, 0x0304, "h2",
	 "3a3a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,"
	 "009d,002f,0035",
	 "dada,001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,"
	 "ff01,000b,000a,0a0a,0015",
	 CHROME_SIGNATURES},
	/* Chrome over QUIC, as README.md lists it, and an older one. */
	{"q13d0312h3_55b375c5d22e_06cda9e17597", true, 0x0304, "h3",
	 "1301,1302,1303",
	 "000a,0000,0010,000d,001b,002b,002d,0033,0039,4469,fe0d,0029",
	 CHROME_SIGNATURES ",0201"},
	{"q13d0310h3_55b375c5d22e_cd85d2d88918", true, 0x0304, "h3",
	 "1301,1302,1303", "0033,000d,001b,002d,0010,0000,4469,0039,000a,002b",
	 CHROME_SIGNATURES ",0201"},
	/* tls-alpn-h2.pcap: values that only look like GREASE. */
	{"t12d4605h2_85626a9a5f7f_aaf95bb78ec9", false, 0x0303, "h2",
	 "c030,c02c,c028,c024,c014,c00a,009f,006b,0039,cca9,cca8,ccaa,ff85,"
	 "00c4,0088,0081,009d,003d,0035,00c0,0084,c02f,c02b,c027,c023,c013,"
	 "c009,009e,0067,0033,00be,0045,009c,003c,002f,00ba,0041,c011,c007,"
	 "0005,0004,c012,c008,0016,000a,00ff",
	 "0000,000b,000a,000d,0010",
	 "0601,0603,efef,0501,0503,0401,0403,eeee,eded,0301,0303,0201,0203"},
	/* latest.pcapng: no ALPN. */
	{"t12d190800_d83cc789557e_7af1ed941c26", false, 0x0303, "",
	 "c02c,c02b,c030,c02f,c024,c023,c028,c027,c00a,c009,c014,c013,009d,"
	 "009c,003d,003c,0035,002f,000a",
	 "0000,0005,000a,000b,000d,0023,0017,ff01",
	 "0804,0805,0806,0401,0501,0201,0403,0503,0203,0202,0601,0603"},
};

static void add(struct ztt_ja4_list *list, const char *text)
{
	char *end;

	for (; *text != '\0'; text = *end == ',' ? end + 1 : end)
		ztt_ja4_add(list, (uint16_t)strtoul(text, &end, 16));
}

static struct ztt_ja4 ja4;
static char text[ZTT_JA4_LEN];

static void published_fingerprints_come_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(published) / sizeof(*published); i++) {
		ja4 = (struct ztt_ja4){
			.quic = published[i].quic,
			.version = published[i].version,
			.alpn = (const uint8_t *)published[i].alpn,
			.alpn_bytes = strlen(published[i].alpn),
		};
		add(&ja4.ciphers, published[i].ciphers);
		add(&ja4.extensions, published[i].extensions);
		add(&ja4.signatures, published[i].signatures);
		ztt_ja4_text(&ja4, text);
		assert_string_equal(text, published[i].want);
	}
}

static void without_signatures_there_is_no_underscore(void **state)
{
	(void)state;
	ja4 = (struct ztt_ja4){.version = 0x0304};
	add(&ja4.ciphers, "1301");
	add(&ja4.extensions,
	    "0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,"
	    "4469,ff01");
	ztt_ja4_text(&ja4, text);
	assert_string_equal(text + 24, "6d807ffa2a79");
}

static void an_empty_list_hashes_to_zeros(void **state)
{
	(void)state;
	ja4 = (struct ztt_ja4){.version = 0x0303};
	ztt_ja4_text(&ja4, text);
	assert_string_equal(text, "t12i000000_000000000000_000000000000");
	add(&ja4.extensions, "0000,0010");
	ztt_ja4_text(&ja4, text);
	assert_string_equal(text, "t12d000200_000000000000_000000000000");
}

/* The examples of the description. */
static void other_bytes_of_an_alpn_are_shown_in_hex(void **state)
{
	static const struct {
		const char *alpn, *want;
	} cases[] = {
		{"\xab", "ab"},
		{"\x20", "20"},
		{"\xab\xcd", "ad"},
		{"\x20\x61", "21"},
		{"\x30\xab", "3b"},
		{"\x61\x20", "60"},
		{"\x30\x31\xab\xcd", "3d"},
		{"\x30\xab\xcd\x31", "01"},
		{"h", "hh"},
		{"http/1.1", "h1"},
		{"argotunnel", "al"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ja4 = (struct ztt_ja4){
			.version = 0x0304,
			.alpn = (const uint8_t *)cases[i].alpn,
			.alpn_bytes = strlen(cases[i].alpn),
		};
		ztt_ja4_text(&ja4, text);
		assert_memory_equal(text + 8, cases[i].want, 2);
	}
}

static void versions_have_two_characters(void **state)
{
	static const struct {
		uint16_t version;
		const char *want;
	} cases[] = {
		{0x0304, "13"}, {0x0303, "12"}, {0x0302, "11"}, {0x0301, "10"},
		{0x0300, "s3"}, {0x0002, "s2"}, {0x0305, "00"}, {0x7f1c, "00"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ja4 = (struct ztt_ja4){.version = cases[i].version};
		ztt_ja4_text(&ja4, text);
		assert_memory_equal(text + 1, cases[i].want, 2);
	}
}

static void counts_end_at_99_and_lists_somewhere(void **state)
{
	(void)state;
	ja4 = (struct ztt_ja4){.version = 0x0304};
	for (size_t i = 0; i < ZTT_JA4_LIST_MAX; i++)
		ztt_ja4_add(&ja4.ciphers, (uint16_t)(i + 1));
	ztt_ja4_text(&ja4, text);
	assert_memory_equal(text, "t13i990000_", 11);
	ztt_ja4_add(&ja4.ciphers, 0xffff);
	ztt_ja4_text(&ja4, text);
	assert_string_equal(text, "");
}

static void grease_is_sixteen_values(void **state)
{
	size_t count = 0;

	(void)state;
	for (unsigned i = 0; i <= UINT16_MAX; i++)
		count += ztt_ja4_is_grease((uint16_t)i);
	assert_int_equal(count, 16);
	assert_true(ztt_ja4_is_grease(0x0a0a));
	assert_true(ztt_ja4_is_grease(0xfafa));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_fingerprints_come_out),
		cmocka_unit_test(without_signatures_there_is_no_underscore),
		cmocka_unit_test(an_empty_list_hashes_to_zeros),
		cmocka_unit_test(other_bytes_of_an_alpn_are_shown_in_hex),
		cmocka_unit_test(versions_have_two_characters),
		cmocka_unit_test(counts_end_at_99_and_lists_somewhere),
		cmocka_unit_test(grease_is_sixteen_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
