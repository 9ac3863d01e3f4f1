#include "doctor_root.h"

#include "doctor_peer.h"

#include "ztt-doctor/check.h"

/* A provider: what it answers to each path; "@" stands for its own address. */
struct provider {
	struct test_peer peer;
	const char *discovery, *jwks, *token;
	unsigned token_status;
	unsigned asked;
	char issuer[128];
};

static const char good_discovery[] =
	"{\"issuer\":\"http://@\",\"jwks_uri\":\"http://@/jwks\","
	"\"token_endpoint\":\"http://@/token\"}";
static const char good_jwks[] =
	"{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":"
	"\"k1\",\"n\":\"AQAB\",\"e\":\"AQAB\"},{\"kty\":\"oct\"},7]}";
static const char good_token[] = "{\"error\":\"invalid_request\"}";

static void fill_in(const char *text, const char *address, char *out,
		    size_t cap)
{
	size_t len = 0;

	for (; *text && len < cap; text++)
		len += (size_t)snprintf(out + len, cap - len,
					*text == '@' ? "%s" : "%.1s",
					*text == '@' ? address : text);
}

static size_t answer(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	struct provider *provider = arg;
	const char *request = (const char *)data, *body = provider->discovery;
	unsigned status = 200;
	char text[4096] = "";

	(void)turn;
	(void)len;
	if (strncmp(request, "GET /jwks ", 10) == 0) {
		body = provider->jwks;
	} else if (strncmp(request, "POST /token ", 12) == 0) {
		body = provider->token;
		status = provider->token_status;
	} else {
		provider->asked++;
		if (strncmp(request, "GET /.well-known/openid-configuration ",
			    38) != 0)
			status = 404;
	}
	fill_in(body, provider->peer.text, text, sizeof(text));
	return (size_t)snprintf((char *)data, TEST_PEER_BYTES,
				"HTTP/1.1 %u X\r\nContent-Length: %zu\r\n"
				"Connection: close\r\n\r\n%s",
				status, strlen(text), text);
}

static struct provider provider;
static struct test_host host;

static int begin(void **state)
{
	(void)state;
	memset(&provider, 0, sizeof(provider));
	provider.discovery = good_discovery;
	provider.jwks = good_jwks;
	provider.token = good_token;
	provider.token_status = 400;
	test_host_begin(&host);
	test_peer_begin(&provider.peer, true, 0, answer, &provider);
	snprintf(provider.issuer, sizeof(provider.issuer), "http://%s",
		 provider.peer.text);
	host.doctor.plan.oidc = provider.issuer;
	return 0;
}

static int end(void **state)
{
	(void)state;
	test_peer_end(&provider.peer);
	test_host_end(&host);
	return 0;
}

static void without_an_issuer_all_is_skipped(void **state)
{
	(void)state;
	host.doctor.plan.oidc = NULL;
	assert_int_equal(
		test_host_check(&host, ztt_check_oidc_discovery).status,
		ZTT_STATUS_SKIP);
	assert_int_equal(test_host_check(&host, ztt_check_oidc_jwks).status,
			 ZTT_STATUS_SKIP);
	assert_int_equal(test_host_check(&host, ztt_check_oidc_token).status,
			 ZTT_STATUS_SKIP);
}

static void a_good_provider_is_ok_and_discovered_once(void **state)
{
	struct ztt_finding found =
		test_host_check(&host, ztt_check_oidc_discovery);

	(void)state;
	assert_int_equal(found.status, ZTT_STATUS_OK);
	assert_non_null(strstr(found.observed, "first byte"));
	found = test_host_check(&host, ztt_check_oidc_jwks);
	assert_int_equal(found.status, ZTT_STATUS_OK);
	assert_non_null(
		strstr(found.observed, "3 keys, 1 for signatures: RS256 k1"));
	found = test_host_check(&host, ztt_check_oidc_token);
	assert_int_equal(found.status, ZTT_STATUS_OK);
	assert_non_null(strstr(found.observed, "400 invalid_request"));
	assert_int_equal(provider.asked, 1);
}

static void another_issuer_fails(void **state)
{
	struct ztt_finding found;

	(void)state;
	provider.discovery = "{\"issuer\":\"http://@/\",\"jwks_uri\":\"x\","
			     "\"token_endpoint\":\"y\"}";
	found = test_host_check(&host, ztt_check_oidc_discovery);
	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(found.observed, "only the slash"));
}

static void
an_incomplete_discovery_fails_and_leaves_the_rest_unknown(void **state)
{
	struct ztt_finding found;

	(void)state;
	provider.discovery = "{\"issuer\":\"http://@\",\"jwks_uri\":7}";
	found = test_host_check(&host, ztt_check_oidc_discovery);
	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(found.observed, "no jwks_uri"));
	assert_non_null(strstr(found.observed, "no token_endpoint"));
	assert_int_equal(test_host_check(&host, ztt_check_oidc_jwks).status,
			 ZTT_STATUS_UNKNOWN);
	assert_int_equal(test_host_check(&host, ztt_check_oidc_token).status,
			 ZTT_STATUS_UNKNOWN);
}

static void what_is_no_json_fails(void **state)
{
	static const char *const rows[] = {"", "[]", "<html>", "{", "null"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ztt_facts_free(host.doctor.facts);
		host.doctor.facts = ztt_facts_new();
		provider.discovery = rows[i];
		provider.jwks = rows[i];
		assert_int_equal(
			test_host_check(&host, ztt_check_oidc_discovery).status,
			ZTT_STATUS_FAIL);
	}
	ztt_facts_free(host.doctor.facts);
	host.doctor.facts = ztt_facts_new();
	provider.discovery = good_discovery;
	assert_int_equal(test_host_check(&host, ztt_check_oidc_jwks).status,
			 ZTT_STATUS_FAIL);
}

static void a_wrong_path_fails_with_its_status(void **state)
{
	struct ztt_finding found;
	char issuer[160];

	(void)state;
	snprintf(issuer, sizeof(issuer), "%s/realm", provider.issuer);
	host.doctor.plan.oidc = issuer;
	found = test_host_check(&host, ztt_check_oidc_discovery);
	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(found.observed, "status 404"));
}

static void no_key_for_signatures_fails(void **state)
{
	(void)state;
	provider.jwks = "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"enc\",\"n\":"
			"\"a\",\"e\":\"b\"}]}";
	assert_int_equal(test_host_check(&host, ztt_check_oidc_jwks).status,
			 ZTT_STATUS_FAIL);
}

static void a_private_key_in_public_fails_and_is_not_shown(void **state)
{
	struct ztt_finding found;

	(void)state;
	provider.jwks = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
			"\"a\",\"y\":\"b\",\"d\":\"s3cr3t\"}]}";
	found = test_host_check(&host, ztt_check_oidc_jwks);
	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(found.observed, "private"));
	assert_null(strstr(found.observed, "s3cr3t"));
}

static void many_keys_are_not_all_listed(void **state)
{
	static char jwks[3500];
	struct ztt_finding found;
	size_t len = 0;

	(void)state;
	len = (size_t)snprintf(jwks, sizeof(jwks), "{\"keys\":[0");
	for (int i = 0; i < 20; i++)
		len += (size_t)snprintf(
			jwks + len, sizeof(jwks) - len,
			",{\"kty\":\"OKP\",\"alg\":\"EdDSA%0100d\",\"kid\":"
			"\"%d\",\"x\":\"a\"}",
			i, i);
	snprintf(jwks + len, sizeof(jwks) - len, "]}");
	provider.jwks = jwks;
	found = test_host_check(&host, ztt_check_oidc_jwks);
	assert_int_equal(found.status, ZTT_STATUS_OK);
	assert_non_null(strstr(found.observed, "21 keys, 20 for signatures"));
}

static void a_token_endpoint_that_is_not_there_fails(void **state)
{
	struct ztt_finding found;

	(void)state;
	provider.token_status = 404;
	provider.token = "<html>";
	found = test_host_check(&host, ztt_check_oidc_token);
	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(found.observed, "404 without a JSON error"));
	provider.token_status = 429;
	assert_int_equal(test_host_check(&host, ztt_check_oidc_token).status,
			 ZTT_STATUS_WARN);
}

static void a_provider_out_of_reach_fails_with_the_cause(void **state)
{
	struct ztt_finding found;

	(void)state;
	host.doctor.plan.oidc = "http://127.0.0.1:1";
	found = test_host_check(&host, ztt_check_oidc_discovery);
	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(found.observed, "refused"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_an_issuer_all_is_skipped),
		TEST(a_good_provider_is_ok_and_discovered_once),
		TEST(another_issuer_fails),
		TEST(an_incomplete_discovery_fails_and_leaves_the_rest_unknown),
		TEST(what_is_no_json_fails),
		TEST(a_wrong_path_fails_with_its_status),
		TEST(no_key_for_signatures_fails),
		TEST(a_private_key_in_public_fails_and_is_not_shown),
		TEST(many_keys_are_not_all_listed),
		TEST(a_token_endpoint_that_is_not_there_fails),
		TEST(a_provider_out_of_reach_fails_with_the_cause),
	};

	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
