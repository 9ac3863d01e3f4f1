#include "doctor_root.h"

#include "doctor_tls_peer.h"

#include "ztt-doctor/check.h"

#include <fcntl.h>

#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#define DAY_S 86400L

static struct test_host host;
static struct test_tls_peer peer;

static int begin(void **state)
{
	(void)state;
	test_host_begin(&host);
	test_tls_begin(&peer, "probe.cftunnel.com", -DAY_S, DAY_S, NULL);
	return 0;
}

static int end(void **state)
{
	(void)state;
	test_tls_end(&peer);
	test_host_end(&host);
	return 0;
}

static void without_a_bundle_it_fails(void **state)
{
	(void)state;
	assert_int_equal(test_host_check(&host, ztt_check_ca_bundle).status,
			 ZTT_STATUS_FAIL);
	assert_int_equal(test_host_check(&host, ztt_check_ca_age).status,
			 ZTT_STATUS_FAIL);
}

static void certificates_are_counted(void **state)
{
	char text[2 * sizeof(peer.pem) + 64];
	struct ztt_finding found;

	(void)state;
	snprintf(text, sizeof(text), "# one\n%s\n# two\n%s", peer.pem,
		 peer.pem);
	test_host_file(&host, "/etc/pki/tls/certs/ca-bundle.crt", text, 0644);
	found = test_host_check(&host, ztt_check_ca_bundle);
	assert_int_equal(found.status, ZTT_STATUS_OK);
	assert_string_equal(found.observed, "/etc/pki/tls/certs/ca-bundle.crt: "
					    "2 certificates");
}

static void what_is_no_certificate_is_told(void **state)
{
	char text[sizeof(peer.pem) + 256];
	struct ztt_finding found;

	(void)state;
	snprintf(text, sizeof(text),
		 "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
		 "\n%s-----BEGIN CERTIFICATE-----\nAAAA",
		 peer.pem);
	test_host_file(&host, BUNDLE, text, 0644);
	found = test_host_check(&host, ztt_check_ca_bundle);
	assert_int_equal(found.status, ZTT_STATUS_WARN);
	assert_non_null(strstr(found.observed, "1 certificates; 2 that"));
}

static void a_bundle_without_any_certificate_fails(void **state)
{
	(void)state;
	test_host_file(&host, BUNDLE, "nothing\n", 0644);
	assert_int_equal(test_host_check(&host, ztt_check_ca_bundle).status,
			 ZTT_STATUS_FAIL);
	test_host_file(&host, BUNDLE, "", 0644);
	assert_int_equal(test_host_check(&host, ztt_check_ca_bundle).status,
			 ZTT_STATUS_FAIL);
}

static void a_bundle_that_is_no_file_is_unknown(void **state)
{
	(void)state;
	test_host_file(&host, BUNDLE "/x", "", 0644);
	assert_int_equal(test_host_check(&host, ztt_check_ca_bundle).status,
			 ZTT_STATUS_UNKNOWN);
}

static void an_old_bundle_is_a_warning(void **state)
{
	struct timespec times[2] = {{.tv_sec = time(NULL) - 1000 * DAY_S},
				    {.tv_sec = time(NULL) - 1000 * DAY_S}};
	struct ztt_finding found;
	char path[256];

	(void)state;
	test_host_file(&host, BUNDLE, peer.pem, 0644);
	found = test_host_check(&host, ztt_check_ca_age);
	assert_string_equal(found.observed,
			    "renewed 0 days ago, 0 of 1 certificates expired");
	assert_int_equal(found.status, ZTT_STATUS_OK);
	snprintf(path, sizeof(path), "%s" BUNDLE, host.dir);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	found = test_host_check(&host, ztt_check_ca_age);
	assert_int_equal(found.status, ZTT_STATUS_WARN);
	assert_non_null(strstr(found.observed, "1000 days ago"));
	/* The package was renewed, and had nothing to change in the bundle. */
	test_host_file(&host, "/var/lib/dpkg/info/ca-certificates.list", "",
		       0644);
	assert_int_equal(test_host_check(&host, ztt_check_ca_age).status,
			 ZTT_STATUS_OK);
}

static void an_age_that_is_none_is_unknown(void **state)
{
	struct timespec times[2] = {{.tv_sec = time(NULL) + 9 * DAY_S},
				    {.tv_sec = time(NULL) + 9 * DAY_S}};
	char path[256];

	(void)state;
	test_host_file(&host, BUNDLE, "no certificate\n", 0644);
	assert_int_equal(test_host_check(&host, ztt_check_ca_age).status,
			 ZTT_STATUS_UNKNOWN);
	test_host_file(&host, BUNDLE, peer.pem, 0644);
	snprintf(path, sizeof(path), "%s" BUNDLE, host.dir);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_int_equal(test_host_check(&host, ztt_check_ca_age).status,
			 ZTT_STATUS_UNKNOWN);
}

/* The edge's certificate, by the roots of --cacert. */
static struct ztt_finding check_edge(const char *pem)
{
	char file[256];

	test_host_file(&host, "/roots.pem", pem, 0644);
	snprintf(file, sizeof(file), "%s/roots.pem", host.dir);
	host.doctor.plan.ca_file = file;
	host.doctor.plan.edge = peer.text;
	return test_host_check(&host, ztt_check_ca_edge);
}

static void an_edge_of_a_known_authority_is_ok(void **state)
{
	struct ztt_finding found = check_edge(peer.pem);

	(void)state;
	assert_int_equal(found.status, ZTT_STATUS_OK);
	assert_non_null(strstr(found.observed, "issuer 'Test Authority'"));
}

static void an_edge_of_another_authority_fails_with_its_name(void **state)
{
	static struct test_tls_peer other;
	struct ztt_finding found;

	(void)state;
	test_tls_begin(&other, "probe.cftunnel.com", -DAY_S, DAY_S, NULL);
	found = check_edge(other.pem);
	test_tls_end(&other);
	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(found.observed, "'Test Authority'"));
}

static void roots_that_cannot_be_read_leave_it_unknown(void **state)
{
	(void)state;
	assert_int_equal(check_edge("nothing").status, ZTT_STATUS_UNKNOWN);
}

/* cloudflared's roots are texts within its program. */
static void an_authority_that_nobody_knows_is_interception(void **state)
{
	static struct test_tls_peer other;
	struct ztt_finding found;
	char file[256];

	(void)state;
	host.doctor.plan.edge = peer.text;
	test_tls_begin(&other, "probe.cftunnel.com", -DAY_S, DAY_S, NULL);
	test_host_file(&host, "/cloudflared", other.pem, 0755);
	test_tls_end(&other);
	snprintf(file, sizeof(file), "%s/cloudflared", host.dir);
	host.doctor.plan.engine_path = file;
	found = test_host_check(&host, ztt_check_ca_edge);
	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	assert_non_null(strstr(found.observed, "TLS interception?"));
	assert_non_null(strstr(found.observed, "'Test Authority'"));
}

static void the_engines_own_roots_are_enough(void **state)
{
	struct ztt_finding found;
	char file[256];

	(void)state;
	host.doctor.plan.edge = peer.text;
	test_host_file(&host, "/cloudflared", peer.pem, 0755);
	snprintf(file, sizeof(file), "%s/cloudflared", host.dir);
	host.doctor.plan.engine_path = file;
	found = test_host_check(&host, ztt_check_ca_edge);
	assert_int_equal(found.status, ZTT_STATUS_OK);
	assert_non_null(strstr(found.observed, "cloudflared's own roots"));
}

static void without_an_engine_a_stranger_is_unknown(void **state)
{
	struct ztt_finding found;

	(void)state;
	host.doctor.plan.edge = peer.text;
	host.doctor.plan.engine_path = "/nowhere/cloudflared";
	found = test_host_check(&host, ztt_check_ca_edge);
	assert_int_equal(found.status, ZTT_STATUS_UNKNOWN);
	assert_non_null(strstr(found.advice, "--engine-path"));
}

static struct ztt_finding check_edge_of(const char *name, long from_s,
					long to_s)
{
	struct ztt_finding found;

	test_tls_end(&peer);
	test_tls_begin(&peer, name, from_s, to_s, NULL);
	ztt_facts_free(host.doctor.facts);
	host.doctor.facts = ztt_facts_new();
	found = check_edge(peer.pem);
	assert_int_equal(found.status, ZTT_STATUS_FAIL);
	return found;
}

static void an_expired_certificate_is_told_from_interception(void **state)
{
	struct ztt_finding found =
		check_edge_of("probe.cftunnel.com", -2 * DAY_S, -DAY_S);

	(void)state;
	assert_non_null(strstr(found.observed, "is expired by this clock"));
	found = check_edge_of("probe.cftunnel.com", DAY_S, 2 * DAY_S);
	assert_non_null(strstr(found.observed, "is not valid yet"));
}

static void a_certificate_of_another_name_is_told(void **state)
{
	struct ztt_finding found =
		check_edge_of("gateway.example", -DAY_S, DAY_S);

	(void)state;
	assert_non_null(strstr(found.observed, "for another name"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_bundle_it_fails),
		TEST(certificates_are_counted),
		TEST(what_is_no_certificate_is_told),
		TEST(a_bundle_without_any_certificate_fails),
		TEST(a_bundle_that_is_no_file_is_unknown),
		TEST(an_old_bundle_is_a_warning),
		TEST(an_age_that_is_none_is_unknown),
		TEST(an_edge_of_a_known_authority_is_ok),
		TEST(an_edge_of_another_authority_fails_with_its_name),
		TEST(roots_that_cannot_be_read_leave_it_unknown),
		TEST(an_authority_that_nobody_knows_is_interception),
		TEST(the_engines_own_roots_are_enough),
		TEST(without_an_engine_a_stranger_is_unknown),
		TEST(an_expired_certificate_is_told_from_interception),
		TEST(a_certificate_of_another_name_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
