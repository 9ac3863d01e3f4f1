/* engine/config: config.yml as cloudflared reads it, and where it is. */
#include "doctor_root.h"

#include "ztt-doctor/engine/config.h"

static void parse(const char *text, struct ztt_config *ret)
{
	ztt_config_parse(text, strlen(text), ret);
}

static void test_reads_what_matters(void **state)
{
	struct ztt_config config;

	(void)state;
	parse("tunnel: abc\n"
	      "credentials-file: /etc/c.json\n"
	      "protocol: http2\n"
	      "edge: [a, 'b']\n"
	      "originRequest: {connectTimeout: 5s}\n"
	      "ingress:\n"
	      "  - hostname: a.example\n"
	      "    path: /x\n"
	      "    service: https://localhost:1\n"
	      "    originRequest: {noTLSVerify: true}\n"
	      "  - service: http_status:404\n",
	      &config);
	assert_int_equal(config.rc, 0);
	assert_string_equal(config.tunnel, "abc");
	assert_string_equal(config.credentials_file, "/etc/c.json");
	assert_string_equal(ztt_config_value(&config, "protocol"), "http2");
	assert_string_equal(ztt_config_value(&config, "edge"), "a,b");
	assert_null(ztt_config_value(&config, "metrics"));
	assert_int_equal(config.rule_count, 2);
	assert_string_equal(config.rules[0].hostname, "a.example");
	assert_string_equal(config.rules[0].path, "/x");
	assert_true(config.rules[0].no_tls_verify);
	assert_null(config.rules[1].hostname);
	assert_int_equal(config.rules[1].line, 11);
	assert_int_equal(config.unknown_count, 0);
	ztt_config_release(&config);
}

static void test_unknown_keys_come_with_the_nearest(void **state)
{
	struct ztt_config config;

	(void)state;
	parse("ingres: 1\nprotcol: quic\nwarp-routing: {zzz: 1}\n"
	      "ingress: [{servce: x}]\n",
	      &config);
	assert_int_equal(config.rc, 0);
	assert_int_equal(config.unknown_count, 4);
	assert_string_equal(config.unknown[0],
			    "ingres (line 1; did you mean ingress?)");
	assert_string_equal(config.unknown[1],
			    "protcol (line 2; did you mean protocol?)");
	assert_string_equal(config.unknown[2], "zzz (line 3)");
	assert_string_equal(config.unknown[3],
			    "servce (line 4; did you mean service?)");
	ztt_config_release(&config);
}

static void test_broken_files_name_the_line(void **state)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{"a: b\nc: [1\n", "line 3: "},
		{"tunnel: a\ntunnel: b\n", "line 2: tunnel is given twice"},
		{"ingress: [{service: a}]\ningress: [{service: b}]\n",
		 "line 2: ingress is given twice"},
		{"ingress: 5\n", "line 1: ingress is expected"},
		{"just a text", "line 1: the file is expected"},
		{"tunnel: [a]\n", "line 1: a text is expected"},
		{"\xff\xfe\x01", "line 1: "},
	};
	struct ztt_config config;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		parse(cases[i].text, &config);
		assert_int_equal(config.rc, -EBADMSG);
		assert_int_equal(strncmp(config.problem, cases[i].problem,
					 strlen(cases[i].problem)),
				 0);
		ztt_config_release(&config);
	}
}

static void test_depth_and_size_are_bounded(void **state)
{
	struct ztt_config config;
	size_t len = ZTT_CONFIG_BYTES_MAX + 1;
	char *text = malloc(len);

	(void)state;
	assert_non_null(text);
	memset(text, '[', len);
	ztt_config_parse(text, 5000, &config);
	assert_int_equal(config.rc, -EBADMSG);
	ztt_config_release(&config);
	memcpy(text, "a: ", 3);
	ztt_config_parse(text, 5000, &config);
	assert_non_null(strstr(config.problem, "levels deep"));
	ztt_config_release(&config);
	memset(text, '\n', len);
	ztt_config_parse(text, len, &config);
	assert_non_null(strstr(config.problem, "longer than"));
	ztt_config_release(&config);
	free(text);
}

static void test_aliases_are_never_followed(void **state)
{
	struct ztt_config config;

	(void)state;
	parse("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
	      "d: &s {service: http://h}\n"
	      "ingress:\n  - *s\n  - {<<: *s, hostname: h}\n",
	      &config);
	assert_int_equal(config.rc, 0);
	assert_int_equal(config.rule_count, 2);
	assert_null(config.rules[0].service);
	assert_true(config.rules[0].aliased);
	assert_true(config.rules[1].aliased);
	assert_string_equal(config.rules[1].hostname, "h");
	ztt_config_release(&config);
}

static void test_an_empty_file_is_no_error(void **state)
{
	struct ztt_config config;

	(void)state;
	parse("", &config);
	assert_int_equal(config.rc, 0);
	ztt_config_release(&config);
	parse("# nothing\n---\n", &config);
	assert_int_equal(config.rc, 0);
	assert_false(config.has_ingress);
	ztt_config_release(&config);
}

static void test_the_first_of_the_search_counts(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/etc/cloudflared/config.yml", "tunnel: etc\n",
		       0644);
	test_host_file(&host, "/root/.cloudflared/config.yaml",
		       "tunnel: root\n", 0644);
	assert_string_equal(ztt_config(&host.doctor)->tunnel, "root");
	assert_string_equal(ztt_config(&host.doctor)->path,
			    "/root/.cloudflared/config.yaml");
	test_host_end(&host);
}

static void test_the_unit_names_it_before_the_search(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/etc/cloudflared/config.yml", "tunnel: etc\n",
		       0644);
	test_host_file(&host, "/srv/c.yml", "tunnel: unit\n", 0644);
	test_host_file(&host, "/etc/systemd/system/cloudflared.service",
		       "[Service]\nExecStart=/usr/bin/cloudflared --config "
		       "/srv/c.yml tunnel run\n",
		       0644);
	assert_string_equal(ztt_config(&host.doctor)->tunnel, "unit");
	test_host_end(&host);
}

static void test_a_named_file_that_is_missing_is_no_other(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	host.doctor.plan.config = "/none.yml";
	test_host_file(&host, "/etc/cloudflared/config.yml", "tunnel: etc\n",
		       0644);
	assert_int_equal(ztt_config(&host.doctor)->rc, -ENOENT);
	assert_string_equal(ztt_config(&host.doctor)->path, "/none.yml");
	test_host_end(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_matters),
		cmocka_unit_test(test_unknown_keys_come_with_the_nearest),
		cmocka_unit_test(test_broken_files_name_the_line),
		cmocka_unit_test(test_depth_and_size_are_bounded),
		cmocka_unit_test(test_aliases_are_never_followed),
		cmocka_unit_test(test_an_empty_file_is_no_error),
		cmocka_unit_test(test_the_first_of_the_search_counts),
		cmocka_unit_test(test_the_unit_names_it_before_the_search),
		cmocka_unit_test(test_a_named_file_that_is_missing_is_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
