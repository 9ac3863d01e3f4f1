/* CA certificates of this host, read one at a time: a bundle has some 140, of
 * which a chain needs one, and all of them in memory cost megabytes. */
#ifndef ZTT_DOCTOR_ROOTS_H
#define ZTT_DOCTOR_ROOTS_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stddef.h>

#include "ztt-doctor/root.h"

struct ztt_doctor;

#define ZTT_ROOTS_CHAIN_MAX 8

/* The bundle that Go's programs read (crypto/x509/root_linux.go), whose path
 * *ret_path is; the caller frees *ret_pem. -ENOENT: in none of the usual
 * places; else of ztt_root_load. */
int ztt_roots_load(const struct ztt_root *root, char **ret_pem,
		   size_t *ret_len_bytes, const char **ret_path);

/* The same, or the file of --cacert, which stands in place of it; *ret_path may
 * then point into the plan. */
int ztt_roots_trusted(const struct ztt_doctor *doctor, char **ret_pem,
		      size_t *ret_len_bytes, const char **ret_path);

/* Calls take(arg, certificate) for each of a PEM text, NULL for one that cannot
 * be parsed. The certificate is gone after the call. */
void ztt_roots_each(const char *pem, size_t len_bytes,
		    void (*take)(void *arg, gnutls_x509_crt_t certificate),
		    void *arg);

/* What the other side of a session shows, the leaf first. Returns how many, 0:
 * none that can be parsed. Each is the caller's to deinit. */
unsigned ztt_roots_peers(gnutls_session_t session,
			 gnutls_x509_crt_t ret_chain[ZTT_ROOTS_CHAIN_MAX]);

/* Verifies a chain for the name by the roots of a PEM text: 0, or
 * gnutls_certificate_status_t. *ret_count: certificates in the text. */
unsigned ztt_roots_verify(gnutls_x509_crt_t *chain, unsigned count,
			  const char *name, const char *pem, size_t len_bytes,
			  unsigned *ret_count);

#endif
