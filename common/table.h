/* A text table, and a live line of progress. */
#ifndef ZTT_TABLE_H
#define ZTT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct ztt_table; /* opaque */

/* `heads`: column titles, NULL-terminated; a title that begins with '>' is
 * set flush right. */
struct ztt_table *ztt_table_new(const char *const *heads);
void ztt_table_free(struct ztt_table *table);

/* Begins a row; then one call per cell, left to right. A row may be shorter
 * than the heads, not longer. A cell is cut at 511 bytes, and control
 * characters in it become '?'. */
void ztt_table_row(struct ztt_table *table);
void ztt_table_cell(struct ztt_table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints heads and rows, columns as wide as their widest cell, two spaces
 * apart, no trailing blanks; width is counted in UTF-8 characters. `color`:
 * the heads are bold. */
void ztt_table_print(const struct ztt_table *table, bool color, FILE *out);

/* Whether `out` is a terminal that may be coloured: isatty, TERM not "dumb",
 * NO_COLOR unset or empty. */
bool ztt_color_wanted(FILE *out);

/* Overwrites the live line on `out` when it is a terminal (and TERM not
 * "dumb"), else does nothing; an empty text clears the line. The text is cut to
 * one less than the terminal's width, so that the line never wraps. */
void ztt_progress(FILE *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
