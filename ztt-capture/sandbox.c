#define _GNU_SOURCE
#include "ztt-capture/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "common/err.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What reading, decoding, writing, waiting and ending need; what the C library
 * asks to know of the process and the machine (qsort asks sysinfo); and the
 * packet socket's counters. */
static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(pwrite64),
	SCMP_SYS(lseek),
	SCMP_SYS(_llseek),
	SCMP_SYS(close),
	SCMP_SYS(fstat),
	SCMP_SYS(fstat64),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(sched_yield),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getrusage),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(getsockopt),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* The C library looks for /etc/localtime, locales, the count of CPUs, and goes
 * on without. */
static const int refused[] = {
	SCMP_SYS(open),       SCMP_SYS(openat),    SCMP_SYS(openat2),
	SCMP_SYS(access),     SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(stat),       SCMP_SYS(stat64),    SCMP_SYS(lstat),
	SCMP_SYS(lstat64),    SCMP_SYS(statx),     SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(fstatat64),
};

/* Harmless with some arguments only: no memory that can be executed, no
 * terminal that is written to by ioctl, and the fstat of newer C libraries. */
struct some {
	uint32_t action;
	int call;
	struct scmp_arg_cmp when;
};

static const struct some some[] = {
	{SCMP_ACT_ALLOW, SCMP_SYS(mmap), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
	{SCMP_ACT_ALLOW,
	 SCMP_SYS(mmap2),
	 {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
	{SCMP_ACT_ALLOW,
	 SCMP_SYS(mprotect),
	 {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
	{SCMP_ACT_ALLOW, SCMP_SYS(ioctl), {1, SCMP_CMP_EQ, TCGETS, 0}},
	{SCMP_ACT_ALLOW, SCMP_SYS(ioctl), {1, SCMP_CMP_EQ, TIOCGWINSZ, 0}},
	{SCMP_ACT_ALLOW, SCMP_SYS(fcntl), {1, SCMP_CMP_EQ, F_GETFL, 0}},
	{SCMP_ACT_ALLOW,
	 SCMP_SYS(newfstatat),
	 {3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0}},
	{SCMP_ACT_ERRNO(EACCES),
	 SCMP_SYS(newfstatat),
	 {3, SCMP_CMP_NE, AT_EMPTY_PATH, 0}},
};

static int add_rules(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp self = {0, SCMP_CMP_EQ,
					  (scmp_datum_t)getpid(), 0};
	int rc = 0;

	for (size_t i = 0; i < COUNT(allowed) && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; i < COUNT(refused) && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES),
				      refused[i], 0);
	for (size_t i = 0; i < COUNT(some) && rc == 0; i++)
		rc = seccomp_rule_add_array(filter, some[i].action,
					    some[i].call, 1, &some[i].when);
	if (rc == 0) /* abort() */
		rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
					    SCMP_SYS(tgkill), 1, &self);
	return rc;
}

static int load(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc;

	if (!filter)
		return -ENOMEM;
	rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = add_rules(filter);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc;
}

int ztt_sandbox_enter(struct ztt_err *err)
{
	int rc;

	if (SANITIZED)
		return ztt_err_set(err, -EOPNOTSUPP,
				   "no seccomp filter: this build has a "
				   "sanitizer, which needs more than it "
				   "allows");
	if (prctl(PR_GET_SECCOMP) < 0)
		return ztt_err_set(err, -EOPNOTSUPP,
				   "no seccomp filter: the kernel has none");
	tzset();
	rc = load();
	if (rc < 0)
		rc = ztt_err_set(err, rc == -EINVAL ? -EOPNOTSUPP : rc,
				 "no seccomp filter: %s", strerror(-rc));
	return rc;
}
