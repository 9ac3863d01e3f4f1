#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Formats beside `err` first: an argument may point into it. */
int ztt_err_set(struct ztt_err *err, int code, const char *fmt, ...)
{
	struct ztt_err made;
	va_list args;

	if (!err)
		return code;
	va_start(args, fmt);
	vsnprintf(made.text, sizeof(made.text), fmt, args);
	va_end(args);
	ztt_text_plain(made.text);
	strcpy(err->text, made.text);
	return code;
}

int ztt_err_prefix(struct ztt_err *err, int code, const char *fmt, ...)
{
	char prefix[sizeof(err->text)];
	va_list args;

	if (!err)
		return code;
	va_start(args, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, args);
	va_end(args);
	return ztt_err_set(err, code, "%s: %s", prefix, err->text);
}

static void *checked(void *memory)
{
	if (memory)
		return memory;
	fputs("out of memory; free some, or ask for less at a time\n", stderr);
	exit(3);
}

void *ztt_alloc(size_t size_bytes)
{
	return checked(malloc(size_bytes ? size_bytes : 1));
}

void *ztt_calloc(size_t count, size_t size_bytes)
{
	if (!count || !size_bytes)
		count = size_bytes = 1;
	return checked(calloc(count, size_bytes));
}

void *ztt_realloc(void *old, size_t size_bytes)
{
	return checked(realloc(old, size_bytes ? size_bytes : 1));
}

char *ztt_strdup(const char *text)
{
	return checked(strdup(text));
}
