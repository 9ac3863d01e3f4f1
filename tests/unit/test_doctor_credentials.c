/* engine/credentials: parsed, bounded, and never told. */
#include "doctor_root.h"

#include "common/err.h"
#include "ztt-doctor/engine/credentials.h"

#define ACCOUNT "0123456789abcdef0123456789abcdef"
#define TUNNEL "11111111-2222-3333-4444-555555555555"
/* 32 bytes of 'k' */
#define SECRET "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define FILE_TEXT                                                    \
	"{\"AccountTag\":\"" ACCOUNT "\",\"TunnelSecret\":\"" SECRET \
	"\",\"TunnelID\":\"" TUNNEL "\"}"
/* base64 of {"a":ACCOUNT,"t":TUNNEL,"s":SECRET} */
#define TOKEN                                                          \
	"eyJhIjoiMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYiLCJ0Ijoi" \
	"MTExMTExMTEtMjIyMi0zMzMzLTQ0NDQtNTU1NTU1NTU1NTU1IiwicyI6ImEy" \
	"dHJhMnRyYTJ0cmEydHJhMnRyYTJ0cmEydHJhMnRyYTJ0cmEydHJhMnM9In0="

static int parse(const char *text, struct ztt_credentials *ret,
		 struct ztt_err *err)
{
	return ztt_credentials_parse(text, strlen(text), ret, err);
}

static void test_a_credentials_file(void **state)
{
	struct ztt_credentials found;

	(void)state;
	assert_int_equal(parse(FILE_TEXT, &found, NULL), 0);
	assert_string_equal(found.account, ACCOUNT);
	assert_string_equal(found.tunnel_id, TUNNEL);
	assert_int_equal(found.secret_len_bytes, 32);
}

static void test_a_token(void **state)
{
	struct ztt_credentials found;

	(void)state;
	assert_int_equal(ztt_credentials_parse_token(TOKEN "\n",
						     strlen(TOKEN) + 1, &found,
						     NULL),
			 0);
	assert_string_equal(found.account, ACCOUNT);
	assert_string_equal(found.tunnel_id, TUNNEL);
	assert_int_equal(ztt_credentials_parse_token(TOKEN, strlen(TOKEN) - 7,
						     &found, NULL),
			 -EBADMSG);
	assert_int_equal(ztt_credentials_parse_token("", 0, &found, NULL),
			 -EBADMSG);
}

static void test_what_is_wrong_is_told_without_the_secret(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "no JSON"},
		{"[]", "no JSON object"},
		{"{\"AccountTag\":\"x y\"}", "no account tag"},
		{"{\"AccountTag\":\"abc\",\"TunnelSecret\":\"" SECRET "\"}",
		 "no tunnel id"},
		{"{\"AccountTag\":\"abc\",\"TunnelID\":\"" TUNNEL
		 "\",\"TunnelSecret\":\"hunter2\"}",
		 "no base64"},
		{"{\"AccountTag\":\"abc\",\"TunnelID\":\"" TUNNEL
		 "\",\"TunnelSecret\":\"aGVsbG8=\"}",
		 "has 5 bytes"},
	};
	struct ztt_credentials found;
	struct ztt_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(parse(cases[i].text, &found, &err), -EBADMSG);
		assert_non_null(strstr(err.text, cases[i].why));
		assert_null(strstr(err.text, "hunter2"));
		assert_null(strstr(err.text, SECRET));
	}
}

static void test_an_origin_certificate(void **state)
{
	/* {"zoneID":"0a","accountID":"0b","apiToken":"t0k"} */
	static const char pem[] =
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE "
		"KEY-----\n-----BEGIN ARGO TUNNEL TOKEN-----\n"
		"eyJ6b25lSUQiOiIwYSIsImFjY291bnRJRCI6\n"
		"IjBiIiwiYXBpVG9rZW4iOiJ0MGsifQ==\n"
		"-----END ARGO TUNNEL TOKEN-----\n";
	struct ztt_origin_cert cert;
	struct ztt_err err;

	(void)state;
	assert_int_equal(ztt_origin_cert_parse(pem, sizeof(pem) - 1, &cert,
					       &err),
			 0);
	assert_string_equal(cert.account, "0b");
	assert_string_equal(cert.zone, "0a");
	assert_true(cert.has_api_token);
	for (size_t len = 0; len < sizeof(pem) - 3; len += 5)
		assert_int_equal(ztt_origin_cert_parse(pem, len, &cert, &err),
				 -EBADMSG);
}

static void test_the_place_follows_config(void **state)
{
	struct ztt_credentials_place at;
	struct ztt_credentials found;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	assert_int_equal(ztt_credentials_place(&host.doctor, 0, &at), -ENOENT);
	test_host_end(&host);
	test_host_begin(&host);
	test_host_file(&host, "/etc/cloudflared/config.yml",
		       "tunnel: " TUNNEL "\n", 0644);
	test_host_file(&host, "/etc/cloudflared/" TUNNEL ".json", FILE_TEXT,
		       0400);
	assert_int_equal(ztt_credentials_place(&host.doctor, 0, &at), 0);
	assert_int_equal(at.kind, ZTT_CREDENTIALS_FILE);
	assert_string_equal(at.path, "/etc/cloudflared/" TUNNEL ".json");
	assert_int_equal(ztt_credentials(&host.doctor, 0, &found, NULL), 0);
	assert_string_equal(found.account, ACCOUNT);
	test_host_end(&host);
}

static void test_a_token_goes_before_a_file(void **state)
{
	struct ztt_credentials_place at;
	struct ztt_credentials found;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/etc/cloudflared/config.yml",
		       "credentials-file: /etc/none.json\n", 0644);
	test_host_file(&host, "/etc/cloudflared/token", TOKEN "\n", 0600);
	test_host_file(&host, "/etc/systemd/system/cloudflared.service",
		       "[Service]\nExecStart=/usr/bin/cloudflared tunnel run "
		       "--token-file /etc/cloudflared/token\n",
		       0644);
	assert_int_equal(ztt_credentials_place(&host.doctor, 0, &at), 0);
	assert_int_equal(at.kind, ZTT_CREDENTIALS_TOKEN_FILE);
	assert_int_equal(ztt_credentials(&host.doctor, 0, &found, NULL), 0);
	assert_string_equal(found.tunnel_id, TUNNEL);
	test_host_end(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_credentials_file),
		cmocka_unit_test(test_a_token),
		cmocka_unit_test(test_what_is_wrong_is_told_without_the_secret),
		cmocka_unit_test(test_an_origin_certificate),
		cmocka_unit_test(test_the_place_follows_config),
		cmocka_unit_test(test_a_token_goes_before_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
