#include "doctor_root.h"

#include "ztt-doctor/check.h"

static void writes_are_timed_or_the_reason_is_told(void **state)
{
	struct test_host host;
	struct ztt_finding finding;

	(void)state;
	test_host_begin(&host);
	finding = test_host_check(&host, ztt_check_disk_fsync);
	assert_int_not_equal(finding.status, ZTT_STATUS_FAIL);
	if (finding.status == ZTT_STATUS_OK)
		assert_non_null(strstr(finding.observed, "median"));
	test_host_end(&host);
}

static void past_the_deadline_nothing_is_written(void **state)
{
	struct test_host host;
	struct ztt_finding finding;

	(void)state;
	test_host_begin(&host);
	host.doctor.deadline_ns = 1;
	finding = test_host_check(&host, ztt_check_disk_fsync);
	assert_true(finding.status == ZTT_STATUS_UNKNOWN ||
		    finding.status == ZTT_STATUS_SKIP);
	test_host_end(&host);
}

static void free_space_is_told_with_its_share(void **state)
{
	struct test_host host;
	struct ztt_finding finding;

	(void)state;
	test_host_begin(&host);
	finding = test_host_check(&host, ztt_check_disk_space);
	assert_true(finding.status == ZTT_STATUS_OK ||
		    finding.status == ZTT_STATUS_WARN);
	assert_non_null(strstr(finding.observed, "/: "));
	assert_non_null(strstr(finding.observed, "%)"));
	test_host_end(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_are_timed_or_the_reason_is_told),
		cmocka_unit_test(past_the_deadline_nothing_is_written),
		cmocka_unit_test(free_space_is_told_with_its_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
