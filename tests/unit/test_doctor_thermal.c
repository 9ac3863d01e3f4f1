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

#define ZONE "/sys/class/thermal/thermal_zone0/"
#define CHIP "/sys/class/hwmon/hwmon0/"
#define THROTTLE "/sys/devices/system/cpu/cpu0/thermal_throttle/"
#define PI "/sys/devices/platform/soc/soc:firmware/get_throttled"

static void zone(const char *temperature)
{
	file(ZONE "type", "x86_pkg_temp\n");
	file(ZONE "temp", temperature);
	file(ZONE "trip_point_0_type", "passive\n");
	file(ZONE "trip_point_0_temp", "30000\n");
	file(ZONE "trip_point_1_type", "critical\n");
	file(ZONE "trip_point_1_temp", "100000\n");
}

static void no_sensor_is_skipped(void **state)
{
	struct ztt_finding finding;

	(void)state;
	finding = test_host_check(&host, ztt_check_thermal_sensors);
	expect(&finding, ZTT_STATUS_SKIP, "no sensors visible");
	finding = test_host_check(&host, ztt_check_thermal_throttle);
	expect(&finding, ZTT_STATUS_SKIP, "no throttle counters");
}

static void a_zone_is_held_against_its_critical_trip(void **state)
{
	struct ztt_finding finding;

	(void)state;
	zone("45000\n");
	finding = test_host_check(&host, ztt_check_thermal_sensors);
	expect(&finding, ZTT_STATUS_OK,
	       "x86_pkg_temp: 45.0 C of 100 C (critical)");
	zone("92500\n");
	finding = test_host_check(&host, ztt_check_thermal_sensors);
	expect(&finding, ZTT_STATUS_WARN, "92.5 C");
	zone("100000\n");
	finding = test_host_check(&host, ztt_check_thermal_sensors);
	expect(&finding, ZTT_STATUS_FAIL, "100.0 C");
}

static void a_chip_has_names_and_limits(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file(CHIP "name", "coretemp\n");
	file(CHIP "temp1_input", "50000\n");
	file(CHIP "temp1_crit", "100000\n");
	file(CHIP "temp2_input", "97000\n");
	file(CHIP "temp2_label", "Core 0\n");
	file(CHIP "temp2_crit", "100000\n");
	file(CHIP "temp3_input", "71000\n");
	file(CHIP "temp3_max", "70000\n");
	finding = test_host_check(&host, ztt_check_thermal_sensors);
	expect(&finding, ZTT_STATUS_WARN, "coretemp Core 0: 97.0 C");
	expect(&finding, ZTT_STATUS_WARN,
	       "coretemp temp3: 71.0 C of 70 C (max)");
	expect(&finding, ZTT_STATUS_WARN, "3 sensors");
	assert_null(strstr(finding.observed, "temp1"));
}

static void values_that_no_sensor_has_are_left_out(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file(CHIP "temp1_input", "-273200\n");
	file(CHIP "temp2_input", "65261850\n");
	file(CHIP "temp3_input", "warm\n");
	file(CHIP "temp4_input", "");
	finding = test_host_check(&host, ztt_check_thermal_sensors);
	expect(&finding, ZTT_STATUS_SKIP, "no sensors visible");
}

static void throttle_counts_warn(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file(THROTTLE "core_throttle_count", "0\n");
	file(THROTTLE "package_throttle_count", "0\n");
	finding = test_host_check(&host, ztt_check_thermal_throttle);
	expect(&finding, ZTT_STATUS_OK, "cores 0 times");
	file(THROTTLE "package_throttle_count", "12\n");
	file(THROTTLE "package_throttle_total_time_ms", "4500\n");
	finding = test_host_check(&host, ztt_check_thermal_throttle);
	expect(&finding, ZTT_STATUS_WARN, "package 12 times, for 4.50 s");
}

static void a_raspberry_pi_tells_by_bits(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file(PI, "0\n");
	finding = test_host_check(&host, ztt_check_thermal_throttle);
	expect(&finding, ZTT_STATUS_OK, "neither throttled");
	file(PI, "50000\n");
	finding = test_host_check(&host, ztt_check_thermal_throttle);
	expect(&finding, ZTT_STATUS_WARN, "too little voltage since boot");
	assert_non_null(strstr(finding.advice, "power supply"));
	file(PI, "0x50005\n");
	finding = test_host_check(&host, ztt_check_thermal_throttle);
	expect(&finding, ZTT_STATUS_FAIL, "throttled now");
	file(PI, "what\n");
	finding = test_host_check(&host, ztt_check_thermal_throttle);
	expect(&finding, ZTT_STATUS_UNKNOWN, "get_throttled");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(no_sensor_is_skipped),
		CASE(a_zone_is_held_against_its_critical_trip),
		CASE(a_chip_has_names_and_limits),
		CASE(values_that_no_sensor_has_are_left_out),
		CASE(throttle_counts_warn),
		CASE(a_raspberry_pi_tells_by_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
