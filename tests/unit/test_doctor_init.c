#include "doctor_root.h"

#include "ztt-doctor/check.h"

static void systemd_runs_where_its_directory_is(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/run/systemd/system/x.conf", "", 0644);
	test_host_file(&host, "/proc/1/comm", "init\n", 0644);
	assert_int_equal(test_host_check(&host, ztt_check_init_systemd).status,
			 ZTT_STATUS_OK);
	test_host_end(&host);
}

static void systemd_runs_where_process_1_is_it(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/proc/1/comm", "systemd\n", 0644);
	assert_int_equal(test_host_check(&host, ztt_check_init_systemd).status,
			 ZTT_STATUS_OK);
	test_host_end(&host);
}

static void another_init_warns(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/proc/1/comm", "openrc-init\n", 0644);
	finding = test_host_check(&host, ztt_check_init_systemd);
	test_host_end(&host);
	assert_int_equal(finding.status, ZTT_STATUS_WARN);
	assert_non_null(strstr(finding.observed, "openrc-init"));
}

static void a_container_without_systemd_is_skipped(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/proc/1/comm", "cloudflared\n", 0644);
	test_host_file(&host, "/.dockerenv", "", 0644);
	finding = test_host_check(&host, ztt_check_init_systemd);
	test_host_end(&host);
	assert_int_equal(finding.status, ZTT_STATUS_SKIP);
	assert_non_null(strstr(finding.observed, "docker"));
}

static void nothing_to_read_is_unknown(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	assert_int_equal(test_host_check(&host, ztt_check_init_systemd).status,
			 ZTT_STATUS_UNKNOWN);
	test_host_end(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(systemd_runs_where_its_directory_is),
		cmocka_unit_test(systemd_runs_where_process_1_is_it),
		cmocka_unit_test(another_init_warns),
		cmocka_unit_test(a_container_without_systemd_is_skipped),
		cmocka_unit_test(nothing_to_read_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
