/* What a decoder may do once its files are open. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "capture_file.h"
#include "common/aead.h"
#include "ztt-capture/sandbox.h"

#define BASIC "tests/fixtures/cf-basic.pcap"
#define UNAVAILABLE 77

/* The status of a child that enters and then does `what`, which returns its
 * exit status. */
static int in_sandbox(int (*what)(int fd))
{
	struct ztt_err err;
	int status, rc, fd = open(BASIC, O_RDONLY);
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0);
		rc = ztt_sandbox_enter(&err);
		if (rc == -EOPNOTSUPP)
			_exit(UNAVAILABLE);
		_exit(rc < 0 ? 1 : what(fd));
	}
	close(fd);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_goes_on(int (*what)(int fd))
{
	int status = in_sandbox(what);

	if (WIFEXITED(status) && WEXITSTATUS(status) == UNAVAILABLE) {
		print_message("# skip: no seccomp filter here\n");
		skip();
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void assert_dies(int (*what)(int fd))
{
	int status = in_sandbox(what);

	if (WIFEXITED(status) && WEXITSTATUS(status) == UNAVAILABLE) {
		print_message("# skip: no seccomp filter here\n");
		skip();
	}
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

/* Opens nothing, reads a whole capture, and writes of it. */
static int read_capture(int fd)
{
	struct ztt_source *source = NULL;
	struct ztt_frame frame;
	struct ztt_err err;
	uint64_t count = 0;
	FILE *out = fdopen(STDOUT_FILENO, "w");

	if (ztt_source_open_fd(fd, BASIC, &source, &err) < 0)
		return 2;
	while (ztt_source_next(source, &frame, &err) > 0)
		count++;
	ztt_source_close(source);
	fprintf(out, "# %u frames\n", (unsigned)count);
	fflush(out);
	return count == 148 ? 0 : 3;
}

static void test_reading_goes_on(void **state)
{
	(void)state;
	assert_goes_on(read_capture);
}

/* What the C library does by itself, and how a process ends. */
static int use_library(int fd)
{
	time_t now = time(NULL);
	struct tm local;
	int *large;

	(void)fd;
	localtime_r(&now, &local);
	large = malloc(64 << 20);
	large[1000000] = 1;
	large = realloc(large, 128 << 20);
	free(large);
	if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
		return 2;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 1)
		return 3;
	exit(0);
}

static void test_library_goes_on(void **state)
{
	(void)state;
	assert_goes_on(use_library);
}

/* Every library that opens packets, first used behind the filter. */
static int use_crypto(int fd)
{
	static const uint8_t key[ZTT_AEAD_KEY_MAX_BYTES];
	uint8_t nonce[ZTT_AEAD_NONCE_BYTES] = {0}, text[128] = {0};
	const struct ztt_aead_library *library;
	void *context;

	(void)fd;
	for (int cipher = 0; cipher < ZTT_AEAD_CIPHERS; cipher++)
		for (size_t i = 0; (library = ztt_aead_libraries[i]); i++) {
			context = library->new ((enum ztt_aead_cipher)cipher,
						key, false);
			if (context && library->open(context, nonce, nonce, 5,
						     text, 100, text) == 0)
				return 2;
			if (context)
				library->free(context);
		}
	return ztt_aead_fastest(ZTT_AEAD_AES_128_GCM) ? 0 : 3;
}

static void test_crypto_goes_on(void **state)
{
	(void)state;
	assert_goes_on(use_crypto);
}

static int make_socket(int fd)
{
	(void)fd;
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? 1 : 2;
}

static int run_program(int fd)
{
	char *const args[] = {(char *)(uintptr_t) "true", NULL};

	(void)fd;
	return execv("/bin/true", args);
}

static int make_code(int fd)
{
	(void)fd;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int end_another(int fd)
{
	(void)fd;
	return kill(getppid(), 0);
}

static int make_process(int fd)
{
	(void)fd;
	return fork() < 0;
}

static int remove_file(int fd)
{
	(void)fd;
	return unlink("/tmp/no such file");
}

static void test_anything_else_ends_it(void **state)
{
	(void)state;
	assert_dies(make_socket);
	assert_dies(run_program);
	assert_dies(make_code);
	assert_dies(end_another);
	assert_dies(make_process);
	assert_dies(remove_file);
}

static int begin_ends[2];

static void *make_socket_later(void *unused)
{
	char byte;

	(void)unused;
	if (read(begin_ends[0], &byte, 1) == 1)
		socket(AF_INET, SOCK_STREAM, 0);
	return NULL;
}

/* Threads that ran before are within, too. */
static void test_all_threads(void **state)
{
	struct ztt_err err;
	pthread_t thread;
	int status, rc;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(begin_ends), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0);
		pthread_create(&thread, NULL, make_socket_later, NULL);
		rc = ztt_sandbox_enter(&err);
		if (rc < 0)
			_exit(rc == -EOPNOTSUPP ? UNAVAILABLE : 1);
		if (write(begin_ends[1], "x", 1) == 1)
			pthread_join(thread, NULL);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(begin_ends[0]);
	close(begin_ends[1]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == UNAVAILABLE) {
		print_message("# skip: no seccomp filter here\n");
		skip();
	}
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading_goes_on),
		cmocka_unit_test(test_library_goes_on),
		cmocka_unit_test(test_crypto_goes_on),
		cmocka_unit_test(test_anything_else_ends_it),
		cmocka_unit_test(test_all_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
