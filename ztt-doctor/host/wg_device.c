#define _GNU_SOURCE
#include "ztt-doctor/host/wg_device.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct timespec64 {
	int64_t s, ns;
};

static struct ztt_wg_peer *add_peer(struct ztt_wg_device *device)
{
	struct ztt_wg_peer *peer;

	if (device->peer_count == ZTT_WG_PEERS_MAX) {
		device->cut = true;
		return NULL;
	}
	peer = &device->peers[device->peer_count++];
	memset(peer, 0, sizeof(*peer));
	return peer;
}

static int read_number(const struct nlattr *attr, void *out, size_t len_bytes)
{
	if (mnl_attr_get_payload_len(attr) < len_bytes)
		return -EPROTO;
	memcpy(out, mnl_attr_get_payload(attr), len_bytes);
	return 0;
}

static int read_endpoint(const struct nlattr *attr, struct ztt_wg_peer *peer)
{
	sa_family_t family;
	int rc = read_number(attr, &family, sizeof(family));

	if (rc < 0)
		return rc;
	peer->has_endpoint = family == AF_INET || family == AF_INET6;
	peer->endpoint_v6 = family == AF_INET6;
	return 0;
}

static int read_peer_attr(const struct nlattr *attr, struct ztt_wg_peer *peer)
{
	struct timespec64 when;
	uint16_t interval;
	int rc = 0;

	switch (mnl_attr_get_type(attr)) {
	case WGPEER_A_PUBLIC_KEY:
		return read_number(attr, peer->public_key, ZTT_WG_KEY_BYTES);
	case WGPEER_A_ENDPOINT:
		return read_endpoint(attr, peer);
	case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
		rc = read_number(attr, &interval, sizeof(interval));
		if (rc == 0)
			peer->keepalive_s = interval;
		return rc;
	case WGPEER_A_LAST_HANDSHAKE_TIME:
		rc = read_number(attr, &when, sizeof(when));
		if (rc == 0)
			peer->handshake_s = when.s;
		return rc;
	case WGPEER_A_RX_BYTES:
		return read_number(attr, &peer->rx_bytes, sizeof(uint64_t));
	case WGPEER_A_TX_BYTES:
		return read_number(attr, &peer->tx_bytes, sizeof(uint64_t));
	default:
		return 0;
	}
}

/* mnl_attr_for_each over a payload stops at what does not fit, silently. */
static bool next_attr(const uint8_t **at, size_t *left,
		      const struct nlattr **ret_attr)
{
	const struct nlattr *attr = (const void *)*at;
	size_t step;

	if (*left < sizeof(*attr) || !mnl_attr_ok(attr, (int)*left))
		return false;
	step = (size_t)MNL_ALIGN(attr->nla_len);
	step = step < *left ? step : *left;
	*ret_attr = attr;
	*at += step;
	*left -= step;
	return true;
}

/* The peer that the message before ended in goes on with its public key alone
 * and more allowed addresses (linux/wireguard.h). */
static int read_peer(struct ztt_wg_device *device, const struct nlattr *nest)
{
	const uint8_t *at = mnl_attr_get_payload(nest);
	size_t left = mnl_attr_get_payload_len(nest);
	struct ztt_wg_peer peer = {0}, *kept;
	const struct nlattr *attr;
	size_t count = device->peer_count;

	while (next_attr(&at, &left, &attr)) {
		int rc = read_peer_attr(attr, &peer);

		if (rc < 0)
			return rc;
	}
	if (left > 0)
		return -EPROTO;
	if (count > 0 && memcmp(device->peers[count - 1].public_key,
				peer.public_key, ZTT_WG_KEY_BYTES) == 0)
		return 0;
	kept = add_peer(device);
	if (kept)
		*kept = peer;
	return 0;
}

static int read_peers(struct ztt_wg_device *device, const struct nlattr *nest)
{
	const uint8_t *at = mnl_attr_get_payload(nest);
	size_t left = mnl_attr_get_payload_len(nest);
	const struct nlattr *attr;

	while (next_attr(&at, &left, &attr)) {
		int rc = read_peer(device, attr);

		if (rc < 0)
			return rc;
	}
	return left > 0 ? -EPROTO : 0;
}

int ztt_wg_parse_netlink(struct ztt_wg_device *device, const void *attributes,
			 size_t len_bytes)
{
	const uint8_t *at = attributes;
	size_t left = len_bytes;
	const struct nlattr *attr;
	int rc = 0;

	while (rc == 0 && next_attr(&at, &left, &attr)) {
		if (mnl_attr_get_type(attr) == WGDEVICE_A_LISTEN_PORT)
			rc = read_number(attr, &device->listen_port,
					 sizeof(uint16_t));
		else if (mnl_attr_get_type(attr) == WGDEVICE_A_PEERS)
			rc = read_peers(device, attr);
	}
	return rc == 0 && left > 0 ? -EPROTO : rc;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int read_key(const char *value, size_t len,
		    uint8_t out[ZTT_WG_KEY_BYTES])
{
	if (len != (size_t)2 * ZTT_WG_KEY_BYTES)
		return -EPROTO;
	for (size_t i = 0; i < ZTT_WG_KEY_BYTES; i++) {
		int high = hex_digit(value[2 * i]);
		int low = hex_digit(value[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EPROTO;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static int read_decimal(const char *value, size_t len, uint64_t *ret_value)
{
	uint64_t number = 0;

	if (len == 0)
		return -EPROTO;
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9' ||
		    __builtin_mul_overflow(number, UINT64_C(10), &number) ||
		    __builtin_add_overflow(number, (uint64_t)(value[i] - '0'),
					   &number))
			return -EPROTO;
	}
	*ret_value = number;
	return 0;
}

struct uapi {
	struct ztt_wg_device *device;
	struct ztt_wg_peer *peer; /* NULL: none yet, or no room */
	bool in_peer;
	bool ended; /* errno= was there */
	uint64_t code;
};

static int read_peer_value(struct ztt_wg_peer *peer, const char *key,
			   uint64_t number)
{
	if (strcmp(key, "persistent_keepalive_interval") == 0)
		peer->keepalive_s = number <= UINT16_MAX ? (unsigned)number : 0;
	else if (strcmp(key, "last_handshake_time_sec") == 0)
		peer->handshake_s = number <= INT64_MAX ? (int64_t)number : 0;
	else if (strcmp(key, "rx_bytes") == 0)
		peer->rx_bytes = number;
	else if (strcmp(key, "tx_bytes") == 0)
		peer->tx_bytes = number;
	return 0;
}

static bool is_number(const char *key)
{
	static const char *const list[] = {
		"persistent_keepalive_interval",
		"last_handshake_time_sec",
		"rx_bytes",
		"tx_bytes",
		"listen_port",
		"errno",
		NULL,
	};

	for (size_t i = 0; list[i]; i++)
		if (strcmp(key, list[i]) == 0)
			return true;
	return false;
}

static int read_pair(struct uapi *uapi, const char *key, const char *value,
		     size_t len)
{
	uint64_t number = 0;

	if (strcmp(key, "public_key") == 0) {
		uapi->peer = add_peer(uapi->device);
		uapi->in_peer = true;
		return uapi->peer ? read_key(value, len, uapi->peer->public_key)
				  : 0;
	}
	if (strcmp(key, "endpoint") == 0 && uapi->peer) {
		uapi->peer->has_endpoint = len > 0;
		uapi->peer->endpoint_v6 = len > 0 && value[0] == '[';
	}
	if (!is_number(key))
		return 0; /* private and preshared keys among them */
	if (key[0] == 'e' && len > 1 && value[0] == '-') {
		value++; /* wireguard-go gives it as a negative number */
		len--;
	}
	if (read_decimal(value, len, &number) < 0)
		return -EPROTO;
	if (strcmp(key, "errno") == 0) {
		uapi->ended = true;
		uapi->code = number;
	} else if (strcmp(key, "listen_port") == 0 && number <= UINT16_MAX) {
		uapi->device->listen_port = (uint16_t)number;
	} else if (uapi->peer) {
		return read_peer_value(uapi->peer, key, number);
	}
	return 0;
}

int ztt_wg_parse_uapi(struct ztt_wg_device *ret_device, const char *text,
		      size_t len_bytes)
{
	struct uapi uapi = {.device = ret_device};
	const char *end = text + len_bytes;

	memset(ret_device, 0, sizeof(*ret_device));
	while (text < end && !uapi.ended) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));
		const char *equals;
		char key[48];
		int rc;

		if (!line_end)
			return -EPROTO;
		if (line_end == text)
			break;
		equals = memchr(text, '=', (size_t)(line_end - text));
		if (!equals || (size_t)(equals - text) >= sizeof(key))
			return -EPROTO;
		memcpy(key, text, (size_t)(equals - text));
		key[equals - text] = 0;
		rc = read_pair(&uapi, key, equals + 1,
			       (size_t)(line_end - equals - 1));
		if (rc < 0)
			return rc;
		text = line_end + 1;
	}
	if (!uapi.ended)
		return -EPROTO;
	return uapi.code > 0 && uapi.code < 4096 ? -(int)uapi.code
	       : uapi.code                       ? -EPROTO
						 : 0;
}

char *ztt_wg_peer_name(const struct ztt_wg_peer *peer,
		       char out[ZTT_WG_NAME_LEN])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
				     "pqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < 8; i++) {
		const uint8_t *from = peer->public_key + i / 4 * 3;
		uint32_t bits = (uint32_t)from[0] << 16 |
				(uint32_t)from[1] << 8 | from[2];

		out[i] = digits[bits >> (18 - 6 * (i % 4)) & 63];
	}
	out[8] = 0;
	return out;
}
