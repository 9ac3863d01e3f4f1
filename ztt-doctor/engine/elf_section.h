/* A section of an ELF file by its name: 32 and 64 bit, both byte orders. The
 * file is hostile: every number in it is bounded. */
#ifndef ZTT_DOCTOR_ELF_SECTION_H
#define ZTT_DOCTOR_ELF_SECTION_H

#include <stddef.h>

struct ztt_root;

/* Reads the headers and that section alone, of it at most `max_bytes`, into
 * memory that the caller frees. -ENOEXEC: no ELF file. -ENODATA: no such
 * section, or none at all. -EBADMSG: headers are broken. Else as
 * ztt_root_load. */
int ztt_elf_section_load(const struct ztt_root *root, const char *path,
			 const char *name, size_t max_bytes,
			 unsigned char **ret_data, size_t *ret_len);

#endif
