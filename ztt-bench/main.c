#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "common/err.h"
#include "common/opt.h"
#include "common/version.h"
#include "ztt-bench/cmd_floor.h"
#include "ztt-bench/cmd_run.h"
#include "ztt-bench/parts/agent/cmd.h"
#include "ztt-bench/parts/edge/cmd.h"
#include "ztt-bench/parts/load/load.h"
#include "ztt-bench/parts/origin/origin.h"
#include "ztt-bench/parts/part.h"

/* One row per subcommand: dispatch, --help and the completions read it. */
static const struct command {
	const char *name;
	const char *help;
	int (*run)(int argc, char **argv);
	const struct ztt_opt *options;
} commands[] = {
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
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

struct settings {
	const char *completion;
	bool version, help;
};

static const struct ztt_opt options[] = {
	{.name = "version",
	 .letter = 'V',
	 .help = "print the version and end",
	 .offset = offsetof(struct settings, version)},
	{.name = "help",
	 .letter = 'h',
	 .help = "print this help and end",
	 .offset = offsetof(struct settings, help)},
	{.name = "completion",
	 .type = ZTT_OPT_STRING,
	 .arg = "SHELL",
	 .help = "print the completion for bash, zsh or fish",
	 .hidden = true,
	 .offset = offsetof(struct settings, completion)},
	{.name = NULL},
};

static void print_help(void)
{
	puts("ztt-bench measures what a zero-trust tunnel carries on this host "
	     "and what it\n"
	     "costs in CPU. Nothing outside this host is contacted, and no "
	     "account is needed.\n\n"
	     "  ztt-bench run                          measure now: "
	     "cloudflared if installed,\n"
	     "                                         else ztt's own "
	     "connector\n"
	     "  ztt-bench run --size 1KiB --streams 64    requests instead of "
	     "bulk\n"
	     "  ztt-bench run --engine cloudflared,reference --repeat 6    "
	     "compare two\n");
	puts("Subcommands:");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].help);
	puts("\nOptions:\n"
	     "  -V, --version  print the version and end\n"
	     "  -h, --help     print this help and end\n\n"
	     "Each subcommand explains its options: ztt-bench run --help");
}

/* As completions see the table: the tool itself, then its subcommands. */
static void list_commands(struct ztt_opt_command list[COMMANDS + 2])
{
	list[0] = (struct ztt_opt_command){"", "", options};
	for (size_t i = 0; i < COMMANDS; i++)
		list[i + 1] = (struct ztt_opt_command){commands[i].name,
						       commands[i].help,
						       commands[i].options};
	list[COMMANDS + 1] = (struct ztt_opt_command){NULL, NULL, NULL};
}

static int complain(const struct ztt_err *err)
{
	fprintf(stderr, "ztt-bench: %s\n", err->text);
	return ZTT_EXIT_USAGE;
}

static int run_options(int argc, char **argv)
{
	struct ztt_opt_command list[COMMANDS + 2];
	struct settings settings = {0};
	struct ztt_err err;

	if (ztt_opt_parse(options, &settings, argc, argv, NULL, &err) < 0)
		return complain(&err);
	list_commands(list);
	if (settings.version)
		puts("ztt-bench " ZTT_VERSION);
	else if (!settings.completion)
		print_help();
	else if (ztt_opt_completion("ztt-bench", list, settings.completion,
				    stdout, &err) < 0)
		return complain(&err);
	return ZTT_EXIT_FINE;
}

/* "ztt-bench run --version" is the tool's version: the parts have none. */
static bool asks_version(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (strcmp(argv[i], "--version") == 0 ||
		    strcmp(argv[i], "-V") == 0)
			return true;
	return false;
}

static int run_command(int argc, char **argv)
{
	const struct ztt_opt_command *found;
	struct ztt_opt_command list[COMMANDS + 2];
	struct ztt_err err;

	list_commands(list);
	if (ztt_opt_command_find(list + 1, argv[0], &found, &err) < 0)
		return complain(&err);
	if (asks_version(argc, argv)) {
		puts("ztt-bench " ZTT_VERSION);
		return ZTT_EXIT_FINE;
	}
	return commands[found - (list + 1)].run(argc, argv);
}

int main(int argc, char **argv)
{
	/* Started through /proc/self/exe its name would be "exe". */
	prctl(PR_SET_NAME, "ztt-bench");
	if (argc < 2 || argv[1][0] == '-')
		return run_options(argc, argv);
	return run_command(argc - 1, argv + 1);
}
