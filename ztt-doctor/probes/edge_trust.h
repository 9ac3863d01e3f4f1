/* Whom this host trusts when it speaks with the edge: as the engine does, the
 * system's roots and those in the engine's own program (cloudflared
 * tlsconfig/certreloader.go), or --cacert's alone. */
#ifndef ZTT_DOCTOR_EDGE_TRUST_H
#define ZTT_DOCTOR_EDGE_TRUST_H

#include <gnutls/gnutls.h>

struct ztt_doctor;
struct ztt_err;
struct ztt_tls;

struct ztt_edge_trust; /* opaque */

/* Loaded when first asked for, and then shared by all probes: the sessions of
 * any thread may use it until the end. NULL, with the reason in `err`, where
 * there is nothing to trust. */
const struct ztt_edge_trust *ztt_edge_trust(struct ztt_doctor *doctor,
					    struct ztt_err *err);

/* For sessions that verify nothing by themselves ... */
struct ztt_tls *ztt_edge_trust_tls(const struct ztt_edge_trust *trust);
/* ... and so have to be judged: 0, or gnutls_certificate_status_t. A root is
 * parsed only to be compared, since all in memory take 4 MB. */
unsigned ztt_edge_trust_verify(const struct ztt_edge_trust *trust,
			       gnutls_session_t session, const char *name);

#endif
