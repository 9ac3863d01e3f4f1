#include "ztt-doctor/probes/edge_trust.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/tls.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/facts.h"
#include "ztt-doctor/probes/engine_roots.h"
#include "ztt-doctor/probes/roots.h"

struct ztt_edge_trust {
	struct ztt_tls *tls; /* NULL: `problem` */
	char *host_pem, *engine_pem;
	size_t host_bytes, engine_bytes;
	struct ztt_err problem;
};

static void load_engine(struct ztt_doctor *doctor, struct ztt_edge_trust *trust)
{
	char *program = ztt_engine_find(doctor->plan.engine_path);

	if (program)
		ztt_engine_roots(program, &trust->engine_pem,
				 &trust->engine_bytes);
	free(program);
}

static void *make(struct ztt_doctor *doctor)
{
	struct ztt_edge_trust *trust = ztt_calloc(1, sizeof(*trust));
	const char *path = "the system's certificates";
	int rc = ztt_roots_trusted(doctor, &trust->host_pem, &trust->host_bytes,
				   &path);

	/* --cacert replaces all others, as in cloudflared. */
	if (!doctor->plan.ca_file)
		load_engine(doctor, trust);
	if (rc < 0 && !trust->engine_pem)
		ztt_err_set(&trust->problem, rc, "cannot read %s: %s", path,
			    strerror(-rc));
	else if (!trust->engine_pem &&
		 !strstr(trust->host_pem, "-----BEGIN CERTIFICATE-----"))
		ztt_err_set(&trust->problem, -EPROTO, "no CA certificate in %s",
			    path);
	else
		ztt_tls_client_new_blind(&trust->tls, &trust->problem);
	return trust;
}

static void release(void *value)
{
	struct ztt_edge_trust *trust = value;

	ztt_tls_free(trust->tls);
	free(trust->host_pem);
	free(trust->engine_pem);
	free(trust);
}

const struct ztt_edge_trust *ztt_edge_trust(struct ztt_doctor *doctor,
					    struct ztt_err *err)
{
	const struct ztt_edge_trust *trust =
		ztt_facts_get(doctor, ZTT_FACTS_TLS, make, release);

	if (trust->tls)
		return trust;
	if (err)
		*err = trust->problem;
	return NULL;
}

struct ztt_tls *ztt_edge_trust_tls(const struct ztt_edge_trust *trust)
{
	return trust->tls;
}

unsigned ztt_edge_trust_verify(const struct ztt_edge_trust *trust,
			       gnutls_session_t session, const char *name)
{
	gnutls_x509_crt_t chain[ZTT_ROOTS_CHAIN_MAX];
	unsigned count = ztt_roots_peers(session, chain), roots;
	unsigned status = GNUTLS_CERT_INVALID | GNUTLS_CERT_SIGNER_NOT_FOUND;

	/* The engine's first: they are few, and the edge's own. */
	if (count && trust->engine_pem)
		status = ztt_roots_verify(chain, count, name, trust->engine_pem,
					  trust->engine_bytes, &roots);
	if (count && status && trust->host_pem)
		status = ztt_roots_verify(chain, count, name, trust->host_pem,
					  trust->host_bytes, &roots);
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
	return status;
}
