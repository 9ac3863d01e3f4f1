/* Where the facts about a host come from: this host, a copy of its files
 * (--root DIR), or a bundle that `cloudflared tunnel diag` wrote. Everything
 * read is hostile: bounded, and never a device, a FIFO or a path outside.
 * Any function may be called from any thread. */
#ifndef ZTT_DOCTOR_ROOT_H
#define ZTT_DOCTOR_ROOT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ztt_err;
struct ztt_root; /* opaque */

enum ztt_root_kind {
	ZTT_ROOT_LIVE,   /* this host */
	ZTT_ROOT_DIR,    /* a copy of a host's files */
	ZTT_ROOT_BUNDLE, /* files in memory, as ztt_root_put gave them */
};

/* `dir` NULL: this host. -ENOENT, -ENOTDIR, -EACCES with the path. */
int ztt_root_open(const char *dir, struct ztt_root **ret_root,
		  struct ztt_err *err);
/* An empty bundle, to be filled before anybody reads it. */
struct ztt_root *ztt_root_new_bundle(void);
void ztt_root_free(struct ztt_root *root);

enum ztt_root_kind ztt_root_kind(const struct ztt_root *root);

/* Bundles only: a copy of `len_bytes` becomes the file `path`. */
void ztt_root_put(struct ztt_root *root, const char *path, const void *data,
		  size_t len_bytes);
/* Bundles only: `path` was there and could not be read; who reads it gets
 * `rc`. */
void ztt_root_put_broken(struct ztt_root *root, const char *path, int rc);

/* Paths are absolute, as they are on the host ("/proc/stat"); symbolic links
 * are followed and end within the root. All return 0 or -ENOENT, -EACCES,
 * -EISDIR, -ELOOP, -EINVAL (no regular file) and what read() gives; of a bundle
 * also -EBADMSG (broken), -ENOKEY (encrypted) and -EFBIG. */

/* The whole file into `buf`, NUL-terminated, without its trailing newlines;
 * `ret_len` may be NULL. -EFBIG: longer than cap_bytes - 1; -EILSEQ: it holds a
 * NUL byte. On failure `buf` is as it was, or empty. */
int ztt_root_text(const struct ztt_root *root, const char *path, char *buf,
		  size_t cap_bytes, size_t *ret_len);

/* The same into memory that the caller frees, at most `max_bytes`; NUL bytes
 * are allowed, and a NUL is appended that ret_len does not count. */
int ztt_root_load(const struct ztt_root *root, const char *path,
		  size_t max_bytes, char **ret_data, size_t *ret_len);

/* Up to `len_bytes` from `offset` on; how many, which are fewer where the file
 * ends, 0 past its end. */
ssize_t ztt_root_read_at(const struct ztt_root *root, const char *path,
			 uint64_t offset, void *buf, size_t len_bytes);

/* The last `max_bytes` at most, from the beginning of a line on; *ret_cut tells
 * whether there was more before. */
int ztt_root_tail(const struct ztt_root *root, const char *path,
		  size_t max_bytes, char **ret_data, size_t *ret_len,
		  bool *ret_cut);

/* A file of one decimal number; -EINVAL when it is none. "-1" and other
 * negative numbers are -ERANGE. */
int ztt_root_uint(const struct ztt_root *root, const char *path,
		  uint64_t *ret_value);

/* A file's mode and owner; no file is opened. */
struct ztt_root_stat {
	mode_t mode; /* with its type: S_ISREG() */
	uid_t uid;
	gid_t gid;
	uint64_t len_bytes;
	int64_t modified_s; /* since the epoch */
};
int ztt_root_stat(const struct ztt_root *root, const char *path,
		  struct ztt_root_stat *ret_stat);

/* Names in a directory but "." and "..", sorted, at most `max` (the rest is
 * left out); the caller frees each and the array. */
int ztt_root_list(const struct ztt_root *root, const char *path, size_t max,
		  char ***ret_names, size_t *ret_count);
void ztt_root_list_free(char **names, size_t count);

/* What a symbolic link points at, as it is written there; -EINVAL: no link. Not
 * followed, but those in the directories above it are, within the root. */
int ztt_root_target(const struct ztt_root *root, const char *path,
		    char out[PATH_MAX]);

/* The last component of what a symbolic link points at ("virtio_net" for
 * .../device/driver). */
int ztt_root_link(const struct ztt_root *root, const char *path,
		  char out[NAME_MAX + 1]);

/* What the host's path is for the system calls of this process: `path` itself
 * on a live root, DIR/path for a directory; -ENOTSUP for a bundle. For fixes. */
int ztt_root_real_path(const struct ztt_root *root, const char *path,
		       char out[PATH_MAX]);

#endif
