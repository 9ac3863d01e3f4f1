#define _GNU_SOURCE
#include "ztt-doctor/engine/unit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"

#define BLANKS " \t\r"
#define WORD_MAX 8192

/* One word, quotes and backslashes undone (systemd.syntax(7)); NULL at the
 * end. Specifiers stay as they are. */
static char *next_word(char **at)
{
	char word[WORD_MAX], quote = 0;
	size_t len = 0;
	char *from = *at + strspn(*at, BLANKS);

	if (!*from)
		return NULL;
	for (; *from && (quote || !strchr(BLANKS, *from)); from++) {
		if (quote && *from == quote) {
			quote = 0;
			continue;
		}
		if (!quote && (*from == '"' || *from == '\'')) {
			quote = *from;
			continue;
		}
		if (*from == '\\' && from[1])
			from++;
		if (len < sizeof(word) - 1)
			word[len++] = *from;
	}
	word[len] = 0;
	*at = from;
	from = ztt_strdup(word);
	explicit_bzero(word, len);
	return from;
}

static void set_exec(struct ztt_unit *unit, const char *path, mode_t mode,
		     char *value)
{
	char *word;

	for (size_t i = 0; i < unit->word_count; i++)
		free(unit->words[i]);
	memset(unit->words, 0, sizeof(unit->words));
	unit->word_count = 0;
	/* Prefixes of systemd.service(5), "COMMAND LINES". */
	value += strspn(value, "@-:+!|");
	while (unit->word_count < ZTT_UNIT_WORDS_MAX &&
	       (word = next_word(&value)))
		unit->words[unit->word_count++] = word;
	snprintf(unit->exec_file, sizeof(unit->exec_file), "%s", path);
	unit->exec_mode = mode;
}

/* systemd.time(7), as far as units of a second and above go. */
static uint64_t time_span_ns(const char *text)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"", ZTT_NS_PER_S},
		{"s", ZTT_NS_PER_S},
		{"sec", ZTT_NS_PER_S},
		{"second", ZTT_NS_PER_S},
		{"seconds", ZTT_NS_PER_S},
		{"ms", ZTT_NS_PER_MS},
		{"msec", ZTT_NS_PER_MS},
		{"us", ZTT_NS_PER_US},
		{"m", 60 * ZTT_NS_PER_S},
		{"min", 60 * ZTT_NS_PER_S},
		{"minute", 60 * ZTT_NS_PER_S},
		{"minutes", 60 * ZTT_NS_PER_S},
		{"h", 3600 * ZTT_NS_PER_S},
		{"hr", 3600 * ZTT_NS_PER_S},
		{"hour", 3600 * ZTT_NS_PER_S},
		{"hours", 3600 * ZTT_NS_PER_S},
	};
	uint64_t sum_ns = 0;

	if (strcmp(text, "infinity") == 0)
		return ZTT_NEVER;
	while (*text && sum_ns < UINT64_C(1) << 62) {
		uint64_t number = 0;
		size_t len;

		if (!isdigit((unsigned char)*text))
			return 0;
		for (; isdigit((unsigned char)*text); text++)
			if (number < 1000000)
				number = number * 10 + (uint64_t)(*text - '0');
		text += strspn(text, BLANKS);
		len = strspn(text, "abcdefghijklmnopqrstuvwxyz");
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
			if (strlen(units[i].name) == len &&
			    strncmp(units[i].name, text, len) == 0)
				sum_ns += number * units[i].ns;
		text += len;
		text += strspn(text, BLANKS);
	}
	/* 0 turns the timeout off, as "infinity" does. */
	return sum_ns ? sum_ns : ZTT_NEVER;
}

static uint64_t limit(const char *value)
{
	unsigned long long number;
	char *end;

	if (strncmp(value, "infinity", 8) == 0)
		return UINT64_MAX - 1;
	number = strtoull(value, &end, 10);
	if (end == value || (*end && *end != ':'))
		return ZTT_UNIT_NOT_SET;
	return number;
}

static void set_timeout(struct ztt_unit *unit, const char *value)
{
	unit->start_timeout_ns = *value ? time_span_ns(value) : 0;
}

static void set_service(struct ztt_unit *unit, const char *path, mode_t mode,
			const char *key, char *value)
{
	if (strcmp(key, "ExecStart") == 0)
		set_exec(unit, path, mode, value);
	else if (strcmp(key, "User") == 0)
		snprintf(unit->user, sizeof(unit->user), "%s", value);
	else if (strcmp(key, "Type") == 0)
		snprintf(unit->type, sizeof(unit->type), "%s", value);
	else if (strcmp(key, "TimeoutStartSec") == 0 ||
		 strcmp(key, "TimeoutSec") == 0)
		set_timeout(unit, value);
	else if (strcmp(key, "LimitNOFILE") == 0)
		unit->files_max = *value ? limit(value) : ZTT_UNIT_NOT_SET;
	else if (strcmp(key, "AmbientCapabilities") == 0)
		snprintf(unit->ambient, sizeof(unit->ambient), "%s", value);
	else if (strcmp(key, "Environment") == 0)
		unit->token_in_environment =
			*value && (unit->token_in_environment ||
				   strstr(value, "TUNNEL_TOKEN="));
	else if (strcmp(key, "EnvironmentFile") == 0)
		snprintf(unit->environment_file, sizeof(unit->environment_file),
			 "%s", value + strspn(value, "-"));
}

/* A backslash at the end of a line becomes a blank with the next line. */
static char *next_line(char **at)
{
	char *line = *at, *end = line;

	if (!*line)
		return NULL;
	while ((end = strchr(end, '\n')) && end > line && end[-1] == '\\') {
		end[-1] = ' ';
		*end = ' ';
	}
	if (end) {
		*end = 0;
		*at = end + 1;
	} else {
		*at = line + strlen(line);
	}
	return line;
}

static void trim(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && strchr(BLANKS, text[len - 1]))
		text[--len] = 0;
}

void ztt_unit_add(struct ztt_unit *unit, const char *path, mode_t mode,
		  char *text)
{
	bool in_service = false;
	char *line;

	while ((line = next_line(&text))) {
		char *value;

		line += strspn(line, BLANKS);
		trim(line);
		if (*line == '[')
			in_service = strcmp(line, "[Service]") == 0;
		if (!*line || strchr("#;[", *line) || !in_service)
			continue;
		value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = 0;
		trim(line);
		value += strspn(value, BLANKS);
		set_service(unit, path, mode, line, value);
	}
}
