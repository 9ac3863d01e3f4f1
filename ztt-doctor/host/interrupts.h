/* Which processors take the interrupts of network devices. */
#ifndef ZTT_DOCTOR_INTERRUPTS_H
#define ZTT_DOCTOR_INTERRUPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_root;

#define ZTT_INTERRUPTS_CPUS_MAX 1024
#define ZTT_INTERRUPTS_LINES_MAX 256

/* One interrupt of a network device, since boot. */
struct ztt_interrupt {
	char name[64]; /* what the driver calls it: "eth0-TxRx-0" */
	uint64_t total;
	unsigned busiest; /* processor that took most of them */
	uint64_t busiest_count;
};

struct ztt_interrupts {
	unsigned cpu_count;                        /* columns */
	unsigned cpus[ZTT_INTERRUPTS_CPUS_MAX];    /* their numbers */
	uint64_t per_cpu[ZTT_INTERRUPTS_CPUS_MAX]; /* network devices alone */
	struct ztt_interrupt lines[ZTT_INTERRUPTS_LINES_MAX];
	size_t line_count;
	uint64_t total;
};

/* From a text as /proc/interrupts has it (proc(5)), which is taken apart.
 * `wanted` says whether an interrupt, by its number ("24") and its name
 * ("virtio0-input.0"), is of a network device. -EINVAL: no such heading. */
int ztt_interrupts_parse(char *text,
			 bool (*wanted)(const char *number, const char *name,
					void *context),
			 void *context, struct ztt_interrupts *ret_interrupts);

/* Those of the devices in /sys/class/net: found by their names in the
 * interrupt's, by "virtioN" of a virtual one, or by device/msi_irqs. */
int ztt_interrupts_read(const struct ztt_root *root,
			struct ztt_interrupts *ret_interrupts);

#endif
