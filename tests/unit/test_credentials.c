#include "ztt-bench/credentials.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"

#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define UUID "0f5c3a1e-9b2d-4c6f-8e7a-123456789abc"
#define RECORD(tag, secret, id)                                  \
	"{\"AccountTag\":\"" tag "\",\"TunnelSecret\":\"" secret \
	"\",\"TunnelID\":\"" id "\"}"

static struct ztt_err err;
static char folder[32], path[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/ztt-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/credentials.json", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void write_text(const char *text)
{
	assert_int_equal(ztt_file_write(path, text, strlen(text), &err), 0);
}

static void what_is_written_is_read(void **state)
{
	struct ztt_credentials made, got;

	(void)state;
	for (int i = 0; i < 20; i++) {
		ztt_credentials_make(&made);
		assert_int_equal(ztt_credentials_write(path, &made, &err), 0);
		assert_int_equal(ztt_credentials_read(path, &got, &err), 0);
		assert_string_equal(got.account_tag, made.account_tag);
		assert_int_equal(strlen(got.account_tag), 32);
		assert_memory_equal(got.tunnel_id, made.tunnel_id, 16);
		assert_memory_equal(got.secret, made.secret,
				    sizeof(made.secret));
		assert_int_equal(made.tunnel_id[6] >> 4, 4);
		assert_int_equal(made.tunnel_id[8] >> 6, 2);
	}
}

static void no_two_are_alike(void **state)
{
	struct ztt_credentials a, b;

	(void)state;
	ztt_credentials_make(&a);
	ztt_credentials_make(&b);
	assert_memory_not_equal(a.secret, b.secret, sizeof(a.secret));
	assert_memory_not_equal(a.tunnel_id, b.tunnel_id, 16);
	assert_string_not_equal(a.account_tag, b.account_tag);
}

static void only_the_owner_may_read_the_file(void **state)
{
	struct ztt_credentials made;
	const mode_t before = umask(0);
	struct stat info;

	(void)state;
	ztt_credentials_make(&made);
	assert_int_equal(ztt_credentials_write(path, &made, &err), 0);
	umask(before);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
}

static void a_file_of_cloudflareds_is_read(void **state)
{
	char text[ZTT_UUID_LEN];
	struct ztt_credentials got;

	(void)state;
	write_text("{\"AccountTag\":\"0123456789abcdef0123456789abcdef\","
		   "\"TunnelSecret\":\"" SECRET "\",\"TunnelID\":\"" UUID "\","
		   "\"Endpoint\":\"\"}");
	assert_int_equal(ztt_credentials_read(path, &got, &err), 0);
	assert_string_equal(got.account_tag,
			    "0123456789abcdef0123456789abcdef");
	assert_string_equal(ztt_uuid_text(got.tunnel_id, text), UUID);
	for (uint8_t i = 0; i < ZTT_CREDENTIALS_SECRET_BYTES; i++)
		assert_int_equal(got.secret[i], i);
}

static void what_is_malformed_is_refused_and_not_quoted(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"null",
		"\"x\"",
		"{}",
		RECORD("", SECRET, "0f5c3a1e"),
		RECORD("", SECRET, "zf5c3a1e-9b2d-4c6f-8e7a-123456789abc"),
		RECORD("", SECRET, UUID "0"),
		RECORD("", "AAECAwQFBgcICQoLDA0ODw==", UUID),
		RECORD("", "!" SECRET, UUID),
		RECORD("", "", UUID),
		RECORD("0123456789abcdef0123456789abcdef0", SECRET, UUID),
		"{\"AccountTag\":1,\"TunnelSecret\":2,\"TunnelID\":3}",
		"{\"AccountTag\":\"\",\"TunnelSecret\":\"" SECRET "\"}",
		"{\"TunnelID\":\"" UUID "\",\"TunnelID\":\"" UUID "\"}",
	};
	struct ztt_credentials got;

	(void)state;
	memset(&got, 0x5a, sizeof(got));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_text(texts[i]);
		if (ztt_credentials_read(path, &got, &err) != -EPROTO)
			fail_msg("accepted: %s", texts[i]);
		assert_non_null(strstr(err.text, path));
		assert_null(strstr(err.text, "AAEC"));
		assert_int_equal(got.secret[0], 0x5a);
	}
}

static void a_file_that_cannot_be_opened_is_named(void **state)
{
	struct ztt_credentials got;

	(void)state;
	ztt_credentials_make(&got);
	assert_int_equal(ztt_credentials_read(path, &got, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(ztt_credentials_write("/nonexistent/x", &got, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/x"));
	assert_int_equal(ztt_file_write(folder, "x", 1, &err), -EISDIR);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_written_is_read),
		CASE(no_two_are_alike),
		CASE(only_the_owner_may_read_the_file),
		CASE(a_file_of_cloudflareds_is_read),
		CASE(what_is_malformed_is_refused_and_not_quoted),
		CASE(a_file_that_cannot_be_opened_is_named),
	};

	return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
