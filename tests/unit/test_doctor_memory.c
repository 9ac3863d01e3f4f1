#define _GNU_SOURCE
#include "doctor_root.h"

#include "ztt-doctor/check.h"

static struct test_host host;

static int set_up(void **state)
{
	(void)state;
	test_host_begin(&host);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	test_host_end(&host);
	return 0;
}

static void expect(const struct ztt_finding *finding, enum ztt_status status,
		   const char *part)
{
	if (finding->status != status || !strstr(finding->observed, part))
		print_error("%s: %s\n", ztt_status_name(finding->status),
			    finding->observed);
	assert_int_equal(finding->status, status);
	assert_non_null(strstr(finding->observed, part));
}

static void file(const char *path, const char *text)
{
	test_host_file(&host, path, text, 0644);
}

static void meminfo(unsigned long total_kb, unsigned long available_kb,
		    unsigned long swap_free_kb)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "MemTotal:  %lu kB\nMemFree: 1 kB\nMemAvailable: %lu kB\n"
		 "SwapTotal: 1000000 kB\nSwapFree: %lu kB\n",
		 total_kb, available_kb, swap_free_kb);
	file("/proc/meminfo", text);
}

static void memory_is_judged_by_both_figures(void **state)
{
	struct ztt_finding finding;

	(void)state;
	meminfo(8000000, 1, 1);
	finding = test_host_check(&host, ztt_check_memory_total);
	expect(&finding, ZTT_STATUS_OK, "8.19 GB");
	meminfo(4000000, 1, 1);
	finding = test_host_check(&host, ztt_check_memory_total);
	expect(&finding, ZTT_STATUS_WARN, "enough for a connector");
	meminfo(1000000, 1, 1);
	finding = test_host_check(&host, ztt_check_memory_total);
	expect(&finding, ZTT_STATUS_WARN, "short of the vendor's 4 GB");
	meminfo(430000, 1, 1);
	finding = test_host_check(&host, ztt_check_memory_total);
	expect(&finding, ZTT_STATUS_FAIL, "less than the 512 MB");
}

static void broken_meminfo_is_unknown(void **state)
{
	struct ztt_finding finding;

	(void)state;
	finding = test_host_check(&host, ztt_check_memory_total);
	expect(&finding, ZTT_STATUS_UNKNOWN, "/proc/meminfo");
	file("/proc/meminfo", "MemTotal: lots\n");
	finding = test_host_check(&host, ztt_check_memory_total);
	expect(&finding, ZTT_STATUS_UNKNOWN, "/proc/meminfo");
	finding = test_host_check(&host, ztt_check_memory_available);
	expect(&finding, ZTT_STATUS_UNKNOWN, "no MemAvailable");
}

static void little_available_memory_fails_and_used_swap_warns(void **state)
{
	struct ztt_finding finding;

	(void)state;
	meminfo(8000000, 5000000, 1000000);
	finding = test_host_check(&host, ztt_check_memory_available);
	expect(&finding, ZTT_STATUS_OK, "5.12 GB available");
	assert_null(strstr(finding.observed, "swap"));
	meminfo(8000000, 5000000, 100000);
	finding = test_host_check(&host, ztt_check_memory_available);
	expect(&finding, ZTT_STATUS_WARN, "922 MB of 1.02 GB in use");
	meminfo(8000000, 100000, 1000000);
	finding = test_host_check(&host, ztt_check_memory_available);
	expect(&finding, ZTT_STATUS_FAIL, "102 MB available");
}

static void a_limit_of_the_control_group_is_told(void **state)
{
	struct ztt_finding finding;

	(void)state;
	meminfo(8000000, 5000000, 1000000);
	file("/proc/self/cgroup", "0::/x/y\n");
	file("/sys/fs/cgroup/x/memory.max", "268435456\n");
	file("/sys/fs/cgroup/x/memory.current", "168435456\n");
	file("/sys/fs/cgroup/x/y/memory.max", "max\n");
	finding = test_host_check(&host, ztt_check_memory_available);
	expect(&finding, ZTT_STATUS_WARN,
	       "limited to 268 MB by /sys/fs/cgroup/x, 100 MB of it free");
}

static void version_1_without_a_limit_is_none(void **state)
{
	struct ztt_finding finding;

	(void)state;
	meminfo(8000000, 5000000, 1000000);
	file("/proc/self/cgroup", "5:memory:/\n");
	file("/sys/fs/cgroup/memory/memory.limit_in_bytes",
	     "9223372036854771712\n");
	finding = test_host_check(&host, ztt_check_memory_available);
	expect(&finding, ZTT_STATUS_OK, "available");
	assert_null(strstr(finding.observed, "limited"));
}

static void a_bundle_is_answered_from_meminfo_alone(void **state)
{
	static const char text[] = "MemTotal: 8000000 kB\n"
				   "MemAvailable: 4000000 kB\n";
	struct ztt_root *bundle = ztt_root_new_bundle();
	struct ztt_finding finding;

	(void)state;
	ztt_root_put(bundle, "/proc/meminfo", text, sizeof(text) - 1);
	host.doctor.root = bundle;
	finding = test_host_check(&host, ztt_check_memory_available);
	expect(&finding, ZTT_STATUS_OK, "4.10 GB available");
	finding = test_host_check(&host, ztt_check_memory_total);
	expect(&finding, ZTT_STATUS_OK, "8.19 GB");
	ztt_root_free(bundle);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(memory_is_judged_by_both_figures),
		CASE(broken_meminfo_is_unknown),
		CASE(little_available_memory_fails_and_used_swap_warns),
		CASE(a_limit_of_the_control_group_is_told),
		CASE(version_1_without_a_limit_is_none),
		CASE(a_bundle_is_answered_from_meminfo_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
