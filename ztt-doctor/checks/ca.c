#define _GNU_SOURCE
#include <errno.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "common/err.h"
#include "common/tls.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/probes/edge_certificate.h"
#include "ztt-doctor/probes/engine_roots.h"
#include "ztt-doctor/probes/roots.h"

#define PACKAGE_LIST "/var/lib/dpkg/info/ca-certificates.list"
#define DAY_S 86400
#define OLD_DAYS 730

struct bundle {
	const char *path;
	time_t now;
	int64_t modified_s; /* 0: not known */
	unsigned good, broken, expired;
};

static void count_one(void *arg, gnutls_x509_crt_t certificate)
{
	struct bundle *bundle = arg;

	if (!certificate) {
		bundle->broken++;
		return;
	}
	bundle->good++;
	bundle->expired +=
		gnutls_x509_crt_get_expiration_time(certificate) < bundle->now;
}

/* False, with the finding concluded, when there is no bundle to speak of. */
static bool read_bundle(struct ztt_doctor *doctor, struct ztt_finding *finding,
			struct bundle *bundle)
{
	struct ztt_root_stat st;
	size_t len;
	char *pem;
	int rc;

	*bundle = (struct bundle){.now = time(NULL)};
	rc = ztt_roots_load(doctor->root, &pem, &len, &bundle->path);
	if (rc == -ENOENT) {
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "no bundle of CA certificates in any of its "
				 "usual places");
		return false;
	}
	if (rc < 0) {
		ztt_finding_unread(finding, bundle->path, rc, NULL);
		return false;
	}
	if (ztt_root_stat(doctor->root, bundle->path, &st) == 0)
		bundle->modified_s = st.modified_s;
	ztt_roots_each(pem, len, count_one, bundle);
	free(pem);
	return true;
}

void ztt_check_ca_bundle(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	struct bundle bundle;

	if (!read_bundle(doctor, finding, &bundle))
		return;
	ztt_finding_note(finding,
			 bundle.good == 0    ? ZTT_STATUS_FAIL
			 : bundle.broken > 0 ? ZTT_STATUS_WARN
					     : ZTT_STATUS_OK,
			 "%s: %u certificates", bundle.path, bundle.good);
	if (bundle.broken > 0)
		ztt_finding_note(finding, ZTT_STATUS_WARN,
				 "%u that cannot be parsed", bundle.broken);
}

void ztt_check_ca_age(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	struct ztt_root_stat package;
	struct bundle bundle;
	long long days;

	if (!read_bundle(doctor, finding, &bundle))
		return;
	if (ztt_root_stat(doctor->root, PACKAGE_LIST, &package) == 0 &&
	    package.modified_s > bundle.modified_s)
		bundle.modified_s = package.modified_s;
	if (bundle.good == 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "%s: no certificate in it: see ca.bundle",
				 bundle.path);
		return;
	}
	if (bundle.modified_s == 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "when %s was renewed is not known",
				 bundle.path);
		return;
	}
	days = ((long long)bundle.now - bundle.modified_s) / DAY_S;
	if (days < 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "%s was renewed %lld days from now, by this "
				 "clock: see time.sync",
				 bundle.path, -days);
		return;
	}
	ztt_finding_note(finding,
			 days > OLD_DAYS ? ZTT_STATUS_WARN : ZTT_STATUS_OK,
			 "renewed %lld days ago, %u of %u certificates expired",
			 days, bundle.expired, bundle.good);
}

static unsigned verify_by_system(struct ztt_doctor *doctor,
				 struct ztt_edge_certificates *chain,
				 unsigned *ret_count)
{
	unsigned status;
	const char *path;
	size_t len;
	char *pem;

	*ret_count = 0;
	if (ztt_roots_trusted(doctor, &pem, &len, &path) < 0)
		return GNUTLS_CERT_INVALID | GNUTLS_CERT_SIGNER_NOT_FOUND;
	status = ztt_roots_verify(chain->list, chain->count, ZTT_TLS_PROBE_NAME,
				  pem, len, ret_count);
	free(pem);
	return status;
}

/* *ret_count: how many roots the engine has, 0: there is no engine here. */
static unsigned verify_by_engine(struct ztt_doctor *doctor,
				 struct ztt_edge_certificates *chain,
				 unsigned *ret_count)
{
	char *path = ztt_engine_find(doctor->plan.engine_path), *pem = NULL;
	unsigned status = GNUTLS_CERT_INVALID;
	size_t len = 0;

	*ret_count = 0;
	if (path && ztt_engine_roots(path, &pem, &len) > 0)
		status = ztt_roots_verify(chain->list, chain->count,
					  ZTT_TLS_PROBE_NAME, pem, len,
					  ret_count);
	free(pem);
	free(path);
	return status;
}

static void note_stranger(struct ztt_finding *finding,
			  struct ztt_edge_certificates *chain,
			  unsigned engine_roots)
{
	char issuer[256];

	ztt_certificate_issuer(chain->list[chain->count - 1], issuer);
	if (engine_roots == 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "%s: the issuer '%s' is not in the system's "
				 "bundle, and cloudflared, which has roots of "
				 "its own, was not found to ask it",
				 chain->server, issuer);
		ztt_finding_advise(finding, "ztt-doctor --engine-path "
					    "/path/to/cloudflared ca.edge");
		return;
	}
	ztt_finding_note(finding, ZTT_STATUS_FAIL,
			 "TLS interception? The issuer '%s' of the certificate "
			 "of %s is known neither to the system nor to "
			 "cloudflared",
			 issuer, chain->server);
}

static void judge_edge(struct ztt_doctor *doctor, struct ztt_finding *finding,
		       struct ztt_edge_certificates *chain)
{
	const char *by = doctor->plan.ca_file ? doctor->plan.ca_file
					      : "the system's bundle";
	unsigned count, engine_roots = 0;
	unsigned status = verify_by_system(doctor, chain, &count);
	char issuer[256];

	if (status != 0 && !doctor->plan.ca_file &&
	    verify_by_engine(doctor, chain, &engine_roots) == 0) {
		by = "cloudflared's own roots";
		status = 0;
	}
	ztt_certificate_issuer(chain->list[0], issuer);
	if (status == 0)
		ztt_finding_note(finding, ZTT_STATUS_OK,
				 "%s is verified by %s (issuer '%s')",
				 chain->server, by, issuer);
	else if (count == 0 && doctor->plan.ca_file)
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "no certificate can be read in %s", by);
	else if (status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED))
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "the certificate of %s is %s by this clock "
				 "(issuer '%s'): see time.edge",
				 chain->server,
				 status & GNUTLS_CERT_EXPIRED ? "expired"
							      : "not valid yet",
				 issuer);
	else if (status & GNUTLS_CERT_UNEXPECTED_OWNER)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "the certificate of %s is for another name "
				 "than %s (issuer '%s')",
				 chain->server, ZTT_TLS_PROBE_NAME, issuer);
	else if (doctor->plan.ca_file)
		ztt_finding_note(finding, ZTT_STATUS_FAIL,
				 "the issuer '%s' of the certificate of %s is "
				 "not in %s",
				 issuer, chain->server, by);
	else
		note_stranger(finding, chain, engine_roots);
}

void ztt_check_ca_edge(struct ztt_doctor *doctor, struct ztt_finding *finding)
{
	struct ztt_edge_certificates chain;
	struct ztt_err err = {0};

	if (ztt_edge_certificates(doctor, &chain, &err) < 0) {
		ztt_finding_note(finding, ZTT_STATUS_UNKNOWN,
				 "no certificate to verify: %s", err.text);
		return;
	}
	judge_edge(doctor, finding, &chain);
	ztt_edge_certificates_release(&chain);
}
