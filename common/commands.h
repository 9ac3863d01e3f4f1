/* A tool of several subcommands: one table dispatches, makes --help and feeds
 * the completions. */
#ifndef ZTT_COMMANDS_H
#define ZTT_COMMANDS_H

struct ztt_opt;
struct ztt_opt_common;
struct ztt_opt_help;

/* A row; a table ends with a row whose name is NULL. */
struct ztt_command {
	const char *name;
	const char *help;
	/* argv[0] is the name; returns the exit status. */
	int (*run)(int argc, char **argv);
	const struct ztt_opt *options;
};

/* What a tool is; `intro` is what --help says before the list of subcommands:
 * usage, purpose, examples. */
struct ztt_tool {
	const char *name; /* "ztt-bench" */
	const char *intro;
	const struct ztt_command *commands;
};

/* The tool's main(): --help, --version, --completion SHELL, and the subcommand;
 * returns the exit status. */
int ztt_tool_main(const struct ztt_tool *tool, int argc, char **argv);

/* Parses the table of the subcommand `name` of `tool`. *ret_operands as
 * ztt_opt_parse, NULL: none are taken. Returns -1 to go on, or the exit status
 * to end with: help was printed, or the error. */
int ztt_command_options(const char *tool, const char *name,
			const struct ztt_opt *table,
			const struct ztt_opt_help *help, void *settings,
			const struct ztt_opt_common *common, int argc,
			char **argv, int *ret_operands);

#endif
