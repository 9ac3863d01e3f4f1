#define _GNU_SOURCE
#include "common/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <gnutls/x509.h>

#include "common/err.h"

#define ROUNDS 100

static struct ztt_err err;
static const char *const names[] = {ZTT_TLS_EDGE_NAME, ZTT_TLS_PROBE_NAME,
				    NULL};

static struct ztt_tls *new_server(void)
{
	struct ztt_tls *tls = NULL;

	if (ztt_tls_server_new(names, &tls, &err) < 0)
		fail_msg("%s", err.text);
	return tls;
}

/* A file in memory, as a path that the client can open. */
static int file_of(const char *text, size_t len, char path[64])
{
	const int fd = memfd_create("ca", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static struct ztt_tls *new_client(const struct ztt_tls *server)
{
	struct ztt_tls *tls = NULL;
	char path[64];
	size_t len;
	const char *pem = ztt_tls_ca_pem(server, &len);
	const int fd = file_of(pem, len, path);

	if (ztt_tls_client_new(path, &tls, &err) < 0)
		fail_msg("%s", err.text);
	close(fd);
	return tls;
}

/* --- the certificates ---------------------------------------------------- */

static void the_ca_is_one_that_signs_itself(void **state)
{
	struct ztt_tls *tls = new_server();
	gnutls_datum_t pem;
	gnutls_x509_crt_t ca;
	unsigned status = 0, critical = 0, usage = 0;
	size_t len;

	(void)state;
	pem.data = (uint8_t *)(uintptr_t)ztt_tls_ca_pem(tls, &len);
	pem.size = (unsigned)len;
	assert_int_equal(gnutls_x509_crt_init(&ca), 0);
	assert_int_equal(gnutls_x509_crt_import(ca, &pem, GNUTLS_X509_FMT_PEM),
			 0);
	assert_int_equal(gnutls_x509_crt_verify(ca, &ca, 1, 0, &status), 0);
	assert_int_equal(status, 0);
	assert_true(gnutls_x509_crt_get_ca_status(ca, &critical) > 0);
	assert_true(gnutls_x509_crt_get_key_usage(ca, &usage, &critical) >= 0);
	assert_int_equal(usage, GNUTLS_KEY_KEY_CERT_SIGN);
	assert_int_equal(gnutls_x509_crt_get_pk_algorithm(ca, NULL),
			 GNUTLS_PK_ECDSA);
	assert_null(memmem(pem.data, pem.size, "PRIVATE", 7));
	gnutls_x509_crt_deinit(ca);
	ztt_tls_free(tls);
}

static void each_server_has_a_ca_of_its_own(void **state)
{
	struct ztt_tls *a = new_server(), *b = new_server();
	size_t a_len, b_len;
	const char *a_pem = ztt_tls_ca_pem(a, &a_len);
	const char *b_pem = ztt_tls_ca_pem(b, &b_len);

	(void)state;
	assert_true(a_len != b_len || memcmp(a_pem, b_pem, a_len) != 0);
	ztt_tls_free(a);
	ztt_tls_free(b);
	ztt_tls_free(NULL);
}

/* --- handshakes ---------------------------------------------------------- */

struct pair {
	gnutls_session_t client, server;
	int fds[2];
	int client_rc, server_rc;
};

static void start(struct pair *pair, struct ztt_tls *client,
		  struct ztt_tls *server, const char *name, const char *alpn)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				    pair->fds),
			 0);
	assert_int_equal(ztt_tls_session(client, name, alpn, &pair->client,
					 &err),
			 0);
	assert_int_equal(ztt_tls_session(server, NULL, ZTT_TLS_EDGE_ALPN,
					 &pair->server, &err),
			 0);
	gnutls_transport_set_int(pair->client, pair->fds[0]);
	gnutls_transport_set_int(pair->server, pair->fds[1]);
}

static void step(gnutls_session_t session, int *rc)
{
	if (*rc == GNUTLS_E_AGAIN)
		*rc = gnutls_handshake(session);
}

static void shake_hands(struct pair *pair)
{
	pair->client_rc = pair->server_rc = GNUTLS_E_AGAIN;
	for (int i = 0; i < ROUNDS; i++) {
		step(pair->client, &pair->client_rc);
		if (pair->client_rc != 0 && pair->client_rc != GNUTLS_E_AGAIN)
			gnutls_alert_send_appropriate(pair->client,
						      pair->client_rc);
		step(pair->server, &pair->server_rc);
		if (pair->server_rc != 0 && pair->server_rc != GNUTLS_E_AGAIN)
			gnutls_alert_send_appropriate(pair->server,
						      pair->server_rc);
	}
}

static void end(struct pair *pair)
{
	gnutls_deinit(pair->client);
	gnutls_deinit(pair->server);
	close(pair->fds[0]);
	close(pair->fds[1]);
}

static void check_names(gnutls_session_t client)
{
	unsigned count = 0;
	const gnutls_datum_t *chain =
		gnutls_certificate_get_peers(client, &count);
	gnutls_x509_crt_t leaf;
	char name[64];
	size_t len;

	assert_int_equal(count, 1);
	gnutls_x509_crt_init(&leaf);
	assert_int_equal(gnutls_x509_crt_import(leaf, chain,
						GNUTLS_X509_FMT_DER),
			 0);
	for (unsigned i = 0; i < 2; i++) {
		len = sizeof(name);
		assert_int_equal(gnutls_x509_crt_get_subject_alt_name(
					 leaf, i, name, &len, NULL),
				 GNUTLS_SAN_DNSNAME);
		assert_string_equal(name, names[i]);
	}
	len = sizeof(name);
	assert_int_equal(gnutls_x509_crt_get_subject_alt_name(leaf, 2, name,
							      &len, NULL),
			 GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
	assert_int_equal(gnutls_x509_crt_check_hostname(leaf, "example.com"),
			 0);
	gnutls_x509_crt_deinit(leaf);
}

static void the_leaf_carries_its_names(void **state)
{
	struct ztt_tls *server = new_server(), *client = new_client(server);
	struct pair pair;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start(&pair, client, server, names[i], ZTT_TLS_EDGE_ALPN);
		shake_hands(&pair);
		assert_int_equal(pair.client_rc, 0);
		assert_int_equal(pair.server_rc, 0);
		assert_int_equal(gnutls_protocol_get_version(pair.client),
				 GNUTLS_TLS1_3);
		check_names(pair.client);
		end(&pair);
	}
	ztt_tls_free(client);
	ztt_tls_free(server);
}

static void each_cipher_is_the_one_that_was_asked_for(void **state)
{
	static const struct {
		const char *word, *name;
	} rows[] = {{"auto", "AES-128-GCM"},
		    {"aes128", "AES-128-GCM"},
		    {"aes256", "AES-256-GCM"},
		    {"chacha20", "CHACHA20-POLY1305"}};
	struct ztt_tls *server = new_server(), *client = new_client(server);
	struct pair pair;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(ztt_tls_cipher(client, rows[i].word, &err), 0);
		start(&pair, client, server, names[0], ZTT_TLS_EDGE_ALPN);
		shake_hands(&pair);
		assert_int_equal(pair.client_rc, 0);
		assert_string_equal(ztt_tls_cipher_name(pair.client),
				    rows[i].name);
		assert_string_equal(ztt_tls_cipher_name(pair.server),
				    rows[i].name);
		end(&pair);
	}
	assert_int_equal(ztt_tls_cipher(client, "rc4", &err), -EINVAL);
	assert_non_null(strstr(err.text, "chacha20"));
	ztt_tls_free(client);
	ztt_tls_free(server);
}

static void check_refused(struct ztt_tls *client, struct ztt_tls *server,
			  const char *name, const char *alpn, bool by_client)
{
	struct pair pair;

	start(&pair, client, server, name, alpn);
	shake_hands(&pair);
	assert_true(by_client ? pair.client_rc < 0 : pair.server_rc < 0);
	assert_int_not_equal(by_client ? pair.client_rc : pair.server_rc,
			     GNUTLS_E_AGAIN);
	end(&pair);
}

static void strangers_are_refused(void **state)
{
	struct ztt_tls *server = new_server(), *other = new_server();
	struct ztt_tls *client = new_client(server);
	struct ztt_tls *misled = new_client(other);

	(void)state;
	check_refused(misled, server, names[0], ZTT_TLS_EDGE_ALPN, true);
	check_refused(client, server, "example.com", ZTT_TLS_EDGE_ALPN, true);
	check_refused(client, server, names[0], "h3", false);
	assert_int_equal(ztt_tls_cipher(client, "aes128", &err), 0);
	assert_int_equal(ztt_tls_cipher(server, "chacha20", &err), 0);
	check_refused(client, server, names[0], ZTT_TLS_EDGE_ALPN, false);
	ztt_tls_free(misled);
	ztt_tls_free(client);
	ztt_tls_free(other);
	ztt_tls_free(server);
}

/* --- a client's trust ---------------------------------------------------- */

static void a_missing_ca_file_is_named(void **state)
{
	struct ztt_tls *tls = NULL;

	(void)state;
	assert_int_equal(ztt_tls_client_new("/nonexistent/ca.pem", &tls, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/ca.pem"));
	assert_null(tls);
}

static void a_file_without_a_certificate_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "hello",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
	struct ztt_tls *tls = NULL;
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const int fd = file_of(texts[i], strlen(texts[i]), path);

		assert_int_equal(ztt_tls_client_new(path, &tls, &err), -EPROTO);
		assert_non_null(strstr(err.text, "no CA certificate"));
		assert_null(tls);
		close(fd);
	}
}

static void a_text_besides_the_file_is_trusted_too(void **state)
{
	struct ztt_tls *server = new_server(), *tls = NULL;
	char path[64];
	size_t len;
	const char *pem = ztt_tls_ca_pem(server, &len);
	const int fd = file_of("", 0, path);

	(void)state;
	assert_int_equal(ztt_tls_client_new_with(path, pem, len, &tls, &err),
			 0);
	ztt_tls_free(tls);
	tls = NULL;
	assert_int_equal(ztt_tls_client_new_with(path, "AAAA", 4, &tls, &err),
			 -EPROTO);
	assert_null(tls);
	ztt_tls_free(server);
	close(fd);
}

static void what_is_wrong_with_a_certificate_has_words(void **state)
{
	(void)state;
	assert_non_null(strstr(ztt_tls_certificate_problem(GNUTLS_CERT_INVALID |
							   GNUTLS_CERT_EXPIRED),
			       "expired"));
	for (unsigned bit = 0; bit < 32; bit++)
		assert_non_null(ztt_tls_certificate_problem(1U << bit));
}

static void every_alert_has_a_meaning(void **state)
{
	(void)state;
	for (unsigned alert = 0; alert < 300; alert++)
		for (int server = 0; server < 2; server++) {
			const char *text = ztt_tls_alert_meaning(alert, server);

			assert_non_null(text);
			assert_true(*text);
		}
	assert_non_null(
		strstr(ztt_tls_alert_meaning(GNUTLS_A_UNKNOWN_CA, false),
		       "--cacert"));
	assert_non_null(
		strstr(ztt_tls_alert_meaning(GNUTLS_A_HANDSHAKE_FAILURE, true),
		       "post-quantum"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ca_is_one_that_signs_itself),
		cmocka_unit_test(each_server_has_a_ca_of_its_own),
		cmocka_unit_test(the_leaf_carries_its_names),
		cmocka_unit_test(each_cipher_is_the_one_that_was_asked_for),
		cmocka_unit_test(strangers_are_refused),
		cmocka_unit_test(a_missing_ca_file_is_named),
		cmocka_unit_test(a_file_without_a_certificate_is_refused),
		cmocka_unit_test(a_text_besides_the_file_is_trusted_too),
		cmocka_unit_test(what_is_wrong_with_a_certificate_has_words),
		cmocka_unit_test(every_alert_has_a_meaning),
	};

	return cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
