/* WireGuard's four messages as they are on the wire (WireGuard: Next Generation
 * Kernel Network Tunnel, section 5.4; drivers/net/wireguard/messages.h). All
 * that is read is in the clear: no keys are needed. */
#ifndef ZTT_CAPTURE_WIREGUARD_H
#define ZTT_CAPTURE_WIREGUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ztt_wg_type {
	ZTT_WG_INITIATION = 1,
	ZTT_WG_RESPONSE = 2,
	ZTT_WG_COOKIE = 3,
	ZTT_WG_TRANSPORT = 4,
};
const char *ztt_wg_type_name(enum ztt_wg_type type);

enum {
	ZTT_WG_INITIATION_BYTES = 148,
	ZTT_WG_RESPONSE_BYTES = 92,
	ZTT_WG_COOKIE_BYTES = 64,
	ZTT_WG_KEEPALIVE_BYTES = 32, /* transport data with nothing in it */
};

struct ztt_wg_message {
	enum ztt_wg_type type;
	uint32_t sender;    /* initiation, response: the index its sender chose;
			       0 otherwise */
	uint32_t receiver;  /* response, cookie, transport: the index that the
			       receiver chose; 0 otherwise */
	uint64_t counter;   /* transport */
	uint64_t ephemeral; /* initiation, response: the first 8 bytes of the
			       unencrypted ephemeral key: tells two apart */
	bool keepalive;     /* transport without data */
};

/* One message of `whole_bytes`, of which `len_bytes` are there (the capture may
 * have cut the rest). 0; -EPROTO: no WireGuard message (type, the three zero
 * bytes, or the length); -EMSGSIZE: cut within its header. */
int ztt_wg_parse(const uint8_t *data, size_t len_bytes, size_t whole_bytes,
		 struct ztt_wg_message *ret_message);

/* The segment size of a super-datagram of transport messages: the second
 * begins with the type and receiver index of the first, each with the type; all
 * but the last are of one length. 0: a single message, or what is there does not reach the second;
 * memory is not touched past `len_bytes`. */
size_t ztt_wg_stride(const uint8_t *data, size_t len_bytes, size_t whole_bytes);

#endif
