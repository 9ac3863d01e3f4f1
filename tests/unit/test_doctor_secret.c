#include "ztt-doctor/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ztt-doctor/finding.h"

#define TOKEN "eyJhIjoiMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYifQ=="

static void expect(const char *text, const char *wanted)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", text);
	assert_string_equal(ztt_secret_hide(copy), wanted);
}

static void name_and_password_of_a_url_are_hidden(void **state)
{
	(void)state;
	expect("at http://me:pass@host:80/a, tcp://p@x@y",
	       "at http://***@host:80/a, tcp://***@y");
	expect("http://a@h", "http://*@h");
	expect("http://host/mail@other", "http://host/mail@other");
	expect("me@example.org", "me@example.org");
	expect("http://", "http://");
}

static void tokens_are_hidden(void **state)
{
	(void)state;
	expect("the token " TOKEN ", and", "the token eyJ***, and");
	expect("a=" TOKEN ".eyJi.c b=" TOKEN, "a=eyJ*** b=eyJ***");
	expect("eyJ, eyJabc", "eyJ, eyJabc");
}

static void a_known_secret_is_hidden(void **state)
{
	char text[] = "no hunter2, nor hunter2hunter2";

	(void)state;
	assert_string_equal(ztt_secret_hide_known(text, "hunter2"),
			    "no ***, nor ******");
	assert_string_equal(ztt_secret_hide_known(text, NULL),
			    "no ***, nor ******");
	assert_string_equal(ztt_secret_hide_known(text, ""),
			    "no ***, nor ******");
}

static void login_is_hidden_before_a_text_is_cut(void **state)
{
	char out[16];

	(void)state;
	assert_string_equal(ztt_secret_hide_login("http://me:a-long-password@h",
						  out, sizeof(out)),
			    "http://***@h");
	assert_string_equal(ztt_secret_hide_login("me:pass@h:80", out,
						  sizeof(out)),
			    "***@h:80");
	assert_string_equal(ztt_secret_hide_login("unix:/run/a-long-path", out,
						  sizeof(out)),
			    "unix:/run/a-lon");
	assert_string_equal(
		ztt_secret_hide_login("aGVsbG8xMjM0NTY3ODkwQUJDREVGRw==", out,
				      sizeof(out)),
		"aGVsbG8x...");
	assert_string_equal(ztt_secret_hide_login("a-long-name-of-something-1",
						  out, sizeof(out)),
			    "a-long-name-of-");
}

static void a_finding_never_holds_one(void **state)
{
	struct ztt_finding finding = {0};

	(void)state;
	ztt_finding_note(&finding, ZTT_STATUS_FAIL, "%s", TOKEN);
	ztt_finding_advise(&finding, "curl http://me:pass@host");
	assert_string_equal(finding.observed, "eyJ***");
	assert_string_equal(finding.advice, "curl http://***@host");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_and_password_of_a_url_are_hidden),
		cmocka_unit_test(tokens_are_hidden),
		cmocka_unit_test(a_known_secret_is_hidden),
		cmocka_unit_test(login_is_hidden_before_a_text_is_cut),
		cmocka_unit_test(a_finding_never_holds_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
