#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/table.h"

static void assert_printed(const struct ztt_table *table, bool color,
			   const char *expected)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	ztt_table_print(table, color, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

/* A terminal 20 columns wide; what is printed on it is read from `ret_fd`. */
static FILE *open_terminal(int *ret_fd)
{
	const struct winsize size = {.ws_row = 24, .ws_col = 20};
	int fd = posix_openpt(O_RDWR | O_NOCTTY);
	FILE *out;

	assert_true(fd >= 0);
	assert_int_equal(grantpt(fd), 0);
	assert_int_equal(unlockpt(fd), 0);
	assert_int_equal(ioctl(fd, TIOCSWINSZ, &size), 0);
	out = fopen(ptsname(fd), "w");
	assert_non_null(out);
	*ret_fd = fd;
	return out;
}

static void assert_read(int fd, const char *expected)
{
	char text[256];
	ssize_t len = read(fd, text, sizeof(text) - 1);

	assert_true(len >= 0);
	text[len] = '\0';
	assert_string_equal(text, expected);
}

static void columns_are_as_wide_as_their_widest_cell(void **unused)
{
	const char *const heads[] = {"engine", ">goodput", "note", NULL};
	struct ztt_table *table = ztt_table_new(heads);

	(void)unused;
	ztt_table_row(table);
	ztt_table_cell(table, "%s", "cloudflared");
	ztt_table_cell(table, "%d", 7);
	ztt_table_cell(table, "ok");
	ztt_table_row(table);
	ztt_table_cell(table, "direct");
	ztt_table_cell(table, "%s", "1234567890");
	assert_printed(table, false,
		       "engine          goodput  note\n"
		       "cloudflared           7  ok\n"
		       "direct       1234567890\n");
	assert_printed(table, true,
		       "\033[1mengine          goodput  note\033[0m\n"
		       "cloudflared           7  ok\n"
		       "direct       1234567890\n");
	ztt_table_free(table);
}

static void empty_cells_leave_no_trailing_blanks(void **unused)
{
	const char *const heads[] = {"a", "b", ">c", NULL};
	struct ztt_table *table = ztt_table_new(heads);

	(void)unused;
	ztt_table_row(table);
	ztt_table_row(table);
	ztt_table_cell(table, "xx");
	ztt_table_cell(table, "%s", "");
	ztt_table_cell(table, "yy");
	assert_printed(table, false,
		       "a   b   c\n"
		       "\n"
		       "xx     yy\n");
	ztt_table_free(table);
}

static void width_is_counted_in_characters(void **unused)
{
	const char *const heads[] = {"caf\xc3\xa9", "b", NULL};
	struct ztt_table *table = ztt_table_new(heads);

	(void)unused;
	ztt_table_row(table);
	ztt_table_cell(table, "\xc2\xb5");
	ztt_table_cell(table, "\x1b[2Jx\ny");
	assert_printed(table, false,
		       "caf\xc3\xa9  b\n"
		       "\xc2\xb5     ?[2Jx?y\n");
	ztt_table_free(table);
}

static void many_rows_are_kept(void **unused)
{
	const char *const heads[] = {">n", NULL};
	struct ztt_table *table = ztt_table_new(heads);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)unused;
	for (int i = 0; i < 1000; i++) {
		ztt_table_row(table);
		ztt_table_cell(table, "%d", i);
	}
	ztt_table_print(table, false, out);
	fclose(out);
	assert_int_equal(len, 1001 * 4);
	free(text);
	ztt_table_free(table);
}

static void a_table_without_columns_is_fine(void **unused)
{
	const char *const heads[] = {NULL};
	struct ztt_table *table = ztt_table_new(heads);

	(void)unused;
	assert_printed(table, false, "\n");
	ztt_table_free(table);
	ztt_table_free(NULL);
}

static void progress_is_for_terminals_alone(void **unused)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)unused;
	ztt_progress(out, "%d %%", 50);
	assert_false(ztt_color_wanted(out));
	fclose(out);
	assert_int_equal(len, 0);
	free(text);
}

static void progress_overwrites_its_line_and_never_wraps(void **unused)
{
	int fd;
	FILE *out = open_terminal(&fd);

	(void)unused;
	setenv("TERM", "xterm", 1);
	ztt_progress(out, "run %d of %d", 2, 9);
	assert_read(fd, "\rrun 2 of 9\033[K");
	ztt_progress(out, "%s", "caf\xc3\xa9\t7890123456789012345");
	assert_read(fd, "\rcaf\xc3\xa9?78901234567890\033[K");
	ztt_progress(out, "%s", "");
	assert_read(fd, "\r\033[K");
	fclose(out);
	close(fd);
}

static void colours_honour_the_environment(void **unused)
{
	int fd;
	FILE *out = open_terminal(&fd);

	(void)unused;
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	assert_true(ztt_color_wanted(out));
	setenv("NO_COLOR", "", 1);
	assert_true(ztt_color_wanted(out));
	setenv("NO_COLOR", "1", 1);
	assert_false(ztt_color_wanted(out));
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	assert_false(ztt_color_wanted(out));
	fclose(out);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(empty_cells_leave_no_trailing_blanks),
		cmocka_unit_test(width_is_counted_in_characters),
		cmocka_unit_test(many_rows_are_kept),
		cmocka_unit_test(a_table_without_columns_is_fine),
		cmocka_unit_test(progress_is_for_terminals_alone),
		cmocka_unit_test(progress_overwrites_its_line_and_never_wraps),
		cmocka_unit_test(colours_honour_the_environment),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
