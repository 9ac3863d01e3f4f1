/* TLS for QUIC and TCP endpoints: certificates made at start, credentials,
 * GnuTLS sessions. Every session is TLS 1.3 only. */
#ifndef ZTT_TLS_H
#define ZTT_TLS_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct ztt_err;

/* The names that cloudflared asks an edge for (connection/protocol.go). */
#define ZTT_TLS_EDGE_NAME "quic.cftunnel.com"
#define ZTT_TLS_PROBE_NAME "probe.cftunnel.com"
#define ZTT_TLS_EDGE_ALPN "argotunnel"

struct ztt_tls; /* opaque: one side's credentials, shared by its sessions */

/* A server's: makes a P-256 key, a CA that lives a week and a leaf for `names`
 * (NULL-terminated), and keeps the CA's certificate to be asked for. The keys
 * never leave memory. -EIO with GnuTLS's reason. */
int ztt_tls_server_new(const char *const *names, struct ztt_tls **ret_tls,
		       struct ztt_err *err);
/* The CA certificate in PEM, owned by `tls`. */
const char *ztt_tls_ca_pem(const struct ztt_tls *tls, size_t *ret_len_bytes);

/* A client's: trusts the certificates of `ca_file`, or the system's when NULL.
 * -ENOENT: no such file; -EPROTO: no certificate in it. */
int ztt_tls_client_new(const char *ca_file, struct ztt_tls **ret_tls,
		       struct ztt_err *err);

/* The same, which trusts the certificates of a PEM text besides; fails only
 * where there is none in both. */
int ztt_tls_client_new_with(const char *ca_file, const void *pem,
			    size_t len_bytes, struct ztt_tls **ret_tls,
			    struct ztt_err *err);

/* A client's that verifies nothing: what the certificate is worth is its owner's
 * to judge, before anything is sent. -EIO with GnuTLS's reason. */
int ztt_tls_client_new_blind(struct ztt_tls **ret_tls, struct ztt_err *err);

/* Every session must have been ended. */
void ztt_tls_free(struct ztt_tls *tls);

/* Secrets of new sessions are appended to `file` as an NSS key log; NULL ends
 * that. The file stays the caller's. */
void ztt_tls_key_log(struct ztt_tls *tls, FILE *file);

/* Opens a key log to append to; a new one has mode 0600, for it opens all that
 * was captured. The caller closes it. -errno of open, with the path. */
int ztt_tls_key_log_open(const char *path, FILE **ret_file,
			 struct ztt_err *err);

/* Which AEADs are offered or accepted: "aes128", "aes256", "chacha20" or "auto"
 * (all, in that order). -EINVAL: another word. */
int ztt_tls_cipher(struct ztt_tls *tls, const char *name, struct ztt_err *err);

/* A session with ALPN `alpn` (NULL: none), for the server side or, with `server_name`, for a
 * client that verifies that name. */
int ztt_tls_session(struct ztt_tls *tls, const char *server_name,
		    const char *alpn, gnutls_session_t *ret_session,
		    struct ztt_err *err);

/* "AES-128-GCM", once negotiated. */
const char *ztt_tls_cipher_name(gnutls_session_t session);

/* Why a handshake failed, from the alert that was sent or received: what the
 * user can do about it. Never NULL. */
const char *ztt_tls_alert_meaning(unsigned alert, bool server);

/* What a client found wrong with the server's certificate
 * (gnutls_certificate_status_t); 0: nothing, or none has come. */
unsigned ztt_tls_certificate_status(gnutls_session_t session);
/* The same for people: "expired, or this host's clock is wrong". Never NULL. */
const char *ztt_tls_certificate_problem(unsigned status);

#endif
