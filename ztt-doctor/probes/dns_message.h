/* DNS messages (RFC 1035, EDNS by RFC 6891): one question, and what its answer
 * says. */
#ifndef ZTT_DOCTOR_DNS_MESSAGE_H
#define ZTT_DOCTOR_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-doctor/probes/dns.h"

struct ztt_err;

/* What Go's resolver announces; larger answers come over TCP. */
#define ZTT_DNS_UDP_MAX_BYTES 1232
#define ZTT_DNS_MESSAGE_MAX_BYTES 65535
#define ZTT_DNS_QUESTION_MAX_BYTES 512

struct ztt_dns_question {
	uint8_t data[ZTT_DNS_QUESTION_MAX_BYTES];
	size_t len_bytes;
	uint16_t id;
	enum ztt_dns_type type;
	char name[256];
};

/* With a random id. -EINVAL: `name` is no domain name. */
int ztt_dns_question_init(struct ztt_dns_question *question, const char *name,
			  enum ztt_dns_type type, struct ztt_err *err);

/* True when `data` is an answer with the question's id, name and type: all else
 * is somebody else's and to be passed over. */
bool ztt_dns_question_is_answered(const struct ztt_dns_question *question,
				  const uint8_t *data, size_t len_bytes);
/* TC: the rest must be asked for over TCP. */
bool ztt_dns_is_truncated(const uint8_t *data, size_t len_bytes);

/* The records of the question's type, at most ZTT_DNS_RECORDS_MAX. -ENOENT: no
 * such name, or no such record; -EPROTO: an error code, or broken. */
int ztt_dns_answer_read(const struct ztt_dns_question *question,
			const uint8_t *data, size_t len_bytes,
			struct ztt_dns_answer *ret_answer, struct ztt_err *err);

#endif
