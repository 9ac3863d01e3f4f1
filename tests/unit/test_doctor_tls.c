#include "doctor_root.h"

#include "ztt-doctor/check.h"

static struct ztt_finding fips(bool required)
{
	struct ztt_finding finding;
	struct test_host host;

	test_host_begin(&host);
	host.doctor.plan.require_fips = required;
	finding = test_host_check(&host, ztt_check_tls_fips);
	test_host_end(&host);
	return finding;
}

/* Whether this host has it is its own business. */
static void fips_fails_only_where_it_is_required(void **state)
{
	const struct ztt_finding asked = fips(true), unasked = fips(false);

	(void)state;
	assert_true(unasked.status == ZTT_STATUS_OK ||
		    unasked.status == ZTT_STATUS_SKIP);
	assert_int_equal(asked.status, unasked.status == ZTT_STATUS_OK
					       ? ZTT_STATUS_OK
					       : ZTT_STATUS_FAIL);
	assert_non_null(strstr(asked.observed, "GODEBUG=fips140"));
}

static void openssl_says_which_it_is(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	finding = test_host_check(&host, ztt_check_tls_openssl);
	test_host_end(&host);
	assert_int_equal(finding.status, ZTT_STATUS_OK);
	assert_non_null(strstr(finding.observed, "OpenSSL"));
}

static void suites_are_those_of_the_system(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	finding = test_host_check(&host, ztt_check_tls_suites);
	test_host_end(&host);
	assert_non_null(strstr(finding.observed, "GnuTLS"));
	if (finding.status == ZTT_STATUS_OK)
		assert_non_null(strstr(finding.observed, " AES-128-GCM"));
}

/* A process that has not read GnuTLS's configuration yet: the test runs
 * itself with another one. */
static void a_policy_without_tls_1_3_fails(void **state)
{
	struct test_host host;
	char command[PATH_MAX + 256], self[PATH_MAX] = "";
	int status;

	(void)state;
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	test_host_begin(&host);
	test_host_file(&host, "/gnutls.conf",
		       "[overrides]\ndisabled-version = tls1.3\n", 0644);
	snprintf(command, sizeof(command),
		 "GNUTLS_SYSTEM_PRIORITY_FILE=%s/gnutls.conf "
		 "GNUTLS_SYSTEM_PRIORITY_FAIL_ON_INVALID=1 '%s' --suites",
		 host.dir, self);
	status = system(command);
	test_host_end(&host);
	assert_int_equal(status, 0);
}

/* 0 when the check fails, as it has to. */
static int run_suites(void)
{
	struct ztt_finding finding;
	struct test_host host;

	test_host_begin(&host);
	finding = test_host_check(&host, ztt_check_tls_suites);
	test_host_end(&host);
	return finding.status != ZTT_STATUS_FAIL;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fips_fails_only_where_it_is_required),
		cmocka_unit_test(openssl_says_which_it_is),
		cmocka_unit_test(suites_are_those_of_the_system),
		cmocka_unit_test(a_policy_without_tls_1_3_fails),
	};

	if (argc > 1 && strcmp(argv[1], "--suites") == 0)
		return run_suites();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
