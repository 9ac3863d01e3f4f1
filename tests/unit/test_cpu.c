#define _GNU_SOURCE
#include "common/cpu.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/err.h"

static struct ztt_cpu begin, end, window;
static struct ztt_err err;

static void burn(uint64_t cpu_ns)
{
	struct timespec now;

	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while ((uint64_t)now.tv_nsec + (uint64_t)now.tv_sec * ZTT_NS_PER_S <
	       cpu_ns);
}

static void own_cpu_time_grows_by_what_was_burnt(void **state)
{
	uint64_t spent;

	(void)state;
	assert_int_equal(ztt_cpu_sample(getpid(), &begin, &err), 0);
	spent = begin.cpu_ns;
	burn(spent + 20 * ZTT_NS_PER_MS);
	assert_int_equal(ztt_cpu_sample(getpid(), &end, &err), 0);
	ztt_cpu_window(&begin, &end, &window);
	assert_true(window.cpu_ns > 15 * ZTT_NS_PER_MS);
	assert_true(window.cpu_ns <= window.at_ns);
	assert_int_equal(window.user_ns + window.system_ns, window.cpu_ns);
	assert_int_equal(end.user_ns + end.system_ns, end.cpu_ns);
	assert_true(end.rss_bytes > 0);
	assert_true(end.rss_peak_bytes >= end.rss_bytes);
	assert_int_equal(window.thread_count, 1);
	assert_int_equal(ztt_cpu_busiest(&window)->tid, getpid());
}

static void *wait_for_byte(void *arg)
{
	char byte;

	pthread_setname_np(pthread_self(), "a) R (b c");
	burn(2 * ZTT_NS_PER_MS);
	if (write(((int *)arg)[3], "x", 1) < 0 ||
	    read(((int *)arg)[0], &byte, 1) < 0)
		return arg;
	return NULL;
}

static void threads_are_told_apart_by_name(void **state)
{
	bool found = false;
	pthread_t thread;
	int fds[4]; /* to it, from it */
	char byte;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(fds + 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_byte, fds), 0);
	assert_int_equal(read(fds[2], &byte, 1), 1);
	assert_int_equal(ztt_cpu_sample(getpid(), &end, &err), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	pthread_join(thread, NULL);
	assert_int_equal(end.thread_count, 2);
	for (size_t i = 0; i < end.thread_count; i++)
		if (strcmp(end.threads[i].name, "a) R (b c") == 0)
			found = end.threads[i].cpu_ns > ZTT_NS_PER_MS;
	assert_true(found);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

static pid_t fork_waiting(const char *name)
{
	int fds[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		if (write(fds[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	close(fds[1]);
	return pid;
}

static void a_hostile_name_does_not_pass_for_a_state(void **state)
{
	pid_t pid = fork_waiting("x) Z 1\n\\n(");

	(void)state;
	assert_int_equal(ztt_cpu_sample(pid, &end, &err), 0);
	assert_string_equal(end.threads[0].name, "x) Z 1?\\n(");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_zombie_has_ended(void **state)
{
	pid_t pid = fork_waiting("soon");
	siginfo_t info;

	(void)state;
	memset(&end, 7, sizeof(end));
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(ztt_cpu_sample(pid, &end, &err), -ESRCH);
	assert_non_null(strstr(err.text, "has ended"));
	waitpid(pid, NULL, 0);
	assert_int_equal(ztt_cpu_sample(pid, &end, &err), -ESRCH);
	assert_int_equal(end.at_ns, UINT64_C(0x0707070707070707));
}

static void *leave_main_behind(void *arg)
{
	char byte;
	int *fds = arg;

	/* The main thread is gone once its state is Z; a sample polls it. */
	if (read(fds[0], &byte, 1) < 0)
		_exit(1);
	_exit(0);
}

static void a_process_whose_first_thread_left_goes_on(void **state)
{
	static int fds[2];
	pthread_t thread;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_create(&thread, NULL, leave_main_behind, fds);
		pthread_exit(NULL);
	}
	for (int i = 0; i < 20; i++) {
		if (ztt_cpu_sample(pid, &end, &err) < 0)
			fail_msg("%s", err.text);
		assert_true(end.rss_bytes > 0);
		usleep(500);
	}
	assert_int_equal(write(fds[1], "x", 1), 1);
	waitpid(pid, NULL, 0);
	close(fds[0]);
	close(fds[1]);
}

static void no_process_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(ztt_cpu_sample(0, &end, &err), -ESRCH);
	assert_int_equal(ztt_cpu_sample(-1, &end, &err), -ESRCH);
	assert_int_equal(ztt_cpu_sample(INT32_MAX, &end, NULL), -ESRCH);
}

static void count_drops(int family, const struct sockaddr *any, socklen_t len)
{
	static const char datagram[1000];
	struct sockaddr_storage to;
	socklen_t to_len = sizeof(to);
	int small = 1;
	int in = socket(family, SOCK_DGRAM, 0);
	int out = socket(family, SOCK_DGRAM, 0);

	assert_true(out >= 0);
	if (bind(in, any, len) < 0) {
		print_message("no loopback address of family %d\n", family);
		close(in);
		close(out);
		return;
	}
	setsockopt(in, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	getsockname(in, (struct sockaddr *)&to, &to_len);
	assert_int_equal(ztt_cpu_sample(getpid(), &begin, &err), 0);
	for (int i = 0; i < 100; i++)
		assert_true(sendto(out, datagram, sizeof(datagram), 0,
				   (struct sockaddr *)&to, to_len) > 0);
	assert_int_equal(ztt_cpu_sample(getpid(), &end, &err), 0);
	ztt_cpu_window(&begin, &end, &window);
	assert_in_range(window.udp_drops, 50, 100);
	close(in);
	close(out);
}

static void datagrams_that_found_no_room_are_counted(void **state)
{
	struct sockaddr_in any4 = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in6 any6 = {
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};

	(void)state;
	count_drops(AF_INET, (struct sockaddr *)&any4, sizeof(any4));
	count_drops(AF_INET6, (struct sockaddr *)&any6, sizeof(any6));
}

static void a_window_counts_new_threads_from_zero(void **state)
{
	static const struct ztt_cpu first = {
		.at_ns = 100,
		.cpu_ns = 1000,
		.user_ns = 900,
		.system_ns = 100,
		.voluntary_switches = 50,
		.udp_drops = 9,
		.threads = {{1, "a", 700, 10},
			    {3, "gone", 300, 0},
			    {4, "old", 90, 5}},
		.thread_count = 3,
	};
	static const struct ztt_cpu last = {
		.at_ns = 300,
		.cpu_ns = 1400,
		.user_ns = 850,
		.system_ns = 550,
		.voluntary_switches = 40,
		.udp_drops = 11,
		.rss_bytes = 5,
		.threads = {{1, "a", 710, 30},
			    {2, "b", 200, 1},
			    {4, "reused", 60, 1}},
		.thread_count = 3,
	};

	(void)state;
	ztt_cpu_window(&first, &last, &window);
	assert_int_equal(window.at_ns, 200);
	assert_int_equal(window.cpu_ns, 400);
	assert_int_equal(window.user_ns, 0);
	assert_int_equal(window.system_ns, 400);
	assert_int_equal(window.voluntary_switches, 0);
	assert_int_equal(window.udp_drops, 2);
	assert_int_equal(window.rss_bytes, 5);
	assert_int_equal(window.threads[0].cpu_ns, 10);
	assert_int_equal(window.threads[0].wait_ns, 20);
	assert_int_equal(window.threads[2].cpu_ns, 60);
	assert_int_equal(ztt_cpu_busiest(&window)->tid, 2);
	window.thread_count = 0;
	assert_null(ztt_cpu_busiest(&window));
}

static void the_host_counts_its_cores_and_time(void **state)
{
	struct ztt_cpu_host before, after, between;

	(void)state;
	assert_int_equal(ztt_cpu_host_sample(&before, &err), 0);
	assert_int_equal(ztt_cpu_host_sample(&after, &err), 0);
	assert_int_equal(before.cores_online, sysconf(_SC_NPROCESSORS_ONLN));
	assert_true(before.user_ns > 0 && before.idle_ns > 0);
	ztt_cpu_host_window(&before, &after, &between);
	assert_int_equal(between.at_ns, after.at_ns - before.at_ns);
	assert_int_equal(between.user_ns, after.user_ns - before.user_ns);
	assert_int_equal(between.cores_online, after.cores_online);
	ztt_cpu_host_window(&after, &before, &between);
	assert_int_equal(between.at_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_cpu_time_grows_by_what_was_burnt),
		cmocka_unit_test(threads_are_told_apart_by_name),
		cmocka_unit_test(a_hostile_name_does_not_pass_for_a_state),
		cmocka_unit_test(a_zombie_has_ended),
		cmocka_unit_test(a_process_whose_first_thread_left_goes_on),
		cmocka_unit_test(no_process_is_an_error),
		cmocka_unit_test(datagrams_that_found_no_room_are_counted),
		cmocka_unit_test(a_window_counts_new_threads_from_zero),
		cmocka_unit_test(the_host_counts_its_cores_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
