/* Sockets that wait for anybody: /proc/net/{tcp,tcp6,udp,udp6} (proc(5)). */
#ifndef ZTT_DOCTOR_LISTENERS_H
#define ZTT_DOCTOR_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_root;

#define ZTT_LISTENERS_MAX 1024

struct ztt_listener {
	bool udp, v6;
	uint8_t address[16]; /* network order; 4 bytes unless v6 */
	uint16_t port;
};

struct ztt_listeners {
	struct ztt_listener list[ZTT_LISTENERS_MAX];
	size_t count;
	bool cut; /* there were more */
};

/* All four files, as far as there are any. What ztt_root_load gives for
 * /proc/net/tcp, without which there is nothing. */
int ztt_listeners_read(const struct ztt_root *root,
		       struct ztt_listeners *ret_listeners);
/* Adds those of one file's text. */
void ztt_listeners_parse(struct ztt_listeners *listeners, const char *text,
			 bool udp, bool v6);

/* 127.0.0.0/8, ::1, and the former mapped into IPv6. */
bool ztt_listener_is_loopback(const struct ztt_listener *listener);

/* "0.0.0.0", "::"; returns `out`. */
#define ZTT_LISTENER_LEN 48
char *ztt_listener_address(const struct ztt_listener *listener,
			   char out[ZTT_LISTENER_LEN]);

/* The first that takes TCP (or UDP) to `port` from other than loopback, or
 * NULL. */
const struct ztt_listener *
ztt_listeners_exposed(const struct ztt_listeners *listeners, bool udp,
		      uint16_t port);
/* Whether anything takes TCP (or UDP) to `port`. */
bool ztt_listeners_has(const struct ztt_listeners *listeners, bool udp,
		       uint16_t port);

#endif
