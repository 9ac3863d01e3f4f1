/* What the Go toolchain leaves in the programs that it links, as `go version
 * -m` shows it: the ELF section .go.buildinfo (Go's debug/buildinfo). */
#ifndef ZTT_DOCTOR_GO_BUILD_INFO_H
#define ZTT_DOCTOR_GO_BUILD_INFO_H

#include <stddef.h>

struct ztt_root;

struct ztt_go_build_info {
	char go_version[32];   /* "go1.26.11" */
	char package[128];     /* the program's import path */
	char main_version[32]; /* of -ldflags '-X main.Version=...'; "": none,
				  as in programs built with -trimpath */
};

/* Reads the headers and that one section of the file, at most 1 MiB; runs
 * nothing. -ENOEXEC: no ELF file. -ENODATA: it has no such section, or one of a
 * Go before 1.18, which named no flags. -EBADMSG: headers or section are
 * broken. Else as ztt_root_load. */
int ztt_go_build_info_read(const struct ztt_root *root, const char *path,
			   struct ztt_go_build_info *ret_info);

/* The section's contents; -ENODATA, -EBADMSG. For tests. */
int ztt_go_build_info_parse(const void *data, size_t len_bytes,
			    struct ztt_go_build_info *ret_info);

#endif
