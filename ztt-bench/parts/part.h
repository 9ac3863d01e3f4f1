/* What every part does alike: signals, limits, threads, and how it ends. */
#ifndef ZTT_BENCH_PART_H
#define ZTT_BENCH_PART_H

#include <stdint.h>

#include "common/exit.h"

struct ztt_err;
struct ztt_opt;
struct ztt_opt_common;
struct ztt_opt_help;

/* Call before any thread starts: raises the limit of open files to its maximum,
 * and ztt_signals_open. */
int ztt_part_begin(struct ztt_err *err);

/* Blocks until a signal has come or the run has closed its end of `control_fd`
 * (ZTT_CONTROL_NONE: none). */
void ztt_part_wait(int signal_fd, int control_fd);

/* Ends the wait from within: a thread has found that it is over. */
void ztt_part_stop(void);

/* `asked`, or when 0 one thread per online core, at most 4. */
unsigned ztt_part_threads(uint64_t asked);

/* Parses the table of a part that takes no operands. Returns -1 to go on, or the
 * exit status to end with: help was printed, or the error. */
int ztt_part_options(const char *name, const struct ztt_opt *table,
		     const struct ztt_opt_help *help, void *settings,
		     const struct ztt_opt_common *common, int argc,
		     char **argv);

/* Prints "ztt-bench NAME: SENTENCE" on stderr; returns the exit status for
 * `rc`. */
int ztt_part_fail(const char *name, int rc, const struct ztt_err *err);

#endif
