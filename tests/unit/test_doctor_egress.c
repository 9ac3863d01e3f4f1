#define _GNU_SOURCE
#include <netinet/in.h>
#include <sys/socket.h>

#include "doctor_root.h"

#include "doctor_peer.h"
#include "doctor_tls_peer.h"
#include "edge_peer.h"

#include "common/tls.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/probes/edge_trust.h"
#include "ztt-doctor/probes/quic_probe.h"
#include "ztt-doctor/probes/tls_probe.h"

static struct test_host host;
static char ca_path[128];

static int begin(void **state)
{
	(void)state;
	test_host_begin(&host);
	host.doctor.plan.timeout_ns = 10 * ZTT_NS_PER_S;
	snprintf(ca_path, sizeof(ca_path), "%.63s/ca.pem", host.dir);
	return 0;
}

static int end(void **state)
{
	(void)state;
	edge_peer_stop();
	test_host_end(&host);
	return 0;
}

static void trust(const char *pem)
{
	test_host_file(&host, "/ca.pem", pem, 0644);
	host.doctor.plan.ca_file = ca_path;
}

static void check_says(const struct ztt_finding *finding,
		       enum ztt_status status, const char *text)
{
	if (finding->status != status || !strstr(finding->observed, text))
		fail_msg("%s: %s", ztt_status_name(finding->status),
			 finding->observed);
}

/* --- UDP ------------------------------------------------------------------ */

static void with_edge(void)
{
	edge_peer_start("127.0.0.1:0");
	host.doctor.plan.edge = edge_peer.address;
	host.doctor.plan.ca_file = edge_peer.ca;
}

static void an_edge_that_answers_is_ok_with_its_time(void **state)
{
	struct ztt_finding finding;

	(void)state;
	with_edge();
	finding = test_host_check(&host, ztt_check_egress_udp);
	check_says(&finding, ZTT_STATUS_OK, "handshake in ");
	assert_string_equal(finding.advice, "");
}

static void a_name_that_is_refused_is_followed_by_the_next(void **state)
{
	static const char *const names[] = {"other.example", ZTT_TLS_EDGE_NAME,
					    NULL};
	static const char *const one[] = {"other.example", NULL};
	struct ztt_reach reach = {.name = NULL};
	const struct ztt_edge_trust *trusted;
	struct ztt_err err;

	(void)state;
	with_edge();
	trusted = ztt_edge_trust(&host.doctor, &err);
	assert_non_null(trusted);
	assert_int_equal(ztt_address_parse_numeric(edge_peer.address,
						   &reach.address, &err),
			 0);
	assert_int_equal(ztt_quic_probe(trusted, names, 10 * ZTT_NS_PER_S,
					&reach, 1, &err),
			 0);
	assert_int_equal(reach.kind, ZTT_REACH_OK);
	assert_string_equal(reach.name, ZTT_TLS_EDGE_NAME);
	assert_int_equal(ztt_quic_probe(trusted, one, 10 * ZTT_NS_PER_S, &reach,
					1, &err),
			 0);
	assert_int_equal(reach.kind, ZTT_REACH_CERTIFICATE);
	assert_non_null(strstr(reach.text, "for another name"));
}

static void
an_edge_of_another_authority_is_a_matter_of_certificates(void **state)
{
	struct test_tls_peer other;
	struct ztt_finding finding;

	(void)state;
	with_edge();
	memset(&other, 0, sizeof(other));
	test_tls_certificate(&other, "quic.cftunnel.com", time(NULL) - 60,
			     time(NULL) + 3600);
	gnutls_certificate_free_credentials(other.credentials);
	trust(other.pem);
	finding = test_host_check(&host, ztt_check_egress_udp);
	check_says(&finding, ZTT_STATUS_FAIL,
		   "its certificate is by an unknown authority");
	assert_non_null(strstr(finding.advice, "TLS inspection"));
}

/* A bound socket that is never read; a closed one leaves a port that refuses.
 */
static int bound(int type, char address[ZTT_ADDRESS_LEN])
{
	struct ztt_address at;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_int_equal(ztt_address_parse_numeric("127.0.0.1:0", &at, NULL),
			 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at.storage, at.len_bytes),
			 0);
	assert_int_equal(ztt_address_of_socket(fd, &at), 0);
	ztt_address_text(&at, address);
	return fd;
}

static void with_some_authority(void)
{
	struct test_tls_peer any;

	memset(&any, 0, sizeof(any));
	test_tls_certificate(&any, "any", time(NULL) - 60, time(NULL) + 3600);
	gnutls_certificate_free_credentials(any.credentials);
	trust(any.pem);
}

static void a_black_hole_is_a_timeout_with_the_advice_to_use_http2(void **state)
{
	char address[ZTT_ADDRESS_LEN];
	const int fd = bound(SOCK_DGRAM, address);
	struct ztt_finding finding;
	uint8_t first[2048];

	(void)state;
	with_some_authority();
	host.doctor.plan.edge = address;
	host.doctor.plan.timeout_ns = 60 * ZTT_NS_PER_MS;
	finding = test_host_check(&host, ztt_check_egress_udp);
	check_says(&finding, ZTT_STATUS_FAIL, "timeout");
	assert_non_null(strstr(finding.advice, "protocol: http2"));
	assert_non_null(strstr(finding.advice, "TimeoutStartSec"));
	/* As long as a tunnel's. */
	assert_int_equal(recv(fd, first, sizeof(first), MSG_DONTWAIT), 1252);
	assert_int_equal(first[0] & 0xf0, 0xc0);
	close(fd);
}

static void a_closed_port_is_refused(void **state)
{
	char address[ZTT_ADDRESS_LEN];
	struct ztt_finding finding;

	(void)state;
	with_some_authority();
	close(bound(SOCK_DGRAM, address));
	host.doctor.plan.edge = address;
	finding = test_host_check(&host, ztt_check_egress_udp);
	check_says(&finding, ZTT_STATUS_FAIL,
		   "refused (ICMP port unreachable)");
}

static void one_address_of_two_only_warns(void **state)
{
	char closed[ZTT_ADDRESS_LEN], both[2 * ZTT_ADDRESS_LEN + 16];
	struct ztt_finding finding;

	(void)state;
	with_edge();
	close(bound(SOCK_DGRAM, closed));
	snprintf(both, sizeof(both), "%.63s,%.63s", closed, edge_peer.address);
	host.doctor.plan.edge = both;
	finding = test_host_check(&host, ztt_check_egress_udp);
	check_says(&finding, ZTT_STATUS_WARN, "refused");
	assert_non_null(strstr(finding.observed, "handshake in "));
}

static void a_family_without_a_route_is_only_noted(void **state)
{
	char both[2 * ZTT_ADDRESS_LEN];
	struct ztt_finding finding;

	(void)state;
	with_edge();
	/* Discard-only prefix (RFC 6666): on a host with IPv6 it is a
	 * timeout. */
	snprintf(both, sizeof(both), "%.63s,[100::1]:7844", edge_peer.address);
	host.doctor.plan.edge = both;
	host.doctor.plan.timeout_ns = ZTT_NS_PER_S;
	finding = test_host_check(&host, ztt_check_egress_udp);
	if (!strstr(finding.observed, "no route")) {
		print_message("# skip: this host has a route for IPv6\n");
		skip();
	}
	assert_int_equal(finding.status, ZTT_STATUS_OK);
}

static void without_an_address_it_is_unknown(void **state)
{
	struct ztt_finding finding;

	(void)state;
	host.doctor.plan.edge = "";
	finding = test_host_check(&host, ztt_check_egress_udp);
	assert_int_equal(finding.status, ZTT_STATUS_UNKNOWN);
	finding = test_host_check(&host, ztt_check_egress_tcp);
	assert_int_equal(finding.status, ZTT_STATUS_UNKNOWN);
}

static void a_missing_ca_file_is_unknown(void **state)
{
	struct ztt_finding finding;

	(void)state;
	host.doctor.plan.edge = "127.0.0.1:1";
	host.doctor.plan.ca_file = "/nowhere/ca.pem";
	finding = test_host_check(&host, ztt_check_egress_udp);
	check_says(&finding, ZTT_STATUS_UNKNOWN, "/nowhere/ca.pem");
}

/* --- TCP ------------------------------------------------------------------ */

/* An edge for HTTP/2: what it sends once TLS is established. */
static struct {
	struct test_tls_peer peer;
	const char *says; /* NULL: nothing, and it waits for the end */
} h2;

static void *h2_run(void *arg)
{
	const int fd = accept(h2.peer.fd, NULL, NULL);
	struct timeval limit = {.tv_sec = 5};
	gnutls_session_t session;
	char data[64];
	int rc;

	(void)arg;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
			       h2.peer.credentials);
	gnutls_transport_set_int(session, fd);
	do {
		rc = gnutls_handshake(session);
	} while (rc < 0 && rc != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(rc));
	if (rc == 0 && h2.says && *h2.says)
		gnutls_record_send(session, h2.says, strlen(h2.says));
	if (rc == 0 && (!h2.says || *h2.says))
		gnutls_record_recv(session, data, sizeof(data));
	gnutls_deinit(session);
	close(fd);
	return NULL;
}

static struct ztt_finding h2_check(const char *name, long from_s, long to_s,
				   const char *says)
{
	struct ztt_finding finding;
	pthread_t thread;

	memset(&h2, 0, sizeof(h2));
	h2.says = says;
	test_tls_certificate(&h2.peer, name, time(NULL) + from_s,
			     time(NULL) + to_s);
	trust(h2.peer.pem);
	h2.peer.fd = bound(SOCK_STREAM, h2.peer.text);
	assert_int_equal(listen(h2.peer.fd, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, h2_run, NULL), 0);
	host.doctor.plan.edge = h2.peer.text;
	finding = test_host_check(&host, ztt_check_egress_tcp);
	pthread_join(thread, NULL);
	close(h2.peer.fd);
	gnutls_certificate_free_credentials(h2.peer.credentials);
	return finding;
}

static void an_edge_that_sends_its_preface_is_ok(void **state)
{
	const struct ztt_finding finding =
		h2_check(ZTT_TLS_H2_NAME, -60, 3600,
			 "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n and settings");

	(void)state;
	check_says(&finding, ZTT_STATUS_OK, "HTTP/2 preface in ");
}

static void a_handshake_without_a_preface_warns(void **state)
{
	struct ztt_finding finding;

	(void)state;
	host.doctor.plan.timeout_ns = 300 * ZTT_NS_PER_MS;
	finding = h2_check(ZTT_TLS_H2_NAME, -60, 3600, NULL);
	check_says(&finding, ZTT_STATUS_WARN, "no HTTP/2 preface came in time");
}

static void something_else_than_a_preface_warns(void **state)
{
	const struct ztt_finding finding =
		h2_check(ZTT_TLS_H2_NAME, -60, 3600, "HTTP/1.1 400 Bad\r\n");

	(void)state;
	check_says(&finding, ZTT_STATUS_WARN, "no HTTP/2 preface");
}

static void an_end_right_after_the_handshake_warns(void **state)
{
	const struct ztt_finding finding =
		h2_check(ZTT_TLS_H2_NAME, -60, 3600, "");

	(void)state;
	check_says(&finding, ZTT_STATUS_WARN, "closed the connection");
}

static void an_expired_certificate_is_told(void **state)
{
	const struct ztt_finding finding =
		h2_check(ZTT_TLS_H2_NAME, -7200, -3600, NULL);

	(void)state;
	check_says(&finding, ZTT_STATUS_FAIL, "its certificate is expired");
}

static void a_certificate_of_the_future_is_told(void **state)
{
	const struct ztt_finding finding =
		h2_check(ZTT_TLS_H2_NAME, 3600, 7200, NULL);

	(void)state;
	check_says(&finding, ZTT_STATUS_FAIL, "not valid yet");
}

static void a_certificate_for_another_name_is_told(void **state)
{
	const struct ztt_finding finding =
		h2_check("example.com", -60, 3600, NULL);

	(void)state;
	check_says(&finding, ZTT_STATUS_FAIL, "for another name");
}

static void a_closed_tcp_port_is_refused(void **state)
{
	char address[ZTT_ADDRESS_LEN];
	struct ztt_finding finding;

	(void)state;
	with_some_authority();
	close(bound(SOCK_STREAM, address));
	host.doctor.plan.edge = address;
	finding = test_host_check(&host, ztt_check_egress_tcp);
	check_says(&finding, ZTT_STATUS_FAIL, "refused");
}

static void a_listener_that_never_speaks_is_a_timeout(void **state)
{
	char address[ZTT_ADDRESS_LEN];
	const int fd = bound(SOCK_STREAM, address);
	struct ztt_finding finding;

	(void)state;
	with_some_authority();
	assert_int_equal(listen(fd, 1), 0);
	host.doctor.plan.edge = address;
	host.doctor.plan.timeout_ns = 60 * ZTT_NS_PER_MS;
	finding = test_host_check(&host, ztt_check_egress_tcp);
	check_says(&finding, ZTT_STATUS_FAIL,
		   "timeout: connected, but no TLS handshake");
	close(fd);
}

static size_t speak_plain(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	(void)arg, (void)turn, (void)len;
	memcpy(data, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
	return 28;
}

static void a_server_without_tls_fails(void **state)
{
	struct test_peer *peer = calloc(1, sizeof(*peer));
	struct ztt_finding finding;

	(void)state;
	with_some_authority();
	test_peer_begin(peer, true, 0, speak_plain, NULL);
	host.doctor.plan.edge = peer->text;
	finding = test_host_check(&host, ztt_check_egress_tcp);
	check_says(&finding, ZTT_STATUS_FAIL, "TLS");
	test_peer_end(peer);
	free(peer);
}

/* --- the API -------------------------------------------------------------- */

static const char *token_json, *tunnel_json;
static bool saw_token;

static size_t speak_api(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	const char *request = (const char *)data, *body = "{}";
	const bool bearer = strstr(request, "Authorization: Bearer sesame\r\n");
	const char *status = "404 Not Found";

	(void)arg, (void)turn, (void)len;
	if (strstr(request, "/client/v4/user/tokens/verify"))
		body = token_json;
	else if (strstr(request, "/client/v4/accounts/"))
		body = tunnel_json;
	if (body != token_json && body != tunnel_json) {
		assert_false(bearer);
	} else {
		saw_token |= bearer;
		status = strstr(body, "errors") ? "403 Forbidden" : "200 OK";
	}
	return (size_t)sprintf((char *)data,
			       "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
			       "Connection: close\r\n\r\n%s",
			       status, strlen(body), body);
}

static struct ztt_finding api_check(const char *token)
{
	struct test_peer *peer = calloc(1, sizeof(*peer));
	struct ztt_finding finding;
	char url[128];

	test_peer_begin(peer, true, 0, speak_api, NULL);
	snprintf(url, sizeof(url), "http://%.63s/", peer->text);
	host.doctor.plan.api = url;
	host.doctor.plan.api_token = token;
	finding = test_host_check(&host, ztt_check_egress_api);
	test_peer_end(peer);
	free(peer);
	assert_null(strstr(finding.observed, "sesame"));
	return finding;
}

static void any_answer_of_the_api_proves_reach(void **state)
{
	const struct ztt_finding finding = api_check(NULL);

	(void)state;
	check_says(&finding, ZTT_STATUS_OK, "reached ");
}

static void an_active_token_is_ok(void **state)
{
	struct ztt_finding finding;

	(void)state;
	token_json = "{\"result\":{\"status\":\"active\"},\"success\":true}";
	tunnel_json = "{}";
	finding = api_check("sesame");
	check_says(&finding, ZTT_STATUS_OK, "the token is active");
	assert_true(saw_token);
}

static void a_refused_token_warns_with_the_reason(void **state)
{
	struct ztt_finding finding;

	(void)state;
	token_json = "{\"success\":false,\"errors\":[{\"message\":\"Invalid "
		     "API \\u001b[31mToken\"}]}";
	finding = api_check("sesame");
	check_says(&finding, ZTT_STATUS_WARN, "403: Invalid API ?[31mToken");
}

static void with_credentials(void)
{
	test_host_file(&host, "/etc/cloudflared/config.yml",
		       "tunnel: 6ff42ae2-765d-4adf-8112-31c55c1551ef\n"
		       "credentials-file: /etc/cloudflared/c.json\n",
		       0644);
	test_host_file(&host, "/etc/cloudflared/c.json",
		       "{\"AccountTag\":\"0123456789abcdef0123456789abcdef\","
		       "\"TunnelSecret\":"
		       "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
		       "\"TunnelID\":\"6ff42ae2-765d-4adf-8112-31c55c1551ef\"}",
		       0600);
}

static void the_status_of_the_tunnel_is_read(void **state)
{
	struct ztt_finding finding;

	(void)state;
	with_credentials();
	token_json = "{\"result\":{\"status\":\"active\"}}";
	tunnel_json = "{\"result\":{\"status\":\"healthy\"}}";
	finding = api_check("sesame");
	check_says(&finding, ZTT_STATUS_OK,
		   "6ff42ae2-765d-4adf-8112-31c55c1551ef is healthy");
	tunnel_json = "{\"result\":{\"status\":\"degraded\"}}";
	finding = api_check("sesame");
	check_says(&finding, ZTT_STATUS_WARN, "is degraded");
	tunnel_json = "no json";
	finding = api_check("sesame");
	check_says(&finding, ZTT_STATUS_WARN, "tunnel: the API answers 200");
}

static void a_token_that_the_api_gives_back_is_not_shown(void **state)
{
	struct ztt_finding finding;

	(void)state;
	token_json = "{\"success\":false,\"errors\":[{\"message\":\"no "
		     "token: sesame\"}]}";
	tunnel_json = "{}";
	finding = api_check("sesame");
	check_says(&finding, ZTT_STATUS_WARN, "no token: ***");
	assert_null(strstr(finding.observed, "sesame"));
	token_json = "{\"result\":{\"status\":\"sesame\"}}";
	finding = api_check("sesame");
	assert_null(strstr(finding.observed, "sesame"));
}

static void an_api_that_cannot_be_reached_only_warns(void **state)
{
	char address[ZTT_ADDRESS_LEN], url[128];
	struct ztt_finding finding;

	(void)state;
	close(bound(SOCK_STREAM, address));
	snprintf(url, sizeof(url), "http://%.63s", address);
	host.doctor.plan.api = url;
	finding = test_host_check(&host, ztt_check_egress_api);
	assert_int_equal(finding.status, ZTT_STATUS_WARN);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_edge_that_answers_is_ok_with_its_time),
		CASE(a_name_that_is_refused_is_followed_by_the_next),
		CASE(an_edge_of_another_authority_is_a_matter_of_certificates),
		CASE(a_black_hole_is_a_timeout_with_the_advice_to_use_http2),
		CASE(a_closed_port_is_refused),
		CASE(one_address_of_two_only_warns),
		CASE(a_family_without_a_route_is_only_noted),
		CASE(without_an_address_it_is_unknown),
		CASE(a_missing_ca_file_is_unknown),
		CASE(an_edge_that_sends_its_preface_is_ok),
		CASE(a_handshake_without_a_preface_warns),
		CASE(something_else_than_a_preface_warns),
		CASE(an_end_right_after_the_handshake_warns),
		CASE(an_expired_certificate_is_told),
		CASE(a_certificate_of_the_future_is_told),
		CASE(a_certificate_for_another_name_is_told),
		CASE(a_closed_tcp_port_is_refused),
		CASE(a_listener_that_never_speaks_is_a_timeout),
		CASE(a_server_without_tls_fails),
		CASE(any_answer_of_the_api_proves_reach),
		CASE(an_active_token_is_ok),
		CASE(a_refused_token_warns_with_the_reason),
		CASE(the_status_of_the_tunnel_is_read),
		CASE(a_token_that_the_api_gives_back_is_not_shown),
		CASE(an_api_that_cannot_be_reached_only_warns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
