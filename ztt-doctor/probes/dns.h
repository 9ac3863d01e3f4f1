/* DNS questions as cloudflared asks them, with their time: through the system's
 * resolvers or over TLS (RFC 7858). */
#ifndef ZTT_DOCTOR_DNS_H
#define ZTT_DOCTOR_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"

struct ztt_doctor;
struct ztt_err;

enum ztt_dns_type {
	ZTT_DNS_A,
	ZTT_DNS_AAAA,
	ZTT_DNS_SRV,
	ZTT_DNS_TXT
};

#define ZTT_DNS_RECORDS_MAX 32

struct ztt_dns_record {
	char text[256]; /* A, AAAA: the address; SRV: the target; TXT: the text
			   (plain) */
	uint16_t port;  /* SRV */
};

struct ztt_dns_answer {
	struct ztt_dns_record records[ZTT_DNS_RECORDS_MAX];
	size_t count;
	uint64_t took_ns;
};

/* "IP", "IP:PORT", "[IP]:PORT"; `port` where none is given. -EINVAL. */
int ztt_dns_server_parse(const char *text, unsigned port,
			 struct ztt_address *ret_address, struct ztt_err *err);

/* "A", "AAAA", "SRV", "TXT". */
const char *ztt_dns_type_name(enum ztt_dns_type type);

/* Asks the servers of /etc/resolv.conf, or plan.resolver; blocks for at most
 * plan.timeout_ns. -ENOENT: no such name, or no record of that type;
 * -ETIMEDOUT; -ECONNREFUSED; -EPROTO: SERVFAIL, REFUSED or a broken answer. */
int ztt_dns_ask(struct ztt_doctor *doctor, const char *name,
		enum ztt_dns_type type, struct ztt_dns_answer *ret_answer,
		struct ztt_err *err);

/* The same over TLS to plan.dot or 1.1.1.1:853, name cloudflare-dns.com. */
int ztt_dns_ask_tls(struct ztt_doctor *doctor, const char *name,
		    enum ztt_dns_type type, struct ztt_dns_answer *ret_answer,
		    struct ztt_err *err);

#endif
