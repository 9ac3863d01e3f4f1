/* `ztt-bench floor`: what this host could do at best, per byte. */
#ifndef ZTT_CMD_FLOOR_H
#define ZTT_CMD_FLOOR_H

#include "common/opt.h"

extern const struct ztt_opt ztt_cmd_floor_options[];

/* argv[0] is "floor". Returns the exit status: 0, 2 (usage), or 3 when the
 * floor of a direction could not be told or the result not be written. */
int ztt_cmd_floor(int argc, char **argv);

#endif
