#include "ztt-bench/argv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/err.h"

void ztt_argv_add(struct ztt_argv *argv, const char *fmt, ...)
{
	char text[4096];
	va_list args;

	if (argv->count + 2 > argv->cap) {
		argv->cap = 2 * argv->cap + 32;
		argv->items = ztt_realloc(argv->items,
					  argv->cap * sizeof(*argv->items));
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	argv->items[argv->count++] = ztt_strdup(text);
	argv->items[argv->count] = NULL;
}

void ztt_argv_option(struct ztt_argv *argv, const char *name, const char *value)
{
	ztt_argv_add(argv, "%s", name);
	ztt_argv_add(argv, "%s", value);
}

char *ztt_argv_text(const struct ztt_argv *argv, char *out, size_t cap_bytes)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < argv->count && len < cap_bytes; i++)
		len += (size_t)snprintf(out + len, cap_bytes - len, "%s%s",
					i ? " " : "", argv->items[i]);
	return out;
}

void ztt_argv_release(struct ztt_argv *argv)
{
	for (size_t i = 0; i < argv->count; i++)
		free(argv->items[i]);
	free(argv->items);
	*argv = (struct ztt_argv){0};
}
