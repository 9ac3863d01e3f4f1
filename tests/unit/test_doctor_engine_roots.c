#define _GNU_SOURCE
#include "ztt-doctor/probes/engine_roots.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PEM(body) \
	"-----BEGIN CERTIFICATE-----\n" body "\n-----END CERTIFICATE-----"

/* A program in memory, as a path. */
static int program(char path[64])
{
	const int fd = memfd_create("program", MFD_CLOEXEC);

	assert_true(fd >= 0);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void fill(int fd, size_t len)
{
	char *noise = malloc(len);

	memset(noise, '-', len);
	assert_int_equal(write(fd, noise, len), (ssize_t)len);
	free(noise);
}

static void check(const char *path, int count, const char *text)
{
	char *pem = NULL;
	size_t len = 0;

	assert_int_equal(ztt_engine_roots(path, &pem, &len), count);
	if (!count)
		assert_null(pem);
	else
		assert_string_equal(pem, text);
	assert_int_equal(len, pem ? strlen(pem) : 0);
	free(pem);
}

static void certificates_are_found_amid_everything_else(void **state)
{
	char path[64];
	const int fd = program(path);

	(void)state;
	put(fd, "\x7f"
		"ELF and other strings" PEM("AAAA\nBBBB"));
	fill(fd, 1000);
	put(fd, PEM("CCCC=") PEM("DDDD"));
	check(path, 3,
	      PEM("AAAA\nBBBB") "\n" PEM("CCCC=") "\n" PEM("DDDD") "\n");
	close(fd);
}

static void what_is_no_certificate_is_passed_over(void **state)
{
	char path[64];
	const int fd = program(path);

	(void)state;
	put(fd, "-----BEGIN CERTIFICATE-----\n");
	put(fd, "not base64 at all! " PEM("AAAA"));
	put(fd, "-----BEGIN CERTIFICATE-----\n");
	fill(fd, 20000);
	put(fd, "-----END CERTIFICATE----- -----BEGIN CERTIFICATE-----\nBB");
	check(path, 1, PEM("AAAA") "\n");
	close(fd);
}

static void one_across_the_end_of_a_window_is_whole(void **state)
{
	static const size_t windows[] = {248000, 253000, 262143, 262144,
					 524000};

	(void)state;
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
		for (size_t shift = 0; shift < 60; shift += 7) {
			char path[64];
			const int fd = program(path);

			fill(fd, windows[i] - shift);
			put(fd, "\n" PEM("AAAA"));
			fill(fd, 9000);
			put(fd, PEM("BBBB"));
			check(path, 2, PEM("AAAA") "\n" PEM("BBBB") "\n");
			close(fd);
		}
}

static void a_flood_of_them_is_bounded(void **state)
{
	char path[64], *pem = NULL;
	const int fd = program(path);
	size_t len;

	(void)state;
	for (int i = 0; i < 5 * ZTT_ENGINE_ROOTS_MAX; i++)
		put(fd, PEM("AAAA"));
	assert_int_equal(ztt_engine_roots(path, &pem, &len),
			 ZTT_ENGINE_ROOTS_MAX);
	free(pem);
	close(fd);
}

static void a_program_without_any_has_none(void **state)
{
	char path[64];
	const int fd = program(path);

	(void)state;
	check(path, 0, NULL);
	fill(fd, 600000);
	check(path, 0, NULL);
	close(fd);
}

static void what_is_no_file_is_an_error(void **state)
{
	char *pem = NULL;
	size_t len;

	(void)state;
	assert_int_equal(ztt_engine_roots("/nowhere", &pem, &len), -ENOENT);
	assert_int_equal(ztt_engine_roots("/", &pem, &len), -EINVAL);
	assert_int_equal(ztt_engine_roots("/dev/null", &pem, &len), -EINVAL);
}

static void it_is_found_in_path_or_where_it_is_said_to_be(void **state)
{
	char dir[] = "/tmp/ztt-path.XXXXXX", path[64], value[64];
	char *old = strdup(getenv("PATH")), *found;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/cloudflared", dir);
	snprintf(value, sizeof(value), "relative:/nowhere:%s:", dir);
	setenv("PATH", value, 1);
	assert_null(ztt_engine_find(NULL));
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_null(ztt_engine_find(NULL));
	assert_int_equal(chmod(path, 0755), 0);
	found = ztt_engine_find(NULL);
	assert_string_equal(found, path);
	free(found);
	found = ztt_engine_find("/opt/engine");
	assert_string_equal(found, "/opt/engine");
	free(found);
	setenv("PATH", old, 1);
	free(old);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_found_amid_everything_else),
		cmocka_unit_test(what_is_no_certificate_is_passed_over),
		cmocka_unit_test(one_across_the_end_of_a_window_is_whole),
		cmocka_unit_test(a_flood_of_them_is_bounded),
		cmocka_unit_test(a_program_without_any_has_none),
		cmocka_unit_test(what_is_no_file_is_an_error),
		cmocka_unit_test(it_is_found_in_path_or_where_it_is_said_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
