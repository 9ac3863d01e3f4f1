/* Capture files: every form of them, and what is broken about one. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <zlib.h>

#include "capture_file.h"

#define SECOND INT64_C(1000000000)
#define AT_S 1000000 /* when the made frames were captured */

static struct test_bytes made; /* too large for the stack */

static void begin_file(bool big)
{
	made.len = 0;
	made.big = big;
}

static void begin_pcap(bool big, uint32_t magic)
{
	begin_file(big);
	test_put32(&made, magic);
	test_put16(&made, 2);
	test_put16(&made, 4);
	test_put64(&made, 0);
	test_put32(&made, 65535);
	test_put32(&made, ZTT_LINK_RAW);
}

static void put_record(uint32_t fraction, uint32_t captured, uint32_t length)
{
	test_put32(&made, AT_S);
	test_put32(&made, fraction);
	test_put32(&made, captured);
	test_put32(&made, length);
	for (uint32_t i = 0; i < captured; i++)
		test_put_uint(&made, i, 1);
}

static size_t begin_block(uint32_t type)
{
	size_t at = made.len;

	test_put32(&made, type);
	test_put32(&made, 0);
	return at;
}

static void end_block(size_t at)
{
	size_t end = made.len;
	uint32_t len = (uint32_t)(end - at) + 4;

	made.len = at + 4;
	test_put32(&made, len);
	made.len = end;
	test_put32(&made, len);
}

static void put_section(bool big)
{
	size_t at;

	made.big = big;
	at = begin_block(0x0a0d0d0a);
	test_put32(&made, 0x1a2b3c4d);
	test_put16(&made, 1);
	test_put16(&made, 0);
	test_put64(&made, UINT64_MAX);
	end_block(at);
}

static void put_option(unsigned code, const void *value, size_t len)
{
	test_put16(&made, code);
	test_put16(&made, (unsigned)len);
	test_put(&made, value, len);
	test_put(&made, "\0\0\0", -len & 3);
}

/* `resolution` 0xff: not told, microseconds. */
static void put_interface(unsigned link, uint8_t resolution, int64_t offset_s)
{
	size_t at = begin_block(1);

	test_put16(&made, link);
	test_put16(&made, 0);
	test_put32(&made, 100);
	if (resolution != 0xff)
		put_option(9, &resolution, 1);
	if (offset_s) {
		test_put16(&made, 14);
		test_put16(&made, 8);
		test_put64(&made, (uint64_t)offset_s);
	}
	end_block(at);
}

static void put_packet_head(uint32_t interface, uint64_t ticks, uint32_t len)
{
	test_put32(&made, interface);
	test_put32(&made, (uint32_t)(ticks >> 32));
	test_put32(&made, (uint32_t)ticks);
	test_put32(&made, len);
	test_put32(&made, len + 10);
	for (uint32_t i = 0; i < ((len + 3) & ~3U); i++)
		test_put_uint(&made, i, 1);
}

static void put_packet(uint32_t interface, uint64_t ticks, uint32_t len)
{
	size_t at = begin_block(6);

	put_packet_head(interface, ticks, len);
	end_block(at);
}

static void put_secrets(uint32_t type, const char *text, size_t len)
{
	size_t at = begin_block(10);

	test_put32(&made, type);
	test_put32(&made, (uint32_t)len);
	test_put(&made, text, len);
	test_put(&made, "\0\0\0", -len & 3);
	end_block(at);
}

static struct ztt_frame next_of(struct ztt_source *source)
{
	struct ztt_frame frame;
	struct ztt_err err;

	assert_int_equal(ztt_source_next(source, &frame, &err), 1);
	return frame;
}

static void assert_end(struct ztt_source *source, const char *problem)
{
	struct ztt_source_figures figures;
	struct ztt_frame frame;
	struct ztt_err err;

	assert_int_equal(ztt_source_next(source, &frame, &err), 0);
	assert_int_equal(ztt_source_next(source, &frame, &err), 0);
	ztt_source_figures(source, &figures);
	if (!strstr(figures.problem, problem) ||
	    (!*problem && *figures.problem))
		fail_msg("\"%s\" is not \"%s\"", figures.problem, problem);
	ztt_source_close(source);
}

static uint64_t count_of(const char *path)
{
	struct ztt_source *source = test_open(path);
	struct ztt_source_figures figures;
	struct ztt_frame frame;
	struct ztt_err err;

	while (ztt_source_next(source, &frame, &err) > 0)
		;
	ztt_source_figures(source, &figures);
	assert_string_equal(figures.problem, "");
	assert_false(figures.dropped_known);
	ztt_source_close(source);
	return figures.frames;
}

static void test_fixtures(void **state)
{
	static const struct {
		const char *path;
		uint64_t frames;
	} cases[] = {
		{"tests/fixtures/cf-basic.pcap", 148},
		{"tests/fixtures/cf-h2.pcap", 81},
		{"tests/fixtures/cf-loss2.agent.pcap", 293},
		{"tests/fixtures/cf-loss2.edge.pcap", 694},
		{"tests/fixtures/ng-chacha.pcap", 57},
		{"tests/fixtures/ng-keyupdate.pcap", 48},
		{"tests/fixtures/ng-retry.pcap", 50},
		{"tests/fixtures/wg-loss1.pcap", 2783},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(count_of(cases[i].path), cases[i].frames);
}

static void test_pcap_forms(void **state)
{
	struct ztt_source *source;
	struct ztt_frame frame;

	(void)state;
	for (int form = 0; form < 4; form++) {
		bool ns = form & 2;

		begin_pcap(form & 1, ns ? 0xa1b23c4d : 0xa1b2c3d4);
		put_record(ns ? 123456789 : 123456, 33, 40);
		source = test_source(&made);
		frame = next_of(source);
		assert_int_equal(frame.number, 1);
		assert_int_equal(frame.at_ns,
				 AT_S * SECOND + (ns ? 123456789 : 123456000));
		assert_int_equal(frame.link, ZTT_LINK_RAW);
		assert_int_equal(frame.captured_bytes, 33);
		assert_int_equal(frame.length_bytes, 40);
		assert_int_equal(frame.data[32], 32);
		assert_false(frame.has_vnet);
		assert_end(source, "");
	}
}

static void test_pcap_figures(void **state)
{
	struct ztt_source_figures figures;
	struct ztt_source *source;

	(void)state;
	begin_pcap(false, 0xa1b2c3d4);
	put_record(0, 10, 10);
	put_record(0, 10, 1500);
	source = test_source(&made);
	next_of(source);
	next_of(source);
	ztt_source_figures(source, &figures);
	assert_int_equal(figures.frames, 2);
	assert_int_equal(figures.bytes, 20);
	assert_int_equal(figures.truncated, 1);
	assert_end(source, "");
}

static void test_pcap_cut(void **state)
{
	static const char middle[] = "ends in the middle of a record";
	struct ztt_source *source;

	(void)state;
	begin_pcap(false, 0xa1b2c3d4);
	put_record(0, 60, 60);
	put_record(0, 60, 60);
	for (size_t cut = 1; cut < 76; cut++) {
		made.len--;
		source = test_source(&made);
		next_of(source);
		assert_end(source, middle);
	}
	made.len--;
	source = test_source(&made);
	next_of(source);
	assert_end(source, "");
}

static void test_pcap_broken(void **state)
{
	struct ztt_source *source;

	(void)state;
	begin_pcap(false, 0xa1b2c3d4);
	put_record(0, 8, 8);
	test_put64(&made, 0);
	test_put32(&made, ZTT_FRAME_BYTES_MAX + 1);
	test_put32(&made, 60);
	source = test_source(&made);
	next_of(source);
	assert_end(source, "frame 2 is broken: it says it holds 262145 bytes");
}

static void test_largest_frame(void **state)
{
	struct ztt_source *source;
	struct ztt_frame frame;

	(void)state;
	begin_pcap(false, 0xa1b2c3d4);
	for (int i = 0; i < 6; i++)
		put_record(0, ZTT_FRAME_BYTES_MAX, ZTT_FRAME_BYTES_MAX);
	source = test_source(&made);
	for (int i = 0; i < 6; i++) {
		frame = next_of(source);
		assert_int_equal(frame.captured_bytes, ZTT_FRAME_BYTES_MAX);
		assert_int_equal(frame.data[ZTT_FRAME_BYTES_MAX - 1], 255);
	}
	assert_end(source, "");
}

static void assert_no_capture(const void *data, size_t len, const char *why)
{
	struct test_file file = test_file_of(data, len);
	struct ztt_source *source = NULL;
	struct ztt_err err;

	assert_int_equal(ztt_source_open_file(file.path, &source, &err),
			 -EPROTO);
	assert_non_null(strstr(err.text, why));
	unlink(file.path);
}

static void test_no_capture(void **state)
{
	struct ztt_source *source = NULL;
	struct ztt_err err;

	(void)state;
	assert_no_capture("", 0, "is empty");
	assert_no_capture("\xd4", 1, "too short");
	assert_no_capture("\xd4\xc3\xb2\xa1 cut", 8, "neither pcap nor");
	assert_no_capture("nothing of the kind, though long enough", 39,
			  "neither pcap nor");
	assert_no_capture("\x0a\x0d\x0d\x0a\x1c\0\0\0no ordering", 19,
			  "without its byte order");
	assert_no_capture("\x1f\x8b\x08", 3, "gzip data ends in the middle");
	assert_no_capture("\x1f\x8b no gzip", 10, "gzip data is broken");
	assert_int_equal(ztt_source_open_file("/tmp/no such file", &source,
					      &err),
			 -ENOENT);
	assert_int_equal(ztt_source_open_file("/tmp", &source, &err), -EISDIR);
	assert_null(source);
}

/* One gzip member; appended to `out`. */
static size_t pack(const uint8_t *data, size_t len, uint8_t *out, size_t cap)
{
	z_stream stream = {.next_in = (Bytef *)(uintptr_t)data,
			   .avail_in = (uInt)len,
			   .next_out = out,
			   .avail_out = (uInt)cap};

	assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8,
				      Z_DEFAULT_STRATEGY),
			 Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	deflateEnd(&stream);
	return cap - stream.avail_out;
}

static void test_gzip(void **state)
{
	static uint8_t packed[1 << 20];
	struct ztt_source *source;
	struct test_file file;
	size_t half, len;

	(void)state;
	begin_pcap(false, 0xa1b2c3d4);
	for (int i = 0; i < 1000; i++)
		put_record((uint32_t)i, 1400, 1400);
	half = made.len / 2;
	len = pack(made.data, half, packed, sizeof(packed));
	len += pack(made.data + half, made.len - half, packed + len,
		    sizeof(packed) - len);
	/* Padding is ignored, as gzip does. */
	memset(packed + len, 0, 512);
	file = test_file_of(packed, len + 512);
	assert_int_equal(count_of(file.path), 1000);
	unlink(file.path);

	file = test_file_of(packed, len - 30);
	source = test_open(file.path);
	for (int i = 0; i < 500; i++)
		next_of(source);
	while (ztt_source_next(source, &(struct ztt_frame){0}, NULL) > 0)
		;
	assert_end(source, "the gzip data ends in the middle");
	unlink(file.path);

	packed[len - 5] ^= 1; /* of the checksum */
	file = test_file_of(packed, len);
	source = test_open(file.path);
	for (int i = 0; i < 1000; i++)
		next_of(source);
	assert_end(source, "the gzip data is broken");
	unlink(file.path);
}

/* Frames of a pipe are given when they are there, not when a buffer is full. */
static void test_pipe(void **state)
{
	struct ztt_source *source;
	char path[32];
	size_t cut;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	begin_pcap(false, 0xa1b2c3d4);
	put_record(1, 100, 100);
	cut = made.len;
	put_record(2, 100, 100);
	assert_int_equal(write(ends[1], made.data, cut), cut);
	source = test_open(path);
	next_of(source);
	assert_int_equal(write(ends[1], made.data + cut, 50), 50);
	close(ends[1]);
	assert_end(source, "ends in the middle of a record");
	close(ends[0]);
}

static void test_pcapng_packets(void **state)
{
	struct ztt_source *source;
	struct ztt_frame frame;

	(void)state;
	for (int big = 0; big < 2; big++) {
		begin_file(big);
		put_section(big);
		put_interface(ZTT_LINK_ETHERNET, 0xff, 0);
		put_interface(ZTT_LINK_RAW, 9, 0);
		put_packet(1, (uint64_t)AT_S * SECOND + 7, 21);
		put_packet(0, (uint64_t)AT_S * 1000000 + 5, 8);
		source = test_source(&made);
		frame = next_of(source);
		assert_int_equal(frame.at_ns, AT_S * SECOND + 7);
		assert_int_equal(frame.interface, 1);
		assert_int_equal(frame.link, ZTT_LINK_RAW);
		assert_int_equal(frame.captured_bytes, 21);
		assert_int_equal(frame.length_bytes, 31);
		assert_int_equal(frame.data[20], 20);
		frame = next_of(source);
		assert_int_equal(frame.number, 2);
		assert_int_equal(frame.at_ns, AT_S * SECOND + 5000);
		assert_int_equal(frame.interface, 0);
		assert_int_equal(frame.link, ZTT_LINK_ETHERNET);
		assert_end(source, "");
	}
}

static int64_t time_with(uint8_t resolution, int64_t offset_s, uint64_t ticks)
{
	struct ztt_source *source;
	struct ztt_frame frame;

	begin_file(false);
	put_section(false);
	put_interface(ZTT_LINK_RAW, resolution, offset_s);
	put_packet(0, ticks, 4);
	source = test_source(&made);
	frame = next_of(source);
	ztt_source_close(source);
	return frame.at_ns;
}

static void test_pcapng_times(void **state)
{
	(void)state;
	assert_int_equal(time_with(3, 0, 1500), 1500000000);
	assert_int_equal(time_with(0, 0, 1500), 1500 * SECOND);
	assert_int_equal(time_with(12, 0, 1234567890123), 1234567890);
	assert_int_equal(time_with(0x80 + 20, 0, 3 << 19), 1500000000);
	assert_int_equal(time_with(0x80 + 50, 0, UINT64_C(3) << 49),
			 1500000000);
	assert_int_equal(time_with(6, 1000, 500000),
			 1000 * SECOND + SECOND / 2);
	/* Never before the epoch, never past 63 bits. */
	assert_int_equal(time_with(6, -1000, 500000), 0);
	assert_true(time_with(0, INT64_MAX, UINT64_MAX) > 0);
	assert_true(time_with(19, INT64_MIN, UINT64_MAX) == 0);
}

static void test_pcapng_other_packets(void **state)
{
	const uint32_t outbound = 2, inbound = 1;
	struct ztt_source *source;
	struct ztt_frame frame;
	size_t at;

	(void)state;
	begin_file(false);
	put_section(false);
	put_interface(ZTT_LINK_RAW, 9, 0);
	at = begin_block(6);
	put_packet_head(0, 1, 5);
	put_option(1, "a comment", 9);
	put_option(2, &outbound, 4);
	test_put32(&made, 0);
	end_block(at);
	at = begin_block(6);
	put_packet_head(0, 2, 5);
	put_option(2, &inbound, 4);
	end_block(at);
	at = begin_block(3); /* simple, longer than the interface's 100 */
	test_put32(&made, 1000);
	for (int i = 0; i < 100; i++)
		test_put_uint(&made, (uint64_t)i, 1);
	end_block(at);
	at = begin_block(2); /* obsolete: the interface has 16 bits */
	test_put16(&made, 0);
	test_put16(&made, 77);
	test_put64(&made, UINT64_C(3) << 32);
	test_put32(&made, 4);
	test_put32(&made, 4);
	test_put32(&made, 0);
	end_block(at);
	source = test_source(&made);
	assert_true(next_of(source).outgoing);
	assert_false(next_of(source).outgoing);
	frame = next_of(source);
	assert_int_equal(frame.captured_bytes, 100);
	assert_int_equal(frame.length_bytes, 1000);
	assert_int_equal(next_of(source).at_ns, 3);
	assert_end(source, "");
}

static void put_drops(uint32_t interface, uint64_t dropped, uint64_t by_os)
{
	size_t at = begin_block(5);

	test_put32(&made, interface);
	test_put64(&made, 0);
	test_put16(&made, 5);
	test_put16(&made, 8);
	test_put64(&made, dropped);
	test_put16(&made, 7);
	test_put16(&made, 8);
	test_put64(&made, by_os);
	end_block(at);
}

/* A section begins anew, with its own byte order and interfaces; the count of
 * an interface's drops includes those told before. */
static void test_pcapng_sections(void **state)
{
	struct ztt_source_figures figures;
	struct ztt_source *source;
	struct ztt_frame frame;

	(void)state;
	begin_file(false);
	put_section(false);
	put_interface(ZTT_LINK_ETHERNET, 9, 0);
	put_interface(ZTT_LINK_ETHERNET, 9, 0);
	put_packet(1, 1, 4);
	put_drops(0, 1, 0);
	put_drops(0, 3, 2);
	put_drops(1, 10, 0);
	put_section(true);
	put_interface(ZTT_LINK_RAW, 0, 0);
	put_packet(0, 2, 4);
	put_drops(0, 100, 0);
	source = test_source(&made);
	assert_int_equal(next_of(source).interface, 1);
	ztt_source_figures(source, &figures);
	assert_false(figures.dropped_known);
	frame = next_of(source);
	assert_int_equal(frame.interface, 2);
	assert_int_equal(frame.at_ns, 2 * SECOND);
	assert_int_equal(frame.link, ZTT_LINK_RAW);
	assert_int_equal(ztt_source_next(source, &frame,
					 &(struct ztt_err){{0}}),
			 0);
	ztt_source_figures(source, &figures);
	assert_true(figures.dropped_known);
	assert_int_equal(figures.dropped, 115);
	assert_end(source, "");
}

struct told {
	char *text;
	size_t len, calls;
	bool whole_lines;
};

static void tell(void *owner, const char *text, size_t len_bytes)
{
	struct told *told = owner;

	told->text = realloc(told->text, told->len + len_bytes);
	memcpy(told->text + told->len, text, len_bytes);
	told->len += len_bytes;
	told->calls++;
	if (text[len_bytes - 1] != '\n')
		told->whole_lines = false;
}

static void test_pcapng_secrets(void **state)
{
	struct told told = {.whole_lines = true};
	struct ztt_source *source;

	(void)state;
	begin_file(true);
	put_section(true);
	put_interface(ZTT_LINK_RAW, 9, 0);
	put_secrets(0x57474b4c, "WireGuard's\n", 12);
	put_secrets(0x544c534b, "line 1\nline\n", 12);
	put_packet(0, 0, 4);
	put_secrets(0x544c534b, "line 3\n", 7);
	source = test_source(&made);
	ztt_source_on_secrets(source, tell, &told);
	next_of(source);
	assert_int_equal(told.len, 12);
	assert_memory_equal(told.text, "line 1\nline\n", 12);
	assert_end(source, "");
	assert_int_equal(told.len, 19);
	free(told.text);
}

/* A key log of 1.5 MB in one block: in pieces, each of whole lines. */
static void test_pcapng_long_secrets(void **state)
{
	struct told told = {.whole_lines = true};
	const size_t len = 1500000;
	char *text = malloc(len);
	struct ztt_source *source;

	(void)state;
	for (size_t i = 0; i < len; i++)
		text[i] = i % 190 == 189 || i == len - 1 ? '\n' : 'x';
	begin_file(false);
	put_section(false);
	put_interface(ZTT_LINK_RAW, 9, 0);
	put_secrets(0x544c534b, text, len);
	put_packet(0, 0, 4);
	source = test_source(&made);
	ztt_source_on_secrets(source, tell, &told);
	next_of(source);
	assert_int_equal(told.len, len);
	assert_memory_equal(told.text, text, len);
	assert_true(told.whole_lines);
	assert_true(told.calls > 1);
	assert_end(source, "");
	/* Cut anywhere in it: what was whole is given. */
	for (size_t cut = made.len - 40; cut > 64; cut /= 2) {
		made.len = cut;
		assert_end(test_source(&made), "in the middle of a block");
	}
	made.len = 28 + 32 + 14;
	assert_end(test_source(&made), "in the middle of a block");
	free(told.text);
	free(text);
}

static void test_pcapng_unknown_block(void **state)
{
	struct ztt_source *source;
	size_t at;

	(void)state;
	begin_file(false);
	put_section(false);
	put_interface(ZTT_LINK_RAW, 9, 0);
	at = begin_block(0xbad);
	for (int i = 0; i < 200000; i++)
		test_put64(&made, 0x0a0d0d0a0a0d0d0a);
	end_block(at);
	put_packet(0, 0, 4);
	source = test_source(&made);
	next_of(source);
	assert_end(source, "");
	made.len = at + 100000;
	assert_end(test_source(&made), "ends in the middle of a block");
}

/* A file whose begin is right, broken by what `put` adds. */
static void assert_broken(void (*put)(void), const char *why)
{
	struct ztt_source *source;

	begin_file(false);
	put_section(false);
	put_interface(ZTT_LINK_RAW, 9, 0);
	put_packet(0, 0, 4);
	put();
	source = test_source(&made);
	next_of(source);
	assert_end(source, why);
}

static void short_block(void)
{
	test_put32(&made, 6);
	test_put32(&made, 8);
	test_put64(&made, 0);
}

static void odd_block(void)
{
	test_put32(&made, 0xbad);
	test_put32(&made, 17);
	test_put64(&made, 0);
	test_put64(&made, 0);
}

static void two_lengths(void)
{
	put_packet(0, 0, 4);
	made.data[made.len - 4]++;
}

static void endless_block(void)
{
	test_put32(&made, 6);
	test_put32(&made, 0xfffffffc);
	test_put64(&made, 0);
}

static void strange_interface(void)
{
	put_packet(1, 0, 4);
}

static void long_packet(void)
{
	put_packet(0, 0, 4);
	made.data[made.len - 20] = 5;
	made.data[made.len - 12] = 5;
	made.data[made.len - 16] = 200;
}

static void short_packet(void)
{
	size_t at = begin_block(6);

	test_put64(&made, 0);
	end_block(at);
}

static void fine_clock(void)
{
	put_interface(ZTT_LINK_RAW, 30, 0);
}

static void many_interfaces(void)
{
	for (int i = 0; i < 4096; i++)
		put_interface(ZTT_LINK_RAW, 0xff, 0);
}

static void disordered_section(void)
{
	put_section(false);
	made.data[made.len - 20] = 0;
}

static void long_secrets(void)
{
	put_secrets(0x544c534b, "line\n", 5);
	made.data[made.len - 16] = 200;
}

static void cut_block(void)
{
	put_packet(0, 0, 40);
	made.len -= 7;
}

static void test_pcapng_broken(void **state)
{
	static const struct {
		void (*put)(void);
		const char *why;
	} cases[] = {
		{short_block, "a block's length is impossible"},
		{odd_block, "a block's length is impossible"},
		{two_lengths, "a block's two lengths differ"},
		{endless_block, "a block is too long"},
		{strange_interface, "names an interface that was not told"},
		{long_packet, "a packet is longer than its block"},
		{short_packet, "a packet's block is too short"},
		{fine_clock, "time resolution is finer"},
		{many_interfaces, "more than 4096 interfaces"},
		{disordered_section, "a section without byte order"},
		{long_secrets, "a secrets block is longer than itself"},
		{cut_block, "ends in the middle of a block, at frame 2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_broken(cases[i].put, cases[i].why);
}

static void test_cooked_direction(void **state)
{
	struct ztt_source *source;

	(void)state;
	source = test_open("tests/fixtures/wg-loss1.pcap");
	assert_false(next_of(source).outgoing);
	ztt_source_close(source);

	begin_pcap(false, 0xa1b2c3d4);
	made.data[20] = ZTT_LINK_LINUX_SLL2 & 0xff;
	made.data[21] = ZTT_LINK_LINUX_SLL2 >> 8;
	put_record(0, 20, 20);
	made.data[made.len - 10] = 4;
	source = test_source(&made);
	assert_true(next_of(source).outgoing);
	ztt_source_close(source);

	made.data[20] = ZTT_LINK_LINUX_SLL;
	made.data[21] = 0;
	made.data[made.len - 19] = 4;
	source = test_source(&made);
	assert_true(next_of(source).outgoing);
	ztt_source_close(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixtures),
		cmocka_unit_test(test_pcap_forms),
		cmocka_unit_test(test_pcap_figures),
		cmocka_unit_test(test_pcap_cut),
		cmocka_unit_test(test_pcap_broken),
		cmocka_unit_test(test_largest_frame),
		cmocka_unit_test(test_no_capture),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_pcapng_packets),
		cmocka_unit_test(test_pcapng_times),
		cmocka_unit_test(test_pcapng_other_packets),
		cmocka_unit_test(test_pcapng_sections),
		cmocka_unit_test(test_pcapng_secrets),
		cmocka_unit_test(test_pcapng_long_secrets),
		cmocka_unit_test(test_pcapng_unknown_block),
		cmocka_unit_test(test_pcapng_broken),
		cmocka_unit_test(test_cooked_direction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
