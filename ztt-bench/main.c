#define _GNU_SOURCE
#include <stddef.h>
#include <sys/prctl.h>

#include "common/commands.h"
#include "ztt-bench/cmd_floor.h"
#include "ztt-bench/cmd_run.h"
#include "ztt-bench/parts/agent/cmd.h"
#include "ztt-bench/parts/edge/cmd.h"
#include "ztt-bench/parts/load/load.h"
#include "ztt-bench/parts/origin/origin.h"

static const struct ztt_command commands[] = {
	{"run", "measure a tunnel: load, edge, engine and origin, all here",
	 ztt_cmd_run, ztt_run_options},
	{"floor", "measure the least CPU time per GB that this host allows",
	 ztt_cmd_floor, ztt_cmd_floor_options},
	{"edge", "the edge alone: point a cloudflared of yours at it",
	 ztt_cmd_edge, ztt_edge_options},
	{"agent", "the reference connector alone, in cloudflared's place",
	 ztt_cmd_agent, ztt_agent_options},
	{"origin", "the origin alone: bodies of any size over HTTP/1.1",
	 ztt_cmd_origin, ztt_origin_options},
	{"load", "the load alone, against any HTTP/1.1 server", ztt_cmd_load,
	 ztt_load_options},
	{NULL, NULL, NULL, NULL},
};

static const struct ztt_tool tool = {
	.name = "ztt-bench",
	.intro = "ztt-bench measures what a zero-trust tunnel carries on this "
		 "host and what it\n"
		 "costs in CPU. Nothing outside this host is contacted, and no "
		 "account is needed.\n\n"
		 "  ztt-bench run                          measure now: "
		 "cloudflared if installed,\n"
		 "                                         else ztt's own "
		 "connector\n"
		 "  ztt-bench run --size 1KiB --streams 64    requests instead "
		 "of bulk\n"
		 "  ztt-bench run --engine cloudflared,reference --repeat 6    "
		 "compare two\n",
	.commands = commands,
};

int main(int argc, char **argv)
{
	/* Started through /proc/self/exe its name would be "exe". */
	prctl(PR_SET_NAME, "ztt-bench");
	return ztt_tool_main(&tool, argc, argv);
}
