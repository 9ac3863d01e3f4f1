#define _GNU_SOURCE
#include "ztt-capture/recorder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "capture_file.h"

#define HEAD (20 + 20 + 8)

static char folder[] = "/tmp/ztt-recorder.XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/ztt-recorder.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) == 0 ? 0 : -1;
}

/* A super-datagram of ten packets of 1000 bytes each. */
static struct ztt_frame super(void)
{
	static uint8_t bytes[HEAD + 10000];

	bytes[0] = 0x08;
	bytes[20] = 0x45;
	bytes[20 + 9] = 17;
	return (struct ztt_frame){.at_ns = INT64_C(1763812013123456789),
				  .link = ZTT_LINK_LINUX_SLL2,
				  .captured_bytes = sizeof(bytes),
				  .length_bytes = sizeof(bytes),
				  .data = bytes,
				  .segment_bytes = 1000,
				  .has_vnet = true};
}

static struct ztt_recorder *open_plan(struct ztt_recorder_plan *plan,
				      const char *name, char path[64])
{
	struct ztt_recorder *recorder = NULL;
	struct ztt_err err = {""};

	snprintf(path, 64, "%s/%s", folder, name);
	plan->path = path;
	if (ztt_recorder_open(plan, &recorder, &err) < 0)
		fail_msg("%s", err.text);
	return recorder;
}

static void put(struct ztt_recorder *recorder, unsigned count)
{
	struct ztt_err err = {""};
	struct ztt_frame frame = super();

	for (unsigned i = 0; i < count; i++)
		if (ztt_recorder_frame(recorder, &frame, &err) < 0)
			fail_msg("%s", err.text);
}

static void end(struct ztt_recorder *recorder)
{
	struct ztt_err err = {""};

	if (ztt_recorder_close(recorder, 123, 4, &err) < 0)
		fail_msg("%s", err.text);
}

static unsigned read_all(const char *path, uint16_t segment, uint32_t len,
			 struct ztt_source_figures *figures)
{
	struct ztt_source *source = test_open(path);
	struct ztt_frame frame;
	struct ztt_err err;
	unsigned count = 0;

	while (ztt_source_next(source, &frame, &err) == 1) {
		assert_int_equal(frame.segment_bytes, segment);
		assert_true(frame.has_vnet);
		assert_int_equal(frame.captured_bytes, HEAD + len);
		assert_true(frame.at_ns == INT64_C(1763812013123456789));
		count++;
	}
	ztt_source_figures(source, figures);
	ztt_source_close(source);
	return count;
}

static void test_a_super_datagram_is_split(void **state)
{
	struct ztt_recorder_plan plan = {.splits = true};
	struct ztt_source_figures read;
	struct ztt_recorder_figures figures;
	struct ztt_recorder *recorder;
	struct stat stat_of;
	char path[64];

	(void)state;
	recorder = open_plan(&plan, "split.pcapng", path);
	put(recorder, 3);
	ztt_recorder_figures(recorder, &figures);
	end(recorder);
	assert_int_equal(figures.frames, 3);
	assert_int_equal(figures.packets, 30);
	assert_int_equal(figures.super_datagrams, 3);
	assert_int_equal(figures.bytes, 30 * (HEAD + 1000));
	assert_int_equal(read_all(path, 0, 1000, &read), 30);
	assert_true(read.dropped_known);
	assert_int_equal(read.dropped, 4);
	assert_string_equal(read.problem, "");
	assert_int_equal(stat(path, &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0600);
}

static void test_whole_it_keeps_its_segment_size(void **state)
{
	struct ztt_recorder_plan plan = {.splits = true, .whole = true};
	struct ztt_source_figures read;
	struct ztt_recorder *recorder;
	char path[64];

	(void)state;
	recorder = open_plan(&plan, "whole.pcapng", path);
	put(recorder, 3);
	end(recorder);
	assert_int_equal(read_all(path, 1000, 10000, &read), 3);
}

static unsigned count_files(const char *prefix)
{
	DIR *dir = opendir(folder);
	struct dirent *one;
	unsigned count = 0;

	while ((one = readdir(dir)))
		count += strncmp(one->d_name, prefix, strlen(prefix)) == 0;
	closedir(dir);
	return count;
}

static void test_a_ring_keeps_the_newest(void **state)
{
	struct ztt_recorder_plan plan = {.splits = true,
					 .file_bytes = 50000,
					 .files = 3};
	struct ztt_recorder_figures figures;
	struct ztt_source_figures read;
	struct ztt_recorder *recorder;
	char path[64], name[128];
	unsigned packets = 0;

	(void)state;
	recorder = open_plan(&plan, "ring.pcapng", path);
	put(recorder, 40);
	ztt_recorder_figures(recorder, &figures);
	end(recorder);
	assert_true(figures.files > 4);
	assert_int_equal(count_files("ring"), 3);
	for (unsigned i = figures.files - 2; i <= figures.files; i++) {
		snprintf(name, sizeof(name), "%s/ring_%05u.pcapng", folder, i);
		packets += read_all(name, 0, 1000, &read);
		assert_string_equal(read.problem, "");
	}
	assert_true(packets > 100 && packets < 400);
}

static void test_without_a_number_of_files_all_are_kept(void **state)
{
	struct ztt_recorder_plan plan = {.splits = true, .file_bytes = 50000};
	struct ztt_recorder_figures figures;
	struct ztt_source_figures read;
	struct ztt_recorder *recorder;
	char path[64], name[128];
	unsigned packets = 0;

	(void)state;
	recorder = open_plan(&plan, "all", path);
	put(recorder, 20);
	ztt_recorder_figures(recorder, &figures);
	end(recorder);
	assert_int_equal(count_files("all_"), figures.files);
	for (unsigned i = 1; i <= figures.files; i++) {
		snprintf(name, sizeof(name), "%s/all_%05u", folder, i);
		packets += read_all(name, 0, 1000, &read);
	}
	assert_int_equal(packets, 200);
}

static void test_what_cannot_be_opened_is_told(void **state)
{
	struct ztt_recorder_plan plan = {.path = "-", .file_bytes = 50000};
	struct ztt_recorder *recorder = NULL;
	struct ztt_err err = {""};

	(void)state;
	assert_int_equal(ztt_recorder_open(&plan, &recorder, &err), -EINVAL);
	plan = (struct ztt_recorder_plan){.path = "/nonexistent/x"};
	assert_int_equal(ztt_recorder_open(&plan, &recorder, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/x"));
	assert_null(recorder);
	assert_int_equal(ztt_recorder_close(NULL, 0, 0, &err), 0);
}

static void test_a_full_disk_is_told(void **state)
{
	struct ztt_recorder_plan plan = {.path = "/dev/full", .splits = true};
	struct ztt_frame frame = super();
	struct ztt_recorder *recorder;
	struct ztt_err err = {""};
	int rc = 0;

	(void)state;
	if (access("/dev/full", W_OK) != 0) {
		print_message("skip: no /dev/full\n");
		skip();
	}
	assert_int_equal(ztt_recorder_open(&plan, &recorder, &err), 0);
	for (unsigned i = 0; i < 1000 && rc == 0; i++)
		rc = ztt_recorder_frame(recorder, &frame, &err);
	assert_int_equal(rc, -ENOSPC);
	ztt_recorder_close(recorder, 0, 0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_super_datagram_is_split),
		cmocka_unit_test(test_whole_it_keeps_its_segment_size),
		cmocka_unit_test(test_a_ring_keeps_the_newest),
		cmocka_unit_test(test_without_a_number_of_files_all_are_kept),
		cmocka_unit_test(test_what_cannot_be_opened_is_told),
		cmocka_unit_test(test_a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
