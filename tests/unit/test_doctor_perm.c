#include "doctor_root.h"

#include "ztt-doctor/check.h"

static void what_may_be_written_is_fine(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/proc/sys/net/core/rmem_max", "1\n", 0644);
	test_host_file(&host, "/usr/local/bin/x", "", 0644);
	assert_int_equal(test_host_check(&host, ztt_check_perm_sysctl).status,
			 ZTT_STATUS_OK);
	assert_int_equal(test_host_check(&host, ztt_check_perm_bin).status,
			 ZTT_STATUS_OK);
	test_host_end(&host);
}

static void a_missing_setting_is_unknown(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	assert_int_equal(test_host_check(&host, ztt_check_perm_sysctl).status,
			 ZTT_STATUS_UNKNOWN);
	assert_int_equal(test_host_check(&host, ztt_check_perm_bin).status,
			 ZTT_STATUS_WARN);
	test_host_end(&host);
}

static void in_a_container_the_host_has_to_change_it(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/.dockerenv", "", 0644);
	finding = test_host_check(&host, ztt_check_perm_sysctl);
	test_host_end(&host);
	assert_int_equal(finding.status, ZTT_STATUS_WARN);
	assert_non_null(strstr(finding.observed, "only the host"));
	assert_non_null(strstr(finding.advice, "on the host"));
}

static void what_may_not_be_written_warns(void **state)
{
	struct ztt_finding sysctl, bin;
	struct test_host host;

	(void)state;
	if (geteuid() == 0) {
		print_message("# skip: root may write everywhere\n");
		skip();
	}
	test_host_begin(&host);
	test_host_file(&host, "/proc/sys/net/core/rmem_max", "1\n", 0444);
	sysctl = test_host_check(&host, ztt_check_perm_sysctl);
	bin = test_host_check(&host, ztt_check_perm_bin);
	test_host_end(&host);
	assert_int_equal(sysctl.status, ZTT_STATUS_WARN);
	assert_int_equal(bin.status, ZTT_STATUS_WARN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_be_written_is_fine),
		cmocka_unit_test(a_missing_setting_is_unknown),
		cmocka_unit_test(in_a_container_the_host_has_to_change_it),
		cmocka_unit_test(what_may_not_be_written_warns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
