/* `ztt-bench agent`. */
#ifndef ZTT_BENCH_AGENT_CMD_H
#define ZTT_BENCH_AGENT_CMD_H

#include "common/opt.h"

extern const struct ztt_opt ztt_agent_options[];

/* Runs until a signal, the end of the control socket, or a refusal that trying
 * again cannot mend. Returns the exit status. */
int ztt_cmd_agent(int argc, char **argv);

#endif
