#define _GNU_SOURCE
#include "ztt-doctor/probes/roots.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "ztt-doctor/doctor.h"

#define BUNDLE_MAX_BYTES (16 * 1024 * 1024)
#define CERTIFICATES_MAX 4096

static const char begin_mark[] = "-----BEGIN CERTIFICATE-----";
static const char end_mark[] = "-----END CERTIFICATE-----";

int ztt_roots_load(const struct ztt_root *root, char **ret_pem,
		   size_t *ret_len_bytes, const char **ret_path)
{
	static const char *const paths[] = {
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
		"/etc/ssl/cert.pem",
	};
	int rc = -ENOENT;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		rc = ztt_root_load(root, paths[i], BUNDLE_MAX_BYTES, ret_pem,
				   ret_len_bytes);
		*ret_path = paths[i];
		if (rc != -ENOENT)
			break;
	}
	return rc;
}

int ztt_roots_trusted(const struct ztt_doctor *doctor, char **ret_pem,
		      size_t *ret_len_bytes, const char **ret_path)
{
	struct ztt_root *here;
	int rc;

	if (!doctor->plan.ca_file)
		return ztt_roots_load(doctor->root, ret_pem, ret_len_bytes,
				      ret_path);
	/* The user's file is one of this host, whatever is audited. */
	*ret_path = doctor->plan.ca_file;
	rc = ztt_root_open(NULL, &here, NULL);
	if (rc < 0)
		return rc;
	rc = ztt_root_load(here, *ret_path, BUNDLE_MAX_BYTES, ret_pem,
			   ret_len_bytes);
	ztt_root_free(here);
	return rc;
}

static void take_one(const char *at, size_t len,
		     void (*take)(void *arg, gnutls_x509_crt_t certificate),
		     void *arg)
{
	gnutls_datum_t pem = {.data = (unsigned char *)(uintptr_t)at,
			      .size = (unsigned)len};
	gnutls_x509_crt_t one;

	if (gnutls_x509_crt_init(&one) < 0)
		return;
	take(arg, gnutls_x509_crt_import(one, &pem, GNUTLS_X509_FMT_PEM) < 0
			  ? NULL
			  : one);
	gnutls_x509_crt_deinit(one);
}

void ztt_roots_each(const char *pem, size_t len_bytes,
		    void (*take)(void *arg, gnutls_x509_crt_t certificate),
		    void *arg)
{
	const char *at = pem, *end = pem + len_bytes, *from, *to;

	for (unsigned i = 0; i < CERTIFICATES_MAX; i++) {
		from = memmem(at, (size_t)(end - at), begin_mark,
			      sizeof(begin_mark) - 1);
		if (!from)
			return;
		to = memmem(from, (size_t)(end - from), end_mark,
			    sizeof(end_mark) - 1);
		if (!to) {
			take(arg, NULL);
			return;
		}
		at = to + sizeof(end_mark) - 1;
		take_one(from, (size_t)(at - from), take, arg);
	}
}

unsigned ztt_roots_peers(gnutls_session_t session,
			 gnutls_x509_crt_t ret_chain[ZTT_ROOTS_CHAIN_MAX])
{
	unsigned shown = 0, count = 0;
	const gnutls_datum_t *peers =
		gnutls_certificate_get_peers(session, &shown);

	while (count < shown && count < ZTT_ROOTS_CHAIN_MAX) {
		gnutls_x509_crt_t one;

		if (gnutls_x509_crt_init(&one) < 0)
			break;
		if (gnutls_x509_crt_import(one, &peers[count],
					   GNUTLS_X509_FMT_DER) < 0) {
			gnutls_x509_crt_deinit(one);
			break;
		}
		ret_chain[count++] = one;
	}
	return count;
}

struct pick {
	gnutls_x509_crt_t *chain;
	unsigned chain_count, count;
	gnutls_x509_trust_list_t list;
};

static bool is_wanted(const struct pick *pick, gnutls_x509_crt_t certificate)
{
	for (unsigned i = 0; i < pick->chain_count; i++)
		if (gnutls_x509_crt_check_issuer(pick->chain[i], certificate) ||
		    gnutls_x509_crt_equals(pick->chain[i], certificate))
			return true;
	return false;
}

static void pick_one(void *arg, gnutls_x509_crt_t certificate)
{
	struct pick *pick = arg;
	gnutls_datum_t der;

	if (!certificate)
		return;
	pick->count++;
	if (!is_wanted(pick, certificate) ||
	    gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_DER, &der) < 0)
		return;
	gnutls_x509_trust_list_add_trust_mem(pick->list, &der, NULL,
					     GNUTLS_X509_FMT_DER, 0, 0);
	gnutls_free(der.data);
}

unsigned ztt_roots_verify(gnutls_x509_crt_t *chain, unsigned count,
			  const char *name, const char *pem, size_t len_bytes,
			  unsigned *ret_count)
{
	struct pick pick = {.chain = chain, .chain_count = count};
	unsigned status = GNUTLS_CERT_INVALID;
	gnutls_typed_vdata_st wanted = {
		.type = GNUTLS_DT_DNS_HOSTNAME,
		.data = (unsigned char *)(uintptr_t)name,
	};

	*ret_count = 0;
	if (gnutls_x509_trust_list_init(&pick.list, 0) < 0)
		return status;
	ztt_roots_each(pem, len_bytes, pick_one, &pick);
	if (gnutls_x509_trust_list_verify_crt2(pick.list, chain, count, &wanted,
					       1, 0, &status, NULL) < 0)
		status = GNUTLS_CERT_INVALID;
	gnutls_x509_trust_list_deinit(pick.list, 1);
	*ret_count = pick.count;
	return status;
}
