/* Key logs as NSS, Go and GnuTLS write them, and as nobody does. */
#include "hex.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/err.h"
#include "ztt-capture/decode/key_log.h"

#define RANDOM \
	"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define SECRET_1 \
	"0101010101010101010101010101010101010101010101010101010101010101"
#define SECRET_2 \
	"0202020202020202020202020202020202020202020202020202020202020202"
#define SECRET_48 SECRET_1 "03030303030303030303030303030303"

static uint8_t client_random[32];
static struct ztt_key_log *key_log;

static int setup(void **state)
{
	(void)state;
	hex_bytes(RANDOM, client_random, sizeof(client_random));
	key_log = ztt_key_log_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ztt_key_log_free(key_log);
	return 0;
}

static void add(const char *text)
{
	ztt_key_log_add(key_log, text, strlen(text));
}

static void has(enum ztt_secret_kind kind, size_t len_bytes, uint8_t first)
{
	size_t len = 0;
	const uint8_t *secret =
		ztt_key_log_find(key_log, client_random, kind, &len);

	assert_non_null(secret);
	assert_int_equal(len, len_bytes);
	assert_int_equal(secret[0], first);
}

static void lacks(enum ztt_secret_kind kind)
{
	size_t len;

	assert_null(ztt_key_log_find(key_log, client_random, kind, &len));
}

static void secrets_are_found_by_random_and_kind(void **state)
{
	(void)state;
	add("CLIENT_HANDSHAKE_TRAFFIC_SECRET " RANDOM " " SECRET_1 "\n"
	    "SERVER_HANDSHAKE_TRAFFIC_SECRET " RANDOM " " SECRET_2 "\n"
	    "CLIENT_TRAFFIC_SECRET_0 " RANDOM " " SECRET_48 "\n");
	has(ZTT_SECRET_CLIENT_HANDSHAKE, 32, 1);
	has(ZTT_SECRET_SERVER_HANDSHAKE, 32, 2);
	has(ZTT_SECRET_CLIENT_TRAFFIC, 48, 1);
	lacks(ZTT_SECRET_SERVER_TRAFFIC);
	lacks(ZTT_SECRET_CLIENT_EARLY);
	client_random[31] ^= 1;
	lacks(ZTT_SECRET_CLIENT_HANDSHAKE);
	assert_int_equal(ztt_key_log_count(key_log), 3);
	assert_int_equal(ztt_key_log_bad_lines(key_log), 0);
}

static void a_later_line_counts(void **state)
{
	(void)state;
	add("SERVER_TRAFFIC_SECRET_0 " RANDOM " " SECRET_48 "\n");
	add("SERVER_TRAFFIC_SECRET_0 " RANDOM " " SECRET_2);
	has(ZTT_SECRET_SERVER_TRAFFIC, 32, 2);
	assert_int_equal(ztt_key_log_count(key_log), 1);
}

static void line_ends_and_blanks_do_not_matter(void **state)
{
	(void)state;
	add("# a comment\r\n\r\n\n"
	    "  CLIENT_EARLY_TRAFFIC_SECRET\t" RANDOM "  " SECRET_1 " \r\n");
	has(ZTT_SECRET_CLIENT_EARLY, 32, 1);
	assert_int_equal(ztt_key_log_bad_lines(key_log), 0);
}

static void labels_of_other_secrets_are_passed_over(void **state)
{
	(void)state;
	add("CLIENT_RANDOM " RANDOM " " SECRET_48 "\n"
	    "EXPORTER_SECRET " RANDOM " " SECRET_1 "\n"
	    "QUIC_CLIENT_TRAFFIC_SECRET_0 " RANDOM " " SECRET_1 "\n"
	    "ECH_SECRET " RANDOM " 01\n"
	    "RSA 0011223344556677 " SECRET_48 "\n");
	assert_int_equal(ztt_key_log_count(key_log), 0);
	assert_int_equal(ztt_key_log_bad_lines(key_log), 0);
}

static void what_is_no_line_is_counted(void **state)
{
	static const char *const lines[] = {
		"hello",
		"CLIENT_TRAFFIC_SECRET_0",
		"CLIENT_TRAFFIC_SECRET_0 " RANDOM,
		"CLIENT_TRAFFIC_SECRET_0 " RANDOM " 0101",
		"CLIENT_TRAFFIC_SECRET_0 0011 " SECRET_1,
		"CLIENT_TRAFFIC_SECRET_0 " RANDOM " " SECRET_1 " more",
		"CLIENT_TRAFFIC_SECRET_0 " RANDOM " " SECRET_48 "00",
		"CLIENT_TRAFFIC_SECRET_0 " RANDOM " g" SECRET_1,
		"CLIENT_TRAFFIC_SECRET_0 " RANDOM
		" zz01010101010101010101010101010101010101010101010101010101"
		"010101",
		"client_traffic_secret_0 " RANDOM " " SECRET_1,
	};
	const size_t count = sizeof(lines) / sizeof(*lines);

	(void)state;
	for (size_t i = 0; i < count; i++)
		add(lines[i]);
	ztt_key_log_add(key_log, "CLIENT\0RANDOM a b\n", 18);
	assert_int_equal(ztt_key_log_count(key_log), 0);
	assert_int_equal(ztt_key_log_bad_lines(key_log), count + 1);
	lacks(ZTT_SECRET_CLIENT_TRAFFIC);
}

static void a_long_line_is_bad_and_the_next_is_read(void **state)
{
	static char text[2000];

	(void)state;
	memset(text, 'A', 1000);
	snprintf(text + 1000, 1000, " b c\nCLIENT_TRAFFIC_SECRET_0 %s %s\n",
		 RANDOM, SECRET_1);
	add(text);
	assert_int_equal(ztt_key_log_bad_lines(key_log), 1);
	has(ZTT_SECRET_CLIENT_TRAFFIC, 32, 1);
}

static void add_numbered(unsigned number)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "CLIENT_TRAFFIC_SECRET_0 %08x%056d %02x%062d\n", number, 0,
		 number & 255, 0);
	add(line);
}

static void so_many_are_kept_and_no_more(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ZTT_KEY_LOG_SECRETS_MAX + 5; i++)
		add_numbered(i);
	assert_int_equal(ztt_key_log_count(key_log), ZTT_KEY_LOG_SECRETS_MAX);
	assert_int_equal(ztt_key_log_bad_lines(key_log), 5);
	for (unsigned i = 0; i < ZTT_KEY_LOG_SECRETS_MAX; i += 77) {
		memset(client_random, 0, sizeof(client_random));
		client_random[1] = (uint8_t)(i >> 16);
		client_random[2] = (uint8_t)(i >> 8);
		client_random[3] = (uint8_t)i;
		has(ZTT_SECRET_CLIENT_TRAFFIC, 32, (uint8_t)i);
	}
	/* What is known may still change. */
	add_numbered(1);
	assert_int_equal(ztt_key_log_bad_lines(key_log), 5);
}

static void write_file(char *path, const char *text, size_t times)
{
	const int fd = mkstemp(path);

	assert_true(fd >= 0);
	for (size_t i = 0; i < times; i++)
		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void secrets_follow_each_other(void **state)
{
	struct ztt_key_log_secret secret;
	unsigned seen = 0, sum = 0;
	size_t cursor = 0;

	(void)state;
	add("SERVER_TRAFFIC_SECRET_0 " RANDOM " " SECRET_1 "\n");
	for (unsigned i = 0; i < 100; i++)
		add_numbered(i);
	while (ztt_key_log_walk(key_log, &cursor, &secret)) {
		assert_int_equal(secret.len_bytes, 32);
		if (secret.kind == ZTT_SECRET_CLIENT_TRAFFIC) {
			assert_int_equal(secret.client_random[3],
					 secret.secret[0]);
			sum += secret.secret[0];
		}
		seen++;
	}
	assert_int_equal(seen, 101);
	assert_int_equal(sum, 99 * 100 / 2);
}

static void a_file_is_read_across_its_blocks(void **state)
{
	char path[] = "/tmp/ztt-key-log-XXXXXX";
	static char longest[70001];
	struct ztt_err err;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	write_file(path, "CLIENT_RANDOM " RANDOM " " SECRET_48 "\n", 5000);
	assert_int_equal(ztt_key_log_read(key_log, path, &err), 0);
	assert_int_equal(ztt_key_log_bad_lines(key_log), 0);
	unlink(path);
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	write_file(path, longest, 3);
	{
		FILE *out = fopen(path, "a");

		fputs("\nCLIENT_TRAFFIC_SECRET_0 " RANDOM " " SECRET_1, out);
		fclose(out);
	}
	assert_int_equal(ztt_key_log_read(key_log, path, &err), 0);
	assert_int_equal(ztt_key_log_bad_lines(key_log), 1);
	has(ZTT_SECRET_CLIENT_TRAFFIC, 32, 1);
	unlink(path);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
	struct ztt_err err = {""};

	(void)state;
	assert_int_equal(ztt_key_log_read(key_log, "/nonexistent/keys", &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/keys"));
	assert_int_equal(ztt_key_log_read(key_log, "/tmp", &err), -EISDIR);
	assert_int_equal(ztt_key_log_read(key_log, "/dev/zero", &err), -EFBIG);
	assert_non_null(strstr(err.text, "64 MiB"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(secrets_are_found_by_random_and_kind),
		TEST(a_later_line_counts),
		TEST(line_ends_and_blanks_do_not_matter),
		TEST(labels_of_other_secrets_are_passed_over),
		TEST(what_is_no_line_is_counted),
		TEST(a_long_line_is_bad_and_the_next_is_read),
		TEST(so_many_are_kept_and_no_more),
		TEST(secrets_follow_each_other),
		TEST(a_file_is_read_across_its_blocks),
		TEST(a_file_that_cannot_be_read_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
