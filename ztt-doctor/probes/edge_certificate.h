/* The certificates that the edge shows on TCP 7844, whoever signed them. */
#ifndef ZTT_DOCTOR_EDGE_CERTIFICATE_H
#define ZTT_DOCTOR_EDGE_CERTIFICATE_H

#include <gnutls/x509.h>
#include <stddef.h>

#include "common/address.h"
#include "ztt-doctor/probes/roots.h"

struct ztt_doctor;
struct ztt_err;

struct ztt_edge_certificates {
	gnutls_x509_crt_t list[ZTT_ROOTS_CHAIN_MAX]; /* the leaf first */
	unsigned count;                              /* 1 or more */
	char server[ZTT_ADDRESS_LEN];                /* that showed them */
};

/* Of the first address of the edge that answers, by a TLS handshake without a
 * verdict; blocks for at most plan.timeout_ns. -ENOENT: no address, and why;
 * else what the connection failed with. */
int ztt_edge_certificates(struct ztt_doctor *doctor,
			  struct ztt_edge_certificates *ret_certificates,
			  struct ztt_err *err);
void ztt_edge_certificates_release(struct ztt_edge_certificates *certificates);

/* The common name of the subject or the issuer, or the whole name where there
 * is none; returns `out`. */
char *ztt_certificate_subject(gnutls_x509_crt_t certificate, char out[256]);
char *ztt_certificate_issuer(gnutls_x509_crt_t certificate, char out[256]);

#endif
