/* What a program of the host prints, bounded in size and time. */
#ifndef ZTT_DOCTOR_COMMAND_H
#define ZTT_DOCTOR_COMMAND_H

#include <stddef.h>
#include <stdint.h>

/* Where a program of this name is: PATH, and the directories of system
 * programs that a user's PATH leaves out. -ENOENT. */
int ztt_command_find(const char *name, char *ret_path, size_t cap_bytes);

/* Runs it (argv[0] is its path) in the C locale, with nothing to read, and
 * gives what it wrote to both its outputs, NUL-terminated, freed by the caller.
 * -ENOENT: no such program; -ETIMEDOUT: killed at `until_ns`; -EFBIG: longer
 * than `max_bytes`, killed; -EACCES: it failed and says that it was not
 * permitted; -EIO: it failed otherwise. On failure ret_text is untouched. May be
 * called from any thread that lives on until it returns. */
int ztt_command_run(char *const argv[], uint64_t until_ns, size_t max_bytes,
		    char **ret_text, size_t *ret_len);

#endif
