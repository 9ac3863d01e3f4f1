#define _GNU_SOURCE
#include "common/proc_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static struct ztt_proc_lines lines;

static void open_text(const char *text, size_t len)
{
	char path[64];
	int fd = memfd_create("lines", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(ztt_proc_lines_open(&lines, AT_FDCWD, path), 0);
	close(fd);
}

static void lines_come_one_by_one(void **state)
{
	(void)state;
	open_text("one\n\nthree", 10);
	assert_string_equal(ztt_proc_lines_next(&lines), "one");
	assert_string_equal(ztt_proc_lines_next(&lines), "");
	assert_string_equal(ztt_proc_lines_next(&lines), "three");
	assert_null(ztt_proc_lines_next(&lines));
	assert_null(ztt_proc_lines_next(&lines));
	ztt_proc_lines_close(&lines);
	assert_int_equal(ztt_proc_lines_open(&lines, AT_FDCWD, "/no/such"),
			 -ENOENT);
}

/* Lines around the size of the buffer, and many times it. */
static void an_overlong_line_is_cut_and_the_next_is_whole(void **state)
{
	static const size_t lens[] = {8190,  8191,  8192,  8193,
				      16382, 16383, 16384, 100000};
	static char text[100100];

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		size_t kept = lens[i] < 8191 ? lens[i] : 8191;

		memset(text, 'x', lens[i]);
		strcpy(text + lens[i], "\nnext\n");
		open_text(text, lens[i] + 6);
		assert_int_equal(strlen(ztt_proc_lines_next(&lines)), kept);
		assert_string_equal(ztt_proc_lines_next(&lines), "next");
		assert_null(ztt_proc_lines_next(&lines));
		ztt_proc_lines_close(&lines);
		open_text(text, lens[i]);
		assert_int_equal(strlen(ztt_proc_lines_next(&lines)), kept);
		assert_null(ztt_proc_lines_next(&lines));
		ztt_proc_lines_close(&lines);
	}
}

static void fields_are_counted_from_zero(void **state)
{
	(void)state;
	assert_int_equal(ztt_proc_field("  7 8\t 99:12", 0), 7);
	assert_int_equal(ztt_proc_field("  7 8\t 99:12", 2), 99);
	assert_int_equal(ztt_proc_field("  7 8\t 99:12", 3), 0);
	assert_int_equal(ztt_proc_field("7 -8 x", 1), 0);
	assert_int_equal(ztt_proc_field("", 0), 0);
}

static void a_value_needs_its_whole_key(void **state)
{
	(void)state;
	assert_string_equal(ztt_proc_value("VmRSS:\t  12 kB", "VmRSS"),
			    "12 kB");
	assert_null(ztt_proc_value("VmRSSx: 1", "VmRSS"));
	assert_null(ztt_proc_value("VmRS", "VmRSS"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_one_by_one),
		cmocka_unit_test(an_overlong_line_is_cut_and_the_next_is_whole),
		cmocka_unit_test(fields_are_counted_from_zero),
		cmocka_unit_test(a_value_needs_its_whole_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
