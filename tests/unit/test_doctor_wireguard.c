#define _GNU_SOURCE
#include "doctor_root.h"

#include <libmnl/libmnl.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "ztt-doctor/check.h"
#include "ztt-doctor/host/wg_device.h"

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

#define HEADER sizeof(struct nlmsghdr)

static struct ztt_wg_device device;

struct handshake {
	int64_t s, ns;
};

/* As the kernel's wg_get_device_dump writes it (drivers/net/wireguard/
 * netlink.c): one peer with everything. */
static size_t build(char *buf, bool v6)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buf);
	struct handshake when = {.s = 1700000000};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct nlattr *peers, *peer;
	uint8_t key[32];
	uint64_t bytes = 5000000000;

	memset(key, 0x11, sizeof(key));
	mnl_attr_put(header, WGDEVICE_A_PRIVATE_KEY, sizeof(key), key);
	mnl_attr_put_u16(header, WGDEVICE_A_LISTEN_PORT, 51820);
	mnl_attr_put_strz(header, WGDEVICE_A_IFNAME, "wg0");
	peers = mnl_attr_nest_start(header, WGDEVICE_A_PEERS);
	peer = mnl_attr_nest_start(header, 0);
	memset(key, 0x22, sizeof(key));
	mnl_attr_put(header, WGPEER_A_PUBLIC_KEY, sizeof(key), key);
	memset(key, 0x33, sizeof(key));
	mnl_attr_put(header, WGPEER_A_PRESHARED_KEY, sizeof(key), key);
	mnl_attr_put(header, WGPEER_A_LAST_HANDSHAKE_TIME, sizeof(when), &when);
	mnl_attr_put_u16(header, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, 25);
	mnl_attr_put(header, WGPEER_A_TX_BYTES, sizeof(bytes), &bytes);
	if (v6)
		mnl_attr_put(header, WGPEER_A_ENDPOINT, sizeof(in6), &in6);
	else
		mnl_attr_put(header, WGPEER_A_ENDPOINT, sizeof(in), &in);
	mnl_attr_nest_end(header, peer);
	mnl_attr_nest_end(header, peers);
	return mnl_nlmsg_get_payload_len(header);
}

static void netlink_attributes_are_read(void **state)
{
	char buf[1024], name[ZTT_WG_NAME_LEN];
	size_t len = build(buf, true);

	(void)state;
	memset(&device, 0, sizeof(device));
	assert_int_equal(ztt_wg_parse_netlink(&device, buf + HEADER, len), 0);
	assert_int_equal(device.listen_port, 51820);
	assert_int_equal(device.peer_count, 1);
	assert_int_equal(device.peers[0].keepalive_s, 25);
	assert_int_equal(device.peers[0].handshake_s, 1700000000);
	assert_int_equal(device.peers[0].tx_bytes, 5000000000);
	assert_true(device.peers[0].has_endpoint);
	assert_true(device.peers[0].endpoint_v6);
	assert_string_equal(ztt_wg_peer_name(&device.peers[0], name),
			    "IiIiIiIi");
}

/* The same peer at the head of the next message goes on. */
static void a_peer_that_goes_on_is_not_a_second_one(void **state)
{
	char buf[1024];
	size_t len = build(buf, false);

	(void)state;
	memset(&device, 0, sizeof(device));
	ztt_wg_parse_netlink(&device, buf + HEADER, len);
	ztt_wg_parse_netlink(&device, buf + HEADER, len);
	assert_int_equal(device.peer_count, 1);
}

static void netlink_attributes_cut_anywhere_are_refused(void **state)
{
	char buf[1024];
	size_t len = build(buf, false), refused = 0;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		char *copy = malloc(cut + 1);

		memcpy(copy, buf + HEADER, cut);
		memset(&device, 0, sizeof(device));
		refused += ztt_wg_parse_netlink(&device, copy, cut) < 0;
		free(copy);
	}
	assert_true(refused > len - 8);
}

#define KEY "2222222222222222222222222222222222222222222222222222222222222222"
#define ANSWER                                                           \
	"private_key=" KEY "\nlisten_port=51820\npublic_key=" KEY        \
	"\npreshared_key=" KEY "\nprotocol_version=1\n"                  \
	"endpoint=192.0.2.1:51820\nlast_handshake_time_sec=1700000000\n" \
	"last_handshake_time_nsec=5\ntx_bytes=100\nrx_bytes=0\n"         \
	"persistent_keepalive_interval=25\nallowed_ip=0.0.0.0/0\n"       \
	"public_key=" KEY "\nendpoint=[2001:db8::1]:1\nerrno=0\n\n"

static int uapi(const char *text)
{
	return ztt_wg_parse_uapi(&device, text, strlen(text));
}

static void a_uapi_answer_is_read(void **state)
{
	(void)state;
	assert_int_equal(uapi(ANSWER), 0);
	assert_int_equal(device.listen_port, 51820);
	assert_int_equal(device.peer_count, 2);
	assert_int_equal(device.peers[0].keepalive_s, 25);
	assert_int_equal(device.peers[0].handshake_s, 1700000000);
	assert_int_equal(device.peers[0].tx_bytes, 100);
	assert_true(device.peers[0].has_endpoint);
	assert_false(device.peers[0].endpoint_v6);
	assert_true(device.peers[1].endpoint_v6);
	assert_int_equal(device.peers[1].handshake_s, 0);
}

static void a_broken_uapi_answer_is_refused(void **state)
{
	(void)state;
	assert_int_equal(uapi(""), -EPROTO);
	assert_int_equal(uapi("errno=0"), -EPROTO);
	assert_int_equal(uapi("listen_port=1\n\n"), -EPROTO);
	assert_int_equal(uapi("public_key=22\nerrno=0\n\n"), -EPROTO);
	assert_int_equal(uapi("rubbish\nerrno=0\n\n"), -EPROTO);
	assert_int_equal(uapi("tx_bytes=99999999999999999999\nerrno=0\n\n"),
			 -EPROTO);
	assert_int_equal(uapi("errno=13\n\n"), -13);
	assert_int_equal(uapi("errno=-13\n\n"), -13);
}

static void kernel_interface(const char *mtu)
{
	file("/sys/class/net/wg0/uevent",
	     "DEVTYPE=wireguard\nINTERFACE=wg0\nIFINDEX=3\n");
	file("/sys/class/net/wg0/mtu", mtu);
	file("/sys/class/net/eth0/uevent", "INTERFACE=eth0\nIFINDEX=2\n");
	file("/sys/class/net/eth0/mtu", "1500\n");
	file("/proc/net/route",
	     "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
	     "eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
}

static void without_an_interface_all_is_skipped(void **state)
{
	static void (*const checks[])(struct ztt_doctor *,
				      struct ztt_finding *) = {
		ztt_check_wireguard_backend,   ztt_check_wireguard_mtu,
		ztt_check_wireguard_keepalive, ztt_check_wireguard_handshake,
		ztt_check_wireguard_keys,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		struct ztt_finding finding = test_host_check(&host, checks[i]);

		expect(&finding, ZTT_STATUS_SKIP, "no ");
	}
}

static void kernel_and_userspace_are_told_apart(void **state)
{
	struct ztt_finding finding;

	(void)state;
	kernel_interface("1420\n");
	finding = test_host_check(&host, ztt_check_wireguard_backend);
	expect(&finding, ZTT_STATUS_OK, "wg0: in the kernel");
	file("/run/wireguard/wg1.sock", "");
	finding = test_host_check(&host, ztt_check_wireguard_backend);
	expect(&finding, ZTT_STATUS_OK, "wg1: a userspace process");
	file("/sys/module/wireguard/version", "1.0.0\n");
	finding = test_host_check(&host, ztt_check_wireguard_backend);
	expect(&finding, ZTT_STATUS_WARN, "though this kernel has WireGuard");
}

static void an_mtu_is_held_against_the_path(void **state)
{
	static const struct {
		const char *mtu;
		enum ztt_status status;
		const char *part;
	} cases[] = {
		{"1420\n", ZTT_STATUS_OK, "MTU 1420 fits eth0 (1500)"},
		{"1440\n", ZTT_STATUS_OK, "not when the peer is reached over"},
		{"1500\n", ZTT_STATUS_WARN, "packets of 1560 bytes"},
		{"1290\n", ZTT_STATUS_WARN, "cannot connect over IPv6"},
		{"1200\n", ZTT_STATUS_FAIL, "cannot connect: its first"},
		{"x\n", ZTT_STATUS_UNKNOWN, "cannot be read"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ztt_finding finding;

		kernel_interface(cases[i].mtu);
		finding = test_host_check(&host, ztt_check_wireguard_mtu);
		expect(&finding, cases[i].status, cases[i].part);
	}
}

/* One client after another gets `answer`; ends with the listener. */
struct server {
	int fd;
	char answer[1024];
	pthread_t thread;
};

static void *serve(void *context)
{
	struct server *server = context;

	for (;;) {
		int fd = accept(server->fd, NULL, NULL);
		char request[64];

		if (fd < 0)
			return NULL;
		if (recv(fd, request, sizeof(request), 0) > 0)
			send(fd, server->answer, strlen(server->answer),
			     MSG_NOSIGNAL);
		close(fd);
	}
}

static void serve_begin(struct server *server, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->fd, (const struct sockaddr *)&address,
			      sizeof(address)),
			 0);
	assert_int_equal(listen(server->fd, 4), 0);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server),
			 0);
}

static void serve_end(struct server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
}

static void a_userspace_interface_is_asked_over_its_socket(void **state)
{
	uint64_t until_ns = ztt_clock_ns() + 10 * ZTT_NS_PER_S;
	struct server server = {.answer = ANSWER};
	char path[96];

	(void)state;
	snprintf(path, sizeof(path), "%s/wg0.sock", host.dir);
	assert_int_equal(ztt_wg_get_socket(path, until_ns, &device), -ENOENT);
	serve_begin(&server, path);
	assert_int_equal(ztt_wg_get_socket(path, until_ns, &device), 0);
	assert_int_equal(device.peer_count, 2);
	serve_end(&server);
	assert_int_equal(ztt_wg_get_socket(path, until_ns, &device),
			 -ECONNREFUSED);
}

static void a_socket_that_never_answers_ends_in_time(void **state)
{
	struct server server = {.answer = "listen_port=1\n"};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint64_t until_ns = ztt_clock_ns() + 50 * ZTT_NS_PER_MS;

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%.60s/wg0.sock",
		 host.dir);
	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.fd, (const struct sockaddr *)&address,
			      sizeof(address)),
			 0);
	assert_int_equal(listen(server.fd, 4), 0);
	assert_int_equal(ztt_wg_get_socket(address.sun_path, until_ns, &device),
			 -ETIMEDOUT);
	close(server.fd);
}

static struct ztt_finding answered(const char *answer,
				   void (*check)(struct ztt_doctor *,
						 struct ztt_finding *))
{
	struct server server;
	struct ztt_finding finding;
	char path[96];

	file("/run/wireguard/wg0.sock", "");
	snprintf(path, sizeof(path), "%s/run/wireguard/wg0.sock", host.dir);
	unlink(path);
	snprintf(server.answer, sizeof(server.answer), "%s", answer);
	serve_begin(&server, path);
	finding = test_host_check(&host, check);
	serve_end(&server);
	unlink(path);
	return finding;
}

#define PEER "public_key=" KEY "\n"
#define ENDPOINT "endpoint=192.0.2.1:51820\n"

static void a_peer_without_an_answer_fails(void **state)
{
	struct ztt_finding finding;
	char fresh[256];

	(void)state;
	finding = answered(PEER ENDPOINT "errno=0\n\n",
			   ztt_check_wireguard_handshake);
	expect(&finding, ZTT_STATUS_FAIL,
	       "peer IiIiIiIi...: no handshake ever");
	finding = answered(PEER "errno=0\n\n", ztt_check_wireguard_handshake);
	expect(&finding, ZTT_STATUS_WARN, "it must begin");
	finding = answered(PEER ENDPOINT "last_handshake_time_sec=1700000000\n"
					 "persistent_keepalive_interval=25\n"
					 "errno=0\n\n",
			   ztt_check_wireguard_handshake);
	expect(&finding, ZTT_STATUS_FAIL, "too long ago for its keepalive");
	finding = answered(PEER ENDPOINT "last_handshake_time_sec=1700000000\n"
					 "errno=0\n\n",
			   ztt_check_wireguard_handshake);
	expect(&finding, ZTT_STATUS_OK, "1 idle without a keepalive");
	snprintf(fresh, sizeof(fresh),
		 PEER "last_handshake_time_sec=%lld\nerrno=0\n\n",
		 (long long)time(NULL));
	finding = answered(fresh, ztt_check_wireguard_handshake);
	expect(&finding, ZTT_STATUS_OK, "1 of 1 peers shook hands");
}

static void a_missing_keepalive_is_told(void **state)
{
	struct ztt_finding finding;

	(void)state;
	finding = answered(PEER ENDPOINT "errno=0\n\n",
			   ztt_check_wireguard_keepalive);
	assert_non_null(
		strstr(finding.observed, "1 of 1 peers have no keepalive"));
	finding = answered(PEER ENDPOINT "persistent_keepalive_interval=25\n"
					 "errno=0\n\n",
			   ztt_check_wireguard_keepalive);
	expect(&finding, ZTT_STATUS_OK, "every peer with an endpoint");
	finding = answered("errno=0\n\n", ztt_check_wireguard_keepalive);
	expect(&finding, ZTT_STATUS_WARN, "no peers");
	finding = answered("errno=13\n\n", ztt_check_wireguard_keepalive);
	expect(&finding, ZTT_STATUS_UNKNOWN, "needs root");
	assert_null(strstr(finding.observed, "2222"));
}

/* This kernel may have no WireGuard, and this user no right to ask. */
static void a_kernel_without_the_interface_says_so(void **state)
{
	int rc = ztt_wg_get_kernel("ztt-none0",
				   ztt_clock_ns() + 10 * ZTT_NS_PER_S, &device);

	(void)state;
	if (rc != -EOPNOTSUPP && rc != -ENODEV && rc != -EPERM)
		print_error("%s\n", strerror(-rc));
	assert_true(rc == -EOPNOTSUPP || rc == -ENODEV || rc == -EPERM);
}

static void an_interface_that_cannot_be_asked_is_unknown(void **state)
{
	struct ztt_finding finding;

	(void)state;
	kernel_interface("1420\n");
	finding = test_host_check(&host, ztt_check_wireguard_handshake);
	expect(&finding, ZTT_STATUS_UNKNOWN, "wg0: its state cannot be asked");
}

static void keys_that_others_may_read_fail_with_a_fix(void **state)
{
	struct ztt_finding finding;

	(void)state;
	test_host_file(&host, "/etc/wireguard/wg0.conf", "x", 0644);
	test_host_file(&host, "/etc/wireguard/privatekey", "x", 0600);
	test_host_file(&host, "/etc/wireguard/publickey", "x", 0644);
	test_host_file(&host, "/etc/wireguard/old.conf/x", "x", 0644);
	finding = test_host_check(&host, ztt_check_wireguard_keys);
	expect(&finding, ZTT_STATUS_FAIL,
	       "/etc/wireguard/wg0.conf has mode 0644");
	assert_null(strstr(finding.observed, "publickey"));
	assert_int_equal(finding.action_count, 1);
	assert_int_equal(finding.actions[0].kind, ZTT_ACTION_MODE);
	assert_string_equal(finding.actions[0].target,
			    "/etc/wireguard/wg0.conf");
	assert_string_equal(finding.actions[0].value, "0600");
	test_host_file(&host, "/etc/wireguard/wg0.conf", "x", 0600);
	finding = test_host_check(&host, ztt_check_wireguard_keys);
	assert_int_equal(finding.action_count, 0);
	if (geteuid() == 0)
		expect(&finding, ZTT_STATUS_OK, "2 of 2 files");
	else
		expect(&finding, ZTT_STATUS_FAIL, "belongs to uid");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netlink_attributes_are_read),
		cmocka_unit_test(a_peer_that_goes_on_is_not_a_second_one),
		cmocka_unit_test(netlink_attributes_cut_anywhere_are_refused),
		cmocka_unit_test(a_uapi_answer_is_read),
		cmocka_unit_test(a_broken_uapi_answer_is_refused),
		CASE(without_an_interface_all_is_skipped),
		CASE(kernel_and_userspace_are_told_apart),
		CASE(an_mtu_is_held_against_the_path),
		CASE(a_userspace_interface_is_asked_over_its_socket),
		CASE(a_socket_that_never_answers_ends_in_time),
		CASE(a_peer_without_an_answer_fails),
		CASE(a_missing_keepalive_is_told),
		cmocka_unit_test(a_kernel_without_the_interface_says_so),
		CASE(an_interface_that_cannot_be_asked_is_unknown),
		CASE(keys_that_others_may_read_fail_with_a_fix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
