/* A TLS server on loopback with a certificate of its own making, for the tests
 * of probes: it signs itself, so that it is its own authority. */
#ifndef DOCTOR_TLS_PEER_H
#define DOCTOR_TLS_PEER_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "common/address.h"

struct test_tls_peer {
	int fd;
	bool stop;
	pthread_t thread;
	gnutls_certificate_credentials_t credentials;
	struct ztt_address address;
	char text[ZTT_ADDRESS_LEN]; /* "127.0.0.1:PORT" */
	char pem[4096];             /* its certificate */
	const char *answer;         /* to whatever is asked, or NULL */
};

static inline void test_tls_certificate(struct test_tls_peer *peer,
					const char *name, time_t from,
					time_t to)
{
	gnutls_x509_crt_t certificate;
	gnutls_x509_privkey_t key;
	size_t len = sizeof(peer->pem) - 1;

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(
		gnutls_x509_privkey_generate(
			key, GNUTLS_PK_ECDSA,
			GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		0);
	assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
	gnutls_x509_crt_set_version(certificate, 3);
	gnutls_x509_crt_set_serial(certificate, "\x01", 1);
	gnutls_x509_crt_set_activation_time(certificate, from);
	gnutls_x509_crt_set_expiration_time(certificate, to);
	gnutls_x509_crt_set_dn(certificate, "CN=Test Authority", NULL);
	gnutls_x509_crt_set_basic_constraints(certificate, 1, -1);
	gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME,
					     name, (unsigned)strlen(name),
					     GNUTLS_FSAN_SET);
	gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS,
					     "\x7f\0\0\x01", 4,
					     GNUTLS_FSAN_APPEND);
	gnutls_x509_crt_set_key(certificate, key);
	assert_int_equal(gnutls_x509_crt_sign2(certificate, certificate, key,
					       GNUTLS_DIG_SHA256, 0),
			 0);
	assert_int_equal(gnutls_x509_crt_export(certificate,
						GNUTLS_X509_FMT_PEM, peer->pem,
						&len),
			 0);
	peer->pem[len] = 0;
	assert_int_equal(gnutls_certificate_allocate_credentials(
				 &peer->credentials),
			 0);
	assert_int_equal(gnutls_certificate_set_x509_key(peer->credentials,
							 &certificate, 1, key),
			 0);
	gnutls_x509_crt_deinit(certificate);
	gnutls_x509_privkey_deinit(key);
}

static inline void test_tls_serve(struct test_tls_peer *peer, int fd)
{
	struct timeval limit = {.tv_sec = 2};
	gnutls_session_t session;
	char data[4096];
	int rc;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
			       peer->credentials);
	gnutls_transport_set_int(session, fd);
	do {
		rc = gnutls_handshake(session);
	} while (rc < 0 && rc != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(rc));
	if (rc == 0 && gnutls_record_recv(session, data, sizeof(data)) > 0 &&
	    peer->answer)
		gnutls_record_send(session, peer->answer, strlen(peer->answer));
	if (rc == 0)
		gnutls_bye(session, GNUTLS_SHUT_WR);
	gnutls_deinit(session);
}

static inline void *test_tls_run(void *at)
{
	struct test_tls_peer *peer = at;

	while (!__atomic_load_n(&peer->stop, __ATOMIC_ACQUIRE)) {
		int fd = accept(peer->fd, NULL, NULL);

		if (fd < 0)
			continue;
		if (!__atomic_load_n(&peer->stop, __ATOMIC_ACQUIRE))
			test_tls_serve(peer, fd);
		close(fd);
	}
	return NULL;
}

/* Valid from `from_s` to `to_s`, counted from now. */
static inline void test_tls_begin(struct test_tls_peer *peer, const char *name,
				  long from_s, long to_s, const char *answer)
{
	memset(peer, 0, sizeof(*peer));
	peer->answer = answer;
	test_tls_certificate(peer, name, time(NULL) + from_s,
			     time(NULL) + to_s);
	assert_int_equal(ztt_address_parse_numeric("127.0.0.1:0",
						   &peer->address, NULL),
			 0);
	peer->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(peer->fd,
			      (struct sockaddr *)&peer->address.storage,
			      peer->address.len_bytes),
			 0);
	assert_int_equal(listen(peer->fd, 8), 0);
	assert_int_equal(ztt_address_of_socket(peer->fd, &peer->address), 0);
	ztt_address_text(&peer->address, peer->text);
	assert_int_equal(pthread_create(&peer->thread, NULL, test_tls_run,
					peer),
			 0);
}

static inline void test_tls_end(struct test_tls_peer *peer)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	__atomic_store_n(&peer->stop, true, __ATOMIC_RELEASE);
	assert_int_equal(connect(fd, (struct sockaddr *)&peer->address.storage,
				 peer->address.len_bytes),
			 0);
	close(fd);
	pthread_join(peer->thread, NULL);
	close(peer->fd);
	gnutls_certificate_free_credentials(peer->credentials);
}

#endif
