/* What became of the attempt to reach an address: one word for each cause. */
#ifndef ZTT_DOCTOR_REACH_H
#define ZTT_DOCTOR_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"

enum ztt_reach_kind {
	ZTT_REACH_OK,
	ZTT_REACH_NO_ROUTE,    /* this host has none for the address family */
	ZTT_REACH_TIMEOUT,     /* no answer at all, or not in time */
	ZTT_REACH_REFUSED,     /* nothing listens there: ICMP port unreachable,
				  or RST */
	ZTT_REACH_UNREACHABLE, /* ICMP: host, network, prohibited */
	ZTT_REACH_FORBIDDEN,   /* this host's own firewall */
	ZTT_REACH_TOO_BIG,     /* a hop is too narrow for the packet */
	ZTT_REACH_ALERT,       /* TLS alert */
	ZTT_REACH_CERTIFICATE, /* of the other side */
	ZTT_REACH_CLOSED,      /* by the other side, before it was done */
	ZTT_REACH_SILENT,      /* TLS is established, HTTP/2 does not begin */
	ZTT_REACH_FAILED,      /* anything else */
};

/* Begins with `address` set, the rest zeroed. */
struct ztt_reach {
	struct ztt_address address;
	const char *name; /* server name: with it, or its refusal */
	enum ztt_reach_kind kind;
	uint64_t took_ns;
	char text[160]; /* for people: "handshake in 12.3 ms", "timeout: no
			   answer within 5 s" */
};

/* "timeout: no answer within 5 s". */
void ztt_reach_timeout(struct ztt_reach *reach, uint64_t timeout_ns);
/* From an errno of connect(), send() or ICMP; `local`: this host's own.
 * `mtu_bytes` belongs to EMSGSIZE, 0: not known. */
void ztt_reach_error(struct ztt_reach *reach, int error, unsigned mtu_bytes,
		     bool udp);
/* ICMP: administratively prohibited. */
void ztt_reach_prohibited(struct ztt_reach *reach);
/* When a socket could not be made or connected: -errno. */
void ztt_reach_no_begin(struct ztt_reach *reach, int rc, bool udp);
/* From an alert's number (RFC 8446 6.2). */
void ztt_reach_alert(struct ztt_reach *reach, unsigned alert);
/* From gnutls_certificate_status_t. */
void ztt_reach_certificate(struct ztt_reach *reach, unsigned status);
/* The name was refused, and another may not be. */
bool ztt_reach_name_refused(const struct ztt_reach *reach, unsigned alert,
			    unsigned status);

#endif
