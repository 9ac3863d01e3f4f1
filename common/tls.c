#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "err.h"

#define LIFE_S (7 * 24 * 3600)
#define GROUPS "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"
#define BASE                                                               \
	"%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:" GROUPS \
	":-CIPHER-ALL:"

struct ztt_tls {
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	gnutls_datum_t ca_pem;
	bool server, blind;
	FILE *key_log;
};

static const struct cipher_row {
	const char *name, *priority;
} ciphers[] = {
	{"auto", BASE "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305"},
	{"aes128", BASE "+AES-128-GCM"},
	{"aes256", BASE "+AES-256-GCM"},
	{"chacha20", BASE "+CHACHA20-POLY1305"},
};

static int failed(struct ztt_err *err, const char *what, int code)
{
	return ztt_err_set(err, -EIO, "cannot %s: %s", what,
			   gnutls_strerror(code));
}

int ztt_tls_cipher(struct ztt_tls *tls, const char *name, struct ztt_err *err)
{
	gnutls_priority_t priority;
	int rc;

	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++) {
		if (strcmp(name, ciphers[i].name) != 0)
			continue;
		rc = gnutls_priority_init(&priority, ciphers[i].priority, NULL);
		if (rc < 0)
			return failed(err, "set the TLS priorities", rc);
		if (tls->priority)
			gnutls_priority_deinit(tls->priority);
		tls->priority = priority;
		return 0;
	}
	return ztt_err_set(err, -EINVAL,
			   "no cipher '%s': it is auto, aes128, "
			   "aes256 or chacha20",
			   name);
}

static int new_tls(bool server, struct ztt_tls **ret_tls, struct ztt_err *err)
{
	struct ztt_tls *tls = ztt_calloc(1, sizeof(*tls));
	int rc;

	tls->server = server;
	rc = gnutls_certificate_allocate_credentials(&tls->credentials);
	if (rc < 0) {
		free(tls);
		return failed(err, "make TLS credentials", rc);
	}
	rc = ztt_tls_cipher(tls, "auto", err);
	if (rc < 0) {
		ztt_tls_free(tls);
		return rc;
	}
	*ret_tls = tls;
	return 0;
}

static int make_key(gnutls_x509_privkey_t *ret_key)
{
	int rc = gnutls_x509_privkey_init(ret_key);

	if (rc < 0)
		return rc;
	return gnutls_x509_privkey_generate(*ret_key, GNUTLS_PK_EC,
					    GNUTLS_CURVE_TO_BITS(
						    GNUTLS_ECC_CURVE_SECP256R1),
					    0);
}

static int fill_certificate(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
			    const char *name)
{
	const time_t now = time(NULL);
	uint8_t serial[16], id[20];
	size_t id_len = sizeof(id);
	int rc;

	rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
	serial[0] &= 0x7f;
	if (rc >= 0)
		rc = gnutls_x509_crt_set_version(crt, 3);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	if (rc >= 0)
		rc = gnutls_x509_crt_set_activation_time(crt, now - 3600);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_expiration_time(crt, now + LIFE_S);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_dn_by_oid(crt,
						   GNUTLS_OID_X520_COMMON_NAME,
						   0, name,
						   (unsigned)strlen(name));
	if (rc >= 0)
		rc = gnutls_x509_crt_set_key(crt, key);
	if (rc >= 0)
		rc = gnutls_x509_crt_get_key_id(crt, 0, id, &id_len);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_subject_key_id(crt, id, id_len);
	return rc;
}

static int make_ca(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	int rc = fill_certificate(crt, key, "ztt-bench edge CA");

	if (rc >= 0)
		rc = gnutls_x509_crt_set_ca_status(crt, 1);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_key_usage(crt,
						   GNUTLS_KEY_KEY_CERT_SIGN);
	if (rc >= 0)
		rc = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	return rc;
}

static int make_leaf(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
		     const char *const *names, gnutls_x509_crt_t ca,
		     gnutls_x509_privkey_t ca_key)
{
	int rc = fill_certificate(crt, key, names[0]);

	for (; rc >= 0 && *names; names++)
		rc = gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_DNSNAME, *names,
			(unsigned)strlen(*names), GNUTLS_FSAN_APPEND);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_key_purpose_oid(
			crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_key_usage(
			crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (rc >= 0)
		rc = gnutls_x509_crt_sign2(crt, ca, ca_key, GNUTLS_DIG_SHA256,
					   0);
	return rc;
}

int ztt_tls_server_new(const char *const *names, struct ztt_tls **ret_tls,
		       struct ztt_err *err)
{
	gnutls_x509_privkey_t ca_key = NULL, key = NULL;
	gnutls_x509_crt_t chain[2] = {NULL, NULL};
	struct ztt_tls *tls;
	int rc;

	rc = new_tls(true, &tls, err);
	if (rc < 0)
		return rc;
	rc = make_key(&ca_key);
	if (rc >= 0)
		rc = make_key(&key);
	if (rc >= 0)
		rc = gnutls_x509_crt_init(&chain[0]);
	if (rc >= 0)
		rc = gnutls_x509_crt_init(&chain[1]);
	if (rc >= 0)
		rc = make_ca(chain[1], ca_key);
	if (rc >= 0)
		rc = make_leaf(chain[0], key, names, chain[1], ca_key);
	if (rc >= 0)
		rc = gnutls_x509_crt_export2(chain[1], GNUTLS_X509_FMT_PEM,
					     &tls->ca_pem);
	if (rc >= 0)
		rc = gnutls_certificate_set_x509_key(tls->credentials, chain, 1,
						     key);
	gnutls_x509_crt_deinit(chain[0]);
	gnutls_x509_crt_deinit(chain[1]);
	gnutls_x509_privkey_deinit(key);
	gnutls_x509_privkey_deinit(ca_key);
	if (rc < 0) {
		ztt_tls_free(tls);
		return failed(err, "make a certificate", rc);
	}
	*ret_tls = tls;
	return 0;
}

const char *ztt_tls_ca_pem(const struct ztt_tls *tls, size_t *ret_len_bytes)
{
	*ret_len_bytes = tls->ca_pem.size;
	return (const char *)tls->ca_pem.data;
}

static int trust(struct ztt_tls *tls, const char *ca_file,
		 const gnutls_datum_t *pem)
{
	int rc, more = 0;

	if (ca_file)
		rc = gnutls_certificate_set_x509_trust_file(
			tls->credentials, ca_file, GNUTLS_X509_FMT_PEM);
	else
		rc = gnutls_certificate_set_x509_system_trust(tls->credentials);
	if (pem->size)
		more = gnutls_certificate_set_x509_trust_mem(
			tls->credentials, pem, GNUTLS_X509_FMT_PEM);
	return more > 0 && rc <= 0 ? more : rc;
}

int ztt_tls_client_new_with(const char *ca_file, const void *pem,
			    size_t len_bytes, struct ztt_tls **ret_tls,
			    struct ztt_err *err)
{
	const gnutls_datum_t more = {(uint8_t *)(uintptr_t)pem,
				     (unsigned)len_bytes};
	struct ztt_tls *tls;
	int rc;

	rc = new_tls(false, &tls, err);
	if (rc < 0)
		return rc;
	rc = trust(tls, ca_file, &more);
	if (rc > 0) {
		*ret_tls = tls;
		return 0;
	}
	ztt_tls_free(tls);
	ca_file = ca_file ? ca_file : "the system's certificates";
	if (rc == GNUTLS_E_FILE_ERROR)
		return ztt_err_set(err, -ENOENT, "cannot read %s", ca_file);
	return ztt_err_set(err, -EPROTO, "no CA certificate in %s%s%s", ca_file,
			   rc < 0 ? ": " : "",
			   rc < 0 ? gnutls_strerror(rc) : "");
}

int ztt_tls_client_new(const char *ca_file, struct ztt_tls **ret_tls,
		       struct ztt_err *err)
{
	return ztt_tls_client_new_with(ca_file, NULL, 0, ret_tls, err);
}

int ztt_tls_client_new_blind(struct ztt_tls **ret_tls, struct ztt_err *err)
{
	const int rc = new_tls(false, ret_tls, err);

	if (rc == 0)
		(*ret_tls)->blind = true;
	return rc;
}

void ztt_tls_free(struct ztt_tls *tls)
{
	if (!tls)
		return;
	gnutls_certificate_free_credentials(tls->credentials);
	if (tls->priority)
		gnutls_priority_deinit(tls->priority);
	gnutls_free(tls->ca_pem.data);
	free(tls);
}

int ztt_tls_key_log_open(const char *path, FILE **ret_file, struct ztt_err *err)
{
	const int fd =
		open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	*ret_file = fd < 0 ? NULL : fdopen(fd, "a");
	if (*ret_file)
		return 0;
	return ztt_err_set(err, -errno, "cannot write %s: %s", path,
			   strerror(errno));
}

void ztt_tls_key_log(struct ztt_tls *tls, FILE *file)
{
	tls->key_log = file;
}

static void write_hex(FILE *file, const gnutls_datum_t *datum)
{
	for (unsigned i = 0; i < datum->size; i++)
		fprintf(file, "%02x", datum->data[i]);
}

/* SSLKEYLOGFILE: LABEL CLIENT_RANDOM SECRET. One line is written at once, so
 * that the lines of two threads never mix. */
static int log_secret(gnutls_session_t session, const char *label,
		      const gnutls_datum_t *secret)
{
	struct ztt_tls *tls = gnutls_db_get_ptr(session);
	gnutls_datum_t client, server;

	gnutls_session_get_random(session, &client, &server);
	flockfile(tls->key_log);
	fprintf(tls->key_log, "%s ", label);
	write_hex(tls->key_log, &client);
	putc(' ', tls->key_log);
	write_hex(tls->key_log, secret);
	putc('\n', tls->key_log);
	fflush(tls->key_log);
	funlockfile(tls->key_log);
	return 0;
}

static int set_up(struct ztt_tls *tls, gnutls_session_t session,
		  const char *server_name, const char *alpn)
{
	gnutls_datum_t protocol = {(uint8_t *)(uintptr_t)alpn,
				   alpn ? (unsigned)strlen(alpn) : 0};
	int rc;

	rc = gnutls_priority_set(session, tls->priority);
	if (rc >= 0)
		rc = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
					    tls->credentials);
	if (rc >= 0 && alpn)
		rc = gnutls_alpn_set_protocols(session, &protocol, 1,
					       GNUTLS_ALPN_MANDATORY);
	if (rc >= 0 && server_name) {
		rc = gnutls_server_name_set(session, GNUTLS_NAME_DNS,
					    server_name, strlen(server_name));
		if (!tls->blind)
			gnutls_session_set_verify_cert(session, server_name, 0);
	}
	/* The session's db pointer is free: tickets are off. */
	gnutls_db_set_ptr(session, tls);
	if (tls->key_log)
		gnutls_session_set_keylog_function(session, log_secret);
	return rc;
}

int ztt_tls_session(struct ztt_tls *tls, const char *server_name,
		    const char *alpn, gnutls_session_t *ret_session,
		    struct ztt_err *err)
{
	const unsigned flags = GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_SIGNAL |
			       (tls->server ? GNUTLS_SERVER : GNUTLS_CLIENT);
	gnutls_session_t session;
	int rc;

	rc = gnutls_init(&session, flags);
	if (rc < 0)
		return failed(err, "make a TLS session", rc);
	rc = set_up(tls, session, server_name, alpn);
	if (rc < 0) {
		gnutls_deinit(session);
		return failed(err, "set up a TLS session", rc);
	}
	*ret_session = session;
	return 0;
}

const char *ztt_tls_cipher_name(gnutls_session_t session)
{
	const char *name = gnutls_cipher_get_name(gnutls_cipher_get(session));

	return name ? name : "unknown";
}

const char *ztt_tls_alert_meaning(unsigned alert, bool server)
{
	switch (alert) {
	case GNUTLS_A_HANDSHAKE_FAILURE:
	case GNUTLS_A_INSUFFICIENT_SECURITY:
		return server ? "no cipher, signature or key exchange in "
				"common: a connector in strict post-quantum "
				"mode (--post-quantum) offers only "
				"X25519MLKEM768, which this edge's TLS library "
				"does not have; run it without"
			      : "no cipher, signature or key exchange in "
				"common with the edge";
	case GNUTLS_A_BAD_CERTIFICATE:
	case GNUTLS_A_UNKNOWN_CA:
	case GNUTLS_A_CERTIFICATE_UNKNOWN:
		return server ? "the connector does not trust this edge's "
				"certificate: give it the CA that the edge "
				"wrote (--cacert)"
			      : "the edge's certificate is not trusted: give "
				"the CA that the edge wrote (--cacert)";
	case GNUTLS_A_CERTIFICATE_EXPIRED:
		return "a certificate has expired, or a clock is wrong";
	case GNUTLS_A_NO_APPLICATION_PROTOCOL:
		return "no application protocol in common (ALPN)";
	case GNUTLS_A_UNRECOGNIZED_NAME:
		return "the server does not know the name that was asked for";
	case GNUTLS_A_PROTOCOL_VERSION:
		return "no TLS version in common: TLS 1.3 is needed";
	default:
		return gnutls_alert_get_name((gnutls_alert_description_t)alert)
			       ? gnutls_alert_get_name(
					 (gnutls_alert_description_t)alert)
			       : "unknown TLS alert";
	}
}

unsigned ztt_tls_certificate_status(gnutls_session_t session)
{
	const unsigned status = gnutls_session_get_verify_cert_status(session);

	return status == (unsigned)-1 ? 0 : status;
}

const char *ztt_tls_certificate_problem(unsigned status)
{
	if (status & GNUTLS_CERT_EXPIRED)
		return "expired, or this host's clock is wrong";
	if (status & GNUTLS_CERT_NOT_ACTIVATED)
		return "not valid yet, or this host's clock is wrong";
	if (status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA))
		return "by an unknown authority";
	if (status & GNUTLS_CERT_UNEXPECTED_OWNER)
		return "for another name";
	if (status & GNUTLS_CERT_REVOKED)
		return "revoked";
	if (status & GNUTLS_CERT_SIGNATURE_FAILURE)
		return "not signed by the authority that it names";
	return "not trusted";
}
