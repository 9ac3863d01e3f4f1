/* `ztt-bench load`: the HTTP/1.1 load generator. */
#ifndef ZTT_LOAD_H
#define ZTT_LOAD_H

#include "common/opt.h"

extern const struct ztt_opt ztt_load_options[];

/* Runs the subcommand (argv[0] is its name) and returns the exit status: 0 when
 * every request went well, and always when a run controls it and got its
 * result; 1 when requests failed, 2 for bad usage, 3 when nothing could be
 * measured. Blocks; changes the signal mask and raises the soft limit of open
 * files of the process. */
int ztt_cmd_load(int argc, char **argv);

#endif
