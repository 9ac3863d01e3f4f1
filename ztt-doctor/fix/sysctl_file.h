/* The file of sysctl settings (sysctl.d(5)) with some of its values changed. */
#ifndef ZTT_DOCTOR_FIX_SYSCTL_FILE_H
#define ZTT_DOCTOR_FIX_SYSCTL_FILE_H

#include <stddef.h>

struct ztt_setting {
	const char *key, *value;
};

/* The file that `old` (NULL: there is none) becomes: lines that set one of the
 * keys otherwise are replaced, keys that no line sets are added at the end, and
 * all other lines stay byte for byte. The caller frees it. */
char *ztt_sysctl_file_merge(const char *old, size_t old_len_bytes,
			    const struct ztt_setting *settings, size_t count,
			    size_t *ret_len_bytes);

#endif
