/* bundle: the zip of `cloudflared tunnel diag`, and what is none. */
#define _GNU_SOURCE
#include "doctor_root.h"

#include <fcntl.h>
#include <zip.h>

#include "common/err.h"
#include "ztt-doctor/bundle.h"
#include "ztt-doctor/check.h"

#define BUNDLE "tests/fixtures/cf-diag.zip"

static char dir[] = "/tmp/ztt-bundle.XXXXXX";

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const void *data, size_t len)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	fclose(file);
}

static void add(zip_t *zip, const char *name, const void *data, size_t len,
		const char *password)
{
	zip_source_t *source = zip_source_buffer(zip, data, len, 0);
	zip_int64_t index = zip_file_add(zip, name, source, 0);

	assert_true(index >= 0);
	if (password && zip_file_set_encryption(zip, (zip_uint64_t)index,
						ZIP_EM_AES_256, password) < 0) {
		zip_discard(zip);
		skip();
	}
}

static zip_t *begin_zip(const char *name)
{
	zip_t *zip = zip_open(path_of(name), ZIP_CREATE | ZIP_TRUNCATE, NULL);

	assert_non_null(zip);
	return zip;
}

static void refused(const char *name, int rc, const char *why)
{
	struct ztt_root *root;
	struct ztt_err err;

	assert_int_equal(ztt_bundle_open(path_of(name), &root, &err), rc);
	assert_non_null(strstr(err.text, why));
	assert_null(strchr(err.text, '\n'));
}

static void test_a_real_bundle_becomes_files(void **state)
{
	struct ztt_root *root;
	char text[4096], *data;
	uint64_t value;
	size_t len;

	(void)state;
	if (access(BUNDLE, R_OK) < 0)
		skip();
	assert_int_equal(ztt_bundle_open(BUNDLE, &root, NULL), 0);
	assert_int_equal(ztt_root_kind(root), ZTT_ROOT_BUNDLE);
	assert_int_equal(ztt_root_text(root, "/proc/meminfo", text,
				       sizeof(text), NULL),
			 0);
	assert_non_null(strstr(text, "MemTotal:       24683656 kB"));
	assert_non_null(strstr(text, "MemAvailable:"));
	assert_int_equal(ztt_root_uint(root, "/proc/sys/fs/file-nr", &value),
			 0);
	assert_int_equal(value, 598);
	assert_int_equal(ztt_root_load(root, "/engine/metrics.txt", 1 << 20,
				       &data, &len),
			 0);
	assert_non_null(strstr(data, "build_info{"));
	free(data);
	assert_int_equal(ztt_root_load(root, "/engine/log.txt", 1 << 20, &data,
				       &len),
			 0);
	free(data);
	ztt_root_free(root);
}

static void test_its_checks_are_answered(void **state)
{
	static const struct {
		void (*run)(struct ztt_doctor *, struct ztt_finding *);
		enum ztt_status status;
		const char *observed;
	} cases[] = {
		{ztt_check_engine_ready, ZTT_STATUS_OK, "4 connections"},
		{ztt_check_engine_connections, ZTT_STATUS_OK, "4 of 4"},
		{ztt_check_engine_protocol, ZTT_STATUS_OK, "QUIC"},
		{ztt_check_engine_prechecks, ZTT_STATUS_FAIL,
		 "DNS Resolution of region1.v2.argotunnel.com"},
		{ztt_check_engine_auth, ZTT_STATUS_OK, "no failed"},
		{ztt_check_engine_log, ZTT_STATUS_WARN, "SRV records"},
	};
	struct ztt_doctor doctor = {.deadline_ns = ZTT_NEVER};
	struct ztt_root *root;

	(void)state;
	if (access(BUNDLE, R_OK) < 0)
		skip();
	assert_int_equal(ztt_bundle_open(BUNDLE, &root, NULL), 0);
	doctor.root = root;
	doctor.facts = ztt_facts_new();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ztt_finding finding;

		memset(&finding, 0, sizeof(finding));
		cases[i].run(&doctor, &finding);
		assert_int_equal(finding.status, cases[i].status);
		assert_non_null(strstr(finding.observed, cases[i].observed));
	}
	ztt_facts_free(doctor.facts);
	ztt_root_free(root);
}

static void test_what_is_no_zip_is_told(void **state)
{
	struct ztt_root *root;
	struct ztt_err err;

	(void)state;
	refused("none.zip", -ENOENT, "No such file");
	write_file("text.zip", "hello\n", 6);
	refused("text.zip", -EPROTO, "no zip");
	write_file("empty.zip", "", 0);
	refused("empty.zip", -EPROTO, "");
	assert_int_equal(mkfifo(path_of("fifo.zip"), 0600), 0);
	refused("fifo.zip", -EPROTO, "no file");
	assert_int_equal(ztt_bundle_open(dir, &root, &err), -EPROTO);
}

static void test_every_truncation_is_refused_or_read(void **state)
{
	char data[16384];
	FILE *file = fopen(BUNDLE, "r");
	size_t len;

	(void)state;
	if (!file)
		skip();
	len = fread(data, 1, sizeof(data), file);
	fclose(file);
	for (size_t cut = 1; cut < len; cut += 97) {
		struct ztt_root *root;
		struct ztt_err err;

		write_file("cut.zip", data, len - cut);
		assert_true(ztt_bundle_open(path_of("cut.zip"), &root, &err) <
			    0);
		data[cut] = (char)(data[cut] ^ 0x41);
		write_file("bad.zip", data, len);
		if (ztt_bundle_open(path_of("bad.zip"), &root, &err) == 0)
			ztt_root_free(root);
		data[cut] = (char)(data[cut] ^ 0x41);
	}
}

static void test_an_encrypted_one_is_refused(void **state)
{
	zip_t *zip = begin_zip("secret.zip");

	(void)state;
	add(zip, "metrics.txt", "x", 1, "password");
	assert_int_equal(zip_close(zip), 0);
	refused("secret.zip", -EPROTO, "encrypted");
}

static void test_a_bomb_is_refused(void **state)
{
	size_t len = 65 * 1024 * 1024;
	char *zeros = calloc(1, len);
	zip_t *zip = begin_zip("bomb.zip");

	(void)state;
	assert_non_null(zeros);
	add(zip, "cloudflared_logs.txt", zeros, len, NULL);
	assert_int_equal(zip_close(zip), 0);
	refused("bomb.zip", -EFBIG, "longer than");
	zip = begin_zip("bomb2.zip");
	add(zip, "metrics.txt", zeros, 5 * 1024 * 1024, NULL);
	assert_int_equal(zip_close(zip), 0);
	free(zeros);
	refused("bomb2.zip", -EFBIG, "metrics.txt");
}

static void test_one_broken_entry_does_not_lose_the_bundle(void **state)
{
	static const char log[] = "2026-11-22T08:25:02Z INF hello\n";
	size_t len = 5 * 1024 * 1024;
	char *zeros = calloc(1, len);
	zip_t *zip = begin_zip("part.zip");
	struct ztt_doctor doctor = {.deadline_ns = ZTT_NEVER};
	struct ztt_finding finding = {0};
	char text[64], *data;
	bool cut;

	(void)state;
	assert_non_null(zeros);
	add(zip, "metrics.txt", zeros, len, NULL);
	add(zip, "systeminformation.json", "{}", 2, "password");
	add(zip, "cloudflared_logs.txt", log, sizeof(log) - 1, NULL);
	assert_int_equal(zip_close(zip), 0);
	free(zeros);
	assert_int_equal(ztt_bundle_open(path_of("part.zip"),
					 (struct ztt_root **)&doctor.root,
					 NULL),
			 0);
	assert_int_equal(ztt_root_load(doctor.root, "/engine/metrics.txt",
				       1 << 20, &data, &len),
			 -EFBIG);
	assert_int_equal(ztt_root_text(doctor.root, "/proc/meminfo", text,
				       sizeof(text), NULL),
			 -ENOKEY);
	assert_int_equal(ztt_root_tail(doctor.root, "/engine/log.txt", 100,
				       &data, &len, &cut),
			 0);
	free(data);
	doctor.facts = ztt_facts_new();
	ztt_check_engine_ready(&doctor, &finding);
	assert_int_equal(finding.status, ZTT_STATUS_UNKNOWN);
	assert_non_null(
		strstr(finding.observed, "/engine/metrics.txt: longer"));
	memset(&finding, 0, sizeof(finding));
	ztt_check_memory_available(&doctor, &finding);
	assert_int_equal(finding.status, ZTT_STATUS_UNKNOWN);
	assert_non_null(strstr(finding.observed, "/proc/meminfo: encrypted"));
	memset(&finding, 0, sizeof(finding));
	ztt_check_engine_version(&doctor, &finding);
	assert_int_equal(finding.status, ZTT_STATUS_UNKNOWN);
	ztt_facts_free(doctor.facts);
	ztt_root_free((struct ztt_root *)doctor.root);
}

/* A byte of the compressed data is another: the checksum is wrong. */
static void test_an_entry_with_a_wrong_checksum_is_broken(void **state)
{
	zip_t *zip = begin_zip("sum.zip");
	struct ztt_root *root;
	char data[4096], text[64], *at;
	size_t len;
	FILE *file;

	(void)state;
	add(zip, "metrics.txt", "ab", 2, NULL);
	add(zip, "prechecks.json", "find-me", 7, NULL);
	zip_set_file_compression(zip, 1, ZIP_CM_STORE, 0);
	assert_int_equal(zip_close(zip), 0);
	file = fopen(path_of("sum.zip"), "r");
	assert_non_null(file);
	len = fread(data, 1, sizeof(data), file);
	fclose(file);
	at = memmem(data, len, "find-me", 7);
	assert_non_null(at);
	*at = 'F';
	write_file("sum.zip", data, len);
	assert_int_equal(ztt_bundle_open(path_of("sum.zip"), &root, NULL), 0);
	assert_int_equal(ztt_root_text(root, "/engine/metrics.txt", text,
				       sizeof(text), NULL),
			 0);
	assert_int_equal(ztt_root_text(root, "/engine/prechecks.json", text,
				       sizeof(text), NULL),
			 -EBADMSG);
	ztt_root_free(root);
}

static void test_without_its_settings_connections_are_not_judged(void **state)
{
	static const char tunnel[] =
		"{\"tunnelID\":\"a\",\"connections\":[{\"isConnected\":true,\"protocol\":1,"
		"\"edgeAddress\":\"198.51.100.1\"}]}";
	struct ztt_doctor doctor = {.deadline_ns = ZTT_NEVER};
	struct ztt_root *root = ztt_root_new_bundle();
	struct ztt_finding finding = {0};

	(void)state;
	ztt_root_put(root, "/engine/diag-tunnel.json", tunnel,
		     sizeof(tunnel) - 1);
	ztt_root_put_broken(root, "/engine/cli-configuration.json", -EBADMSG);
	doctor.root = root;
	doctor.facts = ztt_facts_new();
	ztt_check_engine_protocol(&doctor, &finding);
	assert_int_equal(finding.status, ZTT_STATUS_UNKNOWN);
	assert_non_null(strstr(finding.observed,
			       "/engine/cli-configuration.json: broken"));
	ztt_facts_free(doctor.facts);
	ztt_root_free(root);
}

static void test_unknown_names_are_left_out(void **state)
{
	zip_t *zip = begin_zip("other.zip");

	(void)state;
	add(zip, "../../etc/passwd", "x", 1, NULL);
	add(zip, "heap.pprof", "x", 1, NULL);
	assert_int_equal(zip_close(zip), 0);
	refused("other.zip", -EPROTO, "nothing in it is of cloudflared");
}

static int begin(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int end(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_real_bundle_becomes_files),
		cmocka_unit_test(test_its_checks_are_answered),
		cmocka_unit_test(test_what_is_no_zip_is_told),
		cmocka_unit_test(test_every_truncation_is_refused_or_read),
		cmocka_unit_test(test_an_encrypted_one_is_refused),
		cmocka_unit_test(test_a_bomb_is_refused),
		cmocka_unit_test(
			test_one_broken_entry_does_not_lose_the_bundle),
		cmocka_unit_test(test_an_entry_with_a_wrong_checksum_is_broken),
		cmocka_unit_test(
			test_without_its_settings_connections_are_not_judged),
		cmocka_unit_test(test_unknown_names_are_left_out),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
