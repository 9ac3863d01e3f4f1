/* What a network interface of this kernel does for the CPU: ethtool's ioctls
 * and rtnetlink. Live only; no privilege is needed. */
#ifndef ZTT_DOCTOR_OFFLOADS_H
#define ZTT_DOCTOR_OFFLOADS_H

#include <stddef.h>

/* 1 on, 0 off, -1 the kernel does not tell. */
struct ztt_offloads {
	int gro, gso, tx_checksum;
	int tx_udp_segmentation;
	int rx_udp_gro_forwarding;
};

/* -ENODEV: no such interface; -EOPNOTSUPP; other -errno of socket(). */
int ztt_offloads_read(const char *name, struct ztt_offloads *ret_offloads);

/* The kinds of the interface's queueing disciplines, root first, each once:
 * "mq fq_codel". -ENODEV, -ENODATA (it has none), -errno of netlink. */
int ztt_qdisc_read(const char *name, char *out, size_t cap_bytes);

#endif
