#include "ztt-doctor/host/listeners.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-doctor/root.h"

#define FILE_BYTES_MAX (4 * 1024 * 1024)
#define TCP_LISTEN 0x0a
#define UDP_UNCONNECTED 0x07 /* TCP_CLOSE */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Exactly `digits` of them. */
static bool take_hex(const char **at, unsigned digits, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (; digits > 0; digits--, (*at)++) {
		int digit = hex_digit(**at);

		if (digit < 0)
			return false;
		value = value << 4 | (uint32_t)digit;
	}
	*ret_value = value;
	return true;
}

/* Each 32 bits as a number of the host that wrote it: taken as of our own byte
 * order. */
static bool take_address(const char **at, bool v6,
			 struct ztt_listener *listener)
{
	for (size_t i = 0; i < (v6 ? 4 : 1); i++) {
		uint32_t word;

		if (!take_hex(at, 8, &word))
			return false;
		memcpy(listener->address + 4 * i, &word, 4);
	}
	return true;
}

/* "   0: 0100007F:1F90 00000000:0000 0A ..." */
static bool parse_line(const char *line, bool udp, bool v6,
		       struct ztt_listener *ret_listener)
{
	struct ztt_listener listener = {.udp = udp, .v6 = v6};
	uint32_t port, state;

	line += strspn(line, " ");
	line += strspn(line, "0123456789");
	if (*line++ != ':')
		return false;
	line += strspn(line, " ");
	if (!take_address(&line, v6, &listener) || *line++ != ':' ||
	    !take_hex(&line, 4, &port))
		return false;
	line += strspn(line, " ");
	line += strspn(line, "0123456789ABCDEFabcdef:");
	line += strspn(line, " ");
	if (!take_hex(&line, 2, &state) ||
	    state != (udp ? UDP_UNCONNECTED : TCP_LISTEN))
		return false;
	listener.port = (uint16_t)port;
	*ret_listener = listener;
	return true;
}

void ztt_listeners_parse(struct ztt_listeners *listeners, const char *text,
			 bool udp, bool v6)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		struct ztt_listener listener;

		if (parse_line(text, udp, v6, &listener)) {
			if (listeners->count < ZTT_LISTENERS_MAX)
				listeners->list[listeners->count++] = listener;
			else
				listeners->cut = true;
		}
		text += len + (text[len] == '\n');
	}
}

int ztt_listeners_read(const struct ztt_root *root,
		       struct ztt_listeners *ret_listeners)
{
	static const struct {
		const char *path;
		bool udp, v6;
	} files[] = {
		{"/proc/net/tcp", false, false},
		{"/proc/net/tcp6", false, true},
		{"/proc/net/udp", true, false},
		{"/proc/net/udp6", true, true},
	};

	memset(ret_listeners, 0, sizeof(*ret_listeners));
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char *text;
		size_t len;
		int rc = ztt_root_load(root, files[i].path, FILE_BYTES_MAX,
				       &text, &len);

		if (rc < 0 && i == 0)
			return rc;
		if (rc < 0)
			continue;
		ztt_listeners_parse(ret_listeners, text, files[i].udp,
				    files[i].v6);
		free(text);
	}
	return 0;
}

static bool is_mapped(const uint8_t *address)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, prefix, sizeof(prefix)) == 0;
}

bool ztt_listener_is_loopback(const struct ztt_listener *listener)
{
	static const uint8_t one[16] = {[15] = 1};

	if (!listener->v6)
		return listener->address[0] == 127;
	return memcmp(listener->address, one, sizeof(one)) == 0 ||
	       (is_mapped(listener->address) && listener->address[12] == 127);
}

char *ztt_listener_address(const struct ztt_listener *listener,
			   char out[ZTT_LISTENER_LEN])
{
	if (!inet_ntop(listener->v6 ? AF_INET6 : AF_INET, listener->address,
		       out, ZTT_LISTENER_LEN))
		out[0] = 0;
	return out;
}

const struct ztt_listener *
ztt_listeners_exposed(const struct ztt_listeners *listeners, bool udp,
		      uint16_t port)
{
	for (size_t i = 0; i < listeners->count; i++) {
		const struct ztt_listener *at = &listeners->list[i];

		if (at->udp == udp && at->port == port &&
		    !ztt_listener_is_loopback(at))
			return at;
	}
	return NULL;
}

bool ztt_listeners_has(const struct ztt_listeners *listeners, bool udp,
		       uint16_t port)
{
	for (size_t i = 0; i < listeners->count; i++)
		if (listeners->list[i].udp == udp &&
		    listeners->list[i].port == port)
			return true;
	return false;
}
