#define _GNU_SOURCE
#include "ztt-capture/report/text_page.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define WIDTH 80
#define LABEL_COLUMN 2
#define TEXT_COLUMN 14

/* Words, at most WIDTH columns; further lines begin at `indent`. A word that is
 * longer than a line stays whole. */
static void put_words(FILE *out, size_t column, size_t indent, const char *text)
{
	bool first = true;

	for (;;) {
		size_t len, width;
		char *word;

		text += strspn(text, " ");
		if (!*text)
			break;
		len = strcspn(text, " ");
		word = ztt_text_plain(strndup(text, len));
		width = ztt_text_width(word);
		if (!first && column + 1 + width > WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		fputs(word, out);
		column += width;
		free(word);
		text += len;
		first = false;
	}
	fputc('\n', out);
}

void ztt_page_labelled(const struct ztt_page *page, const char *label,
		       const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(page->out, "%*s%-*s", LABEL_COLUMN, "",
		TEXT_COLUMN - LABEL_COLUMN, label);
	put_words(page->out, TEXT_COLUMN, TEXT_COLUMN, text);
}

void ztt_page_append(char *out, size_t cap_bytes, const char *fmt, ...)
{
	size_t len = strlen(out);
	va_list args;

	va_start(args, fmt);
	vsnprintf(out + len, cap_bytes - len, fmt, args);
	va_end(args);
}
