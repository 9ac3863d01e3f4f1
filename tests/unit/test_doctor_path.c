#define _GNU_SOURCE
#include <math.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "doctor_root.h"
#include "edge_peer.h"

#include "common/address.h"
#include "ztt-doctor/check.h"
#include "ztt-doctor/probes/path_mtu.h"
#include "ztt-doctor/probes/round_trip.h"

#define ROUTE_HEAD                                                       \
	"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask" \
	"\t\tMTU\tWindow\tIRTT\n"
#define ROUTE4(name) \
	name "\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
#define ZEROS "00000000000000000000000000000000"
#define ROUTE6(name, flags)                                                 \
	ZEROS " 00 " ZEROS " 00 fd090000000000000000000000000001 00000400 " \
	      "00000001 00000000 " flags "     " name "\n"

static struct test_host host;

static int begin(void **state)
{
	(void)state;
	test_host_begin(&host);
	return 0;
}

static int end(void **state)
{
	(void)state;
	edge_peer_stop();
	test_host_end(&host);
	return 0;
}

/* --- interface_mtu -------------------------------------------------------- */

static struct ztt_finding interface_mtu(const char *route4, const char *route6,
					const char *mtu)
{
	test_host_file(&host, "/proc/net/route", route4, 0444);
	test_host_file(&host, "/proc/net/ipv6_route", route6, 0444);
	test_host_file(&host, "/sys/class/net/eth0/mtu", mtu, 0444);
	return test_host_check(&host, ztt_check_path_interface_mtu);
}

static void an_mtu_of_1500_is_ok_for_both_families(void **state)
{
	const struct ztt_finding finding =
		interface_mtu(ROUTE_HEAD ROUTE4("eth0"),
			      ROUTE6("eth0", "00000003"), "1500\n");

	(void)state;
	assert_int_equal(finding.status, ZTT_STATUS_OK);
	assert_string_equal(finding.observed,
			    "eth0 has an MTU of 1500 for IPv4; eth0 has an MTU "
			    "of 1500 for IPv6");
}

static void at_1280_ipv6_fails_and_ipv4_only_warns(void **state)
{
	struct ztt_finding finding =
		interface_mtu(ROUTE_HEAD ROUTE4("eth0"), "", "1280\n");

	(void)state;
	assert_int_equal(finding.status, ZTT_STATUS_WARN);
	finding =
		interface_mtu(ROUTE_HEAD, ROUTE6("eth0", "00000003"), "1280\n");
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(finding.observed, "every 1252-byte Initial"));
	assert_non_null(strstr(finding.advice, "--edge-ip-version 4"));
	assert_non_null(strstr(finding.advice, "ip link set dev eth0 mtu"));
}

static void the_limits_are_1280_1300_and_1400(void **state)
{
	static const struct {
		const char *mtu;
		enum ztt_status v4, v6;
	} rows[] = {
		{"1279", ZTT_STATUS_FAIL, ZTT_STATUS_FAIL},
		{"1299", ZTT_STATUS_WARN, ZTT_STATUS_FAIL},
		{"1300", ZTT_STATUS_WARN, ZTT_STATUS_WARN},
		{"1399", ZTT_STATUS_WARN, ZTT_STATUS_WARN},
		{"1400", ZTT_STATUS_OK, ZTT_STATUS_OK},
		{"9000", ZTT_STATUS_OK, ZTT_STATUS_OK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(interface_mtu(ROUTE_HEAD ROUTE4("eth0"), "",
					       rows[i].mtu)
					 .status,
				 rows[i].v4);
		assert_int_equal(interface_mtu(ROUTE_HEAD,
					       ROUTE6("eth0", "00000003"),
					       rows[i].mtu)
					 .status,
				 rows[i].v6);
	}
}

static void between_it_is_ok_with_a_note_of_what_fits(void **state)
{
	const struct ztt_finding finding =
		interface_mtu(ROUTE_HEAD ROUTE4("eth0"), "", "1420\n");

	(void)state;
	assert_int_equal(finding.status, ZTT_STATUS_OK);
	assert_non_null(
		strstr(finding.observed, "1392 bytes in place of 1452"));
	assert_null(strstr(
		interface_mtu(ROUTE_HEAD ROUTE4("eth0"), "", "1480").observed,
		"in place of"));
}

static void ipv6_has_a_limit_of_its_own(void **state)
{
	(void)state;
	test_host_file(&host, "/proc/sys/net/ipv6/conf/eth0/mtu", "1280\n",
		       0444);
	assert_int_equal(interface_mtu(ROUTE_HEAD, ROUTE6("eth0", "00000003"),
				       "1500\n")
				 .status,
			 ZTT_STATUS_FAIL);
}

static void without_a_default_route_it_does_not_apply(void **state)
{
	const struct ztt_finding finding = interface_mtu(
		ROUTE_HEAD
		"eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n",
		ROUTE6("lo", "00200200") ROUTE6("eth0", "00000200"), "1500\n");

	(void)state;
	assert_int_equal(finding.status, ZTT_STATUS_SKIP);
}

static void what_cannot_be_read_is_unknown(void **state)
{
	struct ztt_finding finding;

	(void)state;
	finding = test_host_check(&host, ztt_check_path_interface_mtu);
	assert_int_equal(finding.status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(
		interface_mtu(ROUTE_HEAD ROUTE4("eth1"), "", "1500").status,
		ZTT_STATUS_UNKNOWN);
	assert_int_equal(
		interface_mtu(ROUTE_HEAD ROUTE4("eth0"), "", "many").status,
		ZTT_STATUS_UNKNOWN);
}

static void names_that_leave_the_directory_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(interface_mtu(ROUTE_HEAD ROUTE4("..")
					       ROUTE4("../../x"),
				       "garbage\n\n" ZEROS "\n", "1500")
				 .status,
			 ZTT_STATUS_SKIP);
}

/* --- probes against a real edge ------------------------------------------- */

static void with_edge(void)
{
	edge_peer_start("127.0.0.1:0");
	host.doctor.plan.edge = edge_peer.address;
}

static void loopback_carries_full_packets(void **state)
{
	struct ztt_finding finding;

	(void)state;
	with_edge();
	finding = test_host_check(&host, ztt_check_path_mtu);
	assert_int_equal(finding.status, ZTT_STATUS_OK);
	assert_non_null(strstr(finding.observed, "carries 1500 bytes"));
}

static void round_trips_are_counted_and_timed(void **state)
{
	struct ztt_finding finding;

	(void)state;
	with_edge();
	host.doctor.plan.timeout_ns = 10 * ZTT_NS_PER_S;
	finding = test_host_check(&host, ztt_check_path_rtt);
	assert_non_null(strstr(finding.observed, " of 20 lost"));
	assert_non_null(strstr(finding.observed, "round trip "));
}

static void a_binding_that_lives_is_answered_after_the_pause(void **state)
{
	struct ztt_nat_binding binding = {.idle_ns = 50 * ZTT_NS_PER_MS};

	(void)state;
	with_edge();
	binding.due_ns = ztt_clock_ns() + 20 * ZTT_NS_PER_S;
	assert_int_equal(ztt_address_parse_numeric(edge_peer.address,
						   &binding.address, NULL),
			 0);
	ztt_nat_binding(&binding);
	assert_int_equal(binding.rc, 0);
	assert_true(binding.survived);
}

static void without_time_for_the_pause_it_is_unknown(void **state)
{
	struct ztt_finding finding;

	(void)state;
	with_edge();
	host.doctor.deadline_ns = ztt_clock_ns() + 2 * ZTT_NS_PER_S;
	finding = test_host_check(&host, ztt_check_path_nat);
	assert_int_equal(finding.status, ZTT_STATUS_UNKNOWN);
	assert_non_null(strstr(finding.observed, "no time"));
}

/* --- and where nothing answers -------------------------------------------- */

/* A bound socket that is never read. */
static int black_hole(char address[ZTT_ADDRESS_LEN])
{
	struct ztt_address at;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(ztt_address_parse_numeric("127.0.0.1:0", &at, NULL),
			 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at.storage, at.len_bytes),
			 0);
	assert_int_equal(ztt_address_of_socket(fd, &at), 0);
	ztt_address_text(&at, address);
	return fd;
}

static void silence_is_unknown_and_points_to_egress(void **state)
{
	static void (*const checks[])(struct ztt_doctor *,
				      struct ztt_finding *) = {
		ztt_check_path_mtu, ztt_check_path_rtt, ztt_check_path_nat};
	char address[ZTT_ADDRESS_LEN];
	const int fd = black_hole(address);

	(void)state;
	host.doctor.plan.edge = address;
	host.doctor.plan.timeout_ns = 50 * ZTT_NS_PER_MS;
	host.doctor.deadline_ns = ztt_clock_ns() + ZTT_NS_PER_S;
	for (size_t i = 0; i < 3; i++) {
		const struct ztt_finding finding =
			test_host_check(&host, checks[i]);

		assert_int_equal(finding.status, ZTT_STATUS_UNKNOWN);
		assert_non_null(strstr(finding.observed, "egress.udp"));
	}
	close(fd);
}

static void a_closed_port_is_unknown_with_its_cause(void **state)
{
	char address[ZTT_ADDRESS_LEN];
	struct ztt_finding finding;

	(void)state;
	close(black_hole(address));
	host.doctor.plan.edge = address;
	host.doctor.plan.timeout_ns = 50 * ZTT_NS_PER_MS;
	finding = test_host_check(&host, ztt_check_path_rtt);
	assert_int_equal(finding.status, ZTT_STATUS_UNKNOWN);
	assert_non_null(strstr(finding.observed, "refused"));
}

static void an_edge_that_is_not_named_is_unknown(void **state)
{
	struct ztt_finding finding;

	(void)state;
	host.doctor.plan.edge = ",";
	finding = test_host_check(&host, ztt_check_path_mtu);
	assert_int_equal(finding.status, ZTT_STATUS_UNKNOWN);
}

static void the_interval_of_loss_is_clopper_and_pearsons(void **state)
{
	static const struct {
		unsigned lost, sent;
		double low, high;
	} rows[] = {
		{0, 20, 0, 16.843},
		{1, 20, 0.1265, 24.873},
		{2, 20, 1.2349, 31.698},
		{20, 20, 83.157, 100},
	};
	double low, high;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ztt_loss_interval(rows[i].lost, rows[i].sent, &low, &high);
		assert_true(fabs(low - rows[i].low) < 0.01);
		assert_true(fabs(high - rows[i].high) < 0.01);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_mtu_of_1500_is_ok_for_both_families),
		CASE(at_1280_ipv6_fails_and_ipv4_only_warns),
		CASE(the_limits_are_1280_1300_and_1400),
		CASE(between_it_is_ok_with_a_note_of_what_fits),
		CASE(ipv6_has_a_limit_of_its_own),
		CASE(without_a_default_route_it_does_not_apply),
		CASE(what_cannot_be_read_is_unknown),
		CASE(names_that_leave_the_directory_are_passed_over),
		CASE(loopback_carries_full_packets),
		CASE(round_trips_are_counted_and_timed),
		CASE(a_binding_that_lives_is_answered_after_the_pause),
		CASE(without_time_for_the_pause_it_is_unknown),
		CASE(silence_is_unknown_and_points_to_egress),
		CASE(a_closed_port_is_unknown_with_its_cause),
		CASE(an_edge_that_is_not_named_is_unknown),
		CASE(the_interval_of_loss_is_clopper_and_pearsons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
