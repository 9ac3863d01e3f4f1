/* What --fix can change: one target each, with the state it is in. */
#ifndef ZTT_DOCTOR_FIX_TARGET_H
#define ZTT_DOCTOR_FIX_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "ztt-doctor/root.h"

struct ztt_err;

#define ZTT_TARGET_BYTES 512
/* Of a file that is kept and restored. */
#define ZTT_STATE_BYTES_MAX (64 * 1024)

enum ztt_target_kind {
	ZTT_TARGET_DIR,    /* a directory that was missing */
	ZTT_TARGET_FILE,   /* ZTT_FIX_SYSCTL_FILE */
	ZTT_TARGET_SYSCTL, /* "net.core.rmem_max" */
	ZTT_TARGET_MODE,   /* of a regular file */
	ZTT_TARGET_KINDS,
};
extern const char *const ztt_target_kind_names[ZTT_TARGET_KINDS];

/* The root, as this process reaches it. */
struct ztt_place {
	int fd; /* -1: not open */
	bool live;
	char dir[PATH_MAX]; /* "" for this host */
};

/* Plain storage; release frees the bytes. Equal states have equal prints. */
struct ztt_state {
	char print[65]; /* "absent", "present", SHA-256 of a file in hex, a
			   value with its blanks made single, "0600" */
	mode_t mode;    /* without its type */
	uid_t uid;
	gid_t gid;
	char *bytes; /* of a file, and of a value as it was read */
	size_t len_bytes;
};
void ztt_state_release(struct ztt_state *state);
void ztt_state_copy(struct ztt_state *to, const struct ztt_state *from);
bool ztt_state_same(const struct ztt_state *a, const struct ztt_state *b);

/* Makes the state of a file of these bytes, of a value or of a mode. -EINVAL:
 * the value is not digits, blanks and '-', or too long. */
void ztt_state_of_file(struct ztt_state *state, const char *bytes,
		       size_t len_bytes);
int ztt_state_of_value(struct ztt_state *state, const char *value);
void ztt_state_of_mode(struct ztt_state *state, mode_t mode);

/* Whether `target` has the form that its kind asks for: a sysctl key below
 * net, kernel, fs or vm, without ".."; an absolute path without "..", "//" or
 * control characters; of files and directories only the known ones. */
bool ztt_target_valid(enum ztt_target_kind kind, const char *target);

/* -ENOTSUP: a bundle. */
int ztt_place_open(const struct ztt_root *root, struct ztt_place *ret_place,
		   struct ztt_err *err);
void ztt_place_close(struct ztt_place *place);
/* openat2 within the root; the last component is never followed. A descriptor
 * or -errno. */
int ztt_place_open_path(const struct ztt_place *place, const char *path,
			int flags);

/* An O_PATH descriptor of a file. From the first directory on that others than
 * root can write no link is followed, for it may have been put there since the
 * path was found: -ELOOP; nor is a file taken that has a second name: -EMLINK. */
int ztt_place_open_own_way(const struct ztt_place *place, const char *path);

/* A regular file, only to be looked at (O_PATH), and what it is; as root on
 * this host by its own way alone. -EINVAL: it is none. */
int ztt_place_open_regular(const struct ztt_place *place, const char *path,
			   struct stat *ret_st);

/* A whole file by a temporary one beside it: written, fsynced, renamed, the
 * directory fsynced. */
int ztt_replace_file(int dir_fd, const char *name, const char *bytes,
		     size_t len_bytes, mode_t mode, uid_t uid, gid_t gid);
/* The temporary file that a kill left. */
int ztt_replace_clean(int dir_fd, const char *name);

/* The state now; a file or a directory that is not there is "absent", a value
 * or a mode -ENOENT. -EINVAL: no regular file, or no number; -EFBIG. */
int ztt_target_read(const struct ztt_place *place, enum ztt_target_kind kind,
		    const char *target, struct ztt_state *ret_state);
/* Brings the target into that state. -ENOTEMPTY: a directory with something
 * in it is not removed. */
int ztt_target_write(const struct ztt_place *place, enum ztt_target_kind kind,
		     const char *target, const struct ztt_state *state);
/* Removes the temporary file that a kill left. */
void ztt_target_clean(const struct ztt_place *place, enum ztt_target_kind kind,
		      const char *target);
/* Whether it could be written, without doing so: 0 or -errno. */
int ztt_target_writable(const struct ztt_place *place,
			enum ztt_target_kind kind, const char *target);

/* "/proc/sys/net/core/rmem_max"; a '/' in the key is a '.' in a name, as
 * sysctl(8) has it. */
void ztt_sysctl_path(const char *key, char out[ZTT_TARGET_BYTES + 16]);

#endif
