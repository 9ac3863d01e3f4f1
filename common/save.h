/* A result that is written whole or not at all. */
#ifndef ZTT_SAVE_H
#define ZTT_SAVE_H

#include <stddef.h>

struct ztt_err;

/* Whether `path` ("-": standard output) can be written, as far as can be known
 * without writing; to be asked before measuring. -errno with the cause. */
int ztt_save_check(const char *path, struct ztt_err *err);

/* Writes `text` and a newline to `path` ("-": standard output). A regular or
 * new file is written beside its place and then renamed, so that no half of one
 * is ever seen or left; a device or pipe is written directly. -errno, such as
 * -ENOSPC, with the cause. */
int ztt_save(const char *path, const char *text, size_t len_bytes,
	     struct ztt_err *err);

#endif
