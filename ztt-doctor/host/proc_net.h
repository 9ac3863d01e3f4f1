/* Counters and sockets in the text files of /proc/net. Every parser takes
 * whatever it is given; what is not there is not found. */
#ifndef ZTT_DOCTOR_PROC_NET_H
#define ZTT_DOCTOR_PROC_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-doctor/root.h"

/* Counter `name` of the pair of lines "GROUP: NAME..." and "GROUP: VALUE..." in
 * the text of /proc/net/snmp; false when it is not there. */
bool ztt_snmp_value(const char *text, const char *group, const char *name,
		    uint64_t *ret_value);
/* Counter `name` ("Udp6RcvbufErrors") of the text of /proc/net/snmp6. */
bool ztt_snmp6_value(const char *text, const char *name, uint64_t *ret_value);

/* UDP counters of one network namespace, IPv4 and IPv6 together. */
struct ztt_udp_counters {
	uint64_t received, sent;
	uint64_t receive_buffer_errors; /* the socket's buffer was full */
	uint64_t send_buffer_errors;
	uint64_t in_errors; /* with the receive_buffer_errors */
};

/* /proc/net/snmp, and /proc/net/snmp6 where there is one. -errno of the first,
 * -EINVAL when it has no UDP counters. */
int ztt_udp_counters_read(const struct ztt_root *root,
			  struct ztt_udp_counters *ret_counters);

struct ztt_udp_socket {
	uint64_t inode;
	uint64_t drops; /* for want of receive buffer, since it was opened */
	uint16_t local_port, remote_port;
	bool wanted; /* the caller's own mark */
};

struct ztt_udp_sockets {
	struct ztt_udp_socket *list; /* grows as needed */
	size_t count;
};

#define ZTT_UDP_SOCKETS_MAX 16384

/* Adds the sockets in the text of a /proc/net/udp or udp6 that are not there
 * yet (by inode), as far as ZTT_UDP_SOCKETS_MAX; the text is taken apart. */
void ztt_udp_sockets_add(struct ztt_udp_sockets *sockets, char *text);
struct ztt_udp_socket *
ztt_udp_sockets_find(const struct ztt_udp_sockets *sockets, uint64_t inode);
void ztt_udp_sockets_release(struct ztt_udp_sockets *sockets);

#endif
