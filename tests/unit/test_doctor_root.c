#define _GNU_SOURCE
#include "tests/unit/doctor_root.h"

#include <fcntl.h>

#include "common/err.h"

static void reads_a_text_without_its_last_newlines(void **state)
{
	struct test_host host;
	char text[16];
	size_t len;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/proc/one", "two\n\n", 0644);
	assert_int_equal(ztt_root_text(host.root, "/proc/one", text,
				       sizeof(text), &len),
			 0);
	assert_string_equal(text, "two");
	assert_int_equal(len, 3);
	assert_int_equal(ztt_root_text(host.root, "/proc/two", text,
				       sizeof(text), NULL),
			 -ENOENT);
	assert_int_equal(ztt_root_text(host.root, "/proc", text, sizeof(text),
				       NULL),
			 -EISDIR);
	test_host_end(&host);
}

static void a_text_that_does_not_fit_is_refused(void **state)
{
	struct test_host host;
	char text[8];

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/seven", "1234567", 0644);
	test_host_file(&host, "/eight", "12345678", 0644);
	assert_int_equal(ztt_root_text(host.root, "/seven", text, sizeof(text),
				       NULL),
			 0);
	assert_int_equal(ztt_root_text(host.root, "/eight", text, sizeof(text),
				       NULL),
			 -EFBIG);
	test_host_end(&host);
}

static void reads_a_part_from_the_middle(void **state)
{
	struct ztt_root *bundle = ztt_root_new_bundle();
	struct test_host host;
	char part[8];

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/seven", "1234567", 0644);
	ztt_root_put(bundle, "/seven", "1234567", 7);
	for (int i = 0; i < 2; i++) {
		const struct ztt_root *root = i ? bundle : host.root;

		assert_int_equal(ztt_root_read_at(root, "/seven", 2, part, 3),
				 3);
		assert_memory_equal(part, "345", 3);
		assert_int_equal(ztt_root_read_at(root, "/seven", 5, part, 8),
				 2);
		assert_memory_equal(part, "67", 2);
		assert_int_equal(ztt_root_read_at(root, "/seven", 7, part, 8),
				 0);
		assert_int_equal(ztt_root_read_at(root, "/seven", UINT64_MAX,
						  part, 8),
				 0);
		assert_int_equal(ztt_root_read_at(root, "/eight", 0, part, 8),
				 -ENOENT);
	}
	assert_int_equal(ztt_root_read_at(host.root, "/", 0, part, 8), -EISDIR);
	ztt_root_free(bundle);
	test_host_end(&host);
}

static void binary_data_are_no_text(void **state)
{
	struct test_host host;
	char full[128], text[8], *data;
	size_t len;
	FILE *file;

	(void)state;
	test_host_begin(&host);
	snprintf(full, sizeof(full), "%s/binary", host.dir);
	file = fopen(full, "w");
	assert_non_null(file);
	fwrite("a\0b", 1, 3, file);
	fclose(file);
	assert_int_equal(ztt_root_text(host.root, "/binary", text, sizeof(text),
				       NULL),
			 -EILSEQ);
	assert_int_equal(ztt_root_load(host.root, "/binary", 100, &data, &len),
			 0);
	assert_int_equal(len, 3);
	assert_memory_equal(data, "a\0b", 4);
	free(data);
	test_host_end(&host);
}

static void links_end_within_the_root(void **state)
{
	struct test_host host;
	char full[128], text[256];

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/etc/here", "mine\n", 0644);
	snprintf(full, sizeof(full), "%s/absolute", host.dir);
	assert_int_equal(symlink("/etc/here", full), 0);
	snprintf(full, sizeof(full), "%s/up", host.dir);
	assert_int_equal(symlink("../../../../../etc/here", full), 0);
	snprintf(full, sizeof(full), "%s/loop", host.dir);
	assert_int_equal(symlink("loop", full), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ztt_root_text(host.root,
					       i ? "/up" : "/absolute", text,
					       sizeof(text), NULL),
				 0);
		assert_string_equal(text, "mine");
	}
	assert_int_equal(ztt_root_text(host.root, "/loop", text, sizeof(text),
				       NULL),
			 -ELOOP);
	assert_int_equal(ztt_root_text(host.root, "/../../../etc/here", text,
				       sizeof(text), NULL),
			 0);
	test_host_end(&host);
}

static void a_fifo_is_no_file_and_does_not_block(void **state)
{
	struct ztt_root_stat stat;
	struct test_host host;
	char full[128], text[16];

	(void)state;
	test_host_begin(&host);
	snprintf(full, sizeof(full), "%s/fifo", host.dir);
	assert_int_equal(mkfifo(full, 0600), 0);
	assert_int_equal(ztt_root_text(host.root, "/fifo", text, sizeof(text),
				       NULL),
			 -EINVAL);
	assert_int_equal(ztt_root_stat(host.root, "/fifo", &stat), 0);
	assert_true(S_ISFIFO(stat.mode));
	test_host_end(&host);
}

static void numbers_are_decimal_and_whole(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t value;
	} cases[] = {
		{"0\n", 0, 0},
		{"18446744073709551615\n", 0, UINT64_MAX},
		{"18446744073709551616\n", -ERANGE, 0},
		{"-1\n", -ERANGE, 0},
		{"12 34\n", 0, 12},
		{"12\t34\n", 0, 12},
		{"12x\n", -EINVAL, 0},
		{"\n", -EINVAL, 0},
		{"max\n", -EINVAL, 0},
	};
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 0;

		test_host_file(&host, "/number", cases[i].text, 0644);
		assert_int_equal(ztt_root_uint(host.root, "/number", &value),
				 cases[i].rc);
		assert_true(value == cases[i].value);
	}
	test_host_end(&host);
}

static void a_tail_begins_with_a_line(void **state)
{
	struct test_host host;
	char *data;
	size_t len;
	bool cut;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/log", "first\nsecond\nthird\n", 0644);
	assert_int_equal(ztt_root_tail(host.root, "/log", 10, &data, &len,
				       &cut),
			 0);
	assert_true(cut);
	assert_string_equal(data, "third\n");
	assert_int_equal(len, 6);
	free(data);
	assert_int_equal(ztt_root_tail(host.root, "/log", 100, &data, &len,
				       &cut),
			 0);
	assert_false(cut);
	assert_int_equal(len, 19);
	free(data);
	test_host_end(&host);
}

static void names_are_sorted_and_bounded(void **state)
{
	struct test_host host;
	char **names;
	size_t count;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/dir/b", "", 0644);
	test_host_file(&host, "/dir/a", "", 0644);
	test_host_file(&host, "/dir/c", "", 0644);
	assert_int_equal(ztt_root_list(host.root, "/dir", 10, &names, &count),
			 0);
	assert_int_equal(count, 3);
	assert_string_equal(names[0], "a");
	assert_string_equal(names[2], "c");
	ztt_root_list_free(names, count);
	assert_int_equal(ztt_root_list(host.root, "/dir", 2, &names, &count),
			 0);
	assert_int_equal(count, 2);
	ztt_root_list_free(names, count);
	assert_int_equal(ztt_root_list(host.root, "/dir/a", 2, &names, &count),
			 -ENOTDIR);
	test_host_end(&host);
}

static void a_link_gives_its_last_word(void **state)
{
	char full[128], name[NAME_MAX + 1];
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	snprintf(full, sizeof(full), "%s/driver", host.dir);
	assert_int_equal(symlink("../../bus/drivers/virtio_net", full), 0);
	assert_int_equal(ztt_root_link(host.root, "/driver", name), 0);
	assert_string_equal(name, "virtio_net");
	assert_int_equal(ztt_root_link(host.root, "/none", name), -ENOENT);
	test_host_end(&host);
}

static void what_is_refused_leaves_no_half_of_a_text(void **state)
{
	char text[8] = "before";
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/eight", "12345678", 0644);
	assert_int_equal(ztt_root_text(host.root, "/none", text, sizeof(text),
				       NULL),
			 -ENOENT);
	assert_string_equal(text, "before");
	assert_int_equal(ztt_root_text(host.root, "/eight", text, sizeof(text),
				       NULL),
			 -EFBIG);
	assert_string_equal(text, "");
	test_host_end(&host);
}

static void a_link_is_read_within_the_root(void **state)
{
	char full[128], name[NAME_MAX + 1], target[PATH_MAX];
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/etc/passwd", "", 0644);
	snprintf(full, sizeof(full), "%s/proc", host.dir);
	assert_int_equal(symlink("/proc", full), 0);
	assert_int_equal(ztt_root_link(host.root, "/proc/self/exe", name),
			 -ELOOP);
	snprintf(full, sizeof(full), "%s/away", host.dir);
	assert_int_equal(symlink("/proc/self", full), 0);
	assert_int_equal(ztt_root_target(host.root, "/away/exe", target),
			 -ELOOP);
	assert_int_equal(ztt_root_target(host.root, "/away", target), 0);
	assert_string_equal(target, "/proc/self");
	assert_int_equal(ztt_root_target(host.root, "/etc/passwd", target),
			 -EINVAL);
	test_host_end(&host);
}

static void a_bundle_has_what_was_put_into_it(void **state)
{
	struct ztt_root *root = ztt_root_new_bundle();
	struct ztt_root_stat stat;
	char text[16], **names, path[PATH_MAX];
	size_t count;

	(void)state;
	ztt_root_put(root, "/engine/ready.json", "{}\n", 3);
	ztt_root_put(root, "/engine/log.txt", "", 0);
	assert_int_equal(ztt_root_kind(root), ZTT_ROOT_BUNDLE);
	assert_int_equal(ztt_root_text(root, "/engine/ready.json", text,
				       sizeof(text), NULL),
			 0);
	assert_string_equal(text, "{}");
	assert_int_equal(ztt_root_text(root, "/etc/passwd", text, sizeof(text),
				       NULL),
			 -ENOENT);
	assert_int_equal(ztt_root_list(root, "/engine", 10, &names, &count), 0);
	assert_int_equal(count, 2);
	ztt_root_list_free(names, count);
	assert_int_equal(ztt_root_stat(root, "/engine/ready.json", &stat), 0);
	assert_int_equal(stat.len_bytes, 3);
	assert_int_equal(ztt_root_real_path(root, "/engine/log.txt", path),
			 -ENOTSUP);
	ztt_root_free(root);
}

static void a_root_that_is_none_is_told(void **state)
{
	struct ztt_root *root;
	struct ztt_err err;

	(void)state;
	assert_int_equal(ztt_root_open("/nonexistent", &root, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent"));
	assert_int_equal(ztt_root_open("/dev/null", &root, &err), -ENOTDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_text_without_its_last_newlines),
		cmocka_unit_test(a_text_that_does_not_fit_is_refused),
		cmocka_unit_test(reads_a_part_from_the_middle),
		cmocka_unit_test(binary_data_are_no_text),
		cmocka_unit_test(links_end_within_the_root),
		cmocka_unit_test(a_fifo_is_no_file_and_does_not_block),
		cmocka_unit_test(numbers_are_decimal_and_whole),
		cmocka_unit_test(a_tail_begins_with_a_line),
		cmocka_unit_test(names_are_sorted_and_bounded),
		cmocka_unit_test(a_link_gives_its_last_word),
		cmocka_unit_test(what_is_refused_leaves_no_half_of_a_text),
		cmocka_unit_test(a_link_is_read_within_the_root),
		cmocka_unit_test(a_bundle_has_what_was_put_into_it),
		cmocka_unit_test(a_root_that_is_none_is_told),
	};

	return cmocka_run_group_tests_name("root", tests, NULL, NULL);
}
