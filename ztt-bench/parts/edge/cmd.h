/* `ztt-bench edge`. */
#ifndef ZTT_BENCH_EDGE_CMD_H
#define ZTT_BENCH_EDGE_CMD_H

#include "common/opt.h"

extern const struct ztt_opt ztt_edge_options[];

/* Runs until a signal or the end of the control socket. Returns the exit
 * status. */
int ztt_cmd_edge(int argc, char **argv);

#endif
