/* `ztt-bench run`: measures engines under load, and says what it cost. */
#ifndef ZTT_CMD_RUN_H
#define ZTT_CMD_RUN_H

#include "common/opt.h"

extern const struct ztt_opt ztt_run_options[];

/* argv[0] is "run". Returns the exit status: 0 when every run is valid, 2 for
 * bad usage, 3 when something could not be measured or a run is invalid, also
 * when it was interrupted. */
int ztt_cmd_run(int argc, char **argv);

#endif
