#define _GNU_SOURCE
#include "common/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/err.h"

#define LONG_NS (30 * ZTT_NS_PER_S)

static struct ztt_child child;
static struct ztt_err err;
static char text[ZTT_CHILD_LOG_BYTES * 3];

static struct ztt_child_plan shell(const char *script)
{
	static char *argv[4];
	struct ztt_child_plan plan = {"script", "sh", argv, NULL, {0}, 0};

	argv[0] = (char *)(uintptr_t) "sh";
	argv[1] = (char *)(uintptr_t) "-c";
	argv[2] = (char *)(uintptr_t)script;
	return plan;
}

static void start(const struct ztt_child_plan *plan)
{
	if (ztt_child_start(plan, &child, &err) < 0)
		fail_msg("%s", err.text);
}

static void wait_end(void)
{
	for (uint64_t due = ztt_clock_ns() + LONG_NS; !child.ended;) {
		struct pollfd fds[] = {{child.pid_fd, POLLIN, 0},
				       {child.log_fd, POLLIN, 0}};

		poll(fds, 2, 100);
		ztt_child_poll(&child);
		assert_true(ztt_clock_ns() < due);
	}
	assert_int_equal(child.pid_fd, -1);
	assert_int_equal(child.log_fd, -1);
}

/* Until it printed something. */
static void wait_log(void)
{
	for (int i = 0; child.log_len_bytes == 0 && i < 3000; i++) {
		struct pollfd log = {child.log_fd, POLLIN, 0};

		poll(&log, 1, 10);
		ztt_child_poll(&child);
	}
	assert_true(child.log_len_bytes > 0);
}

static const char *run(const struct ztt_child_plan *plan)
{
	start(plan);
	wait_end();
	return ztt_child_last_lines(&child, 100, text, sizeof(text));
}

static void exit_status_and_output_are_reported(void **state)
{
	struct ztt_child_plan plan = shell("echo out; echo err >&2; exit 3");

	(void)state;
	assert_string_equal(run(&plan), "  out\n  err\n");
	assert_string_equal(ztt_child_end(&child, text, sizeof(text)),
			    "exited with status 3");
	assert_string_equal(child.name, "script");
	ztt_child_stop(&child, LONG_NS);
	ztt_child_poll(&child);
}

static void a_killed_child_is_reported(void **state)
{
	struct ztt_child_plan plan = shell("exec sleep 100");

	(void)state;
	start(&plan);
	ztt_child_poll(&child);
	assert_string_equal(ztt_child_end(&child, text, sizeof(text)),
			    "is running");
	kill(child.pid, SIGKILL);
	wait_end();
	assert_string_equal(ztt_child_end(&child, text, sizeof(text)),
			    "was killed by signal 9 (Killed)");
}

static void a_missing_program_is_named(void **state)
{
	struct ztt_child_plan plan = shell("");

	(void)state;
	plan.path = "no-such-program-anywhere";
	assert_int_equal(ztt_child_start(&plan, &child, &err), -ENOENT);
	assert_non_null(strstr(err.text, plan.path));
	assert_non_null(strstr(err.text, getenv("PATH")));
	plan.path = "/no/such/program";
	assert_int_equal(ztt_child_start(&plan, &child, &err), -ENOENT);
	assert_non_null(strstr(err.text, plan.path));
	plan.path = "/dev/null";
	assert_int_equal(ztt_child_start(&plan, &child, &err), -EACCES);
	plan.path = "/";
	assert_int_equal(ztt_child_start(&plan, &child, &err), -EACCES);
}

static void try_file(const char *content, int code, const char *words)
{
	char path[] = "/tmp/ztt-test-child-XXXXXX";
	struct ztt_child_plan plan = shell("");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_true(write(fd, content, strlen(content)) > 0);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	plan.path = path;
	assert_int_equal(ztt_child_start(&plan, &child, &err), code);
	assert_non_null(strstr(err.text, words));
	unlink(path);
}

static void an_exec_that_fails_is_an_error_and_no_child(void **state)
{
	(void)state;
	try_file("#!/no/such/interpreter\n", -ENOENT, "interpreter");
	try_file("\177ELF but not really", -ENOEXEC, "this machine");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* A file that holds `letter`, at exactly descriptor `fd`. */
static void put_file(int fd, char letter)
{
	char path[] = "/tmp/ztt-test-child-XXXXXX";
	int made = mkstemp(path);

	assert_true(made >= 0);
	assert_int_equal(write(made, &letter, 1), 1);
	unlink(path);
	lseek(made, 0, SEEK_SET);
	if (made != fd) {
		assert_int_equal(dup2(made, fd), fd);
		close(made);
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void kept_descriptors_may_overlap_their_targets(void **state)
{
	struct ztt_child_plan plan =
		shell("cat <&3 <&3; cat <&4; cat <&5; cat <&6; echo;"
		      "for i in 0 1 2 3 4 5 6 7 8 9 20 21 22 23;"
		      "do [ -e /dev/fd/$i ] && echo $i; done");

	(void)state;
	for (int i = 20; i < 24; i++)
		put_file(i, (char)('a' + i - 20));
	dup2(20, 3);
	dup2(21, 4);
	dup2(22, 5);
	dup2(23, 6);
	plan.keep_fds[0] = 4;
	plan.keep_fds[1] = 3;
	plan.keep_fds[2] = 6;
	plan.keep_fds[3] = 5;
	plan.keep_count = 4;
	run(&plan);
	for (int i = 20; i < 24; i++)
		close(i);
	for (int i = 3; i < 7; i++)
		close(i);
	assert_string_equal(text,
			    "  badc\n  0\n  1\n  2\n  3\n  4\n  5\n  6\n");
}

static void the_same_descriptor_may_be_kept_twice(void **state)
{
	struct ztt_child_plan plan = shell("echo x >&4; cat <&3");
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	plan.keep_fds[0] = plan.keep_fds[1] = fds[1];
	plan.keep_count = 2;
	run(&plan);
	assert_int_equal(read(fds[0], text, 10), 2);
	close(fds[0]);
	close(fds[1]);
}

static void a_bad_kept_descriptor_is_an_error(void **state)
{
	struct ztt_child_plan plan = shell("exit 0");

	(void)state;
	plan.keep_fds[0] = 999;
	plan.keep_count = 1;
	assert_int_equal(ztt_child_start(&plan, &child, &err), -EBADF);
}

/* Signals 32 and 33 are the C library's own: it leaves them as they are. */
static void signals_begin_as_by_default(void **state)
{
	struct ztt_child_plan plan = shell(
		"of() { sed -n \"s/^$1:[[:space:]]*//p\" /proc/self/status; };"
		"echo $((0x$(of SigBlk))) $((0x$(of SigIgn) & ~0x180000000))");
	sigset_t one, old;

	(void)state;
	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	sigprocmask(SIG_BLOCK, &one, &old);
	signal(SIGPIPE, SIG_IGN);
	assert_string_equal(run(&plan), "  0 0\n");
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void environment_is_added_to(void **state)
{
	static const char *const env[] = {"ZTT_A=new", "ZTT_B=", NULL};
	struct ztt_child_plan plan =
		shell("echo \"$ZTT_A${ZTT_B-unset}$ZTT_AB\"; env | "
		      "grep -c ^ZTT_A=; cat");

	(void)state;
	setenv("ZTT_A", "old", 1);
	setenv("ZTT_AB", "kept", 1);
	plan.env = env;
	assert_string_equal(run(&plan), "  newkept\n  1\n");
}

static void a_polite_child_ends_by_sigterm(void **state)
{
	struct ztt_child_plan plan =
		shell("trap 'echo bye; exit 5' TERM; echo up; "
		      "while :; do sleep 0.05; done");

	(void)state;
	start(&plan);
	wait_log();
	ztt_child_stop(&child, LONG_NS);
	assert_true(child.ended);
	assert_int_equal(WEXITSTATUS(child.status), 5);
	assert_string_equal(ztt_child_last_lines(&child, 1, text, sizeof(text)),
			    "  bye\n");
}

static void a_child_that_ignores_sigterm_is_killed(void **state)
{
	struct ztt_child_plan plan =
		shell("trap '' TERM; echo up; while :; do sleep 0.2; done");

	(void)state;
	start(&plan);
	wait_log();
	ztt_child_stop(&child, 20 * ZTT_NS_PER_MS);
	assert_true(child.ended);
	assert_int_equal(WTERMSIG(child.status), SIGKILL);
	assert_int_equal(kill(child.pid, 0), -1);
}

static void a_child_that_never_began_can_be_stopped(void **state)
{
	static struct ztt_child none;

	(void)state;
	ztt_child_poll(&none);
	ztt_child_stop(&none, LONG_NS);
	assert_true(fcntl(0, F_GETFD) >= 0 || errno != EBADF);
	assert_string_equal(ztt_child_end(&none, text, sizeof(text)),
			    "was not started");
	assert_string_equal(ztt_child_last_lines(&none, 3, text, sizeof(text)),
			    "");
}

static void an_endless_printer_is_drained_and_stopped(void **state)
{
	struct ztt_child_plan plan = shell("exec yes 0123456789");

	(void)state;
	start(&plan);
	wait_log();
	ztt_child_stop(&child, LONG_NS);
	assert_true(child.ended);
	assert_int_equal(WTERMSIG(child.status), SIGTERM);
	assert_true(child.log_len_bytes <= sizeof(child.log));
}

static void the_log_keeps_the_newest(void **state)
{
	struct ztt_child_plan plan =
		shell("i=0; while [ $i -lt 4000 ]; do i=$((i+1)); "
		      "echo line $i; done");

	(void)state;
	run(&plan);
	assert_int_equal(child.log_len_bytes, sizeof(child.log));
	assert_string_equal(ztt_child_last_lines(&child, 2, text, sizeof(text)),
			    "  line 3999\n  line 4000\n");
}

static void set_log(const char *log)
{
	child.log_len_bytes = strlen(log);
	memcpy(child.log, log, child.log_len_bytes);
}

static void control_characters_are_replaced(void **state)
{
	(void)state;
	set_log("old\na\tb\033[2J\302\233x\177\r\n\303\274\n\n");
	assert_string_equal(ztt_child_last_lines(&child, 2, text, sizeof(text)),
			    "  a\tb?[2J\?\?x?\n  \303\274\n");
	set_log("\n\n");
	assert_string_equal(ztt_child_last_lines(&child, 2, text, sizeof(text)),
			    "");
}

static void what_does_not_fit_is_left_out_from_the_front(void **state)
{
	char small[10];

	(void)state;
	set_log("one\ntwo\nabcdef\n");
	assert_string_equal(ztt_child_last_lines(&child, 0, text, sizeof(text)),
			    "");
	assert_string_equal(ztt_child_last_lines(&child, 9, small, 10),
			    "  abcdef\n");
	assert_string_equal(ztt_child_last_lines(&child, 9, small, 9),
			    "  bcdef\n");
	assert_string_equal(ztt_child_last_lines(&child, 9, small, 4), "");
	assert_string_equal(ztt_child_last_lines(&child, 9, small, 1), "");
	memset(child.log, '\n', sizeof(child.log));
	child.log[sizeof(child.log) - 1] = 'x';
	child.log_len_bytes = sizeof(child.log);
	assert_string_equal(ztt_child_last_lines(&child, UINT32_MAX, small, 10),
			    "  \n  x\n");
}

/* A parent in between starts the child, tells its number and is killed. */
static void a_child_dies_with_its_parent(void **state)
{
	struct ztt_child_plan plan = shell("exec sleep 100");
	struct pollfd ends;
	int fds[2], alive[2];
	pid_t middle, orphan;
	char byte;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(alive), 0);
	middle = fork();
	if (middle == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		plan.keep_fds[0] = alive[1];
		plan.keep_count = 1;
		if (ztt_child_start(&plan, &child, &err) < 0 ||
		    write(fds[1], &child.pid, sizeof(child.pid)) < 0)
			_exit(1);
		pause();
	}
	close(alive[1]);
	assert_int_equal(read(fds[0], &orphan, sizeof(orphan)), sizeof(orphan));
	assert_int_equal(kill(orphan, 0), 0);
	kill(middle, SIGKILL);
	waitpid(middle, NULL, 0);
	ends = (struct pollfd){alive[0], POLLIN, 0};
	assert_int_equal(poll(&ends, 1, 30000), 1);
	assert_int_equal(read(alive[0], &byte, 1), 0);
	close(alive[0]);
	close(fds[0]);
	close(fds[1]);
}

static void nothing_leaks(void **state)
{
	struct ztt_child_plan plan = shell("exit 0");
	int before = dup(0), after;

	(void)state;
	close(before);
	run(&plan);
	plan.path = "/dev/null";
	assert_int_equal(ztt_child_start(&plan, &child, &err), -EACCES);
	try_file("#!/no/such/interpreter\n", -ENOENT, "interpreter");
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_status_and_output_are_reported),
		cmocka_unit_test(a_killed_child_is_reported),
		cmocka_unit_test(a_missing_program_is_named),
		cmocka_unit_test(an_exec_that_fails_is_an_error_and_no_child),
		cmocka_unit_test(kept_descriptors_may_overlap_their_targets),
		cmocka_unit_test(the_same_descriptor_may_be_kept_twice),
		cmocka_unit_test(a_bad_kept_descriptor_is_an_error),
		cmocka_unit_test(signals_begin_as_by_default),
		cmocka_unit_test(environment_is_added_to),
		cmocka_unit_test(a_polite_child_ends_by_sigterm),
		cmocka_unit_test(a_child_that_ignores_sigterm_is_killed),
		cmocka_unit_test(a_child_that_never_began_can_be_stopped),
		cmocka_unit_test(an_endless_printer_is_drained_and_stopped),
		cmocka_unit_test(the_log_keeps_the_newest),
		cmocka_unit_test(control_characters_are_replaced),
		cmocka_unit_test(what_does_not_fit_is_left_out_from_the_front),
		cmocka_unit_test(a_child_dies_with_its_parent),
		cmocka_unit_test(nothing_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
