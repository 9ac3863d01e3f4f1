#include "opt.h"

#include <errno.h>
#include <string.h>

#include "err.h"

#define NAME_LEN 64

/* The shell function: "_ztt_bench". */
static const char *function_name(const char *tool, char out[NAME_LEN])
{
	snprintf(out, NAME_LEN, "_%s", tool);
	for (char *at = out; *at; at++) {
		if (*at == '-' || *at == '.')
			*at = '_';
	}
	return out;
}

static bool is_file(const struct ztt_opt *row)
{
	return row->type == ZTT_OPT_STRING && row->arg &&
	       (!strcmp(row->arg, "FILE") || !strcmp(row->arg, "PATH") ||
		!strcmp(row->arg, "DIR"));
}

static bool has_subcommands(const struct ztt_opt_command *commands)
{
	for (; commands->name; commands++) {
		if (commands->name[0])
			return true;
	}
	return false;
}

static void put_choices(const char *choices, FILE *out)
{
	for (; *choices; choices++)
		fputc(*choices == '|' ? ' ' : *choices, out);
}

/* `text` for use between single quotes; a byte of `special` gets a backslash
 * before it. */
static void put_quoted(const char *text, const char *special, FILE *out)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fprintf(out, strchr(special, *text) ? "\\%c" : "%c",
				*text);
	}
}

static void bash_value(const struct ztt_opt *row, FILE *out)
{
	fprintf(out, "\t\t--%s", row->name);
	if (row->letter)
		fprintf(out, " | -%c", row->letter);
	fputs(")\n", out);
	if (row->type == ZTT_OPT_CHOICE) {
		fputs("\t\t\tmapfile -t COMPREPLY < <(compgen -W '", out);
		put_choices(row->choices, out);
		fputs("' -- \"$cur\")\n", out);
	} else if (is_file(row)) {
		fputs("\t\t\tcompopt -o filenames\n"
		      "\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n",
		      out);
	}
	fputs("\t\t\treturn\n\t\t\t;;\n", out);
}

static void bash_case(const struct ztt_opt_command *command, FILE *out)
{
	const struct ztt_opt none = {0};
	const struct ztt_opt *table = command->table ? command->table : &none;
	bool values = false;

	fprintf(out, "\t%s)\n", command->name[0] ? command->name : "*");
	for (const struct ztt_opt *row = table; row->name; row++) {
		if (row->hidden || row->type == ZTT_OPT_FLAG)
			continue;
		fputs(values ? "" : "\t\tcase $prev in\n", out);
		values = true;
		bash_value(row, out);
	}
	fputs(values ? "\t\tesac\n\t\toptions='" : "\t\toptions='", out);
	for (const struct ztt_opt *row = table; row->name; row++) {
		if (!row->hidden)
			fprintf(out, "%s--%s", row == table ? "" : " ",
				row->name);
	}
	fputs("'\n\t\t;;\n", out);
}

/* bash cuts words at '=' too: "--name=val" is three words. */
static void bash(const char *tool, const struct ztt_opt_command *commands,
		 FILE *out)
{
	const struct ztt_opt_command *at;
	char function[NAME_LEN];

	function_name(tool, function);
	fprintf(out,
		"# bash completion of %s; generated from its option "
		"tables\n\n%s()\n{\n",
		tool, function);
	fputs("\tlocal cur=${COMP_WORDS[COMP_CWORD]} options=''\n"
	      "\tlocal prev=${COMP_WORDS[COMP_CWORD - 1]}\n\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [[ $prev == '=' ]]; then\n"
	      "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	      "\telif [[ $cur == '=' ]]; then\n"
	      "\t\tcur=''\n"
	      "\tfi\n",
	      out);
	if (has_subcommands(commands)) {
		fputs("\tif ((COMP_CWORD == 1)) && [[ $cur != -* ]]; then\n"
		      "\t\tmapfile -t COMPREPLY < <(compgen -W '",
		      out);
		for (at = commands; at->name; at++)
			fprintf(out, "%s%s", at == commands ? "" : " ",
				at->name);
		fputs("' -- \"$cur\")\n\t\treturn\n\tfi\n", out);
	}
	fputs("\tcase ${COMP_WORDS[1]} in\n", out);
	for (at = commands; at->name; at++) {
		if (at->name[0])
			bash_case(at, out);
	}
	for (at = commands; at->name; at++) {
		if (!at->name[0])
			bash_case(at, out);
	}
	fputs("\tesac\n"
	      "\tif [[ -z $cur || $cur == -* ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- "
	      "\"$cur\")\n"
	      "\telse\n"
	      "\t\tcompopt -o filenames\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	      "\tfi\n}\n\n",
	      out);
	fprintf(out, "complete -F %s %s\n", function, tool);
}

static void zsh_spec(const struct ztt_opt *row, bool letter, FILE *out)
{
	const bool value = row->type != ZTT_OPT_FLAG;

	fputs(" \\\n\t\t\t'(", out);
	if (row->letter)
		fprintf(out, "-%c ", row->letter);
	fprintf(out, "--%s)", row->name);
	if (letter)
		fprintf(out, "-%c%s[", row->letter, value ? "+" : "");
	else
		fprintf(out, "--%s%s[", row->name, value ? "=" : "");
	put_quoted(row->help, "[]\\", out);
	fputc(']', out);
	if (value) {
		fputc(':', out);
		put_quoted(ztt_opt_arg(row), ":\\", out);
		fputc(':', out);
	}
	if (row->type == ZTT_OPT_CHOICE) {
		fputc('(', out);
		put_choices(row->choices, out);
		fputc(')', out);
	} else if (value) {
		fputs(is_file(row) ? "_files" : " ", out);
	}
	fputc('\'', out);
}

static void zsh_case(const struct ztt_opt_command *command, FILE *out)
{
	const struct ztt_opt none = {0};
	const struct ztt_opt *row = command->table ? command->table : &none;

	if (command->name[0])
		fprintf(out, "\t%s)\n\t\tshift words\n\t\t((CURRENT--))\n",
			command->name);
	else
		fputs("\t*)\n", out);
	fputs("\t\t_arguments -s -S", out);
	for (; row->name; row++) {
		if (row->hidden)
			continue;
		if (row->letter)
			zsh_spec(row, true, out);
		zsh_spec(row, false, out);
	}
	fputs(" \\\n\t\t\t'*:file:_files'\n\t\t;;\n", out);
}

static void zsh(const char *tool, const struct ztt_opt_command *commands,
		FILE *out)
{
	const struct ztt_opt_command *at;
	char function[NAME_LEN];

	function_name(tool, function);
	fprintf(out,
		"#compdef %s\n# zsh completion of %s; generated from its "
		"option tables\n\n%s()\n{\n",
		tool, tool, function);
	if (has_subcommands(commands)) {
		fputs("\tlocal -a commands=(", out);
		for (at = commands; at->name; at++) {
			if (!at->name[0])
				continue;
			fprintf(out, "\n\t\t'%s:", at->name);
			put_quoted(at->help, "\\", out);
			fputc('\'', out);
		}
		fputs("\n\t)\n\n\tif ((CURRENT == 2)) && [[ $words[2] != -* ]]; "
		      "then\n\t\t_describe command commands\n\t\treturn\n"
		      "\tfi\n",
		      out);
	}
	fputs("\tcase $words[2] in\n", out);
	for (at = commands; at->name; at++) {
		if (at->name[0])
			zsh_case(at, out);
	}
	for (at = commands; at->name; at++) {
		if (!at->name[0])
			zsh_case(at, out);
	}
	fprintf(out,
		"\tesac\n}\n\nif [[ $funcstack[1] == %s ]]; then\n"
		"\t%s \"$@\"\nelse\n\tcompdef %s %s\nfi\n",
		function, function, function, tool);
}

static void fish_option(const char *tool, const char *condition,
			const struct ztt_opt *row, FILE *out)
{
	fprintf(out, "complete -c %s%s -l %s", tool, condition, row->name);
	if (row->letter)
		fprintf(out, " -s %c", row->letter);
	if (row->type == ZTT_OPT_CHOICE) {
		fputs(" -x -a '", out);
		put_choices(row->choices, out);
		fputc('\'', out);
	} else if (is_file(row)) {
		fputs(" -r -F", out);
	} else if (row->type != ZTT_OPT_FLAG) {
		fputs(" -x", out);
	}
	fputs(" -d '", out);
	put_quoted(row->help, "\\", out);
	fputs("'\n", out);
}

static void fish(const char *tool, const struct ztt_opt_command *commands,
		 FILE *out)
{
	const bool subcommands = has_subcommands(commands);
	char condition[128] = "";

	fprintf(out,
		"# fish completion of %s; generated from its option "
		"tables\n\n",
		tool);
	if (subcommands)
		fprintf(out, "complete -c %s -n __fish_use_subcommand -f\n",
			tool);
	for (; commands->name; commands++) {
		const struct ztt_opt *row = commands->table;

		if (subcommands)
			snprintf(condition, sizeof(condition),
				 " -n __fish_use_subcommand");
		if (commands->name[0]) {
			fprintf(out, "complete -c %s%s -a %s -d '", tool,
				condition, commands->name);
			put_quoted(commands->help, "\\", out);
			fputs("'\n", out);
			snprintf(condition, sizeof(condition),
				 " -n '__fish_seen_subcommand_from %s'",
				 commands->name);
		}
		for (; row && row->name; row++) {
			if (!row->hidden)
				fish_option(tool, condition, row, out);
		}
	}
}

int ztt_opt_completion(const char *tool, const struct ztt_opt_command *commands,
		       const char *shell, FILE *out, struct ztt_err *err)
{
	if (!strcmp(shell, "bash"))
		bash(tool, commands, out);
	else if (!strcmp(shell, "zsh"))
		zsh(tool, commands, out);
	else if (!strcmp(shell, "fish"))
		fish(tool, commands, out);
	else
		return ztt_err_set(err, -EINVAL,
				   "there is no completion for \"%s\"; it is "
				   "made for bash, zsh and fish",
				   shell);
	return 0;
}
