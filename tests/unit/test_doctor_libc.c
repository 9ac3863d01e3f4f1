#include "doctor_root.h"

#include "ztt-doctor/check.h"

static void the_c_library_says_which_it_is(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	finding = test_host_check(&host, ztt_check_libc_version);
	test_host_end(&host);
	assert_int_not_equal(finding.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(finding.observed, "glibc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_c_library_says_which_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
