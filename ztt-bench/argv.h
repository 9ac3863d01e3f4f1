/* The arguments of a child, built one by one. */
#ifndef ZTT_BENCH_ARGV_H
#define ZTT_BENCH_ARGV_H

#include <stddef.h>

/* Begin with {0}. Owns its strings; `items` ends with NULL once it has one. */
struct ztt_argv {
	char **items;
	size_t count, cap;
};

/* Adds one argument, of at most 4095 bytes. */
void ztt_argv_add(struct ztt_argv *argv, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds the arguments NAME and VALUE. */
void ztt_argv_option(struct ztt_argv *argv, const char *name,
		     const char *value);

/* All of them with blanks between, cut at `cap_bytes`. Returns `out`. */
char *ztt_argv_text(const struct ztt_argv *argv, char *out, size_t cap_bytes);

void ztt_argv_release(struct ztt_argv *argv);

#endif
