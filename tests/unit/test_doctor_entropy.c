#include "doctor_root.h"

#include "ztt-doctor/check.h"

static enum ztt_status available(const char *text)
{
	struct ztt_finding finding;
	struct test_host host;

	test_host_begin(&host);
	if (text)
		test_host_file(&host, "/proc/sys/kernel/random/entropy_avail",
			       text, 0644);
	finding = test_host_check(&host, ztt_check_entropy_available);
	test_host_end(&host);
	return finding.status;
}

static void a_full_pool_is_fine_and_a_low_one_warns(void **state)
{
	(void)state;
	assert_int_equal(available("256\n"), ZTT_STATUS_OK);
	assert_int_equal(available("3724\n"), ZTT_STATUS_OK);
	assert_int_equal(available("255\n"), ZTT_STATUS_WARN);
	assert_int_equal(available("0\n"), ZTT_STATUS_WARN);
}

static void a_pool_that_cannot_be_read_is_unknown(void **state)
{
	(void)state;
	assert_int_equal(available(NULL), ZTT_STATUS_UNKNOWN);
	assert_int_equal(available("much\n"), ZTT_STATUS_UNKNOWN);
	assert_int_equal(available("99999999999999999999999\n"),
			 ZTT_STATUS_UNKNOWN);
}

static void draws_are_timed(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	finding = test_host_check(&host, ztt_check_entropy_latency);
	test_host_end(&host);
	assert_int_not_equal(finding.status, ZTT_STATUS_SKIP);
	assert_true(finding.observed[0] != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_pool_is_fine_and_a_low_one_warns),
		cmocka_unit_test(a_pool_that_cannot_be_read_is_unknown),
		cmocka_unit_test(draws_are_timed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
