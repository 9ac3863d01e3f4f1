/* What /proc/cpuinfo tells about the processor: its name, how many, and the
 * instructions that ciphers use. */
#ifndef ZTT_DOCTOR_CPU_INFO_H
#define ZTT_DOCTOR_CPU_INFO_H

#include <stdbool.h>
#include <stddef.h>

struct ztt_root;

/* An instruction is there when every processor has it. */
struct ztt_cpu_info {
	char model[128]; /* "" when not told */
	unsigned processors;
	bool has_flags; /* flags (x86) or Features (Arm) were found */
	bool arm;       /* they were Features */
	bool aes, pclmulqdq, vaes, avx2, avx512f; /* x86; aes also Arm */
	bool pmull, sha2;                         /* Arm */
	bool hypervisor;                          /* x86: a virtual machine */
};

/* What ztt_root_load gives. */
int ztt_cpu_info_read(const struct ztt_root *root,
		      struct ztt_cpu_info *ret_info);
/* The same from a NUL-terminated text, which is taken apart. */
void ztt_cpu_info_parse(char *text, struct ztt_cpu_info *ret_info);

#define ZTT_CPU_LIST_MAX 4096

/* A list as the kernel writes it ("0-3,8"; cpuset(7), List format) as a set:
 * set[n] for processor n. How many; -EINVAL when it is none. */
int ztt_cpu_list_parse(const char *text, bool set[ZTT_CPU_LIST_MAX]);

#endif
