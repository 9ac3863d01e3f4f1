#include "opt.h"

#include <string.h>

#define COLUMNS 80
#define LEFT_MAX 30 /* past it the help text begins on the next line */
#define LEFT_LEN 80

/* Prints `text` word by word from column `at`, and on further lines from column
 * `indent`; a newline in it begins a line. */
static void print_wrapped(const char *text, size_t at, size_t indent, FILE *out)
{
	bool begins = true;

	while (*text) {
		size_t len = strcspn(text, " \n");

		if (!begins && at + 1 + len > COLUMNS) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
			begins = true;
		}
		if (len) {
			fprintf(out, "%s%.*s", begins ? "" : " ", (int)len,
				text);
			at += len + !begins;
			begins = false;
		}
		text += len;
		if (*text == '\n') {
			fprintf(out, "\n%*s", text[1] ? (int)indent : 0, "");
			at = indent;
			begins = true;
		}
		text += *text != '\0';
	}
	fputc('\n', out);
}

const char *ztt_opt_arg(const struct ztt_opt *row)
{
	static const char *const names[] = {
		[ZTT_OPT_FLAG] = NULL,         [ZTT_OPT_STRING] = "TEXT",
		[ZTT_OPT_UINT] = "N",          [ZTT_OPT_SIZE] = "SIZE",
		[ZTT_OPT_DURATION] = "TIME",   [ZTT_OPT_RATE] = "RATE",
		[ZTT_OPT_PERCENT] = "PERCENT", [ZTT_OPT_CHOICE] = "WORD",
	};

	if (row->type == ZTT_OPT_FLAG)
		return NULL;
	return row->arg ? row->arg : names[row->type];
}

/* "  -n, --count N" */
static size_t left_text(const struct ztt_opt *row, char out[LEFT_LEN])
{
	const char *arg = ztt_opt_arg(row);
	char letter[] = {'-', row->letter, ',', '\0'};

	snprintf(out, LEFT_LEN, "  %3s --%s%s%s", row->letter ? letter : "",
		 row->name, arg ? " " : "", arg ? arg : "");
	return strlen(out);
}

static void right_text(const struct ztt_opt *row, char *out, size_t cap_bytes)
{
	const char *choices = row->type == ZTT_OPT_CHOICE ? row->choices : "";
	const char *between = choices[0] && row->preset ? "; " : "";
	int used = snprintf(out, cap_bytes, "%s", row->help);

	if (used < 0 || (size_t)used >= cap_bytes ||
	    (!choices[0] && !row->preset))
		return;
	snprintf(out + used, cap_bytes - (size_t)used, " (%s%s%s%s)", choices,
		 between, row->preset ? "default " : "",
		 row->preset ? row->preset : "");
}

static size_t left_width(const struct ztt_opt *table)
{
	char left[LEFT_LEN];
	size_t widest = 0;

	for (; table->name; table++) {
		size_t width = left_text(table, left) + 2;

		if (!table->hidden && width <= LEFT_MAX && width > widest)
			widest = width;
	}
	return widest ? widest : LEFT_MAX;
}

static void print_row(const struct ztt_opt *row, size_t indent, FILE *out)
{
	char left[LEFT_LEN], right[512];
	size_t width = left_text(row, left);

	right_text(row, right, sizeof(right));
	if (width + 2 > indent)
		fprintf(out, "%s\n%*s", left, (int)indent, "");
	else
		fprintf(out, "%-*s", (int)indent, left);
	print_wrapped(right, indent, indent, out);
}

static void print_examples(const char *lines, FILE *out)
{
	fputs("\nExamples:\n", out);
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		fprintf(out, "%s%.*s\n", len ? "  " : "", (int)len, lines);
		lines += len + (lines[len] != '\0');
	}
}

void ztt_opt_help(const struct ztt_opt *table, const struct ztt_opt_help *help,
		  FILE *out)
{
	size_t indent = left_width(table);

	fputs("Usage: ", out);
	print_wrapped(help->usage, 7, 7, out);
	fputc('\n', out);
	print_wrapped(help->purpose, 0, 0, out);
	if (help->examples)
		print_examples(help->examples, out);
	fputs("\nOptions:\n", out);
	for (; table->name; table++) {
		if (!table->hidden)
			print_row(table, indent, out);
	}
}
