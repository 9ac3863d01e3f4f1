/* Frames taken apart: every link layer, IP's headers, fragments, UDP, TCP and
 * super-datagrams; and the fixtures beside tshark. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <inttypes.h>

#include "capture_file.h"
#include "ztt-capture/decode/datagram.h"

#define UDP 17
#define TCP 6
#define SECOND INT64_C(1000000000)

static struct test_bytes made;
static struct ztt_fragments *fragments;

static void begin(void)
{
	made.len = 0;
	made.big = true;
}

static void put_hex(const char *hex)
{
	unsigned byte;

	for (; *hex; hex += *hex == ' ' ? 1 : 2)
		if (*hex != ' ') {
			assert_int_equal(sscanf(hex, "%2x", &byte), 1);
			test_put_uint(&made, byte, 1);
		}
}

static void put_payload(size_t len)
{
	for (size_t i = 0; i < len; i++)
		test_put_uint(&made, i * 7, 1);
}

/* 10.0.0.1 to 10.0.0.2, ECT(0), 63 hops. */
static void put_ip4(unsigned total, unsigned protocol, unsigned id,
		    unsigned fragment)
{
	put_hex("45 02");
	test_put16(&made, total);
	test_put16(&made, id);
	test_put16(&made, fragment);
	test_put16(&made, 63 << 8 | protocol);
	put_hex("0000 0a000001 0a000002");
}

/* fd00::1 to fd00::2, CE, 62 hops. */
static void put_ip6(unsigned payload, unsigned next)
{
	put_hex("60300000");
	test_put16(&made, payload);
	test_put16(&made, next << 8 | 62);
	put_hex("fd000000000000000000000000000001");
	put_hex("fd000000000000000000000000000002");
}

static void put_udp(unsigned len)
{
	test_put16(&made, 40000);
	test_put16(&made, 7844);
	test_put16(&made, len);
	test_put16(&made, 0xbad);
}

static void put_udp4(size_t payload)
{
	put_ip4((unsigned)payload + 28, UDP, 1, 0x4000);
	put_udp((unsigned)payload + 8);
	put_payload(payload);
}

static struct ztt_frame frame_of(unsigned link)
{
	return (struct ztt_frame){
		.number = 1,
		.at_ns = 1000 * SECOND,
		.link = link,
		.captured_bytes = (uint32_t)made.len,
		.length_bytes = (uint32_t)made.len,
		.data = made.data,
	};
}

static struct ztt_frame frame; /* the last one that was decoded */

/* Decodes a copy of its exact size, so that a read past it is seen. */
static enum ztt_undecoded decode_frame(const struct ztt_frame *of,
				       struct ztt_datagram *datagram)
{
	static uint8_t *copy;

	free(copy);
	copy = malloc(of->captured_bytes + 1UL);
	memcpy(copy, of->data, of->captured_bytes);
	frame = *of;
	frame.data = copy;
	return ztt_datagram_decode(fragments, &frame, datagram);
}

static enum ztt_undecoded decode(unsigned link, struct ztt_datagram *datagram)
{
	struct ztt_frame of = frame_of(link);

	return decode_frame(&of, datagram);
}

/* Sizes and what UDP carries; addresses as put above. */
static void assert_udp(const struct ztt_datagram *datagram, size_t payload)
{
	char from[ZTT_ENDPOINT_LEN], to[ZTT_ENDPOINT_LEN];
	bool v6 = datagram->from.family == 6;

	ztt_endpoint_text(&datagram->from, from);
	ztt_endpoint_text(&datagram->to, to);
	assert_string_equal(from, v6 ? "[fd00::1]:40000" : "10.0.0.1:40000");
	assert_string_equal(to, v6 ? "[fd00::2]:7844" : "10.0.0.2:7844");
	assert_int_equal(datagram->protocol, UDP);
	assert_int_equal(datagram->ecn, v6 ? 3 : 2);
	assert_int_equal(datagram->ttl, v6 ? 62 : 63);
	assert_int_equal(datagram->payload_bytes, payload);
	assert_int_equal(datagram->payload_whole_bytes, payload);
	assert_false(datagram->cut);
	assert_ptr_equal(datagram->frame, &frame);
	for (size_t i = 0; i < payload; i++)
		assert_int_equal(datagram->payload[i], (uint8_t)(i * 7));
}

static const struct {
	unsigned link;
	const char *header4, *header6; /* NULL: none such */
} links[] = {
	{ZTT_LINK_ETHERNET, "010203040506 0708090a0b0c 0800",
	 "010203040506 0708090a0b0c 86dd"},
	{ZTT_LINK_ETHERNET, "010203040506 0708090a0b0c 8100 0064 0800",
	 "010203040506 0708090a0b0c 88a8 0064 8100 2001 86dd"},
	{ZTT_LINK_ETHERNET,
	 "010203040506 0708090a0b0c 8864 1100 0001 0020 0021",
	 "010203040506 0708090a0b0c 8864 1100 0001 0020 0057"},
	{ZTT_LINK_LINUX_SLL, "0004 0001 0006 0102030405060000 0800",
	 "0000 0001 0006 0102030405060000 8100 0064 86dd"},
	{ZTT_LINK_LINUX_SLL2, "0800 0000 00000003 0001 00 06 0102030405060000",
	 "86dd 0000 00000003 0001 04 06 0102030405060000"},
	{ZTT_LINK_NULL, "02000000", "1e000000"},
	{ZTT_LINK_NULL, "00000002", "0000000a"},
	{ZTT_LINK_LOOP, "00000002", "00000018"},
	{ZTT_LINK_LOOP, "02000000", "1c000000"},
	{ZTT_LINK_RAW, "", ""},
	{ZTT_LINK_IPV4, "", NULL},
	{ZTT_LINK_IPV6, NULL, ""},
};

static void test_links(void **state)
{
	struct ztt_datagram datagram;
	char why[32];

	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		snprintf(why, sizeof(why), "link %zu", i);
		begin();
		if (links[i].header4) {
			put_hex(links[i].header4);
			put_udp4(30);
			if (decode(links[i].link, &datagram) != ZTT_DECODED)
				fail_msg("%s", why);
			assert_udp(&datagram, 30);
			assert_int_equal(datagram.ip_bytes, 58);
		}
		begin();
		if (links[i].header6) {
			put_hex(links[i].header6);
			put_ip6(38, UDP);
			put_udp(38);
			put_payload(30);
			if (decode(links[i].link, &datagram) != ZTT_DECODED)
				fail_msg("%s", why);
			assert_udp(&datagram, 30);
			assert_int_equal(datagram.ip_bytes, 78);
		}
	}
}

/* However short a frame is cut, it is told, and never read past. */
static void test_cut_headers(void **state)
{
	struct ztt_datagram datagram;
	enum ztt_undecoded why;

	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (!links[i].header6)
			continue;
		begin();
		put_hex(links[i].header6);
		put_ip6(46, 60);
		put_hex("1100 0104 00000000");
		put_udp(38);
		for (; made.len; made.len--) {
			why = decode(links[i].link, &datagram);
			if (why == ZTT_DECODED)
				assert_int_equal(datagram.payload_bytes, 0);
			else
				assert_true(why == ZTT_TRUNCATED);
		}
	}
}

static void test_not_ours(void **state)
{
	struct ztt_datagram datagram;

	(void)state;
	begin();
	put_hex("ffffffffffff 0708090a0b0c 0806 0001080006040001");
	assert_int_equal(decode(ZTT_LINK_ETHERNET, &datagram), ZTT_OTHER);
	assert_int_equal(decode(147, &datagram), ZTT_LINK_UNKNOWN);
	begin();
	put_ip4(28, 1, 1, 0);
	put_payload(8);
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_OTHER);
	begin();
	put_ip6(0, 59);
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_OTHER);
	begin();
	put_hex("00000007 45000000");
	assert_int_equal(decode(ZTT_LINK_NULL, &datagram), ZTT_OTHER);
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_OTHER);
}

static void test_malformed(void **state)
{
	struct ztt_datagram datagram;

	(void)state;
	begin();
	put_udp4(4);
	assert_int_equal(decode(ZTT_LINK_IPV6, &datagram), ZTT_MALFORMED);
	made.data[0] = 0x44; /* a header of 16 bytes */
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_MALFORMED);
	made.data[0] = 0x45;
	made.data[3] = 19; /* shorter than its header */
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_MALFORMED);
	made.data[3] = 32;
	made.data[25] = 7; /* UDP shorter than its header */
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_MALFORMED);
	made.data[25] = 13; /* and longer than the packet */
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_MALFORMED);
	begin();
	put_ip6(1000, 60);
	for (int i = 0; i < 40; i++)
		put_hex("3c00 0104 00000000");
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_MALFORMED);
}

static void test_ip4_options(void **state)
{
	struct ztt_datagram datagram;

	(void)state;
	begin();
	put_ip4(20 + 40 + 8 + 5, UDP, 1, 0);
	for (int i = 0; i < 10; i++)
		put_hex("01010101");
	made.data[0] = 0x4f;
	put_udp(13);
	put_payload(5);
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_DECODED);
	assert_udp(&datagram, 5);
}

static void test_ip6_extensions(void **state)
{
	struct ztt_datagram datagram;

	(void)state;
	begin();
	put_ip6(8 + 24 + 8 + 8 + 24 + 8 + 3, 0);
	put_hex("2b00 0502 0000 0100"); /* hop by hop: router alert */
	put_hex("3c02 0400 00000000 fd000000000000000000000000000003");
	put_hex("2c00 0104 00000000"); /* destination options */
	put_hex("3300 0000 00000001"); /* an atomic fragment */
	put_hex("1104 0000 00000001 00000002 0102030405060708090a0b0c");
	put_udp(11);
	put_payload(3);
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_DECODED);
	assert_udp(&datagram, 3);
}

static void test_padding_is_none_of_it(void **state)
{
	struct ztt_datagram datagram;

	(void)state;
	begin();
	put_hex(links[0].header4);
	put_udp4(3);
	put_hex("00000000 00000000 00000000 000000");
	assert_int_equal(decode(ZTT_LINK_ETHERNET, &datagram), ZTT_DECODED);
	assert_udp(&datagram, 3);
	assert_int_equal(datagram.ip_bytes, 31);
	/* UDP's own surplus (RFC 9868) is none of the payload, either. */
	begin();
	put_ip4(28 + 5 + 4, UDP, 1, 0);
	put_udp(13);
	put_payload(5);
	put_hex("01010101");
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_DECODED);
	assert_udp(&datagram, 5);
}

static void test_snap_length_cuts(void **state)
{
	struct ztt_datagram datagram;
	struct ztt_frame of;

	(void)state;
	begin();
	put_udp4(1200);
	of = frame_of(ZTT_LINK_RAW);
	of.captured_bytes = 128;
	assert_int_equal(decode_frame(&of, &datagram), ZTT_DECODED);
	assert_int_equal(datagram.payload_bytes, 100);
	assert_int_equal(datagram.payload_whole_bytes, 1200);
	assert_int_equal(datagram.ip_bytes, 1228);
	assert_true(datagram.cut);
	of.captured_bytes = 27;
	assert_int_equal(decode_frame(&of, &datagram), ZTT_TRUNCATED);
}

static void put_tcp(unsigned offset_flags)
{
	test_put16(&made, 40000);
	test_put16(&made, 7844);
	put_hex("01020304 fffefdfc");
	test_put16(&made, offset_flags);
	test_put16(&made, 501);
	put_hex("0000 0000");
}

static void test_tcp(void **state)
{
	struct ztt_datagram datagram;

	(void)state;
	begin();
	put_ip4(20 + 32 + 10, TCP, 1, 0);
	put_tcp(0x8012);
	put_hex("0101080a 00000001 00000002");
	put_payload(10);
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_DECODED);
	assert_int_equal(datagram.protocol, TCP);
	assert_int_equal(datagram.from.port, 40000);
	assert_int_equal(datagram.to.port, 7844);
	assert_int_equal(datagram.sequence, 0x01020304);
	assert_int_equal(datagram.acknowledgement, 0xfffefdfc);
	assert_int_equal(datagram.window, 501);
	assert_int_equal(datagram.tcp_flags, 2 | 16);
	assert_int_equal(datagram.payload_bytes, 10);
	assert_int_equal(datagram.payload[9], 63);
	made.data[32] = 0x40;
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_MALFORMED);
	made.data[32] = 0xf0; /* longer than the packet */
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_MALFORMED);
}

/* More than 65,535 bytes of segments in one frame: IP says 0. */
static void test_super_of_more_than_64k(void **state)
{
	struct ztt_datagram datagram;

	(void)state;
	begin();
	put_ip4(0, TCP, 1, 0);
	put_tcp(0x5010);
	put_payload(100000);
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_DECODED);
	assert_int_equal(datagram.payload_bytes, 100000);
	assert_int_equal(datagram.ip_bytes, 100040);

	begin(); /* IPv6 tells it in an option */
	put_ip6(0, 0);
	put_hex("1100 c204 00019010");
	put_udp(0);
	put_payload(102400);
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_DECODED);
	assert_udp(&datagram, 102400);
	assert_int_equal(datagram.ip_bytes, 40 + 8 + 8 + 102400);

	begin(); /* or Linux leaves that out, too */
	put_ip6(0, UDP);
	put_udp(0);
	put_payload(70000);
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_DECODED);
	assert_udp(&datagram, 70000);
}

/* Length fields of one segment on a frame of several. */
static void test_super_with_a_segments_length(void **state)
{
	struct ztt_datagram datagram;
	struct ztt_frame of;

	(void)state;
	begin();
	put_ip4(28 + 12000, UDP, 1, 0);
	put_udp(1208);
	put_payload(12000);
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_DECODED);
	assert_udp(&datagram, 12000);

	begin();
	put_ip4(1228, UDP, 1, 0);
	put_udp(1208);
	put_payload(3000);
	of = frame_of(ZTT_LINK_RAW);
	of.segment_bytes = 1200;
	of.has_vnet = true;
	assert_int_equal(decode_frame(&of, &datagram), ZTT_DECODED);
	assert_udp(&datagram, 3000);
	assert_int_equal(datagram.ip_bytes, 3028);

	begin(); /* UDP knows, IP does not */
	put_ip4(1228, UDP, 1, 0);
	put_udp(3008);
	put_payload(3000);
	assert_int_equal(decode(ZTT_LINK_RAW, &datagram), ZTT_DECODED);
	assert_udp(&datagram, 3000);
	assert_int_equal(datagram.ip_bytes, 3028);
}

/* The fragment of a UDP datagram of `whole` bytes with payload as put_payload
 * makes it: `len` bytes of the IP payload at `offset`. */
static struct ztt_frame fragment4(unsigned id, size_t whole, size_t offset,
				  size_t len)
{
	bool more = offset + len < whole + 8;
	static uint8_t datagram[70000];

	begin();
	put_udp((unsigned)whole + 8);
	put_payload(whole);
	memcpy(datagram, made.data, made.len);
	begin();
	put_ip4((unsigned)len + 20, UDP, id,
		(more ? 0x2000U : 0) | (unsigned)offset / 8);
	test_put(&made, datagram + offset, len);
	return frame_of(ZTT_LINK_RAW);
}

static enum ztt_undecoded give(unsigned id, size_t whole, size_t offset,
			       size_t len, struct ztt_datagram *datagram)
{
	struct ztt_frame of = fragment4(id, whole, offset, len);

	return decode_frame(&of, datagram);
}

static int begin_fragments(void **state)
{
	(void)state;
	fragments = ztt_fragments_new();
	return 0;
}

static int end_fragments(void **state)
{
	(void)state;
	ztt_fragments_free(fragments);
	fragments = NULL;
	return 0;
}

static void test_fragments_any_order(void **state)
{
	static const size_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct ztt_datagram datagram;
	enum ztt_undecoded why;

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		for (unsigned j = 0; j < 3; j++) {
			size_t offset = orders[i][j] * 1480;

			why = give(i, 4000, offset,
				   offset == 2960 ? 1048 : 1480, &datagram);
			assert_int_equal(why,
					 j == 2 ? ZTT_DECODED : ZTT_FRAGMENT);
			if (j == 2)
				assert_udp(&datagram, 4000);
		}
	assert_int_equal(datagram.ip_bytes, 4028);
	assert_int_equal(ztt_fragments_given_up(fragments), 0);
	assert_int_equal(ztt_fragments_waiting(fragments), 0);
}

static void test_fragment_twice(void **state)
{
	struct ztt_datagram datagram;

	(void)state;
	assert_int_equal(give(1, 8000, 0, 4800, &datagram), ZTT_FRAGMENT);
	assert_int_equal(give(1, 8000, 0, 4800, &datagram), ZTT_FRAGMENT);
	assert_int_equal(give(1, 8000, 4800, 3208, &datagram), ZTT_DECODED);
	assert_udp(&datagram, 8000);
	assert_int_equal(ztt_fragments_given_up(fragments), 0);
}

static void test_fragments_overlap(void **state)
{
	static const struct {
		size_t offset, len;
	} cases[] = {
		{1472, 1480}, {8, 1480},   {0, 2960},
		{0, 1472},    {1400, 480}, {16, 32},
	};
	struct ztt_datagram datagram;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		give(i, 8000, 0, 1480, &datagram);
		assert_int_equal(give(i, 8000, cases[i].offset, cases[i].len,
				      &datagram),
				 ZTT_MALFORMED);
		assert_int_equal(ztt_fragments_given_up(fragments), i + 1);
	}
	assert_int_equal(ztt_fragments_waiting(fragments), 0);
}

static void test_fragments_contradict(void **state)
{
	struct ztt_datagram datagram;
	struct ztt_frame of;

	(void)state;
	give(1, 2000, 1600, 408, &datagram); /* the last, and one behind it */
	assert_int_equal(give(1, 4000, 2400, 800, &datagram), ZTT_MALFORMED);
	give(2, 4000, 2400, 800, &datagram);
	assert_int_equal(give(2, 2000, 1600, 408, &datagram), ZTT_MALFORMED);
	/* Not the last, and no multiple of 8. */
	assert_int_equal(give(3, 4000, 0, 1481, &datagram), ZTT_MALFORMED);
	/* Past what an IP packet can be. */
	of = fragment4(4, 65000, 64000, 1008);
	made.data[6] = 0x1f;
	made.data[7] = 0xff;
	assert_int_equal(decode_frame(&of, &datagram), ZTT_MALFORMED);
	assert_int_equal(ztt_fragments_given_up(fragments), 4);
}

static void test_fragments_time_out(void **state)
{
	struct ztt_datagram datagram;
	struct ztt_frame of = fragment4(1, 2000, 0, 1480);

	(void)state;
	assert_int_equal(decode_frame(&of, &datagram), ZTT_FRAGMENT);
	of = fragment4(1, 2000, 1480, 528);
	of.at_ns += 31 * SECOND;
	assert_int_equal(decode_frame(&of, &datagram), ZTT_FRAGMENT);
	assert_int_equal(ztt_fragments_given_up(fragments), 1);
	assert_int_equal(ztt_fragments_waiting(fragments), 1);
	of = fragment4(1, 2000, 0, 1480);
	of.at_ns += 60 * SECOND;
	assert_int_equal(decode_frame(&of, &datagram), ZTT_DECODED);
	assert_udp(&datagram, 2000);
}

/* The same packet at two interfaces of one capture. */
static void test_fragments_of_two_places(void **state)
{
	struct ztt_datagram datagram;
	struct ztt_frame of;

	(void)state;
	for (unsigned round = 0; round < 2; round++)
		for (unsigned interface = 0; interface < 2; interface++) {
			of = fragment4(1, 2000, round * 1480,
				       round ? 528 : 1480);
			of.interface = interface;
			assert_int_equal(decode_frame(&of, &datagram),
					 round ? ZTT_DECODED : ZTT_FRAGMENT);
		}
	assert_int_equal(ztt_fragments_given_up(fragments), 0);
}

/* The oldest are given up, however many come and however large they are. */
static void test_fragments_are_bounded(void **state)
{
	struct ztt_datagram datagram;

	(void)state;
	for (unsigned id = 0; id < 300; id++)
		give(id, 60000, 0, 32, &datagram);
	assert_int_equal(ztt_fragments_waiting(fragments), 256);
	assert_int_equal(ztt_fragments_given_up(fragments), 44);
	for (unsigned id = 1000; id < 1300; id++)
		give(id, 65000, 0, 60000, &datagram);
	assert_true(ztt_fragments_waiting(fragments) < 150);
	assert_int_equal(ztt_fragments_waiting(fragments) +
				 ztt_fragments_given_up(fragments),
			 600);
	/* The newest is still put together. */
	assert_int_equal(give(1299, 65000, 60000, 5008, &datagram),
			 ZTT_DECODED);
	assert_udp(&datagram, 65000);
}

static void test_tiny_fragments(void **state)
{
	struct ztt_datagram datagram;
	enum ztt_undecoded why = ZTT_FRAGMENT;

	(void)state;
	for (size_t offset = 0; offset < 30008; offset += 8) {
		assert_int_equal(why, ZTT_FRAGMENT);
		why = give(1, 30000, 30000 - offset, 8, &datagram);
	}
	assert_int_equal(why, ZTT_DECODED);
	assert_udp(&datagram, 30000);
}

static void test_cut_fragment(void **state)
{
	struct ztt_datagram datagram;
	struct ztt_frame of = fragment4(1, 4000, 0, 1480);

	(void)state;
	decode_frame(&of, &datagram);
	of = fragment4(1, 4000, 1480, 1480);
	of.captured_bytes = 120;
	decode_frame(&of, &datagram);
	assert_int_equal(give(1, 4000, 2960, 1048, &datagram), ZTT_DECODED);
	assert_int_equal(datagram.payload_whole_bytes, 4000);
	assert_int_equal(datagram.payload_bytes, 1472 + 100);
	assert_true(datagram.cut);
}

static struct ztt_frame fragment6(size_t offset, size_t len, bool more)
{
	static uint8_t datagram[4096];

	begin();
	put_hex("1100 0104 00000000"); /* behind the fragment's header */
	put_udp(2008);
	put_payload(2000);
	memcpy(datagram, made.data, made.len);
	begin();
	put_ip6((unsigned)len + 8, 44);
	put_hex("3c00");
	test_put16(&made, (unsigned)offset | more);
	test_put32(&made, 0xabcdef01);
	test_put(&made, datagram + offset, len);
	return frame_of(ZTT_LINK_RAW);
}

static void test_fragments_of_ip6(void **state)
{
	struct ztt_datagram datagram;
	struct ztt_frame of = fragment6(1200, 816, false);

	(void)state;
	assert_int_equal(decode_frame(&of, &datagram), ZTT_FRAGMENT);
	of = fragment6(0, 1200, true);
	assert_int_equal(decode_frame(&of, &datagram), ZTT_DECODED);
	assert_udp(&datagram, 2000);
	assert_int_equal(datagram.ip_bytes, 40 + 8 + 2016);
}

static void test_without_putting_together(void **state)
{
	struct ztt_datagram datagram;

	(void)state;
	assert_null(fragments);
	assert_int_equal(give(1, 2000, 0, 1480, &datagram), ZTT_FRAGMENT);
}

/* One line as tshark's fields print it. */
static void line_of(const struct ztt_datagram *datagram, char *out, size_t cap)
{
	char from[ZTT_ENDPOINT_LEN], to[ZTT_ENDPOINT_LEN];
	const struct ztt_frame *of = datagram->frame;
	bool udp = datagram->protocol == UDP;

	*strrchr(ztt_endpoint_text(&datagram->from, from), ':') = 0;
	*strrchr(ztt_endpoint_text(&datagram->to, to), ':') = 0;
	snprintf(out, cap,
		 "%" PRIu64 "|%" PRId64 ".%09" PRId64 "|%" PRIu32 "|%s|%s|%u|",
		 of->number, of->at_ns / SECOND, of->at_ns % SECOND,
		 of->length_bytes, from, to, datagram->protocol);
	cap -= strlen(out);
	out += strlen(out);
	if (udp)
		snprintf(out, cap, "%u|%u|%zu|||\n", datagram->from.port,
			 datagram->to.port, datagram->payload_whole_bytes + 8);
	else
		snprintf(out, cap, "|||%u|%u|%zu\n", datagram->from.port,
			 datagram->to.port, datagram->payload_whole_bytes);
}

static void compare(const char *path)
{
	char command[512], theirs[512], ours[512];
	struct ztt_source *source = test_open(path);
	struct ztt_datagram datagram;
	struct ztt_frame of;
	struct ztt_err err;
	FILE *tshark;

	snprintf(command, sizeof(command),
		 "tshark -n -r %s -T fields -E separator='|' -e frame.number "
		 "-e frame.time_epoch -e frame.len -e ip.src -e ip.dst "
		 "-e ip.proto -e udp.srcport -e udp.dstport -e udp.length "
		 "-e tcp.srcport -e tcp.dstport -e tcp.len 2>/dev/null",
		 path);
	tshark = popen(command, "r");
	assert_non_null(tshark);
	while (ztt_source_next(source, &of, &err) > 0) {
		assert_int_equal(ztt_datagram_decode(NULL, &of, &datagram),
				 ZTT_DECODED);
		line_of(&datagram, ours, sizeof(ours));
		assert_non_null(fgets(theirs, sizeof(theirs), tshark));
		assert_string_equal(ours, theirs);
	}
	assert_null(fgets(theirs, sizeof(theirs), tshark));
	pclose(tshark);
	ztt_source_close(source);
}

static void test_as_tshark(void **state)
{
	static const char *const paths[] = {
		"tests/fixtures/cf-basic.pcap",
		"tests/fixtures/cf-h2.pcap",
		"tests/fixtures/cf-loss2.agent.pcap",
		"tests/fixtures/cf-loss2.edge.pcap",
		"tests/fixtures/ng-chacha.pcap",
		"tests/fixtures/ng-keyupdate.pcap",
		"tests/fixtures/ng-retry.pcap",
		"tests/fixtures/wg-loss1.pcap",
	};

	(void)state;
	if (!test_has("tshark")) {
		print_message("# skip: no tshark here\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		compare(paths[i]);
}

#define FRAGMENTS_TEST(test) \
	cmocka_unit_test_setup_teardown(test, begin_fragments, end_fragments)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_cut_headers),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_ip4_options),
		cmocka_unit_test(test_ip6_extensions),
		cmocka_unit_test(test_padding_is_none_of_it),
		cmocka_unit_test(test_snap_length_cuts),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_super_of_more_than_64k),
		cmocka_unit_test(test_super_with_a_segments_length),
		FRAGMENTS_TEST(test_fragments_any_order),
		FRAGMENTS_TEST(test_fragment_twice),
		FRAGMENTS_TEST(test_fragments_overlap),
		FRAGMENTS_TEST(test_fragments_contradict),
		FRAGMENTS_TEST(test_fragments_time_out),
		FRAGMENTS_TEST(test_fragments_of_two_places),
		FRAGMENTS_TEST(test_fragments_are_bounded),
		FRAGMENTS_TEST(test_tiny_fragments),
		FRAGMENTS_TEST(test_cut_fragment),
		FRAGMENTS_TEST(test_fragments_of_ip6),
		cmocka_unit_test(test_without_putting_together),
		cmocka_unit_test(test_as_tshark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
