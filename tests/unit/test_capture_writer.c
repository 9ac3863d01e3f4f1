/* pcapng as we write it, read again here and by others; keys put into a
 * capture. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "capture_file.h"
#include "ztt-capture/source/decrypt.h"
#include "ztt-capture/source/pcapng.h"
#include "ztt-capture/source/writer.h"

#define AT_NS INT64_C(1700000000123456789)
#define BASIC "tests/fixtures/cf-basic.pcap"
#define BASIC_KEYS "tests/fixtures/cf-basic.keys"
#define BASIC_FRAMES 148
#define BASIC_SECRETS 8
#define SHOWS_ACKS "-Y quic.ack.largest_acknowledged"

static struct test_bytes made;

static struct ztt_writer *open_writer(struct test_file *file)
{
	struct ztt_writer *writer = NULL;

	*file = test_file_of(NULL, 0);
	assert_int_equal(ztt_writer_open(file->path, 0644, -1, &writer, NULL),
			 0);
	assert_int_equal(ztt_writer_section(writer, "test 1", NULL), 0);
	return writer;
}

static void add_interface(struct ztt_writer *writer, unsigned link, bool vnet)
{
	const struct ztt_writer_interface interface = {.name = "eth0",
						       .link = link,
						       .vnet = vnet};

	assert_int_equal(ztt_writer_interface(writer, &interface, NULL), 0);
}

static struct ztt_frame frame_of(unsigned interface, uint32_t len)
{
	static uint8_t data[ZTT_FRAME_BYTES_MAX];

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i + len);
	return (struct ztt_frame){
		.at_ns = AT_NS + len,
		.interface = interface,
		.captured_bytes = len,
		.length_bytes = len + 5,
		.data = data,
	};
}

static struct ztt_frame next_of(struct ztt_source *source)
{
	struct ztt_frame frame;
	struct ztt_err err;

	assert_int_equal(ztt_source_next(source, &frame, &err), 1);
	return frame;
}

static struct ztt_source_figures end_of(struct ztt_source *source)
{
	struct ztt_source_figures figures;
	struct ztt_frame frame;
	struct ztt_err err;

	assert_int_equal(ztt_source_next(source, &frame, &err), 0);
	ztt_source_figures(source, &figures);
	assert_string_equal(figures.problem, "");
	ztt_source_close(source);
	return figures;
}

static int count_frames(const char *path, const char *more)
{
	char command[512];
	int count = 0;
	FILE *tshark;

	snprintf(command, sizeof(command), "tshark -n -r %s %s 2>/dev/null",
		 path, more);
	tshark = popen(command, "r");
	assert_non_null(tshark);
	for (int c; (c = fgetc(tshark)) != EOF;)
		count += c == '\n';
	assert_int_equal(pclose(tshark), 0);
	return count;
}

static bool has_tshark(void)
{
	if (test_has("tshark"))
		return true;
	print_message("# skip: no tshark here\n");
	return false;
}

static void test_what_is_written_is_read(void **state)
{
	struct ztt_source_figures figures;
	struct ztt_source *source;
	struct ztt_writer *writer;
	struct ztt_frame frame;
	struct test_file file;

	(void)state;
	writer = open_writer(&file);
	add_interface(writer, ZTT_LINK_ETHERNET, false);
	add_interface(writer, ZTT_LINK_RAW, false);
	for (uint32_t len = 0; len < 2000; len++) {
		frame = frame_of(len % 2, len);
		frame.outgoing = len % 3 == 0;
		assert_int_equal(ztt_writer_frame(writer, &frame,
						  len % 5 ? NULL : "a comment",
						  NULL),
				 0);
	}
	ztt_writer_statistics(writer, 0, AT_NS, 2007, 7, NULL);
	ztt_writer_statistics(writer, 1, AT_NS, 2007, 1, NULL);
	assert_int_equal(ztt_writer_close(writer, NULL), 0);

	source = test_open(file.path);
	for (uint32_t len = 0; len < 2000; len++) {
		frame = next_of(source);
		assert_int_equal(frame.at_ns, AT_NS + len);
		assert_int_equal(frame.interface, len % 2);
		assert_int_equal(frame.link,
				 len % 2 ? ZTT_LINK_RAW : ZTT_LINK_ETHERNET);
		assert_int_equal(frame.captured_bytes, len);
		assert_int_equal(frame.length_bytes, len + 5);
		assert_int_equal(frame.outgoing, len % 3 == 0);
		assert_memory_equal(frame.data, frame_of(0, len).data, len);
	}
	figures = end_of(source);
	assert_true(figures.dropped_known);
	assert_int_equal(figures.dropped, 8);
	if (has_tshark())
		assert_int_equal(count_frames(file.path, ""), 2000);
	unlink(file.path);
}

/* What the kernel told of super-datagrams lives in the file. */
static void test_segment_sizes(void **state)
{
	static const unsigned sizes[] = {0, 1439, 65535, 1};
	struct ztt_source *source;
	struct ztt_writer *writer;
	struct ztt_frame frame;
	struct test_file file;

	(void)state;
	writer = open_writer(&file);
	add_interface(writer, ZTT_LINK_LINUX_SLL2, true);
	add_interface(writer, ZTT_LINK_LINUX_SLL2, false);
	for (size_t i = 0; i < 4; i++) {
		frame = frame_of(0, 100);
		frame.link = ZTT_LINK_LINUX_SLL2;
		frame.segment_bytes = (uint16_t)sizes[i];
		ztt_writer_frame(writer, &frame, "one of ours", NULL);
	}
	frame = frame_of(1, 100);
	ztt_writer_frame(writer, &frame, "ztt: datagrams of 12 bytes", NULL);
	assert_int_equal(ztt_writer_close(writer, NULL), 0);
	source = test_open(file.path);
	for (size_t i = 0; i < 4; i++) {
		frame = next_of(source);
		assert_true(frame.has_vnet);
		assert_int_equal(frame.segment_bytes, sizes[i]);
	}
	frame = next_of(source);
	assert_false(frame.has_vnet);
	assert_int_equal(frame.segment_bytes, 0);
	end_of(source);
	unlink(file.path);
}

static void test_many_large_frames(void **state)
{
	struct ztt_source *source;
	struct ztt_writer *writer;
	struct ztt_frame frame = frame_of(0, ZTT_FRAME_BYTES_MAX);
	struct test_file file;
	struct ztt_err err;
	struct stat st;

	(void)state;
	writer = open_writer(&file);
	add_interface(writer, ZTT_LINK_RAW, false);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ztt_writer_frame(writer, &frame, NULL, NULL),
				 0);
	assert_int_equal(ztt_writer_flush(writer, NULL), 0);
	assert_int_equal(stat(file.path, &st), 0);
	assert_int_equal(ztt_writer_bytes(writer), st.st_size);
	frame.captured_bytes++;
	assert_int_equal(ztt_writer_frame(writer, &frame, NULL, &err),
			 -EMSGSIZE);
	assert_int_equal(ztt_writer_close(writer, &err), -EMSGSIZE);
	source = test_open(file.path);
	for (int i = 0; i < 20; i++)
		next_of(source);
	end_of(source);
	unlink(file.path);
}

static void test_full_disk(void **state)
{
	struct ztt_frame frame = frame_of(0, ZTT_FRAME_BYTES_MAX);
	struct ztt_writer *writer = NULL;
	struct ztt_err err = {""};
	int rc = 0;

	(void)state;
	assert_int_equal(ztt_writer_open("/dev/full", 0644, -1, &writer, &err),
			 0);
	ztt_writer_section(writer, NULL, &err);
	for (int i = 0; i < 10 && rc == 0; i++)
		rc = ztt_writer_frame(writer, &frame, NULL, &err);
	assert_int_equal(rc, -ENOSPC);
	assert_non_null(strstr(err.text, "/dev/full"));
	assert_int_equal(ztt_writer_flush(writer, &err), -ENOSPC);
	assert_int_equal(ztt_writer_close(writer, &err), -ENOSPC);
	assert_int_equal(ztt_writer_close(NULL, &err), 0);
}

static void test_mode_and_place(void **state)
{
	struct test_file file = test_file_of("old", 3);
	struct ztt_writer *writer = NULL;
	struct ztt_err err;
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(chmod(file.path, 0666), 0);
	fd = open(file.path, O_RDONLY);
	assert_int_equal(ztt_writer_open(file.path, 0600, fd, &writer, &err),
			 -EBUSY);
	assert_non_null(strstr(err.text, "being read"));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(ztt_writer_open(file.path, 0600, -1, &writer, &err),
			 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	ztt_writer_close(writer, NULL);
	close(fd);
	unlink(file.path);
	assert_int_equal(ztt_writer_open("/nowhere/a", 0600, -1, &writer, &err),
			 -ENOENT);
}

struct told {
	char text[1 << 16];
	size_t len, calls;
};

static void tell(void *owner, const char *text, size_t len_bytes)
{
	struct told *told = owner;

	assert_true(told->len + len_bytes < sizeof(told->text));
	memcpy(told->text + told->len, text, len_bytes);
	told->len += len_bytes;
	told->calls++;
}

static struct told told; /* too large for the stack, and so on */

/* Reads `path` and the secrets in it, which come before its frames. */
static uint64_t read_secrets(const char *path)
{
	struct ztt_source *source = test_open(path);
	uint64_t frames = 0;
	struct ztt_frame frame;
	struct ztt_err err;

	memset(&told, 0, sizeof(told));
	ztt_source_on_secrets(source, tell, &told);
	while (ztt_source_next(source, &frame, &err) > 0) {
		assert_true(told.len > 0);
		frames++;
	}
	end_of(source);
	return frames;
}

static size_t lines_told(void)
{
	size_t count = 0;

	for (size_t i = 0; i < told.len; i++)
		count += told.text[i] == '\n';
	return count;
}

static int decrypt(const char *in, const char *keys, const char *out,
		   struct ztt_decrypt_figures *figures, struct ztt_err *err)
{
	const struct ztt_decrypt_plan plan = {.in = in,
					      .key_log = keys,
					      .out = out};

	return ztt_decrypt(&plan, figures, err);
}

static void test_decrypt_pcap(void **state)
{
	struct test_file out = test_file_of("older", 5);
	struct ztt_decrypt_figures figures;
	char option[128];
	struct ztt_err err;
	struct stat st;
	int without;

	(void)state;
	assert_int_equal(chmod(out.path, 0644), 0);
	assert_int_equal(decrypt(BASIC, BASIC_KEYS, out.path, &figures, &err),
			 0);
	assert_int_equal(figures.lines, BASIC_SECRETS);
	assert_int_equal(figures.lines_bad, 0);
	assert_int_equal(stat(out.path, &st), 0);
	assert_int_equal(st.st_size, figures.bytes);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(read_secrets(out.path), BASIC_FRAMES);
	assert_int_equal(lines_told(), BASIC_SECRETS);
	if (has_tshark()) {
		snprintf(option, sizeof(option),
			 "-o tls.keylog_file:%s " SHOWS_ACKS, BASIC_KEYS);
		without = count_frames(BASIC, option);
		assert_true(without > 20);
		assert_int_equal(count_frames(out.path, SHOWS_ACKS), without);
		assert_int_equal(count_frames(out.path, ""), BASIC_FRAMES);
	}
	unlink(out.path);
}

/* A pcapng file keeps what it has; its own keys stay, too. */
static void test_decrypt_pcapng(void **state)
{
	struct test_file first = test_file_of(NULL, 0);
	struct test_file second = test_file_of(NULL, 0);
	struct ztt_decrypt_figures one, two;
	struct ztt_err err;

	(void)state;
	assert_int_equal(decrypt(BASIC, BASIC_KEYS, first.path, &one, &err), 0);
	assert_int_equal(decrypt(first.path, "tests/fixtures/cf-h2.keys",
				 second.path, &two, &err),
			 0);
	assert_true(two.bytes > one.bytes);
	assert_int_equal(read_secrets(second.path), BASIC_FRAMES);
	assert_int_equal(told.calls, 2);
	assert_int_equal(lines_told(), one.lines + two.lines);
	if (has_tshark())
		assert_int_equal(count_frames(second.path, ""), BASIC_FRAMES);
	assert_int_equal(decrypt(second.path, BASIC_KEYS, second.path, &two,
				 &err),
			 -EBUSY);
	assert_int_equal(read_secrets(second.path), BASIC_FRAMES);
	unlink(first.path);
	unlink(second.path);
}

/* The keys are put in the byte order of the section that they are put in,
 * whose own length no longer holds. */
static void test_decrypt_other_byte_order(void **state)
{
	struct test_file out = test_file_of(NULL, 0), in;
	struct ztt_decrypt_figures figures;
	struct ztt_err err;

	(void)state;
	made.len = 0;
	made.big = true;
	test_put32(&made, ZTT_BLOCK_SECTION);
	test_put32(&made, 28);
	test_put32(&made, ZTT_PCAPNG_ORDER);
	test_put32(&made, 1 << 16);
	test_put64(&made, 20 + 36);
	test_put32(&made, 28);
	test_put32(&made, ZTT_BLOCK_INTERFACE);
	test_put32(&made, 20);
	test_put32(&made, ZTT_LINK_RAW << 16);
	test_put32(&made, 0);
	test_put32(&made, 20);
	test_put32(&made, ZTT_BLOCK_PACKET);
	test_put32(&made, 36);
	test_put64(&made, 0);
	test_put64(&made, UINT64_C(1) << 32 | 4);
	test_put64(&made, UINT64_C(4) << 32 | 0x45000000);
	test_put32(&made, 36);
	in = test_file_of(made.data, made.len);
	assert_int_equal(decrypt(in.path, BASIC_KEYS, out.path, &figures, &err),
			 0);
	assert_int_equal(read_secrets(out.path), 1);
	assert_int_equal(lines_told(), BASIC_SECRETS);
	if (has_tshark())
		assert_int_equal(count_frames(out.path, ""), 1);
	unlink(in.path);
	unlink(out.path);
}

static bool begins_with_af(void *owner, const uint8_t client_random[32])
{
	++*(int *)owner;
	return client_random[0] == 0xaf && client_random[31] == 0xf4;
}

static void test_decrypt_wanted_only(void **state)
{
	struct test_file out = test_file_of(NULL, 0);
	struct ztt_decrypt_figures figures;
	int asked = 0;
	const struct ztt_decrypt_plan plan = {
		.in = BASIC,
		.key_log = BASIC_KEYS,
		.out = out.path,
		.wanted = begins_with_af,
		.owner = &asked,
	};
	struct ztt_err err;

	(void)state;
	assert_int_equal(ztt_decrypt(&plan, &figures, &err), 0);
	assert_int_equal(asked, BASIC_SECRETS);
	assert_int_equal(figures.lines, BASIC_SECRETS / 2);
	assert_int_equal(figures.lines_not_wanted, BASIC_SECRETS / 2);
	assert_int_equal(read_secrets(out.path), BASIC_FRAMES);
	assert_int_equal(lines_told(), BASIC_SECRETS / 2);
	assert_null(strstr(told.text + 40, "\n\n"));
	unlink(out.path);
}

/* Whatever file is given for a key log, only secrets are taken from it. */
static void test_decrypt_takes_secrets_only(void **state)
{
	static const char text[] =
		"# a comment\r\n\r\n"
		"-----BEGIN PRIVATE KEY-----\n"
		"CLIENT_RANDOM 00 11\n"
		"PASSWORD "
		"00000000000000000000000000000000000000000000000000000000000000"
		"00 hunter2\n"
		"SERVER_TRAFFIC_SECRET_0 "
		"0102030405060708091011121314151617181920212223242526272829"
		"303132 "
		"0102030405060708091011121314151617181920212223242526272829"
		"303132\r\n"
		"EXPORTER_SECRET "
		"0102030405060708091011121314151617181920212223242526272829"
		"303132 "
		"0102030405060708091011121314151617181920212223242526272829"
		"3031AB";
	struct test_file keys = test_file_of(text, sizeof(text) - 1);
	struct test_file out = test_file_of("untouched", 9);
	struct ztt_decrypt_figures figures;
	struct ztt_err err;
	struct stat st;

	(void)state;
	assert_int_equal(decrypt(BASIC, keys.path, out.path, &figures, &err),
			 0);
	assert_int_equal(figures.lines, 2);
	assert_int_equal(figures.lines_bad, 3);
	assert_int_equal(read_secrets(out.path), BASIC_FRAMES);
	assert_int_equal(lines_told(), 2);
	assert_null(strstr(told.text, "hunter2"));
	assert_null(strstr(told.text, "PRIVATE"));

	assert_int_equal(decrypt(BASIC, BASIC, out.path, &figures, &err),
			 -ENODATA);
	assert_int_equal(stat(out.path, &st), 0);
	assert_true(st.st_size > 0);
	assert_int_equal(decrypt(BASIC, "/nowhere", out.path, &figures, &err),
			 -ENOENT);
	assert_int_equal(decrypt(BASIC_KEYS, BASIC_KEYS, out.path, &figures,
				 &err),
			 -EPROTO);
	unlink(keys.path);
	unlink(out.path);
}

static int refuse(void *owner, struct ztt_err *err)
{
	(void)owner;
	return ztt_err_set(err, -EPERM, "not now");
}

static void test_decrypt_opened(void **state)
{
	struct test_file out = test_file_of(NULL, 0);
	struct ztt_decrypt_figures figures;
	const struct ztt_decrypt_plan plan = {
		.in = BASIC,
		.key_log = BASIC_KEYS,
		.out = out.path,
		.opened = refuse,
	};
	struct ztt_err err;

	(void)state;
	assert_int_equal(ztt_decrypt(&plan, &figures, &err), -EPERM);
	assert_string_equal(err.text, "not now");
	unlink(out.path);
}

/* A capture that was cut is copied as far as it goes, and that is told. */
static void test_decrypt_cut(void **state)
{
	struct test_file out = test_file_of(NULL, 0), in;
	struct ztt_decrypt_figures figures;
	FILE *file = fopen(BASIC, "rb");
	struct ztt_err err;
	size_t len;

	(void)state;
	assert_non_null(file);
	len = fread(made.data, 1, 100000, file);
	fclose(file);
	in = test_file_of(made.data, len);
	assert_int_equal(decrypt(in.path, BASIC_KEYS, out.path, &figures, &err),
			 0);
	assert_non_null(strstr(figures.problem, "in the middle of a record"));
	assert_true(read_secrets(out.path) > 20);
	unlink(in.path);
	unlink(out.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_segment_sizes),
		cmocka_unit_test(test_many_large_frames),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_mode_and_place),
		cmocka_unit_test(test_decrypt_pcap),
		cmocka_unit_test(test_decrypt_pcapng),
		cmocka_unit_test(test_decrypt_other_byte_order),
		cmocka_unit_test(test_decrypt_wanted_only),
		cmocka_unit_test(test_decrypt_takes_secrets_only),
		cmocka_unit_test(test_decrypt_opened),
		cmocka_unit_test(test_decrypt_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
