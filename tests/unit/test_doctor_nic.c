#include "doctor_root.h"

#include "ztt-doctor/check.h"
#include "ztt-doctor/host/interfaces.h"
#include "ztt-doctor/host/offloads.h"

#define ROUTES                                                            \
	"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\t" \
	"MTU\tWindow\tIRTT\n"                                             \
	"eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"    \
	"eth1\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
#define ROUTES6                                                         \
	"00000000000000000000000000000000 00 "                          \
	"00000000000000000000000000000000 00 "                          \
	"fe800000000000000000000000000001 00000400 1 0 00000003 eth2\n" \
	"00000000000000000000000000000000 00 "                          \
	"00000000000000000000000000000000 00 "                          \
	"00000000000000000000000000000000 ffffffff 1 0 00200200 lo\n"

static void link_to(struct test_host *host, const char *target,
		    const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", host->dir, path);
	assert_int_equal(symlink(target, full), 0);
}

static void eth0(struct test_host *host, const char *attribute,
		 const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/class/net/eth0/%s", attribute);
	test_host_file(host, path, text, 0644);
}

/* A host with eth0 on the default route, driven by `driver` (NULL: none). */
static void begin(struct test_host *host, const char *driver)
{
	char target[128];

	test_host_begin(host);
	test_host_file(host, "/proc/net/route", ROUTES, 0644);
	eth0(host, "operstate", "up\n");
	if (!driver)
		return;
	eth0(host, "device/vendor", "0x8086\n");
	snprintf(target, sizeof(target), "../../bus/pci/drivers/%s", driver);
	link_to(host, target, "/sys/class/net/eth0/device/driver");
}

static void default_routes_name_the_interfaces(void **state)
{
	struct ztt_interfaces interfaces;
	struct test_host host;

	(void)state;
	begin(&host, NULL);
	test_host_file(&host, "/proc/net/ipv6_route", ROUTES6, 0644);
	ztt_interfaces_find(host.root, &interfaces);
	test_host_end(&host);
	assert_true(interfaces.by_route);
	assert_int_equal(interfaces.count, 2);
	assert_string_equal(interfaces.names[0], "eth0");
	assert_string_equal(interfaces.names[1], "eth2");
}

static void without_a_route_those_with_a_device_count(void **state)
{
	struct ztt_interfaces interfaces;
	struct test_host host;

	(void)state;
	begin(&host, "e1000e");
	test_host_file(&host, "/proc/net/route", "", 0644);
	test_host_file(&host, "/sys/class/net/lo/operstate", "unknown\n", 0644);
	test_host_file(&host, "/sys/class/net/veth1/operstate", "up\n", 0644);
	ztt_interfaces_find(host.root, &interfaces);
	test_host_end(&host);
	assert_false(interfaces.by_route);
	assert_int_equal(interfaces.count, 1);
	assert_string_equal(interfaces.names[0], "eth0");
}

static void hostile_names_are_left_out(void **state)
{
	struct ztt_interfaces interfaces = {.count = 0};
	char text[] =
		"../../etc\t00000000\t0\t0003\t0\t0\t0\t00000000\n"
		"..\t00000000\t0\t0003\t0\t0\t0\t00000000\n"
		"longer-than-a-name-is\t00000000\t0\t0003\t0\t0\t0\t00000000\n"
		"\t00000000\t0\t0003\t0\t0\t0\t00000000\n"
		"down0\t00000000\t0\t0002\t0\t0\t0\t00000000\n"
		"eth0\t00000000";

	(void)state;
	ztt_interfaces_add_routes(&interfaces, text);
	assert_int_equal(interfaces.count, 0);
}

static struct ztt_finding speed_of(const char *speed, const char *duplex,
				   double target_gbps)
{
	struct ztt_finding finding;
	struct test_host host;

	begin(&host, "igb");
	host.doctor.plan.target_gbps = target_gbps;
	eth0(&host, "speed", speed);
	eth0(&host, "duplex", duplex);
	finding = test_host_check(&host, ztt_check_nic_speed);
	test_host_end(&host);
	return finding;
}

static void speed_is_judged_against_the_target(void **state)
{
	(void)state;
	assert_int_equal(speed_of("1000\n", "full\n", 0).status, ZTT_STATUS_OK);
	assert_int_equal(speed_of("100\n", "full\n", 0).status,
			 ZTT_STATUS_WARN);
	assert_int_equal(speed_of("10\n", "full\n", 0).status, ZTT_STATUS_FAIL);
	assert_int_equal(speed_of("1000\n", "half\n", 0).status,
			 ZTT_STATUS_FAIL);
	assert_int_equal(speed_of("1000\n", "full\n", 2).status,
			 ZTT_STATUS_FAIL);
	assert_int_equal(speed_of("100\n", "full\n", 0.05).status,
			 ZTT_STATUS_OK);
	assert_int_equal(speed_of("-1\n", "unknown\n", 0).status,
			 ZTT_STATUS_UNKNOWN);
	assert_int_equal(speed_of("4294967295\n", "full\n", 0).status,
			 ZTT_STATUS_UNKNOWN);
}

static void a_duplex_that_is_no_word_is_not_told(void **state)
{
	struct ztt_finding finding =
		speed_of("1000\n",
			 "full-or-half-or-something-else-that-is-too-long\n",
			 0);

	(void)state;
	assert_non_null(strstr(finding.observed, "unknown duplex"));
}

static void a_virtual_nic_has_no_speed(void **state)
{
	struct ztt_finding virtual, none;
	struct test_host host;

	(void)state;
	begin(&host, "virtio_net");
	eth0(&host, "speed", "-1\n");
	virtual = test_host_check(&host, ztt_check_nic_speed);
	test_host_end(&host);
	begin(&host, NULL);
	none = test_host_check(&host, ztt_check_nic_speed);
	test_host_end(&host);
	assert_int_equal(virtual.status, ZTT_STATUS_SKIP);
	assert_non_null(strstr(virtual.observed, "virtio_net"));
	assert_int_equal(none.status, ZTT_STATUS_SKIP);
}

static void a_bond_has_a_speed_and_a_veth_makes_it_up(void **state)
{
	struct ztt_finding bond, veth;
	struct test_host host;

	(void)state;
	begin(&host, NULL);
	eth0(&host, "speed", "10000\n");
	eth0(&host, "duplex", "full\n");
	eth0(&host, "uevent", "INTERFACE=eth0\nIFINDEX=2\n");
	veth = test_host_check(&host, ztt_check_nic_speed);
	eth0(&host, "uevent", "DEVTYPE=bond\nINTERFACE=eth0\n");
	bond = test_host_check(&host, ztt_check_nic_speed);
	test_host_end(&host);
	assert_int_equal(veth.status, ZTT_STATUS_SKIP);
	assert_int_equal(bond.status, ZTT_STATUS_OK);
}

static void without_interfaces_it_is_skipped(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	assert_int_equal(test_host_check(&host, ztt_check_nic_speed).status,
			 ZTT_STATUS_SKIP);
	assert_int_equal(test_host_check(&host, ztt_check_nic_errors).status,
			 ZTT_STATUS_SKIP);
	assert_int_equal(test_host_check(&host, ztt_check_nic_driver).status,
			 ZTT_STATUS_SKIP);
	assert_int_equal(test_host_check(&host, ztt_check_nic_qdisc).status,
			 ZTT_STATUS_SKIP);
	test_host_end(&host);
}

static struct ztt_finding errors_of(const char *errors, const char *dropped,
				    const char *changes)
{
	struct ztt_finding finding;
	struct test_host host;

	begin(&host, "igb");
	eth0(&host, "statistics/rx_packets", "600000\n");
	eth0(&host, "statistics/tx_packets", "400000\n");
	eth0(&host, "statistics/rx_errors", errors);
	eth0(&host, "statistics/tx_errors", "0\n");
	eth0(&host, "statistics/rx_dropped", dropped);
	eth0(&host, "carrier_changes", changes);
	finding = test_host_check(&host, ztt_check_nic_errors);
	test_host_end(&host);
	return finding;
}

static void errors_are_judged_by_their_share(void **state)
{
	(void)state;
	assert_int_equal(errors_of("0\n", "0\n", "2\n").status, ZTT_STATUS_OK);
	assert_int_equal(errors_of("9\n", "0\n", "2\n").status, ZTT_STATUS_OK);
	assert_int_equal(errors_of("10\n", "0\n", "2\n").status,
			 ZTT_STATUS_WARN);
	assert_int_equal(errors_of("1000\n", "0\n", "2\n").status,
			 ZTT_STATUS_FAIL);
	assert_int_equal(errors_of("0\n", "99\n", "2\n").status, ZTT_STATUS_OK);
	assert_int_equal(errors_of("0\n", "100\n", "2\n").status,
			 ZTT_STATUS_WARN);
	assert_int_equal(errors_of("0\n", "0\n", "11\n").status,
			 ZTT_STATUS_WARN);
}

static void missing_counters_are_unknown(void **state)
{
	struct test_host host;

	(void)state;
	begin(&host, "igb");
	assert_int_equal(test_host_check(&host, ztt_check_nic_errors).status,
			 ZTT_STATUS_UNKNOWN);
	test_host_end(&host);
}

static struct ztt_finding driver_of(const char *driver, const char *cores,
				    bool two)
{
	struct ztt_finding finding;
	struct test_host host;

	begin(&host, driver);
	test_host_file(&host, "/sys/devices/system/cpu/online", cores, 0644);
	eth0(&host, "queues/rx-0/rps_cpus", "0\n");
	eth0(&host, "queues/tx-0/xps_cpus", "0\n");
	if (two)
		eth0(&host, "queues/rx-1/rps_cpus", "0\n");
	finding = test_host_check(&host, ztt_check_nic_driver);
	test_host_end(&host);
	return finding;
}

static void one_queue_for_many_cores_warns(void **state)
{
	(void)state;
	assert_int_equal(driver_of("virtio_net", "0-1\n", false).status,
			 ZTT_STATUS_OK);
	assert_int_equal(driver_of("virtio_net", "0-2,4\n", false).status,
			 ZTT_STATUS_WARN);
	assert_int_equal(driver_of("virtio_net", "0-3\n", true).status,
			 ZTT_STATUS_OK);
	assert_int_equal(driver_of("virtio_net", "4-1,x\n", false).status,
			 ZTT_STATUS_OK);
	assert_int_equal(driver_of("e1000", "0\n", true).status,
			 ZTT_STATUS_WARN);
	assert_int_equal(driver_of(NULL, "0\n", true).status, ZTT_STATUS_SKIP);
}

/* lo is in every network namespace. */
static void the_kernel_tells_offloads_and_qdisc(void **state)
{
	struct ztt_offloads offloads;
	char kinds[64];
	int rc;

	(void)state;
	assert_int_equal(ztt_offloads_read("no-such0", &offloads), -ENODEV);
	assert_int_equal(ztt_qdisc_read("no-such0", kinds, sizeof(kinds)),
			 -ENODEV);
	if (ztt_offloads_read("lo", &offloads) == 0)
		assert_true(offloads.gso >= -1 && offloads.gso <= 1);
	rc = ztt_qdisc_read("lo", kinds, sizeof(kinds));
	assert_true(rc <= 0);
	if (rc == 0)
		assert_true(kinds[0] != 0);
}

static struct ztt_finding conntrack_of(const char *count, const char *max)
{
	struct ztt_finding finding;
	struct test_host host;

	test_host_begin(&host);
	if (count)
		test_host_file(&host,
			       "/proc/sys/net/netfilter/nf_conntrack_count",
			       count, 0644);
	if (max)
		test_host_file(&host,
			       "/proc/sys/net/netfilter/nf_conntrack_max", max,
			       0644);
	finding = test_host_check(&host, ztt_check_nic_conntrack);
	test_host_end(&host);
	return finding;
}

static void conntrack_is_judged_by_its_share(void **state)
{
	const struct ztt_finding full = conntrack_of("990\n", "1000\n");

	(void)state;
	assert_int_equal(conntrack_of("0\n", "262144\n").status, ZTT_STATUS_OK);
	assert_int_equal(conntrack_of("800\n", "1000\n").status, ZTT_STATUS_OK);
	assert_int_equal(conntrack_of("810\n", "1000\n").status,
			 ZTT_STATUS_WARN);
	assert_int_equal(conntrack_of("5\n", "0\n").status, ZTT_STATUS_OK);
	assert_int_equal(conntrack_of(NULL, NULL).status, ZTT_STATUS_SKIP);
	assert_int_equal(conntrack_of("5\n", NULL).status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(full.status, ZTT_STATUS_FAIL);
	assert_string_equal(full.actions[0].value, "2000");
}

static struct ztt_finding ports_of(const char *text)
{
	struct ztt_finding finding;
	struct test_host host;

	test_host_begin(&host);
	test_host_file(&host, "/proc/sys/net/ipv4/ip_local_port_range", text,
		       0644);
	finding = test_host_check(&host, ztt_check_nic_ports);
	test_host_end(&host);
	return finding;
}

static void the_usual_port_range_warns_and_grows(void **state)
{
	const struct ztt_finding usual = ports_of("32768\t60999\n");
	const struct ztt_finding low = ports_of("1024 40000\n");

	(void)state;
	assert_int_equal(usual.status, ZTT_STATUS_WARN);
	assert_string_equal(usual.actions[0].old, "32768 60999");
	assert_string_equal(usual.actions[0].value, "11000 60999");
	assert_string_equal(low.actions[0].value, "1024 60999");
	assert_int_equal(ports_of("11000 60999\n").status, ZTT_STATUS_OK);
	assert_int_equal(ports_of("11000 60999\n").action_count, 0);
}

static void a_port_range_that_is_none_is_unknown(void **state)
{
	(void)state;
	assert_int_equal(ports_of("60999 32768\n").status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(ports_of("32768\n").status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(ports_of("1 2 3\n").status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(ports_of("0 99999\n").status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(ports_of("0 99999999999999999999999\n").status,
			 ZTT_STATUS_UNKNOWN);
	assert_int_equal(ports_of("").status, ZTT_STATUS_UNKNOWN);
}

static struct ztt_finding groups_of(const char *text, const char *gid)
{
	struct ztt_finding finding;
	struct test_host host;
	char status[256];

	test_host_begin(&host);
	test_host_file(&host, "/proc/sys/net/ipv4/ping_group_range", text,
		       0644);
	if (gid) {
		test_host_file(&host, "/proc/812/comm", "cloudflared\n", 0644);
		test_host_file(&host, "/proc/812/cmdline", "cloudflared", 0644);
		snprintf(status, sizeof(status),
			 "Name:\tcloudflared\nUid:\t5\t5\t5\t5\n"
			 "Gid:\t7\t%s\t7\t7\n",
			 gid);
		test_host_file(&host, "/proc/812/status", status, 0644);
	}
	finding = test_host_check(&host, ztt_check_nic_ping_group_range);
	test_host_end(&host);
	return finding;
}

static void the_engines_group_has_to_be_in_the_range(void **state)
{
	const struct ztt_finding nobody = groups_of("1\t0\n", NULL);

	(void)state;
	assert_int_equal(nobody.status, ZTT_STATUS_WARN);
	assert_string_equal(nobody.actions[0].old, "1 0");
	assert_string_equal(nobody.actions[0].value, "0 2147483647");
	assert_int_equal(groups_of("0\t2147483647\n", NULL).status,
			 ZTT_STATUS_OK);
	assert_int_equal(groups_of("1000\t2000\n", NULL).status,
			 ZTT_STATUS_WARN);
	assert_int_equal(groups_of("0\t100\n", "65532").status,
			 ZTT_STATUS_WARN);
	assert_int_equal(groups_of("0\t100\n", "65532").action_count, 1);
	assert_int_equal(groups_of("0\t100\n", "100").status, ZTT_STATUS_OK);
	assert_int_equal(groups_of("0\t100\n", "100").action_count, 0);
	assert_int_equal(groups_of("x\n", NULL).status, ZTT_STATUS_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_routes_name_the_interfaces),
		cmocka_unit_test(without_a_route_those_with_a_device_count),
		cmocka_unit_test(hostile_names_are_left_out),
		cmocka_unit_test(speed_is_judged_against_the_target),
		cmocka_unit_test(a_duplex_that_is_no_word_is_not_told),
		cmocka_unit_test(a_virtual_nic_has_no_speed),
		cmocka_unit_test(a_bond_has_a_speed_and_a_veth_makes_it_up),
		cmocka_unit_test(without_interfaces_it_is_skipped),
		cmocka_unit_test(errors_are_judged_by_their_share),
		cmocka_unit_test(missing_counters_are_unknown),
		cmocka_unit_test(one_queue_for_many_cores_warns),
		cmocka_unit_test(the_kernel_tells_offloads_and_qdisc),
		cmocka_unit_test(conntrack_is_judged_by_its_share),
		cmocka_unit_test(the_usual_port_range_warns_and_grows),
		cmocka_unit_test(a_port_range_that_is_none_is_unknown),
		cmocka_unit_test(the_engines_group_has_to_be_in_the_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
