#define _GNU_SOURCE
#include "ztt-doctor/probes/dns_message.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "common/err.h"
#include "common/text.h"

#define HEADER_BYTES 12
#define SRV_FIXED_BYTES 6 /* priority, weight, port: RFC 2782 */

static const struct {
	const char *name;
	ns_type code;
} types[] = {
	[ZTT_DNS_A] = {"A", ns_t_a},
	[ZTT_DNS_AAAA] = {"AAAA", ns_t_aaaa},
	[ZTT_DNS_SRV] = {"SRV", ns_t_srv},
	[ZTT_DNS_TXT] = {"TXT", ns_t_txt},
};

const char *ztt_dns_type_name(enum ztt_dns_type type)
{
	return types[type].name;
}

static uint8_t *put16(uint8_t *at, uint16_t value)
{
	ns_put16(value, at);
	return at + 2;
}

/* An empty OPT record that tells how much fits over UDP: RFC 6891 section
 * 6.1.2. */
static uint8_t *put_opt(uint8_t *at)
{
	*at++ = 0;
	at = put16(at, ns_t_opt);
	at = put16(at, ZTT_DNS_UDP_MAX_BYTES);
	memset(at, 0, 6);
	return at + 6;
}

int ztt_dns_question_init(struct ztt_dns_question *question, const char *name,
			  enum ztt_dns_type type, struct ztt_err *err)
{
	uint8_t *at = question->data;
	int len;

	memset(question, 0, sizeof(*question));
	while (getrandom(&question->id, sizeof(question->id), 0) < 0 &&
	       errno == EINTR)
		;
	question->type = type;
	snprintf(question->name, sizeof(question->name), "%s", name);
	at = put16(at, question->id);
	at = put16(at, 0x0100); /* recursion desired */
	at = put16(at, 1);
	memset(at, 0, 4);
	at = put16(at + 4, 1);
	len = strlen(name) < sizeof(question->name)
		      ? dn_comp(name, at, NS_MAXCDNAME, NULL, NULL)
		      : -1;
	if (len < 0)
		return ztt_err_set(err, -EINVAL, "'%s' is no domain name",
				   name);
	at = put16(at + len, (uint16_t)types[type].code);
	at = put16(at, ns_c_in);
	at = put_opt(at);
	question->len_bytes = (size_t)(at - question->data);
	return 0;
}

/* "a.b." and "A.b" are one name. */
static bool same_name(const char *a, const char *b)
{
	size_t len_a = strlen(a), len_b = strlen(b);

	len_a -= len_a && a[len_a - 1] == '.';
	len_b -= len_b && b[len_b - 1] == '.';
	return len_a == len_b && strncasecmp(a, b, len_a) == 0;
}

bool ztt_dns_question_is_answered(const struct ztt_dns_question *question,
				  const uint8_t *data, size_t len_bytes)
{
	char name[NS_MAXDNAME];
	int len;

	if (len_bytes < HEADER_BYTES || len_bytes > ZTT_DNS_MESSAGE_MAX_BYTES ||
	    ns_get16(data) != question->id || !(data[2] & 0x80))
		return false;
	/* FORMERR and the like may come without the question: RFC 1035 4.1.1. */
	if (ns_get16(data + 4) == 0)
		return (data[3] & 0x0f) != ns_r_noerror;
	if (ns_get16(data + 4) != 1)
		return false;
	len = dn_expand(data, data + len_bytes, data + HEADER_BYTES, name,
			sizeof(name));
	if (len < 0 || len_bytes - HEADER_BYTES - (size_t)len < 4)
		return false;
	data += HEADER_BYTES + len;
	return same_name(name, question->name) &&
	       ns_get16(data) == (unsigned)types[question->type].code &&
	       ns_get16(data + 2) == ns_c_in;
}

bool ztt_dns_is_truncated(const uint8_t *data, size_t len_bytes)
{
	return len_bytes >= HEADER_BYTES && (data[2] & 0x02);
}

static const char *code_name(int code)
{
	switch (code) {
	case ns_r_formerr:
		return "FORMERR (it does not understand EDNS?)";
	case ns_r_servfail:
		return "SERVFAIL";
	case ns_r_notimpl:
		return "NOTIMP";
	case ns_r_refused:
		return "REFUSED";
	default:
		return "an error code";
	}
}

static int read_address(int family, const uint8_t *data, size_t len,
			struct ztt_dns_record *record)
{
	if (len != (family == AF_INET ? 4 : 16))
		return -EPROTO;
	inet_ntop(family, data, record->text, sizeof(record->text));
	return 0;
}

static int read_srv(const ns_msg *message, const uint8_t *data, size_t len,
		    struct ztt_dns_record *record)
{
	char name[NS_MAXDNAME];

	if (len <= SRV_FIXED_BYTES ||
	    dn_expand(ns_msg_base(*message), ns_msg_end(*message),
		      data + SRV_FIXED_BYTES, name, sizeof(name)) < 0)
		return -EPROTO;
	record->port = (uint16_t)ns_get16(data + 4);
	snprintf(record->text, sizeof(record->text), "%.*s",
		 (int)sizeof(record->text) - 1, name);
	return 0;
}

/* A record's strings are one text, as Go's LookupTXT has it. */
static int read_txt(const uint8_t *data, size_t len,
		    struct ztt_dns_record *record)
{
	size_t used = 0;

	while (len > 0) {
		size_t part = *data, room = sizeof(record->text) - 1 - used;

		if (part + 1 > len)
			return -EPROTO;
		for (size_t i = 0; i < part && i < room; i++)
			record->text[used++] =
				data[1 + i] ? (char)data[1 + i] : '?';
		data += part + 1;
		len -= part + 1;
	}
	record->text[used] = 0;
	return 0;
}

static int read_record(const ns_msg *message, const ns_rr *rr,
		       enum ztt_dns_type type, struct ztt_dns_record *record)
{
	const uint8_t *data = ns_rr_rdata(*rr);
	size_t len = ns_rr_rdlen(*rr);
	int rc = -EPROTO;

	memset(record, 0, sizeof(*record));
	switch (type) {
	case ZTT_DNS_A:
		rc = read_address(AF_INET, data, len, record);
		break;
	case ZTT_DNS_AAAA:
		rc = read_address(AF_INET6, data, len, record);
		break;
	case ZTT_DNS_SRV:
		rc = read_srv(message, data, len, record);
		break;
	case ZTT_DNS_TXT:
		rc = read_txt(data, len, record);
		break;
	}
	ztt_text_plain(record->text);
	return rc;
}

static int read_records(ns_msg *message, enum ztt_dns_type type,
			struct ztt_dns_answer *answer)
{
	for (int i = 0; i < ns_msg_count(*message, ns_s_an); i++) {
		ns_rr rr;

		if (ns_parserr(message, ns_s_an, i, &rr) < 0)
			return -EPROTO;
		if (ns_rr_type(rr) != types[type].code ||
		    ns_rr_class(rr) != ns_c_in)
			continue;
		if (answer->count == ZTT_DNS_RECORDS_MAX)
			break;
		if (read_record(message, &rr, type,
				&answer->records[answer->count]) < 0)
			return -EPROTO;
		answer->count++;
	}
	return 0;
}

int ztt_dns_answer_read(const struct ztt_dns_question *question,
			const uint8_t *data, size_t len_bytes,
			struct ztt_dns_answer *ret_answer, struct ztt_err *err)
{
	const char *type = types[question->type].name;
	struct ztt_dns_answer answer = {0};
	ns_msg message;
	int code;

	if (len_bytes < HEADER_BYTES || len_bytes > ZTT_DNS_MESSAGE_MAX_BYTES)
		return ztt_err_set(err, -EPROTO, "a broken answer");
	code = data[3] & 0x0f;
	if (code == ns_r_nxdomain)
		return ztt_err_set(err, -ENOENT, "no such name (NXDOMAIN)");
	if (code != ns_r_noerror)
		return ztt_err_set(err, -EPROTO, "it answers %s",
				   code_name(code));
	if (ns_initparse(data, (int)len_bytes, &message) < 0 ||
	    read_records(&message, question->type, &answer) < 0)
		return ztt_err_set(err, -EPROTO, "a broken answer");
	if (answer.count == 0)
		return ztt_err_set(err, -ENOENT, "no %s record", type);
	*ret_answer = answer;
	return 0;
}
