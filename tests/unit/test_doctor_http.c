#include "ztt-doctor/probes/http.h"

#include "doctor_root.h"

#include "doctor_peer.h"
#include "doctor_tls_peer.h"

#include "common/err.h"

/* What came, and what goes back. */
struct exchange {
	const char *answer;
	char request[2048];
};

static size_t give(void *arg, unsigned turn, uint8_t *data, size_t len)
{
	struct exchange *exchange = arg;

	(void)len;
	if (turn == 0)
		snprintf(exchange->request, sizeof(exchange->request), "%s",
			 (const char *)data);
	if (!exchange->answer)
		return 0;
	len = strlen(exchange->answer);
	memcpy(data, exchange->answer, len);
	return len;
}

struct asked {
	int rc;
	struct ztt_http_answer answer;
	struct ztt_err err;
	struct exchange exchange;
};

/* The caller releases the answer. */
static struct asked ask(const char *answer, struct ztt_http_plan plan)
{
	static struct test_peer peer;
	struct asked asked;
	char url[128];

	memset(&asked, 0, sizeof(asked));
	asked.exchange.answer = answer;
	test_peer_begin(&peer, true, 0, give, &asked.exchange);
	snprintf(url, sizeof(url), "http://%s/path", peer.text);
	plan.url = url;
	plan.timeout_ns = ZTT_NS_PER_S;
	asked.rc = ztt_http(&plan, &asked.answer, &asked.err);
	test_peer_end(&peer);
	return asked;
}

static void an_answer_has_status_body_and_times(void **state)
{
	struct asked asked = ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
				 "hello",
				 (struct ztt_http_plan){0});

	(void)state;
	assert_int_equal(asked.rc, 0);
	assert_int_equal(asked.answer.status, 200);
	assert_string_equal(asked.answer.body, "hello");
	assert_int_equal(asked.answer.len_bytes, 5);
	assert_string_equal(asked.answer.address, "127.0.0.1");
	assert_true(asked.answer.connect_ns <= asked.answer.first_byte_ns);
	assert_true(asked.answer.first_byte_ns <= asked.answer.total_ns);
	assert_int_equal(asked.answer.tls_ns, 0);
	assert_non_null(strstr(asked.exchange.request, "GET /path HTTP/1.1"));
	assert_null(strstr(asked.exchange.request, "Authorization"));
	ztt_http_release(&asked.answer);
}

static void an_empty_body_is_an_empty_string(void **state)
{
	struct asked asked = ask("HTTP/1.1 204 No Content\r\n\r\n",
				 (struct ztt_http_plan){0});

	(void)state;
	assert_int_equal(asked.rc, 0);
	assert_int_equal(asked.answer.status, 204);
	assert_string_equal(asked.answer.body, "");
	ztt_http_release(&asked.answer);
}

static void a_redirect_is_not_followed(void **state)
{
	struct asked asked = ask("HTTP/1.1 302 Found\r\nLocation: "
				 "file:///etc/passwd\r\n"
				 "Content-Length: 0\r\n\r\n",
				 (struct ztt_http_plan){0});

	(void)state;
	assert_int_equal(asked.rc, 0);
	assert_int_equal(asked.answer.status, 302);
	ztt_http_release(&asked.answer);
}

static void a_token_and_a_form_are_sent(void **state)
{
	struct asked asked = ask("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
				 (struct ztt_http_plan){.bearer = "s3cr3t",
							.form = "grant_type="});

	(void)state;
	assert_int_equal(asked.rc, 0);
	assert_non_null(strstr(asked.exchange.request, "POST /path "));
	assert_non_null(strstr(asked.exchange.request,
			       "Authorization: Bearer s3cr3t\r\n"));
	ztt_http_release(&asked.answer);
}

static void a_token_with_a_line_break_is_refused_and_not_shown(void **state)
{
	struct asked asked =
		ask("HTTP/1.1 200 OK\r\n\r\n",
		    (struct ztt_http_plan){.bearer = "s3cr3t\r\nX: y"});

	(void)state;
	assert_int_equal(asked.rc, -EINVAL);
	assert_null(strstr(asked.err.text, "s3cr3t"));
}

static void a_body_past_its_bound_is_an_error(void **state)
{
	struct asked asked = ask("HTTP/1.1 200 OK\r\n\r\n0123456789",
				 (struct ztt_http_plan){.body_max_bytes = 9});

	(void)state;
	assert_int_equal(asked.rc, -EFBIG);
	assert_non_null(strstr(asked.err.text, "9 bytes"));
}

static void what_is_no_http_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(
		ask("220 smtp.example ESMTP\r\n", (struct ztt_http_plan){0}).rc,
		-EPROTO);
	assert_int_equal(ask(NULL, (struct ztt_http_plan){0}).rc, -EPROTO);
	assert_int_equal(ask("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut",
			     (struct ztt_http_plan){0})
				 .rc,
			 -EPROTO);
}

static int ask_url(const char *url, const char *ca_file, struct ztt_err *err)
{
	struct ztt_http_plan plan = {.url = url,
				     .ca_file = ca_file,
				     .timeout_ns = ZTT_NS_PER_S};
	struct ztt_http_answer answer;
	int rc = ztt_http(&plan, &answer, err);

	if (rc == 0)
		ztt_http_release(&answer);
	return rc;
}

static void only_http_is_spoken(void **state)
{
	static const char *const urls[] = {"", "x", "file:///etc/passwd",
					   "ftp://127.0.0.1/", "http://"};
	struct ztt_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		assert_int_equal(ask_url(urls[i], NULL, &err), -EINVAL);
}

static void a_refused_port_says_so_without_what_is_secret(void **state)
{
	struct ztt_err err = {0};

	(void)state;
	assert_int_equal(ask_url("http://user:s3cr3t@127.0.0.1:1/s3cr3t?a=b",
				 NULL, &err),
			 -ECONNREFUSED);
	assert_non_null(strstr(err.text, "http://127.0.0.1:1: "));
	assert_non_null(strstr(err.text, "refused"));
	assert_null(strstr(err.text, "s3cr3t"));
}

static void a_silent_server_is_a_timeout_that_says_how_far_it_came(void **state)
{
	struct ztt_http_plan plan = {.timeout_ns = ZTT_NS_PER_S / 20};
	struct ztt_http_answer answer;
	struct ztt_address address;
	struct ztt_err err = {0};
	char text[ZTT_ADDRESS_LEN], url[128];
	int fd;

	(void)state;
	assert_int_equal(ztt_address_parse_numeric("127.0.0.1:0", &address,
						   NULL),
			 0);
	assert_int_equal(ztt_tcp_listen(&address, &fd, NULL), 0);
	ztt_address_of_socket(fd, &address);
	snprintf(url, sizeof(url), "http://%s/",
		 ztt_address_text(&address, text));
	plan.url = url;
	assert_int_equal(ztt_http(&plan, &answer, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "connected, but no answer"));
	snprintf(url, sizeof(url), "https://%s/", text);
	assert_int_equal(ztt_http(&plan, &answer, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "TLS handshake did not end"));
	close(fd);
}

static void a_certificate_is_verified_by_the_given_file(void **state)
{
	static struct test_tls_peer peer;
	struct ztt_err err = {0};
	struct test_host host;
	char url[128], file[128];

	(void)state;
	test_host_begin(&host);
	test_tls_begin(&peer, "localhost", -60, 3600,
		       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	test_host_file(&host, "/ca.pem", peer.pem, 0644);
	snprintf(file, sizeof(file), "%s/ca.pem", host.dir);
	snprintf(url, sizeof(url), "https://%s/", peer.text);
	assert_int_equal(ask_url(url, file, &err), 0);
	assert_int_equal(ask_url(url, NULL, &err), -EACCES);
	assert_int_equal(ask_url(url, "/nowhere/ca.pem", &err), -EINVAL);
	assert_non_null(strstr(err.text, "/nowhere/ca.pem"));
	test_tls_end(&peer);
	test_host_end(&host);
}

static void what_goes_in_clear_is_known(void **state)
{
	static const char *const clear[] = {
		"http://api.example.com", "HTTP://10.0.0.1:8080/x",
		"http://127.example.com", "http://localhost.example.com",
		"http://[2001:db8::1]",   "http://localhost@example.com",
	};
	static const char *const not_clear[] = {
		"https://api.example.com", "http://localhost:80",
		"http://127.0.0.1",        "http://127.9.9.9:1/x",
		"http://[::1]:80",         "http://example.com@localhost",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(clear) / sizeof(*clear); i++)
		if (!ztt_http_in_clear(clear[i]))
			fail_msg("%s", clear[i]);
	for (size_t i = 0; i < sizeof(not_clear) / sizeof(*not_clear); i++)
		if (ztt_http_in_clear(not_clear[i]))
			fail_msg("%s", not_clear[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_has_status_body_and_times),
		cmocka_unit_test(an_empty_body_is_an_empty_string),
		cmocka_unit_test(a_redirect_is_not_followed),
		cmocka_unit_test(a_token_and_a_form_are_sent),
		cmocka_unit_test(
			a_token_with_a_line_break_is_refused_and_not_shown),
		cmocka_unit_test(a_body_past_its_bound_is_an_error),
		cmocka_unit_test(what_is_no_http_is_an_error),
		cmocka_unit_test(only_http_is_spoken),
		cmocka_unit_test(what_goes_in_clear_is_known),
		cmocka_unit_test(a_refused_port_says_so_without_what_is_secret),
		cmocka_unit_test(
			a_silent_server_is_a_timeout_that_says_how_far_it_came),
		cmocka_unit_test(a_certificate_is_verified_by_the_given_file),
	};

	/* No proxy of whoever runs the test. */
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
