#include "ztt-doctor/probes/edge_certificate.h"
#include "ztt-doctor/doctor.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>

#include "common/err.h"
#include "common/text.h"
#include "common/tls.h"
#include "ztt-doctor/probes/dial.h"
#include "ztt-doctor/probes/edge_addresses.h"

int ztt_edge_certificates(struct ztt_doctor *doctor,
			  struct ztt_edge_certificates *ret_certificates,
			  struct ztt_err *err)
{
	const struct ztt_edge_addresses *edge = ztt_edge_addresses(doctor);
	const uint64_t due_ns = ztt_doctor_due_ns(doctor);
	struct ztt_edge_certificates certificates = {0};
	struct ztt_dial dial;
	int rc;

	if (edge->count == 0)
		return ztt_err_set(err, -ENOENT, "%s", edge->problem);
	for (size_t i = 0; i < edge->count; i++) {
		const struct ztt_address *to = &edge->list[i].address;

		ztt_address_text(to, certificates.server);
		rc = ztt_dial_tls(to, ZTT_TLS_PROBE_NAME, due_ns, &dial, err);
		if (rc == 0 || rc == -ETIMEDOUT)
			break;
	}
	if (rc < 0)
		return rc;
	certificates.count = ztt_roots_peers(dial.session, certificates.list);
	ztt_dial_close(&dial);
	if (certificates.count == 0)
		return ztt_err_set(err, -EPROTO, "%s shows no certificate",
				   certificates.server);
	*ret_certificates = certificates;
	return 0;
}

void ztt_edge_certificates_release(struct ztt_edge_certificates *certificates)
{
	for (unsigned i = 0; i < certificates->count; i++)
		gnutls_x509_crt_deinit(certificates->list[i]);
	certificates->count = 0;
}

static char *name_of(gnutls_x509_crt_t certificate, char out[256],
		     int (*by_oid)(gnutls_x509_crt_t, const char *, unsigned,
				   unsigned, void *, size_t *),
		     int (*whole)(gnutls_x509_crt_t, char *, size_t *))
{
	size_t len = 256;

	if (by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, out, &len) <
	    0) {
		len = 256;
		if (whole(certificate, out, &len) < 0)
			snprintf(out, 256, "no name");
	}
	return ztt_text_plain(out);
}

char *ztt_certificate_subject(gnutls_x509_crt_t certificate, char out[256])
{
	return name_of(certificate, out, gnutls_x509_crt_get_dn_by_oid,
		       gnutls_x509_crt_get_dn);
}

char *ztt_certificate_issuer(gnutls_x509_crt_t certificate, char out[256])
{
	return name_of(certificate, out, gnutls_x509_crt_get_issuer_dn_by_oid,
		       gnutls_x509_crt_get_issuer_dn);
}
