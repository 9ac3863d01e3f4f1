/* The CA certificates that the engine carries in its own program: a Go program
 * holds its PEM texts as they were written. */
#ifndef ZTT_DOCTOR_ENGINE_ROOTS_H
#define ZTT_DOCTOR_ENGINE_ROOTS_H

#include <stddef.h>

#define ZTT_ENGINE_ROOTS_MAX 32
#define ZTT_ENGINE_ROOT_BYTES_MAX 8192

/* Appends every PEM certificate of the file `path` to *ret_pem, which the
 * caller frees (NULL where there is none). Returns their number, at most
 * ZTT_ENGINE_ROOTS_MAX, or -errno of open and read; -EINVAL: no regular file;
 * -EFBIG: past 512 MiB. What is no PEM text, or longer than
 * ZTT_ENGINE_ROOT_BYTES_MAX, is passed over. */
int ztt_engine_roots(const char *path, char **ret_pem, size_t *ret_len_bytes);

/* Where `cloudflared` is: `engine_path`, or the first executable file of that
 * name in PATH; NULL: nowhere. The caller frees. */
char *ztt_engine_find(const char *engine_path);

#endif
