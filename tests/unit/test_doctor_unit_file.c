/* engine/unit: systemd's files as systemd reads them. */
#include "doctor_root.h"

#include "ztt-doctor/engine/unit.h"

#define UNIT "/etc/systemd/system/cloudflared.service"

static void add(struct ztt_unit *unit, const char *text)
{
	char copy[2048];

	snprintf(copy, sizeof(copy), "%s", text);
	ztt_unit_add(unit, UNIT, 0644, copy);
}

static void begin(struct ztt_unit *unit)
{
	memset(unit, 0, sizeof(*unit));
	unit->files_max = ZTT_UNIT_NOT_SET;
}

static void test_the_vendors_unit(void **state)
{
	static struct ztt_unit unit;

	(void)state;
	begin(&unit);
	add(&unit,
	    "[Unit]\nDescription=cloudflared\nType=oneshot\n\n"
	    "[Service]\nTimeoutStartSec=15\nType=notify\n"
	    "ExecStart=/usr/bin/cloudflared --no-autoupdate --config "
	    "/etc/cloudflared/config.yml tunnel run\nRestart=on-failure\n"
	    "[Install]\nWantedBy=multi-user.target\n");
	assert_string_equal(unit.type, "notify");
	assert_int_equal(unit.start_timeout_ns, 15 * ZTT_NS_PER_S);
	assert_int_equal(unit.word_count, 6);
	assert_string_equal(unit.words[0], "/usr/bin/cloudflared");
	assert_string_equal(ztt_unit_flag(&unit, "--config"),
			    "/etc/cloudflared/config.yml");
	assert_true(unit.files_max == ZTT_UNIT_NOT_SET);
	ztt_unit_release(&unit);
}

static void test_quotes_continuations_and_prefixes(void **state)
{
	static struct ztt_unit unit;

	(void)state;
	begin(&unit);
	add(&unit, "[Service]\n# ExecStart=/no\n; x\n"
		   "ExecStart=-@/usr/bin/c 'a b' \\\n   \"c \\\" d\" e\n");
	assert_int_equal(unit.word_count, 4);
	assert_string_equal(unit.words[0], "/usr/bin/c");
	assert_string_equal(unit.words[1], "a b");
	assert_string_equal(unit.words[2], "c \" d");
	assert_string_equal(unit.words[3], "e");
	ztt_unit_release(&unit);
}

static void test_time_spans(void **state)
{
	static const struct {
		const char *line;
		uint64_t ns;
	} cases[] = {
		{"TimeoutStartSec=90", 90 * ZTT_NS_PER_S},
		{"TimeoutSec=2min 30s", 150 * ZTT_NS_PER_S},
		{"TimeoutStartSec=5 m", 300 * ZTT_NS_PER_S},
		{"TimeoutStartSec=500ms", 500 * ZTT_NS_PER_MS},
		{"TimeoutStartSec=infinity", ZTT_NEVER},
		{"TimeoutStartSec=0", ZTT_NEVER},
		{"TimeoutStartSec=soon", 0},
		{"TimeoutStartSec=", 0},
	};
	static struct ztt_unit unit;
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(&unit);
		snprintf(text, sizeof(text), "[Service]\n%s\n", cases[i].line);
		add(&unit, text);
		assert_true(unit.start_timeout_ns == cases[i].ns);
		ztt_unit_release(&unit);
	}
}

static void test_dropins_come_in_order_and_hide_each_other(void **state)
{
	static struct ztt_unit unit;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/lib/systemd/system/cloudflared.service",
		       "[Service]\nUser=lib\nType=notify\n", 0644);
	test_host_file(&host, UNIT, "[Service]\nUser=etc\nType=notify\n", 0640);
	test_host_file(&host, UNIT ".d/50-b.conf",
		       "[Service]\nLimitNOFILE=1000:2000\nUser=b\n", 0644);
	test_host_file(&host, UNIT ".d/10-a.conf", "[Service]\nUser=a\n", 0644);
	test_host_file(&host, UNIT ".d/README", "[Service]\nUser=no\n", 0644);
	test_host_file(&host,
		       "/lib/systemd/system/cloudflared.service.d/50-b.conf",
		       "[Service]\nUser=hidden\n", 0644);
	ztt_unit_read(&host.doctor, &unit);
	assert_int_equal(unit.rc, 0);
	assert_string_equal(unit.path, UNIT);
	assert_string_equal(unit.user, "b");
	assert_int_equal(unit.files_max, 1000);
	assert_int_equal(unit.dropin_count, 2);
	assert_false(unit.enabled);
	assert_false(unit.active_known);
	ztt_unit_release(&unit);
	test_host_end(&host);
}

static void test_enabled_and_active_are_seen(void **state)
{
	static struct ztt_unit unit;
	struct test_host host;
	char path[256];

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, UNIT, "[Service]\nType=notify\n", 0644);
	test_host_file(&host,
		       "/etc/systemd/system/multi-user.target.wants/other", "",
		       0644);
	snprintf(path, sizeof(path),
		 "%s/etc/systemd/system/multi-user.target.wants/"
		 "cloudflared.service",
		 host.dir);
	assert_int_equal(symlink(UNIT, path), 0);
	test_host_file(&host,
		       "/sys/fs/cgroup/system.slice/cloudflared.service/"
		       "cgroup.procs",
		       "123\n", 0644);
	ztt_unit_read(&host.doctor, &unit);
	assert_true(unit.enabled);
	assert_true(unit.active_known);
	assert_true(unit.active);
	ztt_unit_release(&unit);
	test_host_end(&host);
}

static void test_no_unit_and_names_with_a_path(void **state)
{
	static struct ztt_unit unit;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	ztt_unit_read(&host.doctor, &unit);
	assert_int_equal(unit.rc, -ENOENT);
	assert_string_equal(unit.name, "cloudflared.service");
	host.doctor.plan.unit = "../../etc/passwd";
	ztt_unit_read(&host.doctor, &unit);
	assert_int_equal(unit.rc, -ENOENT);
	test_host_end(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_vendors_unit),
		cmocka_unit_test(test_quotes_continuations_and_prefixes),
		cmocka_unit_test(test_time_spans),
		cmocka_unit_test(
			test_dropins_come_in_order_and_hide_each_other),
		cmocka_unit_test(test_enabled_and_active_are_seen),
		cmocka_unit_test(test_no_unit_and_names_with_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
