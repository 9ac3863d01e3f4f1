/* The parser of a hostile file may read and write what is open, and nothing
 * else. */
#ifndef ZTT_CAPTURE_SANDBOX_H
#define ZTT_CAPTURE_SANDBOX_H

struct ztt_err;

/* From here on the process, with all of its threads, may use its memory, its
 * open files and the clock, wait, and end. Opening or looking up a file gives
 * EACCES, as the C library asks for some by itself; any other system call, and
 * memory that is executable, ends the process with SIGSYS. Neither can be taken
 * back, nor can no_new_privs. Enter when every file is open, every thread runs
 * and no privilege is left. seccomp(2).
 *
 * -EOPNOTSUPP: not available here (the kernel has no seccomp filter, or this is
 * a build with a sanitizer, which needs more than that), with the reason in
 * `err`; the process goes on as before, and whoever asked should say so.
 * Otherwise -errno. */
int ztt_sandbox_enter(struct ztt_err *err);

#endif
