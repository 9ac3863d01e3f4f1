#include "doctor_root.h"

#include "ztt-doctor/check.h"

static struct ztt_finding version_of(const char *text)
{
	struct ztt_finding finding;
	struct test_host host;

	test_host_begin(&host);
	if (text)
		test_host_file(&host, "/proc/sys/kernel/osrelease", text, 0644);
	finding = test_host_check(&host, ztt_check_kernel_version);
	test_host_end(&host);
	return finding;
}

static void a_kernel_from_5_10_on_is_fine(void **state)
{
	(void)state;
	assert_int_equal(version_of("5.10.0-28-amd64\n").status, ZTT_STATUS_OK);
	assert_int_equal(version_of("6.1.0\n").status, ZTT_STATUS_OK);
	assert_int_equal(version_of("10.0\n").status, ZTT_STATUS_OK);
}

static void an_older_kernel_warns_and_below_5_0_fails(void **state)
{
	(void)state;
	assert_int_equal(version_of("5.4.0-150-generic\n").status,
			 ZTT_STATUS_WARN);
	assert_int_equal(version_of("4.19.0\n").status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(version_of("4.19.0\n").observed, "4.19.0"));
}

static void a_version_that_is_none_is_unknown(void **state)
{
	char text[512];

	(void)state;
	assert_int_equal(version_of(NULL).status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(version_of("").status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(version_of("six.one\n").status, ZTT_STATUS_UNKNOWN);
	memset(text, '5', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(version_of(text).status, ZTT_STATUS_UNKNOWN);
}

static struct ztt_finding io_uring_of(const char *text)
{
	struct ztt_finding finding;
	struct test_host host;

	test_host_begin(&host);
	if (text)
		test_host_file(&host, "/proc/sys/kernel/io_uring_disabled",
			       text, 0644);
	finding = test_host_check(&host, ztt_check_kernel_io_uring);
	test_host_end(&host);
	return finding;
}

static void io_uring_is_what_the_setting_says(void **state)
{
	(void)state;
	assert_int_equal(io_uring_of("0\n").status, ZTT_STATUS_OK);
	assert_int_equal(io_uring_of("1\n").status, ZTT_STATUS_WARN);
	assert_int_equal(io_uring_of("2\n").status, ZTT_STATUS_WARN);
	assert_int_equal(io_uring_of("3\n").status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(io_uring_of("-1\n").status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(io_uring_of(NULL).status, ZTT_STATUS_UNKNOWN);
}

/* Whatever this kernel can: the check ends, and says what it saw. */
static void segmentation_is_tried_on_a_socket(void **state)
{
	struct ztt_finding gso, gro;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	gso = test_host_check(&host, ztt_check_kernel_udp_gso);
	gro = test_host_check(&host, ztt_check_kernel_udp_gro);
	test_host_end(&host);
	assert_true(gso.observed[0] != 0);
	assert_true(gro.observed[0] != 0);
	if (gso.status == ZTT_STATUS_OK)
		assert_non_null(strstr(gso.observed, "3 of 3"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_from_5_10_on_is_fine),
		cmocka_unit_test(an_older_kernel_warns_and_below_5_0_fails),
		cmocka_unit_test(a_version_that_is_none_is_unknown),
		cmocka_unit_test(io_uring_is_what_the_setting_says),
		cmocka_unit_test(segmentation_is_tried_on_a_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
