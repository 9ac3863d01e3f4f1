/* A WireGuard interface and its peers, from the kernel (generic netlink family
 * "wireguard", linux/wireguard.h) or from a userspace one (the UAPI socket,
 * wireguard.com/xplatform). Private and preshared keys are passed over, and the
 * buffers they came in are wiped. */
#ifndef ZTT_DOCTOR_WG_DEVICE_H
#define ZTT_DOCTOR_WG_DEVICE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_doctor;
struct ztt_root;

#define ZTT_WG_DEVICES_MAX 64
#define ZTT_WG_PEERS_MAX 256
#define ZTT_WG_KEY_BYTES 32

struct ztt_wg_peer {
	uint8_t public_key[ZTT_WG_KEY_BYTES];
	bool has_endpoint;
	bool endpoint_v6;
	unsigned keepalive_s; /* 0: off */
	int64_t handshake_s;  /* since the epoch; 0: never */
	uint64_t rx_bytes, tx_bytes;
};

struct ztt_wg_device {
	uint16_t listen_port; /* 0: not told */
	struct ztt_wg_peer peers[ZTT_WG_PEERS_MAX];
	size_t peer_count;
	bool cut; /* there were more */
};

/* Adds what the attributes of one message of the answer to WG_CMD_GET_DEVICE
 * tell; a peer may go on in the next. -EPROTO: they are not well-formed. */
int ztt_wg_parse_netlink(struct ztt_wg_device *device, const void *attributes,
			 size_t len_bytes);

/* The whole answer to "get=1\n\n". -EPROTO: not of that form; -errno that it
 * reports itself (errno=). */
int ztt_wg_parse_uapi(struct ztt_wg_device *ret_device, const char *text,
		      size_t len_bytes);

/* Asks the kernel. -EPERM: needs CAP_NET_ADMIN; -EOPNOTSUPP: no WireGuard in
 * this kernel; -ENODEV; -ETIMEDOUT. */
int ztt_wg_get_kernel(const char *name, uint64_t until_ns,
		      struct ztt_wg_device *ret_device);
/* Asks the userspace process behind the socket `path`. -EACCES; -ECONNREFUSED:
 * nobody is there; -ETIMEDOUT. */
int ztt_wg_get_socket(const char *path, uint64_t until_ns,
		      struct ztt_wg_device *ret_device);

/* The interfaces of a host. */
struct ztt_wg_interface {
	char name[IF_NAMESIZE];
	bool userspace;   /* a UAPI socket is there */
	char socket[108]; /* its path for this process; "": too long */
	uint64_t mtu;     /* 0: not known */
};

struct ztt_wg_interfaces {
	struct ztt_wg_interface list[ZTT_WG_DEVICES_MAX];
	size_t count;
};

/* Those of /sys/class/net with DEVTYPE=wireguard, and those with a socket in
 * /run/wireguard. */
void ztt_wg_interfaces(const struct ztt_root *root,
		       struct ztt_wg_interfaces *ret_interfaces);

/* Asks whichever it is. */
int ztt_wg_get(const struct ztt_wg_interface *interface, uint64_t until_ns,
	       struct ztt_wg_device *ret_device);

/* The first eight characters of the public key as wg(8) shows it; returns
 * `out`. */
#define ZTT_WG_NAME_LEN 12
char *ztt_wg_peer_name(const struct ztt_wg_peer *peer,
		       char out[ZTT_WG_NAME_LEN]);

#endif
