/* engine/processes: which processes are engines, and what is known of them. */
#include "doctor_root.h"

#include "ztt-doctor/engine/processes.h"

static void put_args(struct test_host *host, const char *path, const char *args,
		     size_t len)
{
	char full[256];
	FILE *file;

	test_host_file(host, path, "", 0444);
	snprintf(full, sizeof(full), "%s%s", host->dir, path);
	assert_int_equal(chmod(full, 0644), 0);
	file = fopen(full, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(args, 1, len, file), len);
	fclose(file);
}

static void test_finds_an_engine_by_its_name(void **state)
{
	static const char args[] = "/usr/bin/cloudflared\0tunnel\0--config\0"
				   "/etc/c.yml\0--metrics=:2000\0run";
	const struct ztt_process *process;
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/proc/1/comm", "systemd\n", 0444);
	test_host_file(&host, "/proc/self/comm", "cloudflared\n", 0444);
	test_host_file(&host, "/proc/77/comm", "cloudflared\n", 0444);
	test_host_file(&host, "/proc/77/status",
		       "Name:\tcloudflared\nUid:\t0\t65532\t0\t0\n"
		       "CapEff:\t0000000000001000\n",
		       0444);
	test_host_file(&host, "/proc/77/limits",
		       "Limit  Soft Limit  Hard Limit  Units\n"
		       "Max open files            1024       524288    files\n",
		       0444);
	test_host_file(&host, "/proc/77/fd/0", "", 0444);
	test_host_file(&host, "/proc/77/fd/1", "", 0444);
	put_args(&host, "/proc/77/cmdline", args, sizeof(args));
	assert_int_equal(ztt_processes(&host.doctor)->count, 1);
	process = &ztt_processes(&host.doctor)->list[0];
	assert_int_equal(process->pid, 77);
	assert_int_equal(process->uid, 65532);
	assert_true(process->net_admin);
	assert_true(process->runs_tunnel);
	assert_int_equal(process->files_soft_max, 1024);
	assert_int_equal(process->files_open, 2);
	assert_int_equal(process->argc, 6);
	assert_string_equal(ztt_process_flag(process, "--config"),
			    "/etc/c.yml");
	assert_string_equal(ztt_process_flag(process, "--metrics"), ":2000");
	assert_null(ztt_process_flag(process, "--token"));
	test_host_end(&host);
}

static void test_a_client_command_runs_no_tunnel(void **state)
{
	static const char args[] = "cloudflared\0access\0ssh";
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/proc/5/comm", "cloudflared\n", 0444);
	put_args(&host, "/proc/5/cmdline", args, sizeof(args));
	assert_int_equal(ztt_processes(&host.doctor)->count, 1);
	assert_false(ztt_processes(&host.doctor)->list[0].runs_tunnel);
	test_host_end(&host);
}

static void test_more_than_fit_are_said_to_be_left_out(void **state)
{
	struct test_host host;
	char path[64];

	(void)state;
	test_host_begin(&host);
	for (int i = 1; i <= ZTT_PROCESSES_MAX + 1; i++) {
		snprintf(path, sizeof(path), "/proc/%d/comm", i);
		test_host_file(&host, path, "cloudflared\n", 0444);
	}
	assert_int_equal(ztt_processes(&host.doctor)->count, ZTT_PROCESSES_MAX);
	assert_true(ztt_processes(&host.doctor)->partial);
	test_host_end(&host);
}

static void test_without_proc_there_are_none(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	assert_int_equal(ztt_processes(&host.doctor)->count, 0);
	assert_true(ztt_processes(&host.doctor)->partial);
	test_host_end(&host);
}

static void test_flags_end_at_two_dashes(void **state)
{
	const char *const argv[] = {"c", "-token", "x", "--", "--config", "y"};

	(void)state;
	assert_string_equal(ztt_flag_find(argv, 6, "--token"), "x");
	assert_null(ztt_flag_find(argv, 6, "--config"));
	assert_null(ztt_flag_find(argv, 6, "--tok"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_an_engine_by_its_name),
		cmocka_unit_test(test_a_client_command_runs_no_tunnel),
		cmocka_unit_test(test_more_than_fit_are_said_to_be_left_out),
		cmocka_unit_test(test_without_proc_there_are_none),
		cmocka_unit_test(test_flags_end_at_two_dashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
