#define _GNU_SOURCE
#include "table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "err.h"
#include "text.h"

#define GAP 2

/* `cells` is a grid of `columns` by `rows` strings, NULL where a row ended
 * early; row 0 holds the heads. */
struct ztt_table {
	size_t columns, rows, rows_cap, column;
	bool *right;
	char **cells;
};

static char **cell_at(const struct ztt_table *table, size_t row, size_t column)
{
	return &table->cells[row * table->columns + column];
}

static void add_cell(struct ztt_table *table, const char *text)
{
	assert(table->column < table->columns);
	*cell_at(table, table->rows - 1, table->column++) =
		ztt_text_plain(ztt_strdup(text));
}

struct ztt_table *ztt_table_new(const char *const *heads)
{
	struct ztt_table *table = ztt_calloc(1, sizeof(*table));

	while (heads[table->columns])
		table->columns++;
	table->right = ztt_calloc(table->columns, sizeof(*table->right));
	ztt_table_row(table);
	for (size_t i = 0; i < table->columns; i++) {
		table->right[i] = heads[i][0] == '>';
		add_cell(table, heads[i] + table->right[i]);
	}
	return table;
}

void ztt_table_free(struct ztt_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table->right);
	free(table);
}

void ztt_table_row(struct ztt_table *table)
{
	size_t row_bytes = table->columns * sizeof(*table->cells);

	if (table->rows == table->rows_cap) {
		table->rows_cap = 2 * table->rows_cap + 8;
		table->cells =
			ztt_realloc(table->cells, table->rows_cap * row_bytes);
	}
	table->rows++;
	table->column = 0;
	if (row_bytes)
		memset(cell_at(table, table->rows - 1, 0), 0, row_bytes);
}

void ztt_table_cell(struct ztt_table *table, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	add_cell(table, text);
}

static size_t column_width(const struct ztt_table *table, size_t column)
{
	size_t widest = 0;

	for (size_t row = 0; row < table->rows; row++) {
		const char *text = *cell_at(table, row, column);
		size_t width = text ? ztt_text_width(text) : 0;

		widest = width > widest ? width : widest;
	}
	return widest;
}

static void print_row(const struct ztt_table *table, size_t row,
		      const size_t *widths, FILE *out)
{
	size_t blanks = 0; /* owed before the next text */

	for (size_t i = 0; i < table->columns; i++) {
		const char *text = *cell_at(table, row, i);
		size_t pad = widths[i] - (text ? ztt_text_width(text) : 0);

		if (!text || !text[0]) {
			blanks += pad + GAP;
			continue;
		}
		if (table->right[i])
			blanks += pad;
		fprintf(out, "%*s%s", (int)blanks, "", text);
		blanks = GAP + (table->right[i] ? 0 : pad);
	}
}

void ztt_table_print(const struct ztt_table *table, bool color, FILE *out)
{
	size_t *widths = ztt_calloc(table->columns, sizeof(*widths));

	for (size_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	for (size_t row = 0; row < table->rows; row++) {
		bool bold = color && row == 0;

		fputs(bold ? "\033[1m" : "", out);
		print_row(table, row, widths, out);
		fputs(bold ? "\033[0m\n" : "\n", out);
	}
	free(widths);
}

static bool is_terminal(FILE *out)
{
	const char *term = getenv("TERM");
	int fd = fileno(out);

	return fd >= 0 && isatty(fd) && !(term && !strcmp(term, "dumb"));
}

bool ztt_color_wanted(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");

	return is_terminal(out) && !(no_color && no_color[0]);
}

static void cut_to_width(char *text, size_t width)
{
	while (*text && width--) {
		size_t len = ztt_text_char_len(text);

		text += len ? len : 1;
	}
	*text = '\0';
}

void ztt_progress(FILE *out, const char *fmt, ...)
{
	struct winsize size;
	char text[1024];
	va_list args;

	if (!is_terminal(out))
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || !size.ws_col)
		size.ws_col = 80;
	cut_to_width(ztt_text_plain(text), size.ws_col - 1u);
	fprintf(out, "\r%s\033[K", text);
	fflush(out);
}
