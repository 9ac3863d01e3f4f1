#include "commands.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "exit.h"
#include "opt.h"
#include "version.h"

#define COMMANDS_MAX 16

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

static void print_help(const struct ztt_tool *tool)
{
	printf("%s\nSubcommands:\n", tool->intro);
	for (const struct ztt_command *at = tool->commands; at->name; at++)
		printf("  %-8s %s\n", at->name, at->help);
	printf("\nOptions:\n"
	       "  -V, --version  print the version and end\n"
	       "  -h, --help     print this help and end\n\n"
	       "Each subcommand explains its options: %s %s --help\n",
	       tool->name, tool->commands[0].name);
}

/* As completions see the table: the tool itself, then its subcommands. */
static void list_commands(const struct ztt_tool *tool,
			  struct ztt_opt_command list[COMMANDS_MAX + 2])
{
	size_t count = 0;

	list[count++] = (struct ztt_opt_command){"", "", options};
	for (const struct ztt_command *at = tool->commands; at->name; at++) {
		assert(count <= COMMANDS_MAX);
		list[count++] = (struct ztt_opt_command){at->name, at->help,
							 at->options};
	}
	list[count] = (struct ztt_opt_command){NULL, NULL, NULL};
}

static int complain(const char *tool, const struct ztt_err *err)
{
	fprintf(stderr, "%s: %s\n", tool, err->text);
	return ZTT_EXIT_USAGE;
}

static int run_options(const struct ztt_tool *tool, int argc, char **argv)
{
	struct ztt_opt_command list[COMMANDS_MAX + 2];
	struct settings settings = {0};
	struct ztt_err err;

	if (ztt_opt_parse(options, &settings, argc, argv, NULL, &err) < 0)
		return complain(tool->name, &err);
	list_commands(tool, list);
	if (settings.version)
		printf("%s " ZTT_VERSION "\n", tool->name);
	else if (!settings.completion)
		print_help(tool);
	else if (ztt_opt_completion(tool->name, list, settings.completion,
				    stdout, &err) < 0)
		return complain(tool->name, &err);
	return ZTT_EXIT_FINE;
}

static bool is_version_letter(const struct ztt_opt *table)
{
	for (; table->name; table++)
		if (table->letter == 'V')
			return strcmp(table->name, "version") == 0;
	return false;
}

/* "ztt-bench run --version" is the tool's version: subcommands have none. */
static bool asks_version(const struct ztt_opt *table, int argc, char **argv)
{
	bool letter = is_version_letter(table);

	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (strcmp(argv[i], "--version") == 0 ||
		    (letter && strcmp(argv[i], "-V") == 0))
			return true;
	return false;
}

static int run_command(const struct ztt_tool *tool, int argc, char **argv)
{
	struct ztt_opt_command list[COMMANDS_MAX + 2];
	const struct ztt_opt_command *found;
	struct ztt_err err;

	list_commands(tool, list);
	if (ztt_opt_command_find(list + 1, argv[0], &found, &err) < 0)
		return complain(tool->name, &err);
	if (asks_version(found->table, argc, argv)) {
		printf("%s " ZTT_VERSION "\n", tool->name);
		return ZTT_EXIT_FINE;
	}
	return tool->commands[found - (list + 1)].run(argc, argv);
}

int ztt_tool_main(const struct ztt_tool *tool, int argc, char **argv)
{
	int status = argc < 2 || argv[1][0] == '-'
			     ? run_options(tool, argc, argv)
			     : run_command(tool, argc - 1, argv + 1);

	if ((fflush(stdout) == 0 && !ferror(stdout)) || status != ZTT_EXIT_FINE)
		return status;
	fprintf(stderr, "%s: cannot write the standard output: %s\n",
		tool->name, strerror(errno));
	return ZTT_EXIT_UNKNOWN;
}

int ztt_command_options(const char *tool, const char *name,
			const struct ztt_opt *table,
			const struct ztt_opt_help *help, void *settings,
			const struct ztt_opt_common *common, int argc,
			char **argv, int *ret_operands)
{
	struct ztt_err err = {""};

	if (ztt_opt_parse(table, settings, argc, argv, ret_operands, &err) <
	    0) {
		fprintf(stderr, "%s %s: %s\n", tool, name, err.text);
		return ZTT_EXIT_USAGE;
	}
	if (!common->help)
		return -1;
	ztt_opt_help(table, help, stdout);
	return ZTT_EXIT_FINE;
}
