#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"
#include "common/opt.h"

struct settings {
	struct ztt_opt_common common;
	bool warm;
	const char *json, *direction;
	uint64_t count, size_bytes, duration_ns, seed;
	double rate;
	uint64_t guard;
};

#define FIELD(name) .offset = offsetof(struct settings, name)

static const struct ztt_opt table[] = {
	{.name = "count",
	 .letter = 'n',
	 .type = ZTT_OPT_UINT,
	 .arg = "N",
	 .preset = "5",
	 .help = "how many runs; more of them make the interval narrower, at "
		 "the price of time",
	 FIELD(count),
	 .min = 1,
	 .max = 100},
	{.name = "size",
	 .type = ZTT_OPT_SIZE,
	 .preset = "64KiB",
	 .help = "bytes of a body",
	 FIELD(size_bytes),
	 .min = 1024,
	 .max = 1000000},
	{.name = "duration",
	 .letter = 'd',
	 .type = ZTT_OPT_DURATION,
	 .arg = "TIME",
	 .preset = "5s",
	 .help = "how long a run is measured",
	 FIELD(duration_ns),
	 .min = 250000000},
	{.name = "rate",
	 .type = ZTT_OPT_RATE,
	 .help = "requests per second",
	 FIELD(rate)},
	{.name = "direction",
	 .type = ZTT_OPT_CHOICE,
	 .choices = "down|up|both",
	 .preset = "down",
	 .help = "which way the bytes go",
	 FIELD(direction)},
	{.name = "json",
	 .letter = 'j',
	 .type = ZTT_OPT_STRING,
	 .arg = "FILE",
	 .help = "write the result as JSON to FILE, or to the standard output "
		 "for -",
	 FIELD(json)},
	{.name = "a-name-that-is-far-too-long",
	 .type = ZTT_OPT_UINT,
	 .help = "it's [odd]: a\\b",
	 FIELD(seed)},
	{.name = "warm", .letter = 'w', .help = "warm up first", FIELD(warm)},
	{.name = "guard",
	 .type = ZTT_OPT_UINT,
	 .help = "hidden",
	 FIELD(guard),
	 .hidden = true},
	ZTT_OPT_COMMON_ROWS(struct settings, common),
	{.name = NULL},
};

static const struct ztt_opt tool_table[] = {
	ZTT_OPT_COMMON_ROWS(struct settings, common),
	{.name = NULL},
};

static const struct ztt_opt_command commands[] = {
	{"run", "measure; don't wait", table},
	{"compare", "compare two results", NULL},
	{"", NULL, tool_table},
	{NULL, NULL, NULL},
};

static const struct ztt_opt_command lone[] = {
	{"", NULL, table},
	{NULL, NULL, NULL},
};

struct parsed {
	struct settings settings;
	struct ztt_err err;
	char *argv[16];
	int operands, rc;
};

/* Cuts `line` at blanks; it must outlive `ret_parsed`. */
static void parse(char *line, bool operands, struct parsed *ret_parsed)
{
	char *save = NULL;
	int argc = 0;

	*ret_parsed = (struct parsed){.operands = -1};
	ret_parsed->argv[argc++] = "tool";
	for (char *word = strtok_r(line, " ", &save); word && argc < 15;
	     word = strtok_r(NULL, " ", &save))
		ret_parsed->argv[argc++] = word;
	ret_parsed->rc = ztt_opt_parse(table, &ret_parsed->settings, argc,
				       ret_parsed->argv,
				       operands ? &ret_parsed->operands : NULL,
				       &ret_parsed->err);
}

static void assert_refused(const char *text, const char *sentence)
{
	char *line = strdup(text);
	struct parsed parsed;

	parse(line, false, &parsed);
	assert_int_equal(parsed.rc, -EINVAL);
	assert_string_equal(parsed.err.text, sentence);
	free(line);
}

static void presets_hold_where_nothing_is_said(void **unused)
{
	char line[] = "";
	struct parsed parsed;

	(void)unused;
	parse(line, false, &parsed);
	assert_int_equal(parsed.rc, 0);
	assert_int_equal(parsed.settings.count, 5);
	assert_int_equal(parsed.settings.size_bytes, 65536);
	assert_int_equal(parsed.settings.duration_ns, UINT64_C(5000000000));
	assert_string_equal(parsed.settings.direction, "down");
	assert_null(parsed.settings.json);
	assert_false(parsed.settings.warm);
	assert_true(parsed.settings.rate == 0);
}

static void long_options_take_values_either_way(void **unused)
{
	char line[] = "--count=7 --size 2k --duration=250ms --rate 1.5k "
		      "--direction both --json - --guard=3 --warm --no-color";
	struct parsed parsed;

	(void)unused;
	parse(line, false, &parsed);
	assert_int_equal(parsed.rc, 0);
	assert_int_equal(parsed.settings.count, 7);
	assert_int_equal(parsed.settings.size_bytes, 2000);
	assert_int_equal(parsed.settings.duration_ns, 250000000);
	assert_true(parsed.settings.rate == 1500);
	assert_string_equal(parsed.settings.direction, "both");
	assert_string_equal(parsed.settings.json, "-");
	assert_int_equal(parsed.settings.guard, 3);
	assert_true(parsed.settings.warm);
	assert_true(parsed.settings.common.no_color);
	assert_false(parsed.settings.common.help);
}

static void short_options_join(void **unused)
{
	char line[] = "-wqn9 -d 1s -jx=y -n 10";
	struct parsed parsed;

	(void)unused;
	parse(line, false, &parsed);
	assert_int_equal(parsed.rc, 0);
	assert_true(parsed.settings.warm);
	assert_true(parsed.settings.common.quiet);
	assert_int_equal(parsed.settings.count, 10);
	assert_int_equal(parsed.settings.duration_ns, 1000000000);
	assert_string_equal(parsed.settings.json, "x=y");
}

static void operands_move_to_the_front(void **unused)
{
	char line[] = "a --warm - -n 3 b -- --json -x";
	struct parsed parsed;

	(void)unused;
	parse(line, true, &parsed);
	assert_int_equal(parsed.rc, 0);
	assert_int_equal(parsed.operands, 5);
	assert_string_equal(parsed.argv[0], "tool");
	assert_string_equal(parsed.argv[1], "a");
	assert_string_equal(parsed.argv[2], "-");
	assert_string_equal(parsed.argv[3], "b");
	assert_string_equal(parsed.argv[4], "--json");
	assert_string_equal(parsed.argv[5], "-x");
	assert_int_equal(parsed.settings.count, 3);
	assert_null(parsed.settings.json);
}

static void an_empty_value_is_a_value(void **unused)
{
	char line[] = "--json=";
	struct parsed parsed;

	(void)unused;
	parse(line, false, &parsed);
	assert_int_equal(parsed.rc, 0);
	assert_string_equal(parsed.settings.json, "");
	assert_refused("--count=",
		       "--count takes a whole number from 1 to 100, not \"\"");
	assert_refused("--direction=",
		       "--direction takes down, up or both, not \"\"");
}

static void unknown_options_name_the_nearest(void **unused)
{
	(void)unused;
	assert_refused("--duraton 5s", "there is no option --duraton; the "
				       "nearest is --duration");
	assert_refused("--dir=up", "there is no option --dir; the nearest is "
				   "--direction");
	assert_refused("--guart", "there is no option --guart; --help lists "
				  "them");
	assert_refused("--frobnicate=secret",
		       "there is no option --frobnicate; --help lists them");
	assert_refused("--=x", "there is no option --; --help lists them");
	assert_refused("-wx", "there is no option -x; --help lists them");
}

static void bad_values_say_what_is_accepted(void **unused)
{
	(void)unused;
	assert_refused("--count 0",
		       "--count takes a whole number from 1 to 100, not \"0\"");
	assert_refused("-n101", "--count takes a whole number from 1 to 100, "
				"not \"101\"");
	assert_refused("--count=18446744073709551617",
		       "--count takes a whole number from 1 to 100, not "
		       "\"18446744073709551617\"");
	assert_refused("--count -1", "--count takes a whole number from 1 to "
				     "100, not \"-1\"");
	assert_refused("--a-name-that-is-far-too-long=1k",
		       "--a-name-that-is-far-too-long takes a whole number, "
		       "not \"1k\"");
	assert_refused("--size 2M", "--size takes a size like 1000, 100M or "
				    "64KiB from 1KiB to 1MB, not \"2M\"");
	assert_refused("-d 1ms", "--duration takes a duration like 250ms, 5s "
				 "or 2m of at least 250ms, not \"1ms\"");
	assert_refused("--rate -3", "--rate takes a rate per second like 500 "
				    "or 2k, not \"-3\"");
	assert_refused("--direction dwon",
		       "--direction takes down, up or both, not \"dwon\"");
	assert_refused("--direction down|up",
		       "--direction takes down, up or both, not \"down|up\"");
}

static void missing_and_needless_values_are_refused(void **unused)
{
	(void)unused;
	assert_refused("--count", "--count needs a value: a whole number from "
				  "1 to 100");
	assert_refused("-wj", "--json needs a value: FILE");
	assert_refused("--warm=yes", "--warm takes no value");
	assert_refused("more", "unexpected \"more\"; --help shows what is "
			       "taken");
	assert_refused("-- -n", "unexpected \"-n\"; --help shows what is "
				"taken");
}

static void commands_are_found_or_the_nearest_named(void **unused)
{
	const struct ztt_opt_command *found = NULL;
	struct ztt_err err;

	(void)unused;
	assert_int_equal(ztt_opt_command_find(commands, "compare", &found,
					      &err),
			 0);
	assert_ptr_equal(found, &commands[1]);
	assert_int_equal(ztt_opt_command_find(commands, "comapre", &found,
					      &err),
			 -EINVAL);
	assert_string_equal(err.text, "there is no command \"comapre\"; the "
				      "nearest is \"compare\"");
	assert_int_equal(ztt_opt_command_find(commands, "", &found, &err),
			 -EINVAL);
	assert_string_equal(err.text,
			    "there is no command \"\"; --help lists them");
	assert_ptr_equal(found, &commands[1]);
}

static char *help_text(const struct ztt_opt_help *help)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	ztt_opt_help(table, help, out);
	fclose(out);
	return text;
}

static void help_fits_80_columns(void **unused)
{
	const struct ztt_opt_help help = {
		"tool run [options]\ntool run --list",
		"Measures how much the tunnel carries here and what that costs "
		"the host in CPU time.\nNeeds no account.",
		"tool run -n 3\n\ntool run --json -\n",
	};
	char *text = help_text(&help);

	(void)unused;
	assert_string_equal(
		text,
		/* clang-format off */
"Usage: tool run [options]\n"
"       tool run --list\n"
"\n"
"Measures how much the tunnel carries here and what that costs the host in CPU\n"
"time.\n"
"Needs no account.\n"
"\n"
"Examples:\n"
"  tool run -n 3\n"
"\n"
"  tool run --json -\n"
"\n"
"Options:\n"
"  -n, --count N         how many runs; more of them make the interval narrower,\n"
"                        at the price of time (default 5)\n"
"      --size SIZE       bytes of a body (default 64KiB)\n"
"  -d, --duration TIME   how long a run is measured (default 5s)\n"
"      --rate RATE       requests per second\n"
"      --direction WORD  which way the bytes go (down|up|both; default down)\n"
"  -j, --json FILE       write the result as JSON to FILE, or to the standard\n"
"                        output for -\n"
"      --a-name-that-is-far-too-long N\n"
"                        it's [odd]: a\\b\n"
"  -w, --warm            warm up first\n"
"  -q, --quiet           print nothing but the result\n"
"  -v, --verbose         print more on the way\n"
"      --no-color        print without colours\n"
"  -V, --version         print the version and end\n"
"  -h, --help            print this help and end\n"
		/* clang-format on */
	);
	free(text);
}

static char *completion(const struct ztt_opt_command *rows, const char *shell)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(ztt_opt_completion("ztt-demo", rows, shell, out, NULL),
			 0);
	fclose(out);
	return text;
}

/* What bash offers for the words in `words`, the last of which is completed;
 * compopt has no place outside a completion. */
static void assert_offers(const struct ztt_opt_command *rows, const char *words,
			  const char *expected)
{
	char path[] = "/tmp/ztt-test-opt-XXXXXX", command[512], offered[512];
	char *text = completion(rows, "bash");
	int fd = mkstemp(path);
	size_t len;
	FILE *bash;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	snprintf(command, sizeof(command),
		 "bash --norc -c 'compopt() { :; }; . %s; COMP_WORDS=(%s); "
		 "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _ztt_demo; "
		 "echo \"${COMPREPLY[*]}\"'",
		 path, words);
	bash = popen(command, "r");
	assert_non_null(bash);
	len = fread(offered, 1, sizeof(offered) - 1, bash);
	offered[len] = '\0';
	assert_int_equal(pclose(bash), 0);
	unlink(path);
	free(text);
	assert_string_equal(offered, expected);
}

static void bash_completes_commands_options_and_values(void **unused)
{
	(void)unused;
	assert_offers(commands, "ztt-demo \"\"", "run compare\n");
	assert_offers(commands, "ztt-demo c", "compare\n");
	assert_offers(commands, "ztt-demo --v", "--verbose --version\n");
	assert_offers(commands, "ztt-demo run --d", "--duration --direction\n");
	assert_offers(commands, "ztt-demo run --g", "\n");
	assert_offers(commands, "ztt-demo run --direction \"\"",
		      "down up both\n");
	assert_offers(commands, "ztt-demo run --direction = d", "down\n");
	assert_offers(commands, "ztt-demo run --direction =", "down up both\n");
	assert_offers(commands, "ztt-demo run --count \"\"", "\n");
	assert_offers(commands, "ztt-demo run -j /et", "/etc\n");
	assert_offers(commands, "ztt-demo compare /et", "/etc\n");
	assert_offers(lone, "ztt-demo --wa", "--warm\n");
	assert_offers(lone, "ztt-demo --direction b", "both\n");
}

static void fish_has_a_line_for_each_option(void **unused)
{
	const struct ztt_opt_command two[] = {commands[0],
					      commands[1],
					      {NULL, NULL, NULL}};
	char *text = completion(two, "fish");

	(void)unused;
#define RUN "complete -c ztt-demo -n '__fish_seen_subcommand_from run' "
	assert_non_null(strstr(text, "complete -c ztt-demo -n "
				     "__fish_use_subcommand -a run "
				     "-d 'measure; don'\\''t wait'\n"));
	assert_non_null(strstr(text, RUN "-l direction -x -a 'down up both' "
					 "-d 'which way the bytes go'\n"));
	assert_non_null(strstr(text, RUN "-l json -s j -r -F -d "));
	assert_non_null(strstr(text, RUN "-l warm -s w -d 'warm up first'\n"));
	assert_non_null(strstr(text, "-d 'it'\\''s [odd]: a\\\\b'\n"));
	assert_null(strstr(text, "guard"));
#undef RUN
	free(text);
}

static void zsh_has_a_spec_for_each_option(void **unused)
{
	char *text = completion(commands, "zsh");

	(void)unused;
	assert_int_equal(strncmp(text, "#compdef ztt-demo\n", 18), 0);
	assert_non_null(strstr(text, "'run:measure; don'\\''t wait'"));
	assert_non_null(strstr(text, "'(-j --json)-j+[write the result as "));
	assert_non_null(strstr(text, "'(--direction)--direction=[which way the "
				     "bytes go]:WORD:(down up both)'"));
	assert_non_null(strstr(text, "[it'\\''s \\[odd\\]: a\\\\b]:N: '"));
	assert_null(strstr(text, "guard"));
	free(text);
}

static void another_shell_is_refused(void **unused)
{
	struct ztt_err err;

	(void)unused;
	assert_int_equal(ztt_opt_completion("ztt-demo", commands, "ksh", stderr,
					    &err),
			 -EINVAL);
	assert_string_equal(err.text, "there is no completion for \"ksh\"; it "
				      "is made for bash, zsh and fish");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(presets_hold_where_nothing_is_said),
		cmocka_unit_test(long_options_take_values_either_way),
		cmocka_unit_test(short_options_join),
		cmocka_unit_test(operands_move_to_the_front),
		cmocka_unit_test(an_empty_value_is_a_value),
		cmocka_unit_test(unknown_options_name_the_nearest),
		cmocka_unit_test(bad_values_say_what_is_accepted),
		cmocka_unit_test(missing_and_needless_values_are_refused),
		cmocka_unit_test(commands_are_found_or_the_nearest_named),
		cmocka_unit_test(help_fits_80_columns),
		cmocka_unit_test(bash_completes_commands_options_and_values),
		cmocka_unit_test(fish_has_a_line_for_each_option),
		cmocka_unit_test(zsh_has_a_spec_for_each_option),
		cmocka_unit_test(another_shell_is_refused),
	};

	return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
