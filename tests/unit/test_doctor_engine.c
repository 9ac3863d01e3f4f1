/* checks of the engine: each row, on small hosts made of files. */
#include "doctor_root.h"

#include "ztt-doctor/check.h"
#include "ztt-doctor/engine/origin_service.h"

#define ACCOUNT "0123456789abcdef0123456789abcdef"
#define TUNNEL "11111111-2222-3333-4444-555555555555"
#define SECRET "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define CREDENTIALS                                                  \
	"{\"AccountTag\":\"" ACCOUNT "\",\"TunnelSecret\":\"" SECRET \
	"\",\"TunnelID\":\"" TUNNEL "\"}"
#define CONFIG "/etc/cloudflared/config.yml"
#define UNIT "/etc/systemd/system/cloudflared.service"
#define LOG "/var/log/cloudflared.log"

typedef void check_fn(struct ztt_doctor *, struct ztt_finding *);

/* A host with the files given, "PATH", "TEXT", ..., NULL, all mode 0644, and
 * what `run` finds on it. */
static struct ztt_finding found(check_fn *run, const char *const *files)
{
	struct ztt_finding finding;
	struct test_host host;

	test_host_begin(&host);
	for (; files && *files; files += 2)
		test_host_file(&host, files[0], files[1], 0644);
	finding = test_host_check(&host, run);
	test_host_end(&host);
	assert_null(strstr(finding.observed, SECRET));
	return finding;
}

static void expect(check_fn *run, const char *const *files,
		   enum ztt_status status, const char *observed)
{
	struct ztt_finding finding = found(run, files);

	if (finding.status != status || !strstr(finding.observed, observed))
		fail_msg("%s: %s; expected %s: %s",
			 ztt_status_name(finding.status), finding.observed,
			 ztt_status_name(status), observed);
}

#define FILES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A process 7 with a command line, whose blanks become NUL bytes. */
static void put_process(struct test_host *host, int pid, const char *args)
{
	char path[64], full[256], text[1024];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	test_host_file(host, path, "cloudflared\n", 0644);
	snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	test_host_file(host, path,
		       "Max open files     524288      524288      files\n",
		       0644);
	snprintf(full, sizeof(full), "%s/proc/%d/cmdline", host->dir, pid);
	snprintf(text, sizeof(text), "%s", args);
	for (char *at = text; *at; at++)
		if (*at == ' ')
			*at = 0;
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(args) + 1, file),
			 strlen(args) + 1);
	fclose(file);
}

static void test_a_host_without_an_engine_skips_all(void **state)
{
	static check_fn *const checks[] = {
		ztt_check_engine_binary,      ztt_check_engine_version,
		ztt_check_engine_credentials, ztt_check_engine_cert,
		ztt_check_engine_token,       ztt_check_engine_config,
		ztt_check_engine_ingress,     ztt_check_engine_services,
		ztt_check_engine_dead_flags,  ztt_check_engine_unit,
		ztt_check_engine_nofile,      ztt_check_engine_start_timeout,
		ztt_check_engine_shared,      ztt_check_engine_ready,
		ztt_check_engine_connections, ztt_check_engine_protocol,
		ztt_check_engine_log,         ztt_check_engine_auth,
		ztt_check_engine_prechecks,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		expect(checks[i], NULL, ZTT_STATUS_SKIP, "");
}

static void test_binary(void **state)
{
	static const char path[] = "/usr/local/bin/cloudflared";
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, path, "", 0777);
	finding = test_host_check(&host, ztt_check_engine_binary);
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_int_equal(finding.action_count, 1);
	assert_string_equal(finding.actions[0].target, path);
	assert_string_equal(finding.actions[0].value, "0755");
	test_host_file(&host, path, "", 0644);
	finding = test_host_check(&host, ztt_check_engine_binary);
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(finding.observed, "not executable"));
	test_host_end(&host);
	expect(ztt_check_engine_binary,
	       FILES(UNIT, "[Service]\nExecStart=/opt/cloudflared\n"),
	       ZTT_STATUS_FAIL, "/opt/cloudflared, named by the unit");
}

static void test_version(void **state)
{
	(void)state;
	expect(ztt_check_engine_version,
	       FILES("/engine/metrics.txt",
		     "build_info{revision=\"\",version=\"2020.1.0\"} 1\n"),
	       ZTT_STATUS_WARN, "2020.1.0, ");
	expect(ztt_check_engine_version,
	       FILES("/engine/system.json",
		     "{\"info\":{\"cloudflaredVersion\":\"2099.1.0\"}}"),
	       ZTT_STATUS_OK, "2099.1.0");
	expect(ztt_check_engine_version,
	       FILES("/engine/system.json", "{\"cloudflaredVersion\":\"DEV\"}"),
	       ZTT_STATUS_UNKNOWN, "DEV");
}

static void test_credentials_mode_and_text(void **state)
{
	static const char path[] = "/etc/c.json";
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, CONFIG,
		       "tunnel: " TUNNEL "\ncredentials-file: /etc/c.json\n",
		       0644);
	test_host_file(&host, path, CREDENTIALS, 0644);
	finding = test_host_check(&host, ztt_check_engine_credentials);
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(finding.observed, "mode 0644, everybody"));
	assert_string_equal(finding.actions[0].value, "0600");
	test_host_file(&host, path, CREDENTIALS, 0440);
	finding = test_host_check(&host, ztt_check_engine_credentials);
	assert_string_equal(finding.actions[0].value, "0400");
	test_host_file(&host, path, CREDENTIALS, 0600);
	finding = test_host_check(&host, ztt_check_engine_credentials);
	assert_int_equal(finding.status, ZTT_STATUS_OK);
	assert_int_equal(finding.action_count, 0);
	assert_null(strstr(finding.observed, SECRET));
	test_host_file(&host, path, "{\"TunnelSecret\":\"" SECRET "\"}", 0600);
	finding = test_host_check(&host, ztt_check_engine_credentials);
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_null(strstr(finding.observed, SECRET));
	test_host_end(&host);
}

/* Any user can put a path on a command line. */
static void test_mode_is_offered_only_for_what_is_a_secret(void **state)
{
	static const char path[] = "/etc/passwd";
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, CONFIG, "credentials-file: /etc/passwd\n", 0644);
	test_host_file(&host, path, "root:x:0:0::/root:/bin/sh\n", 0644);
	finding = test_host_check(&host, ztt_check_engine_credentials);
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_int_equal(finding.action_count, 0);
	test_host_file(&host, "/root/.cloudflared/cert.pem", "none\n", 0644);
	finding = test_host_check(&host, ztt_check_engine_cert);
	assert_null(strstr(finding.advice, "--fix"));
	assert_non_null(strstr(finding.advice, "tunnel login"));
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_int_equal(finding.action_count, 0);
	test_host_end(&host);
}

static void test_mode_does_not_lock_the_engine_out(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, CONFIG, "credentials-file: /etc/c.json\n", 0644);
	test_host_file(&host, "/etc/c.json", CREDENTIALS, 0640);
	test_host_file(&host, "/proc/7/comm", "cloudflared\n", 0644);
	test_host_file(&host, "/proc/7/cmdline", "cloudflared", 0644);
	test_host_file(&host, "/proc/7/status", "Uid:\t4711\t4711\n", 0644);
	finding = test_host_check(&host, ztt_check_engine_credentials);
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_int_equal(finding.action_count, 0);
	assert_non_null(strstr(finding.advice, "chown"));
	test_host_end(&host);
}

static void test_without_a_config_that_can_be_read_it_is_unknown(void **state)
{
	static void (*const checks[])(struct ztt_doctor *,
				      struct ztt_finding *) = {
		ztt_check_engine_credentials, ztt_check_engine_ingress,
		ztt_check_engine_services};
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, CONFIG "/file", "", 0644);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(test_host_check(&host, checks[i]).status,
				 ZTT_STATUS_UNKNOWN);
	test_host_end(&host);
}

static void test_names_and_passwords_of_services_are_hidden(void **state)
{
	static const char config[] =
		"ingress:\n"
		"  - hostname: me:hunter2@host:80\n"
		"    service: http://me:hunter2@10.0.0.1:80/path\n"
		"  - hostname: b.example\n"
		"    service: me:hunter2@10.0.0.1:80\n"
		"  - service: http://me:hunter2@10.0.0.1:99999\n";
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, CONFIG, config, 0600);
	finding = test_host_check(&host, ztt_check_engine_ingress);
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(finding.observed, "http://***@10.0.0.1:80/"));
	assert_null(strstr(finding.observed, "hunter2"));
	test_host_end(&host);
}

static void test_what_was_pasted_into_the_wrong_place_is_cut(void **state)
{
	static const char config[] =
		"aGVsbG8xMjM0NTY3ODkwQUJDREVGRw==: 1\n"
		"ingress:\n"
		"  - service: c2VjcmV0MTIzNDU2Nzg5MEFCQ0RFRkc=\n";
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, CONFIG, config, 0600);
	finding = test_host_check(&host, ztt_check_engine_ingress);
	assert_non_null(strstr(finding.observed, "c2VjcmV0..."));
	assert_null(strstr(finding.observed, "c2VjcmV0M"));
	finding = test_host_check(&host, ztt_check_engine_config);
	assert_non_null(strstr(finding.observed, "aGVsbG8x..."));
	assert_null(strstr(finding.observed, "aGVsbG8xM"));
	test_host_end(&host);
}

static void test_credentials_missing_or_of_another_tunnel(void **state)
{
	(void)state;
	expect(ztt_check_engine_credentials,
	       FILES(CONFIG, "tunnel: " TUNNEL "\n"), ZTT_STATUS_FAIL,
	       "there is no " TUNNEL ".json");
	expect(ztt_check_engine_credentials,
	       FILES(CONFIG, "credentials-file: /none.json\n"), ZTT_STATUS_FAIL,
	       "/none.json does not exist");
	expect(ztt_check_engine_credentials,
	       FILES(CONFIG,
		     "tunnel: 99999999-2222-3333-4444-555555555555\n"
		     "credentials-file: /c.json\n",
		     "/c.json", CREDENTIALS),
	       ZTT_STATUS_FAIL, "config.yml names 99999999-");
}

static void test_cert(void **state)
{
	(void)state;
	expect(ztt_check_engine_cert,
	       FILES("/etc/cloudflared/cert.pem", "nonsense"), ZTT_STATUS_FAIL,
	       "no PEM block");
}

static void test_token_on_a_command_line(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	put_process(&host, 7, "cloudflared tunnel run --token SEEN");
	finding = test_host_check(&host, ztt_check_engine_token);
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_null(strstr(finding.observed, "SEEN"));
	test_host_end(&host);
	expect(ztt_check_engine_token,
	       FILES(UNIT, "[Service]\nExecStart=/bin/cloudflared tunnel run "
			   "--token=SEEN\n"),
	       ZTT_STATUS_FAIL, "everybody can read it");
	expect(ztt_check_engine_token,
	       FILES(UNIT, "[Service]\nEnvironment=TUNNEL_TOKEN=SEEN\n"),
	       ZTT_STATUS_WARN, "Environment=");
	expect(ztt_check_engine_token,
	       FILES(UNIT, "[Service]\nExecStart=/bin/cloudflared tunnel run "
			   "--token-file /etc/cloudflared/token\n"),
	       ZTT_STATUS_OK, "in no command line");
}

static void test_config(void **state)
{
	(void)state;
	expect(ztt_check_engine_config, FILES(CONFIG, "a: [\n"),
	       ZTT_STATUS_FAIL, CONFIG ", line ");
	expect(ztt_check_engine_config, FILES(CONFIG, "protcol: http2\n"),
	       ZTT_STATUS_WARN, "did you mean protocol?");
	expect(ztt_check_engine_config, FILES(CONFIG, "max-active-flows: 10\n"),
	       ZTT_STATUS_WARN, "not read from a file");
	expect(ztt_check_engine_config, FILES(CONFIG, "tunnel: t\n"),
	       ZTT_STATUS_FAIL, "no credentials-file");
	expect(ztt_check_engine_config,
	       FILES(CONFIG, "tunnel: t\ncredentials-file: /c\n"),
	       ZTT_STATUS_OK, "tunnel t");
}

static void test_ingress(void **state)
{
	static const struct {
		const char *rules;
		enum ztt_status status;
		const char *observed;
	} cases[] = {
		{"[{service: 'http_status:404'}]", ZTT_STATUS_OK, "1 rule"},
		{"[{hostname: a, service: 'http://b'}]", ZTT_STATUS_FAIL,
		 "the last rule (line 1) is for a alone"},
		{"[{service: 'http://b'}, {service: 'http://c'}]",
		 ZTT_STATUS_FAIL, "matches everything, and 1 more follow"},
		{"[{hostname: a, service: 'http://b'}, {hostname: A, service: "
		 "'http://c'}, {service: bastion}]",
		 ZTT_STATUS_WARN, "never reached"},
		{"[{hostname: 'a.*.b', service: 'http://b'}, {service: x}]",
		 ZTT_STATUS_FAIL, "wildcard"},
		{"[{hostname: 'a:80', service: 'http://b'}, {service: "
		 "hello_world}]",
		 ZTT_STATUS_FAIL, "has a port"},
		{"[{service: 'localhost:80'}]", ZTT_STATUS_FAIL, "no scheme"},
		{"[{hostname: ''}]", ZTT_STATUS_FAIL, "without a service"},
		{"[{service: 'https://a', originRequest: {noTLSVerify: true}}]",
		 ZTT_STATUS_OK, "1 with noTLSVerify"},
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(text, sizeof(text), "ingress: %s\n", cases[i].rules);
		expect(ztt_check_engine_ingress, FILES(CONFIG, text),
		       cases[i].status, cases[i].observed);
	}
}

static void test_services_as_cloudflared_takes_them(void **state)
{
	static const struct {
		const char *text, *host;
		int rc;
		uint16_t port;
	} cases[] = {
		{"http://localhost:8080", "localhost", 0, 8080},
		{"https://a", "a", 0, 443},
		{"ssh://[::1]", "::1", 0, 22},
		{"tcp://a:5", "a", 0, 5},
		{"unix:/run/a.sock", "/run/a.sock", 0, 0},
		{"http://a/", NULL, -EINVAL, 0},
		{"http://", NULL, -EINVAL, 0},
		{"http://a:x", NULL, -EINVAL, 0},
		{"http://a:99999", NULL, -EINVAL, 0},
		{"http://[::1", NULL, -EINVAL, 0},
		{"http_status:99", NULL, -EINVAL, 0},
		{"unix:", NULL, -EINVAL, 0},
		{"", NULL, -EINVAL, 0},
	};
	struct ztt_origin_service service;
	char problem[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(ztt_origin_service_parse(cases[i].text,
							  &service, problem),
				 cases[i].rc);
		if (cases[i].rc == 0) {
			assert_string_equal(service.host, cases[i].host);
			assert_int_equal(service.port, cases[i].port);
		}
	}
}

static void test_services_are_connected_to(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, CONFIG,
		       "ingress:\n- {hostname: a, service: "
		       "'http://127.0.0.1:1'}\n- {hostname: b, service: "
		       "'unix:/nonexistent/s'}\n- service: http_status:404\n",
		       0644);
	finding = test_host_check(&host, ztt_check_engine_services);
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(finding.observed,
			       "http://127.0.0.1:1 (line 2): Connection "
			       "refused"));
	assert_non_null(strstr(finding.observed, "unix:/nonexistent/s"));
	test_host_end(&host);
}

static void test_dead_flags(void **state)
{
	(void)state;
	expect(ztt_check_engine_dead_flags,
	       FILES(CONFIG, "dial-edge-timeout: 5s\n", UNIT,
		     "[Service]\nExecStart=/c tunnel --compression-quality 3 "
		     "run\n"),
	       ZTT_STATUS_WARN, "dial-edge-timeout in config.yml");
	expect(ztt_check_engine_dead_flags, FILES(CONFIG, "protocol: quic\n"),
	       ZTT_STATUS_OK, "none");
}

static void test_unit(void **state)
{
	(void)state;
	expect(ztt_check_engine_unit, FILES(UNIT, "[Service]\nExecStart=/c\n"),
	       ZTT_STATUS_WARN, "not enabled");
	expect(ztt_check_engine_unit,
	       FILES(UNIT, "[Service]\nExecStart=/c\n",
		     "/sys/fs/cgroup/system.slice/x", ""),
	       ZTT_STATUS_FAIL, "does not run");
	expect(ztt_check_engine_unit, FILES(UNIT, ""), ZTT_STATUS_WARN,
	       "masked");
}

static void test_start_timeout(void **state)
{
	struct ztt_finding finding;

	(void)state;
	finding = found(ztt_check_engine_start_timeout,
			FILES(UNIT, "[Service]\nType=notify\n"
				    "TimeoutStartSec=15\n"));
	assert_int_equal(finding.status, ZTT_STATUS_WARN);
	assert_non_null(strstr(finding.advice, "TimeoutStartSec=300"));
	expect(ztt_check_engine_start_timeout,
	       FILES(UNIT, "[Service]\nType=notify\n"), ZTT_STATUS_WARN,
	       "90 (the default)");
	expect(ztt_check_engine_start_timeout,
	       FILES(UNIT, "[Service]\nType=notify\nTimeoutStartSec=15\n",
		     UNIT ".d/a.conf", "[Service]\nTimeoutStartSec=5min\n"),
	       ZTT_STATUS_OK, "300");
	expect(ztt_check_engine_start_timeout,
	       FILES(UNIT, "[Service]\nType=notify\nTimeoutStartSec=15\n",
		     CONFIG, "protocol: http2\n"),
	       ZTT_STATUS_OK, "http2");
	expect(ztt_check_engine_start_timeout,
	       FILES(UNIT, "[Service]\nType=notify\nTimeoutStartSec=180\n"),
	       ZTT_STATUS_WARN, "may kill it");
	expect(ztt_check_engine_start_timeout,
	       FILES(UNIT, "[Service]\nType=notify\nTimeoutStartSec=235\n"),
	       ZTT_STATUS_OK, "235");
	expect(ztt_check_engine_start_timeout, FILES(UNIT, "[Service]\n"),
	       ZTT_STATUS_OK, "Type=simple");
}

static void test_nofile(void **state)
{
	struct ztt_finding finding;
	struct test_host host;
	char path[64];

	(void)state;
	expect(ztt_check_engine_nofile,
	       FILES(UNIT, "[Service]\nLimitNOFILE=1024\n"), ZTT_STATUS_WARN,
	       "1024");
	expect(ztt_check_engine_nofile, FILES(UNIT, "[Service]\n"),
	       ZTT_STATUS_OK, "not set");
	test_host_begin(&host);
	put_process(&host, 7, "cloudflared tunnel run");
	test_host_file(&host, "/proc/7/limits",
		       "Max open files     10     10     files\n", 0644);
	for (int i = 0; i < 9; i++) {
		snprintf(path, sizeof(path), "/proc/7/fd/%d", i);
		test_host_file(&host, path, "", 0644);
	}
	finding = test_host_check(&host, ztt_check_engine_nofile);
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(finding.observed, "9 of 10"));
	test_host_end(&host);
}

static void test_shared(void **state)
{
	struct ztt_finding finding;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/a.json", CREDENTIALS, 0600);
	test_host_file(&host, "/b.json", CREDENTIALS, 0600);
	put_process(&host, 7,
		    "cloudflared tunnel --metrics :2000 --cred-file /a.json "
		    "run");
	put_process(&host, 8,
		    "cloudflared tunnel --metrics :2000 --cred-file /b.json "
		    "run");
	finding = test_host_check(&host, ztt_check_engine_shared);
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_non_null(
		strstr(finding.observed, "7 and 8 both run tunnel " TUNNEL));
	assert_non_null(strstr(finding.observed, "metrics address :2000"));
	test_host_end(&host);
}

static void test_ready_and_connections(void **state)
{
	static const char tunnel[] =
		"{\"tunnelID\":\"" TUNNEL "\",\"connections\":["
		"{\"isConnected\":true},{\"isConnected\":false,\"index\":1}]}";

	(void)state;
	expect(ztt_check_engine_ready,
	       FILES("/engine/ready.json",
		     "{\"status\":503,\"readyConnections\":0}"),
	       ZTT_STATUS_FAIL, "no connection");
	expect(ztt_check_engine_ready,
	       FILES("/engine/diag-tunnel.json", tunnel), ZTT_STATUS_OK,
	       "1 connection");
	expect(ztt_check_engine_connections,
	       FILES("/engine/diag-tunnel.json", tunnel), ZTT_STATUS_WARN,
	       "1 of 4");
	expect(ztt_check_engine_connections,
	       FILES("/engine/diag-tunnel.json", tunnel, CONFIG,
		     "ha-connections: 1\n", "/engine/metrics.txt",
		     "build_info{version=\"1\"} 1\n"
		     "cloudflared_tunnel_ha_connections 4\n"),
	       ZTT_STATUS_OK, "says 4");
	expect(ztt_check_engine_protocol,
	       FILES("/engine/diag-tunnel.json", tunnel), ZTT_STATUS_WARN,
	       "fallen back");
	expect(ztt_check_engine_protocol,
	       FILES("/engine/diag-tunnel.json", tunnel, CONFIG,
		     "protocol: http2\n"),
	       ZTT_STATUS_OK, "as configured");
}

static void test_prechecks(void **state)
{
	(void)state;
	expect(ztt_check_engine_prechecks,
	       FILES("/engine/prechecks.json",
		     "{\"Results\":[{\"Type\":0,\"ProbeStatus\":0},"
		     "{\"Type\":3,\"Component\":\"Cloudflare API\","
		     "\"Target\":\"t\",\"ProbeStatus\":1}]}"),
	       ZTT_STATUS_WARN, "Cloudflare API of t: failed");
	expect(ztt_check_engine_prechecks,
	       FILES("/engine/prechecks.json", "nonsense"), ZTT_STATUS_UNKNOWN,
	       "prechecks.json");
}

static void test_log_of_a_host_with_udp_blocked(void **state)
{
	static const char path[] =
		"tests/fixtures/cf-log-udp-blocked-fallback.txt";
	char text[32768];
	struct ztt_finding finding;
	FILE *file = fopen(path, "r");
	size_t len;

	(void)state;
	if (!file)
		skip();
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = 0;
	fclose(file);
	finding = found(ztt_check_engine_log, FILES(LOG, text));
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_int_equal(strncmp(finding.observed, "UDP 7844 gets no answer",
				 23),
			 0);
	assert_non_null(strstr(finding.observed, "2026-11-22T08:2"));
	assert_non_null(strstr(finding.advice, "--protocol http2"));
	expect(ztt_check_engine_auth, FILES(LOG, text), ZTT_STATUS_OK,
	       "no failed authentication");
}

static void test_auth(void **state)
{
	struct ztt_finding finding;

	(void)state;
	finding =
		found(ztt_check_engine_auth,
		      FILES(LOG, "2026-11-22T08:25:02Z ERR Register tunnel "
				 "error from server side error=\"Unauthorized: "
				 "Invalid tunnel secret\"\n"));
	assert_int_equal(finding.status, ZTT_STATUS_FAIL);
	assert_non_null(
		strstr(finding.observed, "(1 line, 2026-11-22T08:25:02Z)"));
	assert_null(strstr(finding.observed, "refuses the credentials"));
	expect(ztt_check_engine_auth,
	       FILES(LOG, "ERR Unauthorized: Invalid tunnel secret\n"
			  "INF Registered tunnel connection\n"),
	       ZTT_STATUS_WARN, "connected since");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_host_without_an_engine_skips_all),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_credentials_mode_and_text),
		cmocka_unit_test(
			test_mode_is_offered_only_for_what_is_a_secret),
		cmocka_unit_test(test_mode_does_not_lock_the_engine_out),
		cmocka_unit_test(
			test_without_a_config_that_can_be_read_it_is_unknown),
		cmocka_unit_test(
			test_names_and_passwords_of_services_are_hidden),
		cmocka_unit_test(test_credentials_missing_or_of_another_tunnel),
		cmocka_unit_test(test_cert),
		cmocka_unit_test(test_token_on_a_command_line),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_ingress),
		cmocka_unit_test(
			test_what_was_pasted_into_the_wrong_place_is_cut),
		cmocka_unit_test(test_services_as_cloudflared_takes_them),
		cmocka_unit_test(test_services_are_connected_to),
		cmocka_unit_test(test_dead_flags),
		cmocka_unit_test(test_unit),
		cmocka_unit_test(test_start_timeout),
		cmocka_unit_test(test_nofile),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_ready_and_connections),
		cmocka_unit_test(test_prechecks),
		cmocka_unit_test(test_log_of_a_host_with_udp_blocked),
		cmocka_unit_test(test_auth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
