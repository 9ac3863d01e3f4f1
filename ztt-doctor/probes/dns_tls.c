#define _GNU_SOURCE
#include "ztt-doctor/probes/dns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/probes/dial.h"
#include "ztt-doctor/probes/dns_message.h"
#include "ztt-doctor/probes/roots.h"

/* edgediscovery/allregions/discovery.go of cloudflared. */
#define DOT_SERVER "1.1.1.1"
#define DOT_PORT 853
#define DOT_NAME "cloudflare-dns.com"

static int judge(unsigned status, struct ztt_err *err)
{
	gnutls_datum_t text = {0};
	int rc;

	if (status == 0)
		return 0;
	gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509,
						     &text, 0);
	while (text.size > 0 && strchr(" .", text.data[text.size - 1]))
		text.data[--text.size] = 0;
	rc = ztt_err_set(err, -EACCES, "its certificate is not accepted: %s",
			 text.data ? (const char *)text.data : "no reason");
	gnutls_free(text.data);
	return rc;
}

static int verify(struct ztt_doctor *doctor, struct ztt_dial *dial,
		  struct ztt_err *err)
{
	gnutls_x509_crt_t chain[ZTT_ROOTS_CHAIN_MAX];
	unsigned status, roots, count = ztt_roots_peers(dial->session, chain);
	const char *path;
	char *pem;
	size_t len;
	int rc;

	if (count == 0)
		return ztt_err_set(err, -EACCES, "it shows no certificate");
	rc = ztt_roots_trusted(doctor, &pem, &len, &path);
	if (rc < 0) {
		ztt_err_set(err, rc, "cannot read %s: %s", path, strerror(-rc));
	} else {
		status = ztt_roots_verify(chain, count, DOT_NAME, pem, len,
					  &roots);
		rc = judge(status, err);
		free(pem);
	}
	while (count > 0)
		gnutls_x509_crt_deinit(chain[--count]);
	return rc;
}

/* RFC 7858 section 3.3: framed as over TCP. */
static int ask(struct ztt_dial *dial, const struct ztt_dns_question *question,
	       uint64_t due_ns, struct ztt_dns_answer *answer,
	       struct ztt_err *err)
{
	uint8_t framed[2 + ZTT_DNS_QUESTION_MAX_BYTES], *data;
	size_t len = question->len_bytes;
	int rc;

	framed[0] = (uint8_t)(len >> 8);
	framed[1] = (uint8_t)len;
	memcpy(framed + 2, question->data, len);
	rc = ztt_dial_send(dial, framed, len + 2, due_ns);
	if (rc == 0)
		rc = ztt_dial_receive(dial, framed, 2, due_ns);
	if (rc < 0)
		return ztt_err_set(err, rc, "no answer: %s", strerror(-rc));
	len = (size_t)(framed[0] << 8 | framed[1]);
	data = ztt_alloc(len);
	rc = ztt_dial_receive(dial, data, len, due_ns);
	if (rc < 0)
		ztt_err_set(err, rc, "no answer: %s", strerror(-rc));
	else if (!ztt_dns_question_is_answered(question, data, len))
		rc = ztt_err_set(err, -EPROTO, "a broken answer");
	else
		rc = ztt_dns_answer_read(question, data, len, answer, err);
	free(data);
	return rc;
}

int ztt_dns_ask_tls(struct ztt_doctor *doctor, const char *name,
		    enum ztt_dns_type type, struct ztt_dns_answer *ret_answer,
		    struct ztt_err *err)
{
	const char *server = doctor->plan.dot ? doctor->plan.dot : DOT_SERVER;
	const uint64_t from_ns = ztt_clock_ns(),
		       due_ns = ztt_doctor_due_ns(doctor);
	struct ztt_dns_question question;
	struct ztt_address address;
	struct ztt_dial dial;
	int rc = ztt_dns_question_init(&question, name, type, err);

	if (rc == 0)
		rc = ztt_dns_server_parse(server, DOT_PORT, &address, err);
	if (rc < 0)
		return rc;
	rc = ztt_dial_tls(&address, DOT_NAME, due_ns, &dial, err);
	if (rc == 0) {
		rc = verify(doctor, &dial, err);
		if (rc == 0)
			rc = ask(&dial, &question, due_ns, ret_answer, err);
		ztt_dial_close(&dial);
	}
	if (rc < 0)
		return ztt_err_prefix(err, rc, "%s %s over TLS at %s",
				      ztt_dns_type_name(type), name, server);
	ret_answer->took_ns = ztt_clock_ns() - from_ns;
	return 0;
}
