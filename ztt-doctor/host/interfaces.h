/* The network interfaces that a tunnel's packets take. */
#ifndef ZTT_DOCTOR_INTERFACES_H
#define ZTT_DOCTOR_INTERFACES_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-doctor/root.h"

struct ztt_doctor;
struct ztt_finding;

#define ZTT_INTERFACES_MAX 16

struct ztt_interfaces {
	char names[ZTT_INTERFACES_MAX][IF_NAMESIZE];
	size_t count;
	bool by_route; /* they carry a default route */
};

/* Those of one family's default routes (/proc/net/route or
 * /proc/net/ipv6_route). Never lo. As ztt_root_load. */
int ztt_interfaces_by_route(const struct ztt_root *root, bool v6,
			    struct ztt_interfaces *ret_interfaces);

/* Those of the default routes (/proc/net/route, /proc/net/ipv6_route), or when
 * there is none, those that are up and have a device. Never lo. */
void ztt_interfaces_find(const struct ztt_root *root,
			 struct ztt_interfaces *ret_interfaces);

/* Calls `look` for each of them; without any the finding is "skip". */
void ztt_interfaces_each(struct ztt_doctor *doctor, struct ztt_finding *finding,
			 void (*look)(struct ztt_doctor *doctor,
				      const char *name,
				      struct ztt_finding *finding));

/* Adds the interfaces of default routes in the text of /proc/net/route and of
 * /proc/net/ipv6_route, which is taken apart. */
void ztt_interfaces_add_routes(struct ztt_interfaces *interfaces, char *text);
void ztt_interfaces_add_routes6(struct ztt_interfaces *interfaces, char *text);

/* A number in /sys/class/net/NAME/ATTRIBUTE, as ztt_root_uint. */
int ztt_interface_uint(const struct ztt_root *root, const char *name,
		       const char *attribute, uint64_t *ret_value);
/* A line of text there, of at most cap_bytes - 1. */
int ztt_interface_text(const struct ztt_root *root, const char *name,
		       const char *attribute, char *out, size_t cap_bytes);
/* Its driver ("virtio_net"); -ENOENT when it has no device (veth, bridge). */
int ztt_interface_driver(const struct ztt_root *root, const char *name,
			 char out[NAME_MAX + 1]);

/* Whether the driver's link has no speed of its own: a hypervisor's. */
bool ztt_interface_is_virtual(const char *driver);

#endif
