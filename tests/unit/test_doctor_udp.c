#include "doctor_root.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/host/proc_net.h"
#include "ztt-doctor/host/service.h"

#define RMEM "/proc/sys/net/core/rmem_max"
#define WMEM "/proc/sys/net/core/wmem_max"
#define UNIT "/etc/systemd/system/cloudflared.service"
#define ENGINE_PORT 7844

static struct ztt_finding rmem_of(const char *text)
{
	struct ztt_finding finding;
	struct test_host host;

	test_host_begin(&host);
	if (text)
		test_host_file(&host, RMEM, text, 0644);
	finding = test_host_check(&host, ztt_check_udp_rmem_max);
	test_host_end(&host);
	return finding;
}

static void the_default_limit_fails_and_can_be_fixed(void **state)
{
	const struct ztt_finding finding = rmem_of("212992\n");

	(void)state;
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(finding.observed, "got: 416 kiB"));
	assert_int_equal(finding.action_count, 1);
	assert_string_equal(finding.actions[0].target, "net.core.rmem_max");
	assert_string_equal(finding.actions[0].old, "212992");
	assert_string_equal(finding.actions[0].value, "7500000");
}

static void the_manuals_limit_warns_with_what_will_be_logged(void **state)
{
	const struct ztt_finding finding = rmem_of("2500000\n");

	(void)state;
	assert_int_equal(finding.status, ZTT_STATUS_WARN);
	assert_non_null(strstr(finding.observed, "got: 4882 kiB"));
	assert_int_equal(finding.action_count, 1);
}

static void the_limit_is_enough_from_half_of_7_mib_on(void **state)
{
	(void)state;
	assert_int_equal(rmem_of("3670015\n").status, ZTT_STATUS_WARN);
	assert_int_equal(rmem_of("3670016\n").status, ZTT_STATUS_OK);
	assert_int_equal(rmem_of("7500000\n").status, ZTT_STATUS_OK);
	assert_int_equal(rmem_of("7500000\n").action_count, 0);
}

static void a_limit_that_is_none_is_unknown(void **state)
{
	(void)state;
	assert_int_equal(rmem_of(NULL).status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(rmem_of("").status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(rmem_of("-1\n").status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(rmem_of("18446744073709551615\n").status,
			 ZTT_STATUS_UNKNOWN);
	assert_int_equal(rmem_of("much\n").status, ZTT_STATUS_UNKNOWN);
}

static void a_small_send_buffer_only_warns(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, WMEM, "212992\n", 0644);
	finding = test_host_check(&host, ztt_check_udp_wmem_max);
	test_host_end(&host);
	assert_int_equal(finding.status, ZTT_STATUS_WARN);
	assert_string_equal(finding.actions[0].target, "net.core.wmem_max");
}

static void engine(struct test_host *host, const char *caps)
{
	char status[256];

	test_host_file(host, "/proc/812/comm", "cloudflared\n", 0644);
	snprintf(status, sizeof(status),
		 "Name:\tcloudflared\nPid:\t812\nUid:\t0\t0\t0\t0\n"
		 "Gid:\t0\t0\t0\t0\nCapEff:\t%s\n",
		 caps);
	test_host_file(host, "/proc/812/status", status, 0644);
	test_host_file(host, "/proc/812/cmdline", "cloudflared", 0644);
}

static void an_engine_that_may_force_only_warns(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, RMEM, "212992\n", 0644);
	engine(&host, "000001ffffffffff");
	finding = test_host_check(&host, ztt_check_udp_rmem_max);
	test_host_end(&host);
	assert_int_equal(finding.status, ZTT_STATUS_WARN);
	assert_non_null(strstr(finding.observed, "with CAP_NET_ADMIN"));
}

static void an_engine_that_may_not_force_fails(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, RMEM, "212992\n", 0644);
	engine(&host, "0000000000000000");
	finding = test_host_check(&host, ztt_check_udp_rmem_max);
	test_host_end(&host);
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
}

static void in_a_container_the_host_is_named(void **state)
{
	struct ztt_finding there, missing;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/.dockerenv", "", 0644);
	missing = test_host_check(&host, ztt_check_udp_rmem_max);
	test_host_file(&host, RMEM, "212992\n", 0644);
	there = test_host_check(&host, ztt_check_udp_rmem_max);
	test_host_end(&host);
	assert_int_equal(missing.status, ZTT_STATUS_UNKNOWN);
	assert_non_null(strstr(missing.observed, "on the host"));
	assert_non_null(strstr(there.advice, "on the host"));
}

static struct ztt_service service_of(const char *unit, const char *dropin)
{
	struct ztt_service service;
	struct test_host host;

	test_host_begin(&host);
	if (unit)
		test_host_file(&host, UNIT, unit, 0644);
	if (dropin)
		test_host_file(&host, UNIT ".d/10-x.conf", dropin, 0644);
	ztt_service_find(&host.doctor, &service);
	test_host_end(&host);
	return service;
}

#define EXEC "[Service]\nExecStart=/usr/local/bin/cloudflared tunnel run\n"

static void the_unit_tells_whether_force_is_allowed(void **state)
{
	(void)state;
	assert_true(service_of(EXEC, NULL).net_admin);
	assert_false(service_of(EXEC "User=cloudflared\n", NULL).net_admin);
	assert_true(service_of(EXEC "User=cloudflared\n"
				    "AmbientCapabilities=CAP_NET_RAW "
				    "CAP_NET_ADMIN\n",
			       NULL)
			    .net_admin);
	assert_false(service_of(EXEC
				"User=x\nAmbientCapabilities=CAP_NET_ADMINS\n",
				NULL)
			     .net_admin);
}

static void hardening_takes_force_away(void **state)
{
	(void)state;
	assert_false(
		service_of(EXEC "CapabilityBoundingSet=\n", NULL).net_admin);
	assert_false(service_of(EXEC, "[Service]\n CapabilityBoundingSet = "
				      "~CAP_SYS_ADMIN CAP_NET_ADMIN \n")
			     .net_admin);
	assert_true(
		service_of(EXEC "CapabilityBoundingSet=CAP_NET_ADMIN\n", NULL)
			.net_admin);
	assert_false(service_of(EXEC "DynamicUser=yes\n", NULL).net_admin);
	assert_false(
		service_of(EXEC, "[Service]\nPrivateUsers=true\n").net_admin);
	assert_true(
		service_of(EXEC, "[Service]\n#PrivateUsers=true\n").net_admin);
}

static void without_engine_and_unit_nothing_is_allowed(void **state)
{
	const struct ztt_service service = service_of(NULL, NULL);

	(void)state;
	assert_int_equal(service.source, ZTT_SERVICE_NONE);
	assert_false(service.net_admin);
}

static void a_socket_is_tried(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	finding = test_host_check(&host, ztt_check_udp_socket);
	test_host_end(&host);
	assert_non_null(strstr(finding.observed, "receive: "));
	assert_non_null(strstr(finding.observed, "without CAP_NET_ADMIN"));
	assert_null(strstr(finding.observed, "by force"));
}

#define SNMP                                                           \
	"Ip: Forwarding\nIp: 1\n"                                      \
	"Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors " \
	"SndbufErrors\n"                                               \
	"Udp: 100 3 7 90 5 2\nUdpLite: InDatagrams\nUdpLite: 9\n"
#define SNMP6                                                           \
	"Ip6InReceives   \t12\nUdp6InDatagrams \t10\nUdp6InErrors\t1\n" \
	"Udp6OutDatagrams\t4\nUdp6RcvbufErrors\t1\n"

static void counters_of_both_families_are_summed(void **state)
{
	struct ztt_udp_counters counters;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/proc/net/snmp", SNMP, 0644);
	test_host_file(&host, "/proc/net/snmp6", SNMP6, 0644);
	assert_int_equal(ztt_udp_counters_read(host.root, &counters), 0);
	test_host_end(&host);
	assert_int_equal(counters.received, 110);
	assert_int_equal(counters.sent, 94);
	assert_int_equal(counters.receive_buffer_errors, 6);
	assert_int_equal(counters.send_buffer_errors, 2);
	assert_int_equal(counters.in_errors, 8);
}

static void counters_cut_short_are_not_found(void **state)
{
	uint64_t value = 77;

	(void)state;
	assert_false(
		ztt_snmp_value("Udp: A B\nUdp: 1\nTcp: 5", "Udp", "B", &value));
	assert_false(ztt_snmp_value("Udp: A B\nTcp: 1 2", "Udp", "B", &value));
	assert_false(ztt_snmp_value("Udp: A B", "Udp", "B", &value));
	assert_false(ztt_snmp_value("", "Udp", "B", &value));
	assert_false(ztt_snmp6_value("Udp6A\nUdp6B 3", "Udp6A", &value));
	assert_int_equal(value, 77);
	assert_true(ztt_snmp6_value("Udp6A\nUdp6B 3", "Udp6B", &value));
	assert_int_equal(value, 3);
}

static void losses_since_boot_are_no_failure(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/proc/net/snmp", SNMP, 0644);
	finding = test_host_check(&host, ztt_check_udp_rcvbuf_errors);
	test_host_end(&host);
	assert_int_equal(finding.status, ZTT_STATUS_OK);
	assert_non_null(strstr(finding.observed, "since boot RcvbufErrors 5"));
}

static void without_counters_or_time_it_is_unknown(void **state)
{
	struct ztt_finding missing, broken, late;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	missing = test_host_check(&host, ztt_check_udp_rcvbuf_errors);
	test_host_file(&host, "/proc/net/snmp", "Udp: nothing\n", 0644);
	broken = test_host_check(&host, ztt_check_udp_rcvbuf_errors);
	test_host_file(&host, "/proc/net/snmp", SNMP, 0644);
	host.doctor.deadline_ns = 1;
	late = test_host_check(&host, ztt_check_udp_rcvbuf_errors);
	test_host_end(&host);
	assert_int_equal(missing.status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(broken.status, ZTT_STATUS_UNKNOWN);
	assert_int_equal(late.status, ZTT_STATUS_UNKNOWN);
}

static void sockets_are_read_once_each(void **state)
{
	struct ztt_udp_sockets sockets = {0};
	char text[] =
		"  sl  local_address rem_address st\n"
		" 1: 0100007F:1EA4 0200007F:0035 01 0:0 0:0 0 0 0 41 2 0 17\n"
		" 2: 0100007F:1EA4 0200007F:0035 01 0:0 0:0 0 0 0 0 2 0 17\n"
		" 3: 0100007F:FFFFF 0200007F:0035 01 0:0 0:0 0 0 0 9 2 0 17\n"
		" 4: short\n\n"
		" 5: 0:1 0:2 01 0:0 0:0 0 0 0 42 2 0 0";
	char again[] =
		" 1: 0100007F:1EA4 0200007F:0035 01 0:0 0:0 0 0 0 41 2 0 19\n";

	(void)state;
	ztt_udp_sockets_add(&sockets, text);
	ztt_udp_sockets_add(&sockets, again);
	assert_int_equal(sockets.count, 2);
	assert_int_equal(sockets.list[0].local_port, ENGINE_PORT);
	assert_int_equal(sockets.list[0].remote_port, 53);
	assert_int_equal(sockets.list[0].drops, 17);
	assert_non_null(ztt_udp_sockets_find(&sockets, 42));
	assert_null(ztt_udp_sockets_find(&sockets, 9));
	ztt_udp_sockets_release(&sockets);
}

static void drops_belong_to_the_engines_sockets(void **state)
{
	struct ztt_finding other, port, owned;
	struct test_host host;
	char link[512];

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/proc/net/udp",
		       " 1: 0:1F90 0:0 01 0:0 0:0 0 0 0 41 2 0 17\n", 0644);
	other = test_host_check(&host, ztt_check_udp_drops);
	test_host_file(&host, "/proc/net/udp6",
		       " 1: 0:1F91 0:1EA4 01 0:0 0:0 0 0 0 43 2 0 5\n", 0644);
	port = test_host_check(&host, ztt_check_udp_drops);
	test_host_end(&host);

	test_host_begin(&host);
	engine(&host, "0");
	test_host_file(&host, "/proc/812/net/udp",
		       " 1: 0:1F90 0:0 01 0:0 0:0 0 0 0 41 2 0 17\n", 0644);
	test_host_file(&host, "/proc/net/udp", "", 0644);
	test_host_file(&host, "/proc/812/fd/x", "", 0644);
	snprintf(link, sizeof(link), "%s/proc/812/fd/7", host.dir);
	assert_int_equal(symlink("socket:[41]", link), 0);
	owned = test_host_check(&host, ztt_check_udp_drops);
	test_host_end(&host);

	assert_int_equal(other.status, ZTT_STATUS_SKIP);
	assert_int_equal(port.status, ZTT_STATUS_OK);
	assert_non_null(strstr(port.observed, "5 since"));
	assert_int_equal(owned.status, ZTT_STATUS_OK);
	assert_non_null(strstr(owned.observed, "17 since"));
}

/* Sends to a socket that nobody reads, until it is killed. */
static pid_t start_flood(const struct sockaddr_in *to)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	while (fd >= 0 && getppid() == parent) {
		sendto(fd, "x", 1, 0, (const struct sockaddr *)to, sizeof(*to));
		usleep(200);
	}
	_exit(0);
}

static void drops_in_the_window_are_seen(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(ENGINE_PORT)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ztt_root *live = NULL;
	struct ztt_finding drops, errors;
	struct test_host host;
	const int least = 0;
	pid_t pid;

	(void)state;
	/* An address of its own: other tests use the port on 127.0.0.1. */
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 76);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    sendto(fd, "x", 1, 0, (struct sockaddr *)&at, sizeof(at)) < 0) {
		print_message("# skip: no UDP on port %d of loopback\n",
			      ENGINE_PORT);
		skip();
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	test_host_begin(&host);
	assert_int_equal(ztt_root_open(NULL, &live, NULL), 0);
	host.doctor.root = live;
	pid = start_flood(&at);
	assert_true(pid > 0);
	usleep(50000);
	drops = test_host_check(&host, ztt_check_udp_drops);
	errors = test_host_check(&host, ztt_check_udp_rcvbuf_errors);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
	ztt_root_free(live);
	test_host_end(&host);
	assert_true(drops.status >= ZTT_STATUS_WARN);
	assert_non_null(strstr(drops.observed, "port 7844"));
	assert_true(errors.status >= ZTT_STATUS_WARN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_limit_fails_and_can_be_fixed),
		cmocka_unit_test(
			the_manuals_limit_warns_with_what_will_be_logged),
		cmocka_unit_test(the_limit_is_enough_from_half_of_7_mib_on),
		cmocka_unit_test(a_limit_that_is_none_is_unknown),
		cmocka_unit_test(a_small_send_buffer_only_warns),
		cmocka_unit_test(an_engine_that_may_force_only_warns),
		cmocka_unit_test(an_engine_that_may_not_force_fails),
		cmocka_unit_test(in_a_container_the_host_is_named),
		cmocka_unit_test(the_unit_tells_whether_force_is_allowed),
		cmocka_unit_test(hardening_takes_force_away),
		cmocka_unit_test(without_engine_and_unit_nothing_is_allowed),
		cmocka_unit_test(a_socket_is_tried),
		cmocka_unit_test(counters_of_both_families_are_summed),
		cmocka_unit_test(counters_cut_short_are_not_found),
		cmocka_unit_test(losses_since_boot_are_no_failure),
		cmocka_unit_test(without_counters_or_time_it_is_unknown),
		cmocka_unit_test(sockets_are_read_once_each),
		cmocka_unit_test(drops_belong_to_the_engines_sockets),
		cmocka_unit_test(drops_in_the_window_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
