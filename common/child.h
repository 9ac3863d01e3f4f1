/* Child processes that never outlive their parent. */
#ifndef ZTT_CHILD_H
#define ZTT_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ztt_err;

#define ZTT_CHILD_LOG_BYTES 32768
#define ZTT_CHILD_FDS_MAX 8

/* One child. Plain storage of the caller: begin with {0}. */
struct ztt_child {
	char name[16];
	pid_t pid;
	int pid_fd; /* readable when it has ended; -1 when reaped */
	int log_fd; /* its stdout and stderr, non-blocking; -1 at end */
	int status; /* of waitpid, once `ended` */
	bool ended;
	char log[ZTT_CHILD_LOG_BYTES]; /* the newest bytes of what it printed */
	size_t log_len_bytes;
};

/* How to start it. */
struct ztt_child_plan {
	const char *name; /* "edge", "cloudflared": for messages */
	const char *path; /* looked up in PATH when it has no slash */
	char *const *argv;
	/* Environment additions "NAME=value", NULL-terminated, or NULL. */
	const char *const *env;
	/* Inherited descriptors: keep_fds[i] becomes descriptor 3 + i. */
	int keep_fds[ZTT_CHILD_FDS_MAX];
	size_t keep_count;
};

/* Starts it with PR_SET_PDEATHSIG SIGKILL (checked against a parent that died
 * meanwhile), default signal dispositions and mask, stdin /dev/null, stdout and
 * stderr into `log_fd`, every other descriptor closed. The death signal follows
 * the *thread* that starts the child: start children from the main thread.
 * -ENOENT: no such program (names it and PATH); -EACCES: not executable. The
 * error of a failed exec is reported here, not as an exit status. */
int ztt_child_start(const struct ztt_child_plan *plan,
		    struct ztt_child *ret_child, struct ztt_err *err);

/* Reads what it printed so far into `log` (keeps the newest), and learns
 * whether it ended. Never blocks. */
void ztt_child_poll(struct ztt_child *child);

/* Ends it: SIGTERM, then SIGKILL after `grace_ns`, and reaps it; no more than
 * grace_ns and a little. Fine on a child that has ended or never began. */
void ztt_child_stop(struct ztt_child *child, uint64_t grace_ns);

/* "exited with status 3", "was killed by signal 9 (Killed)", "is running".
 * Returns `out`. */
char *ztt_child_end(const struct ztt_child *child, char *out, size_t cap_bytes);

/* The last `lines` lines of `log`, each as printed, control characters but tab
 * replaced, indented by two spaces and ended by a newline; "" when it printed
 * nothing. What does not fit `out` is left out from the front. Returns `out`. */
char *ztt_child_last_lines(const struct ztt_child *child, unsigned lines,
			   char *out, size_t cap_bytes);

#endif
