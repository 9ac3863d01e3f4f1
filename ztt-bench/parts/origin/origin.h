/* `ztt-bench origin`: the HTTP/1.1 server behind the tunnel. */
#ifndef ZTT_ORIGIN_H
#define ZTT_ORIGIN_H

#include "common/opt.h"

extern const struct ztt_opt ztt_origin_options[];

/* Runs the subcommand (argv[0] is its name) and returns the exit status: 0
 * after SIGTERM, SIGINT or the end of the control socket, 2 for bad usage, 3
 * when it cannot listen. Blocks; changes the signal mask and raises the soft
 * limit of open files of the process. */
int ztt_cmd_origin(int argc, char **argv);

#endif
