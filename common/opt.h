/* Option tables: one const table per subcommand parses the command line,
 * prints --help, feeds the completions and is compared with the man page. */
#ifndef ZTT_OPT_H
#define ZTT_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct ztt_err;

enum ztt_opt_type {
	ZTT_OPT_FLAG,     /* bool */
	ZTT_OPT_STRING,   /* const char *, points into argv or at the default */
	ZTT_OPT_UINT,     /* uint64_t, decimal, within [min, max] */
	ZTT_OPT_SIZE,     /* uint64_t bytes: 1000, 100M, 64KiB (units.h) */
	ZTT_OPT_DURATION, /* uint64_t nanoseconds: 5s, 250ms, 2m (units.h) */
	ZTT_OPT_RATE,     /* double, per second: 500, 2k */
	ZTT_OPT_PERCENT,  /* double, 0 to 100 */
	ZTT_OPT_CHOICE,   /* const char *, one word of `choices` */
};

/* A row. A table ends with a row whose `name` is NULL. A flag has no preset. */
struct ztt_opt {
	const char *name; /* long name without dashes */
	char letter;      /* short name or 0 */
	enum ztt_opt_type type;
	const char *arg;     /* what --help calls the argument: "N", "FILE"; or
				NULL: a word for its type. "FILE", "PATH" and
				"DIR" are completed as files */
	const char *preset;  /* default as the user would type it, or NULL: the
				field is left as it is (false, 0, NULL) */
	const char *help;    /* one line */
	size_t offset;       /* offsetof() into the settings struct */
	const char *choices; /* "down|up|both" for ZTT_OPT_CHOICE */
	uint64_t min, max;   /* for UINT, SIZE, DURATION; max 0: no bound */
	bool hidden;         /* not in --help: for the run's own use */
};

/* What a subcommand shows at the top of --help. */
struct ztt_opt_help {
	const char *usage;    /* "ztt-bench run [options]" */
	const char *purpose;  /* one or two lines */
	const char *examples; /* lines of at most 78 columns, or NULL */
};

/* The options every tool has: --json is not among them, for not every
 * subcommand has a result. */
struct ztt_opt_common {
	bool help, version, quiet, verbose, no_color;
};

/* Their rows, for a table whose `settings_type` has a struct ztt_opt_common
 * called `member`. */
/* clang-format off */
#define ZTT_OPT_COMMON_ROWS(settings_type, member)                             \
	{.name = "quiet", .letter = 'q',                                       \
	 .help = "print nothing but the result",                               \
	 .offset = offsetof(settings_type, member.quiet)},                     \
	{.name = "verbose", .letter = 'v', .help = "print more on the way",    \
	 .offset = offsetof(settings_type, member.verbose)},                   \
	{.name = "no-color", .help = "print without colours",                  \
	 .offset = offsetof(settings_type, member.no_color)},                  \
	{.name = "version", .letter = 'V', .help = "print the version and end",\
	 .offset = offsetof(settings_type, member.version)},                   \
	{.name = "help", .letter = 'h', .help = "print this help and end",     \
	 .offset = offsetof(settings_type, member.help)}
/* clang-format on */

/* Sets every field of `settings` that has a preset, then parses argv[1..].
 * Long options are written `--name=value` or `--name value`, short ones
 * `-n value` or `-nvalue`, and short flags may be joined; of two, the last one
 * counts; `--` ends the options; "-" is no option. What is no option is moved
 * to the front of argv, to argv[1] .. argv[*ret_operands] (NULL: operands are
 * refused). -EINVAL: unknown option (names the nearest one), missing or bad
 * value (names the option, the value and what is accepted; the value of a
 * STRING never). */
int ztt_opt_parse(const struct ztt_opt *table, void *settings, int argc,
		  char **argv, int *ret_operands, struct ztt_err *err);

/* Prints usage, purpose, examples, then the options with their defaults, in
 * 80 columns. */
void ztt_opt_help(const struct ztt_opt *table, const struct ztt_opt_help *help,
		  FILE *out);

/* What --help calls the argument of `row`: its `arg`, or a word for its type;
 * NULL for a flag. */
const char *ztt_opt_arg(const struct ztt_opt *row);

/* A subcommand as completions see it. `table` may be NULL. The row named ""
 * stands for the tool without a subcommand; a tool that has none has that row
 * alone. Rows end with a NULL name. */
struct ztt_opt_command {
	const char *name;
	const char *help;
	const struct ztt_opt *table;
};

/* The command called `name`. -EINVAL: none is (names the nearest one). */
int ztt_opt_command_find(const struct ztt_opt_command *commands,
			 const char *name,
			 const struct ztt_opt_command **ret_command,
			 struct ztt_err *err);

/* Writes the completion of `tool` for shell "bash", "zsh" or "fish". -EINVAL:
 * another shell. */
int ztt_opt_completion(const char *tool, const struct ztt_opt_command *commands,
		       const char *shell, FILE *out, struct ztt_err *err);

#endif
