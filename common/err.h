/* Errors: a negative errno value for the program, a sentence for the user. */
#ifndef ZTT_ERR_H
#define ZTT_ERR_H

#include <stddef.h>

/* The sentence for the user: what happened, why, and what to do next. One
 * line, no full stop, no newline; untouched on success. Never holds a secret. */
struct ztt_err {
	char text[1024];
};

/* Writes the sentence into `err` (which may be NULL) and returns `code`, so
 * that a failing function ends in `return ztt_err_set(err, -EPROTO, ...)`.
 * `code` is a negative errno value. Arguments may point into `err`; what is no
 * UTF-8 and control characters become '?'. */
int ztt_err_set(struct ztt_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "PREFIX: " before the sentence already in `err`; returns `code`. */
int ztt_err_prefix(struct ztt_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* malloc, calloc, realloc and strdup that end the process with a sentence when
 * memory is out (status 3); never NULL, not for 0 bytes either. Bound every
 * length that came from outside before calling. */
void *ztt_alloc(size_t size_bytes);
void *ztt_calloc(size_t count, size_t size_bytes);
void *ztt_realloc(void *old, size_t size_bytes);
char *ztt_strdup(const char *text);

#endif
