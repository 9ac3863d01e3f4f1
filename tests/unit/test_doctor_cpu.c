#define _GNU_SOURCE
#include "doctor_root.h"

#include <limits.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/host/cgroup.h"
#include "ztt-doctor/host/cpu_info.h"
#include "ztt-doctor/host/interrupts.h"

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

#define X86(flags)                                        \
	"processor\t: 0\nmodel name\t: Some CPU @ 2GHz\n" \
	"flags\t\t: fpu " flags " sse\n\n"

static void x86_with_aes_and_pclmulqdq_is_ok(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file("/proc/cpuinfo", X86("aes pclmulqdq avx2 vaes"));
	finding = test_host_check(&host, ztt_check_cpu_aes);
	expect(&finding, ZTT_STATUS_OK, "VAES");
}

static void x86_without_aes_warns_and_a_guest_is_told_why(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file("/proc/cpuinfo", X86("aesx hypervisor"));
	finding = test_host_check(&host, ztt_check_cpu_aes);
	expect(&finding, ZTT_STATUS_WARN, "no AES-NI");
	assert_non_null(strstr(finding.advice, "-cpu host"));
}

static void an_instruction_counts_when_every_processor_has_it(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file("/proc/cpuinfo", X86("aes pclmulqdq") X86("pclmulqdq"));
	finding = test_host_check(&host, ztt_check_cpu_aes);
	expect(&finding, ZTT_STATUS_WARN, "no AES-NI, PCLMULQDQ");
}

static void arm_without_aes_warns(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file("/proc/cpuinfo",
	     "processor\t: 0\nFeatures\t: fp asimd crc32 cpuid\n\n"
	     "Model\t\t: Raspberry Pi 4 Model B\n");
	finding = test_host_check(&host, ztt_check_cpu_aes);
	expect(&finding, ZTT_STATUS_WARN, "Raspberry Pi 4 Model B: no AES");
}

static void without_cpuinfo_or_flags_it_is_unknown(void **state)
{
	struct ztt_finding finding;

	(void)state;
	finding = test_host_check(&host, ztt_check_cpu_aes);
	expect(&finding, ZTT_STATUS_UNKNOWN, "/proc/cpuinfo");
	file("/proc/cpuinfo", "rubbish\n\001\377:\n");
	finding = test_host_check(&host, ztt_check_cpu_aes);
	expect(&finding, ZTT_STATUS_UNKNOWN, "no instructions");
}

static void cores_are_held_against_the_target(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file("/sys/devices/system/cpu/online", "0-3\n");
	finding = test_host_check(&host, ztt_check_cpu_cores);
	expect(&finding, ZTT_STATUS_OK, "4 cores: about 2 Gbit/s");
	host.doctor.plan.target_gbps = 5;
	finding = test_host_check(&host, ztt_check_cpu_cores);
	expect(&finding, ZTT_STATUS_FAIL, "of the 5 wanted");
	assert_non_null(strstr(finding.expected, "10 for 5 Gbit/s"));
	host.doctor.plan.measured.vcpu_per_gbps = 0.7;
	finding = test_host_check(&host, ztt_check_cpu_cores);
	expect(&finding, ZTT_STATUS_OK, "wanted");
	assert_non_null(strstr(finding.expected, "measured here"));
}

static void cores_outside_the_affinity_do_not_count(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file("/sys/devices/system/cpu/online", "0-7\n");
	file("/proc/self/status", "Name:\tx\nCpus_allowed_list:\t3,9\n");
	finding = test_host_check(&host, ztt_check_cpu_cores);
	expect(&finding, ZTT_STATUS_WARN, "1 of 8 cores");
}

static void lists_of_processors(void **state)
{
	bool set[ZTT_CPU_LIST_MAX];

	(void)state;
	assert_int_equal(ztt_cpu_list_parse("0-3,8", set), 5);
	assert_true(set[8] && set[3] && !set[4]);
	assert_int_equal(ztt_cpu_list_parse("", set), 0);
	assert_int_equal(ztt_cpu_list_parse("0-3,2-4\n", set), 5);
	assert_int_equal(ztt_cpu_list_parse("3-0", set), -EINVAL);
	assert_int_equal(ztt_cpu_list_parse("0-999999", set), -EINVAL);
	assert_int_equal(ztt_cpu_list_parse("99999999999999999999", set),
			 -EINVAL);
	assert_int_equal(ztt_cpu_list_parse("a", set), -EINVAL);
	assert_int_equal(ztt_cpu_list_parse("1-", set), -EINVAL);
}

#define POLICY "/sys/devices/system/cpu/cpufreq/policy0/"

static void powersave_is_slow_but_for_drivers_that_follow_the_load(void **state)
{
	struct ztt_finding finding;

	(void)state;
	finding = test_host_check(&host, ztt_check_cpu_governor);
	expect(&finding, ZTT_STATUS_SKIP, "no frequency control");
	file(POLICY "scaling_governor", "powersave\n");
	file(POLICY "scaling_driver", "acpi-cpufreq\n");
	finding = test_host_check(&host, ztt_check_cpu_governor);
	expect(&finding, ZTT_STATUS_WARN, "powersave (acpi-cpufreq)");
	file(POLICY "scaling_driver", "intel_pstate\n");
	finding = test_host_check(&host, ztt_check_cpu_governor);
	expect(&finding, ZTT_STATUS_OK, "1 policy");
}

static void the_tightest_quota_above_counts(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file("/proc/self/cgroup", "0::/a.slice/b.service\n");
	file("/sys/fs/cgroup/a.slice/b.service/cpu.max", "max 100000\n");
	finding = test_host_check(&host, ztt_check_cpu_quota);
	expect(&finding, ZTT_STATUS_OK, "no quota");
	file("/sys/fs/cgroup/a.slice/cpu.max", "50000 100000\n");
	file("/sys/fs/cgroup/a.slice/cpu.stat",
	     "usage_usec 5\nnr_periods 200\nnr_throttled 50\n");
	finding = test_host_check(&host, ztt_check_cpu_quota);
	expect(&finding, ZTT_STATUS_WARN, "0.50 cores");
	expect(&finding, ZTT_STATUS_WARN, "25.0 % of 200 periods");
}

static void version_1_quota_is_read_too(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file("/proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/docker/y\n");
	file("/sys/fs/cgroup/cpu/docker/y/cpu.cfs_quota_us", "-1\n");
	file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n");
	file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	finding = test_host_check(&host, ztt_check_cpu_quota);
	expect(&finding, ZTT_STATUS_OK, "4.00 cores");
}

static void a_group_is_found_by_its_controller(void **state)
{
	char path[PATH_MAX];
	bool v2;

	(void)state;
	assert_true(ztt_cgroup_find("0::/x\n", "cpu", path, &v2));
	assert_true(v2);
	assert_string_equal(path, "/x");
	assert_true(
		ztt_cgroup_find("0::/x\n7:cpuset,cpu:/y\n", "cpu", path, &v2));
	assert_false(v2);
	assert_string_equal(path, "/y");
	assert_false(
		ztt_cgroup_find("7:cpuset:/y\n::\n:\n\n", "cpu", path, &v2) &&
		!v2);
}

/* A path of a hostile copy leads nowhere else. */
static void a_group_above_its_root_is_refused(void **state)
{
	struct ztt_cgroup_cpu cpu;

	(void)state;
	file("/proc/self/cgroup", "0::/../../../etc\n");
	assert_int_equal(ztt_cgroup_cpu(host.root, 0, &cpu), -EINVAL);
}

#define INTERRUPTS(a, b)                                 \
	"           CPU0       CPU1\n"                   \
	"  1:  900000  1  IO-APIC 1-edge  i8042\n"       \
	" 24: " a " PCI-MSI 65536-edge  eth0-TxRx-0\n"   \
	" 25: " b " PCI-MSI 65537-edge  eth0-TxRx-1\n"   \
	" 26: 5 900000 PCI-MSI 65538-edge  eth01-TxRx\n" \
	"NMI:  1 2   Non-maskable interrupts\n"          \
	"ERR:  0\n"

static void one_core_for_all_network_interrupts_warns(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file("/sys/class/net/eth0/mtu", "1500\n");
	file("/sys/class/net/eth0/queues/rx-0/rps_cpus", "00000000,00000000\n");
	file("/proc/interrupts", INTERRUPTS("500000 10", "400000 10"));
	finding = test_host_check(&host, ztt_check_cpu_irq);
	expect(&finding, ZTT_STATUS_WARN, "100 % of 900020");
	file("/sys/class/net/eth0/queues/rx-0/rps_cpus", "00000000,00000003\n");
	finding = test_host_check(&host, ztt_check_cpu_irq);
	expect(&finding, ZTT_STATUS_OK, "RPS on");
}

static void spread_interrupts_are_ok_and_few_say_nothing(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file("/sys/class/net/eth0/mtu", "1500\n");
	file("/proc/interrupts", INTERRUPTS("500000 10", "10 400000"));
	finding = test_host_check(&host, ztt_check_cpu_irq);
	expect(&finding, ZTT_STATUS_OK, "core 0 of 2");
	file("/proc/interrupts", INTERRUPTS("50 10", "10 40"));
	finding = test_host_check(&host, ztt_check_cpu_irq);
	expect(&finding, ZTT_STATUS_SKIP, "too few");
	file("/proc/interrupts", "nothing like it\n");
	finding = test_host_check(&host, ztt_check_cpu_irq);
	expect(&finding, ZTT_STATUS_UNKNOWN, "/proc/interrupts");
}

static void steal_is_told_for_now_and_since_boot(void **state)
{
	struct ztt_finding finding;

	(void)state;
	host.doctor.plan.window_ns = 1000000;
	finding = test_host_check(&host, ztt_check_cpu_steal);
	assert_non_null(strstr(finding.observed, "since boot"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(x86_with_aes_and_pclmulqdq_is_ok),
		CASE(x86_without_aes_warns_and_a_guest_is_told_why),
		CASE(an_instruction_counts_when_every_processor_has_it),
		CASE(arm_without_aes_warns),
		CASE(without_cpuinfo_or_flags_it_is_unknown),
		CASE(cores_are_held_against_the_target),
		CASE(cores_outside_the_affinity_do_not_count),
		cmocka_unit_test(lists_of_processors),
		CASE(powersave_is_slow_but_for_drivers_that_follow_the_load),
		CASE(the_tightest_quota_above_counts),
		CASE(version_1_quota_is_read_too),
		cmocka_unit_test(a_group_is_found_by_its_controller),
		CASE(a_group_above_its_root_is_refused),
		CASE(one_core_for_all_network_interrupts_warns),
		CASE(spread_interrupts_are_ok_and_few_say_nothing),
		CASE(steal_is_told_for_now_and_since_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
