#define _GNU_SOURCE
#include "doctor_root.h"

#include "ztt-doctor/check.h"
#include "ztt-doctor/host/command.h"
#include "ztt-doctor/host/exposed.h"
#include "ztt-doctor/host/listeners.h"
#include "ztt-doctor/host/ruleset.h"

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

#define HEADING \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n"
#define ANY4(port) "   0: 00000000:" port " 00000000:0000 0A 0:0 0:0\n"
#define LOOP4(port) "   1: 0100007F:" port " 00000000:0000 0A 0:0 0:0\n"
#define CONNECTED4(port) "   2: 0100000A:" port " 0200000A:1234 01 0:0 0:0\n"
#define ANY6(port)                                     \
	"   0: 00000000000000000000000000000000:" port \
	" 00000000000000000000000000000000:0000 0A 0:0\n"
#define LOOP6(port)                                    \
	"   0: 00000000000000000000000001000000:" port \
	" 00000000000000000000000000000000:0000 0A 0:0\n"
#define CONFIG                                           \
	"tunnel: 00000000-0000-0000-0000-000000000000\n" \
	"ingress:\n"                                     \
	"  - hostname: a.example.com\n"                  \
	"    service: http://localhost:8000\n"           \
	"  - hostname: b.example.com\n"                  \
	"    service: http://10.1.2.3:80\n"              \
	"  - service: http_status:404\n"

static void listeners_are_told_from_connections(void **state)
{
	static struct ztt_listeners listeners;
	char text[ZTT_LISTENER_LEN];

	(void)state;
	memset(&listeners, 0, sizeof(listeners));
	ztt_listeners_parse(&listeners,
			    HEADING ANY4("1F40") LOOP4("1F41")
				    CONNECTED4("1F42") "   3: rubbish\n",
			    false, false);
	ztt_listeners_parse(&listeners, HEADING LOOP6("1F43") ANY6("1F44"),
			    false, true);
	assert_int_equal(listeners.count, 4);
	assert_int_equal(listeners.list[0].port, 8000);
	assert_string_equal(ztt_listener_address(&listeners.list[0], text),
			    "0.0.0.0");
	assert_string_equal(ztt_listener_address(&listeners.list[1], text),
			    "127.0.0.1");
	assert_string_equal(ztt_listener_address(&listeners.list[2], text),
			    "::1");
	assert_non_null(ztt_listeners_exposed(&listeners, false, 8000));
	assert_null(ztt_listeners_exposed(&listeners, false, 8001));
	assert_null(ztt_listeners_exposed(&listeners, false, 8003));
	assert_non_null(ztt_listeners_exposed(&listeners, false, 8004));
	assert_null(ztt_listeners_exposed(&listeners, true, 8000));
}

static void a_service_names_its_port(void **state)
{
	static const struct {
		const char *service;
		unsigned port;
	} cases[] = {
		{"http://localhost:8000", 8000},
		{"http://localhost", 80},
		{"https://127.0.0.1", 443},
		{"ssh://localhost", 22},
		{"tcp://[::1]:5432", 5432},
		{"http://user:pw@localhost:81", 81},
		{"HTTP://LOCALHOST:82", 82},
		{"http://10.0.0.1:80", 0},
		{"http://localhost.example.com", 0},
		{"http://localhost:", 80},
		{"http://localhost:80/path", 0},
		{"http://localhost:99999", 0},
		{"http://[::1", 0},
		{"unix:/run/app.sock", 0},
		{"http_status:404", 0},
		{"hello_world", 0},
		{"gopher://localhost:70", 70},
		{"", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(ztt_exposed_service_port(cases[i].service),
				 cases[i].port);
}

static void a_service_on_every_address_warns(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file("/etc/cloudflared/config.yml", CONFIG);
	file("/proc/net/tcp", HEADING ANY4("1F40") LOOP4("4F11"));
	finding = test_host_check(&host, ztt_check_firewall_listeners);
	expect(&finding, ZTT_STATUS_WARN, "port 8000 also answers on 0.0.0.0");
	assert_null(strstr(finding.observed, "metrics port"));
}

static void services_on_loopback_alone_are_ok(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file("/etc/cloudflared/config.yml", CONFIG);
	file("/proc/net/tcp", HEADING LOOP4("1F40") LOOP4("4F11"));
	finding = test_host_check(&host, ztt_check_firewall_listeners);
	expect(&finding, ZTT_STATUS_OK, "2 ports of services and metrics");
	expect(&finding, ZTT_STATUS_OK, "other hosts were not looked at");
}

static void metrics_on_every_address_warn_without_a_config(void **state)
{
	struct ztt_finding finding;

	(void)state;
	file("/proc/net/tcp", HEADING);
	finding = test_host_check(&host, ztt_check_firewall_listeners);
	expect(&finding, ZTT_STATUS_SKIP, "no engine runs");
	file("/proc/net/tcp6", HEADING ANY6("4F11"));
	finding = test_host_check(&host, ztt_check_firewall_listeners);
	expect(&finding, ZTT_STATUS_WARN, "metrics port 20241 answers on ::");
}

static void without_proc_it_is_unknown(void **state)
{
	struct ztt_finding finding;

	(void)state;
	finding = test_host_check(&host, ztt_check_firewall_listeners);
	expect(&finding, ZTT_STATUS_UNKNOWN, "/proc/net/tcp");
}

static char why[ZTT_RULESET_WHY_LEN];

static enum ztt_ruleset_verdict judge(const struct ztt_ruleset *rules,
				      bool output, bool v6, bool udp,
				      uint16_t port)
{
	struct ztt_ruleset_packet packet = {.output = output,
					    .v6 = v6,
					    .udp = udp,
					    .port = port};

	return ztt_ruleset_judge(rules, &packet, why);
}

static struct ztt_ruleset *iptables(const char *text)
{
	struct ztt_ruleset *rules = ztt_ruleset_new();

	assert_int_equal(ztt_ruleset_add_iptables(rules, text, strlen(text),
						  false),
			 0);
	return rules;
}

static void iptables_rules_are_followed(void **state)
{
	struct ztt_ruleset *rules = iptables(
		"# Generated\n*nat\n:INPUT DROP [0:0]\nCOMMIT\n*filter\n"
		":INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:mine - [0:0]\n"
		"-A INPUT -i lo -j ACCEPT\n"
		"-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j "
		"ACCEPT\n"
		"-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "
		"\"a -j DROP\" -j ACCEPT\n"
		"-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 9000 -j ACCEPT\n"
		"-A INPUT -p udp -j mine\n"
		"-A mine -p udp -m udp --dport 53 -j ACCEPT\n"
		"-A OUTPUT ! -o lo -p udp -m multiport --dports 53,7800:7900 "
		"-j REJECT --reject-with icmp-port-unreachable\n"
		"COMMIT\n");

	(void)state;
	assert_int_equal(ztt_ruleset_chains(rules), 2);
	assert_int_equal(judge(rules, true, false, true, 7844),
			 ZTT_RULESET_BLOCKED);
	assert_string_equal(why, "iptables filter OUTPUT: udp dport 53 "
				 "reject");
	assert_int_equal(judge(rules, true, false, false, 7844),
			 ZTT_RULESET_PASSES);
	assert_int_equal(judge(rules, true, true, true, 7844),
			 ZTT_RULESET_PASSES);
	assert_int_equal(judge(rules, false, false, false, 22),
			 ZTT_RULESET_PASSES);
	assert_int_equal(judge(rules, false, false, false, 8000),
			 ZTT_RULESET_BLOCKED);
	assert_string_equal(why, "iptables filter INPUT: policy drop");
	assert_int_equal(judge(rules, false, false, false, 9000),
			 ZTT_RULESET_LIMITED);
	assert_int_equal(judge(rules, false, false, true, 53),
			 ZTT_RULESET_PASSES);
	ztt_ruleset_free(rules);
}

static void what_is_not_understood_is_not_judged(void **state)
{
	struct ztt_ruleset *rules =
		iptables("*filter\n:OUTPUT ACCEPT [0:0]\n"
			 "-A OUTPUT -p udp -m owner --uid-owner 5 -j DROP\n"
			 "-A OUTPUT -p tcp -j NOBODYKNOWS\n");

	(void)state;
	assert_int_equal(judge(rules, true, false, true, 7844),
			 ZTT_RULESET_UNSURE);
	assert_int_equal(judge(rules, true, false, false, 7844),
			 ZTT_RULESET_UNSURE);
	ztt_ruleset_free(rules);
}

/* A chain that jumps to itself ends by its depth. */
static void a_circle_of_jumps_ends(void **state)
{
	struct ztt_ruleset *rules =
		iptables("*filter\n:OUTPUT ACCEPT [0:0]\n:a - [0:0]\n"
			 "-A OUTPUT -j a\n-A a -j a\n-A a -j a\n-A a -j a\n");

	(void)state;
	assert_int_equal(judge(rules, true, false, true, 7844),
			 ZTT_RULESET_UNSURE);
	ztt_ruleset_free(rules);
}

#define CHAIN(name, hook, policy)                                               \
	"{\"chain\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"" name \
	"\",\"type\":\"filter\",\"hook\":\"" hook                               \
	"\",\"prio\":0,\"policy\":\"" policy "\"}},"
#define RULE(chain, expr)                                                        \
	"{\"rule\":{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"" chain \
	"\",\"expr\":[" expr "]}}"
#define DPORT(proto, right)                                              \
	"{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":" \
	"\"" proto "\",\"field\":\"dport\"}},\"right\":" right "}}"

static struct ztt_ruleset *nft(const char *text)
{
	struct ztt_ruleset *rules = ztt_ruleset_new();

	assert_int_equal(ztt_ruleset_add_nft(rules, text, strlen(text), false),
			 0);
	return rules;
}

static void nft_rules_are_followed(void **state)
{
	struct ztt_ruleset *rules =
		nft("{\"nftables\":[{\"metainfo\":{\"version\":\"1.0.6\"}}," CHAIN(
			"input", "input", "drop") CHAIN("output", "output",
							"accept")
			    RULE("input",
				 "{\"match\":{\"op\":\"==\",\"left\":{\"meta\":{"
				 "\"key\":\"iifname\"}},\"right\":\"lo\"}},{"
				 "\"accept\":null}") "," RULE("input",
							      "{\"vmap\":{\"key\":{\"ct\":{\"key\":\"state\"}},"
							      "\"data\":{\"set\":[[\"invalid\",{\"drop\":null}]"
							      ",[\"established\",{\"accept\":null}]]}}}") "," RULE("input",
														   DPORT(
															   "tcp", "{\"set\":[22,{\"range\":[8000,8010]"
																  "}]}") ",{\"accept\":null}") "," RULE("input", DPORT("tcp", "\"@named\"") ",{\"accept\":null}") "," RULE("output", DPORT("udp",
																															   "7844") ",{\"counter\":{\"packets\":0}},{\"drop\":null}") "]}");

	(void)state;
	assert_int_equal(judge(rules, true, false, true, 7844),
			 ZTT_RULESET_BLOCKED);
	assert_string_equal(why, "inet filter output: udp dport 7844 drop");
	assert_int_equal(judge(rules, true, true, true, 7844),
			 ZTT_RULESET_BLOCKED);
	assert_int_equal(judge(rules, true, false, false, 7844),
			 ZTT_RULESET_PASSES);
	assert_int_equal(judge(rules, false, false, false, 8005),
			 ZTT_RULESET_PASSES);
	assert_int_equal(judge(rules, false, false, false, 9000),
			 ZTT_RULESET_LIMITED);
	assert_int_equal(judge(rules, false, false, true, 9000),
			 ZTT_RULESET_BLOCKED);
	ztt_ruleset_free(rules);
}

static void tables_of_iptables_are_left_to_iptables(void **state)
{
	static const char text[] = "{\"nftables\":[" CHAIN("output", "output",
							   "accept")
		RULE("output", "{\"xt\":{\"type\":\"match\",\"name\":\"x\"}},"
			       "{\"drop\":null}") "]}";
	struct ztt_ruleset *rules = ztt_ruleset_new();

	(void)state;
	ztt_ruleset_add_nft(rules, text, sizeof(text) - 1, true);
	assert_int_equal(ztt_ruleset_chains(rules), 0);
	ztt_ruleset_free(rules);
	rules = nft(text);
	assert_int_equal(judge(rules, true, false, true, 7844),
			 ZTT_RULESET_UNSURE);
	ztt_ruleset_free(rules);
}

static void what_is_no_ruleset_is_refused(void **state)
{
	struct ztt_ruleset *rules = ztt_ruleset_new();

	(void)state;
	assert_int_equal(ztt_ruleset_add_nft(rules, "", 0, false), -EINVAL);
	assert_int_equal(ztt_ruleset_add_nft(rules, "{}", 2, false), -EINVAL);
	assert_int_equal(ztt_ruleset_add_nft(rules, "{\"nftables\":3}", 14,
					     false),
			 -EINVAL);
	assert_int_equal(ztt_ruleset_add_nft(rules, "nft: {\"nf", 9, false),
			 -EINVAL);
	ztt_ruleset_free(rules);
}

static void a_command_is_bounded_in_size_and_time(void **state)
{
	char path[] = "/bin/sh", option[] = "-c";
	char *argv[] = {path, option, NULL, NULL};
	static char hello[] = "echo one; echo two >&2";
	static char much[] = "while :; do echo 1234567890; done";
	static char hangs[] = "exec sleep 60";
	static char denied[] = "echo Operation not permitted; exit 1";
	uint64_t soon = ztt_clock_ns() + 20 * ZTT_NS_PER_S;
	char *text;
	size_t len;

	(void)state;
	argv[2] = hello;
	assert_int_equal(ztt_command_run(argv, soon, 100, &text, &len), 0);
	assert_string_equal(text, "one\ntwo\n");
	free(text);
	argv[2] = much;
	assert_int_equal(ztt_command_run(argv, soon, 100, &text, &len), -EFBIG);
	argv[2] = denied;
	assert_int_equal(ztt_command_run(argv, soon, 100, &text, &len),
			 -EACCES);
	argv[2] = hangs;
	assert_int_equal(ztt_command_run(argv, ztt_clock_ns() + ZTT_NS_PER_MS,
					 100, &text, &len),
			 -ETIMEDOUT);
}

static void program(const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/bin/%s", name);
	test_host_file(&host, path, text, 0755);
}

/* The programs are stand-ins: found first in PATH. */
static void the_check_reads_what_the_programs_print(void **state)
{
	struct ztt_finding finding;
	char *old = strdup(getenv("PATH")), path[600];

	(void)state;
	snprintf(path, sizeof(path), "%s/bin:%s", host.dir, old);
	setenv("PATH", path, 1);
	file("/etc/cloudflared/config.yml", CONFIG);
	file("/proc/net/tcp", HEADING ANY4("1F40"));
	program("ip6tables-save", "#!/bin/sh\necho '*filter'\n");
	program("nft", "#!/bin/sh\necho '{\"nftables\":[]}'\n");
	program("iptables-save",
		"#!/bin/sh\necho '*filter'\necho ':OUTPUT ACCEPT [0:0]'\n"
		"echo '-A OUTPUT -p udp -m udp --dport 7844 -j DROP'\n");
	finding = test_host_check(&host, ztt_check_firewall_rules);
	expect(&finding, ZTT_STATUS_FAIL,
	       "outbound UDP 7844 is blocked over IPv4 (iptables filter "
	       "OUTPUT: udp dport 7844 drop)");
	expect(&finding, ZTT_STATUS_FAIL, "nothing blocks outbound TCP 7844");
	expect(&finding, ZTT_STATUS_FAIL,
	       "no rule keeps other hosts off port 8000");
	program("iptables-save", "#!/bin/sh\necho '*filter'\n"
				 "echo ':INPUT DROP [0:0]'\n");
	finding = test_host_check(&host, ztt_check_firewall_rules);
	expect(&finding, ZTT_STATUS_OK, "port 8000 is filtered");
	program("nft", "#!/bin/sh\necho Operation not permitted\nexit 1\n");
	program("iptables-save", "#!/bin/sh\necho must be root\nexit 1\n");
	program("ip6tables-save", "#!/bin/sh\necho must be root\nexit 1\n");
	finding = test_host_check(&host, ztt_check_firewall_rules);
	expect(&finding, ZTT_STATUS_UNKNOWN, "needs CAP_NET_ADMIN");
	/* One told its rules: the others may still have some. */
	program("iptables-save", "#!/bin/sh\necho '*filter'\n");
	finding = test_host_check(&host, ztt_check_firewall_rules);
	expect(&finding, ZTT_STATUS_WARN, "not all rules can be read");
	setenv("PATH", old, 1);
	free(old);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listeners_are_told_from_connections),
		cmocka_unit_test(a_service_names_its_port),
		CASE(a_service_on_every_address_warns),
		CASE(services_on_loopback_alone_are_ok),
		CASE(metrics_on_every_address_warn_without_a_config),
		CASE(without_proc_it_is_unknown),
		cmocka_unit_test(iptables_rules_are_followed),
		cmocka_unit_test(what_is_not_understood_is_not_judged),
		cmocka_unit_test(a_circle_of_jumps_ends),
		cmocka_unit_test(nft_rules_are_followed),
		cmocka_unit_test(tables_of_iptables_are_left_to_iptables),
		cmocka_unit_test(what_is_no_ruleset_is_refused),
		cmocka_unit_test(a_command_is_bounded_in_size_and_time),
		CASE(the_check_reads_what_the_programs_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
