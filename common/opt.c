#include "opt.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "err.h"
#include "text.h"
#include "units.h"

#define ACCEPTED_LEN 256

struct parser {
	const struct ztt_opt *table;
	void *settings;
	int argc, at; /* argv[at] is read next */
	char **argv;
	struct ztt_err *err;
};

/* "down|up|both" -> "down, up or both" */
static void list_choices(const char *choices, char *out, size_t cap_bytes)
{
	const char *last = strrchr(choices, '|');
	size_t used = 0;

	out[0] = '\0';
	for (const char *at = choices; *at && used + 5 < cap_bytes; at++) {
		const char *put = at == last ? " or " : ", ";

		if (*at == '|')
			used += (size_t)snprintf(out + used, cap_bytes - used,
						 "%s", put);
		else
			out[used++] = *at;
		out[used] = '\0';
	}
}

static bool is_choice(const char *choices, const char *word, size_t len)
{
	while (choices) {
		if (strcspn(choices, "|") == len &&
		    !strncmp(choices, word, len))
			return len > 0;
		choices = strchr(choices, '|');
		choices = choices ? choices + 1 : NULL;
	}
	return false;
}

/* In the largest unit that divides it, as the user would type it. */
static void bound_text(enum ztt_opt_type type, uint64_t value, char out[32])
{
	static const struct unit {
		enum ztt_opt_type type;
		uint64_t factor;
		const char *name;
	} units[] = {
		{ZTT_OPT_SIZE, UINT64_C(1) << 30, "GiB"},
		{ZTT_OPT_SIZE, UINT64_C(1000000000), "GB"},
		{ZTT_OPT_SIZE, UINT64_C(1) << 20, "MiB"},
		{ZTT_OPT_SIZE, UINT64_C(1000000), "MB"},
		{ZTT_OPT_SIZE, UINT64_C(1) << 10, "KiB"},
		{ZTT_OPT_SIZE, UINT64_C(1000), "kB"},
		{ZTT_OPT_DURATION, UINT64_C(3600000000000), "h"},
		{ZTT_OPT_DURATION, UINT64_C(60000000000), "m"},
		{ZTT_OPT_DURATION, UINT64_C(1000000000), "s"},
		{ZTT_OPT_DURATION, UINT64_C(1000000), "ms"},
		{ZTT_OPT_DURATION, UINT64_C(1000), "us"},
		{ZTT_OPT_DURATION, 1, "ns"},
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		const struct unit *unit = &units[i];

		if (unit->type == type && value && value % unit->factor == 0) {
			snprintf(out, 32, "%" PRIu64 "%s", value / unit->factor,
				 unit->name);
			return;
		}
	}
	snprintf(out, 32, "%" PRIu64, value);
}

/* What `row` takes: "a whole number from 1 to 100". */
static const char *accepted(const struct ztt_opt *row, char out[ACCEPTED_LEN])
{
	static const char *const kinds[] = {
		[ZTT_OPT_UINT] = "a whole number",
		[ZTT_OPT_SIZE] = "a size like 1000, 100M or 64KiB",
		[ZTT_OPT_DURATION] = "a duration like 250ms, 5s or 2m",
		[ZTT_OPT_RATE] = "a rate per second like 500 or 2k",
		[ZTT_OPT_PERCENT] = "a percentage from 0 to 100 like 0.5",
	};
	char low[32], high[32];

	if (row->type == ZTT_OPT_CHOICE) {
		list_choices(row->choices, out, ACCEPTED_LEN);
		return out;
	}
	if (row->type == ZTT_OPT_FLAG || row->type == ZTT_OPT_STRING)
		return ztt_opt_arg(row);
	bound_text(row->type, row->min, low);
	bound_text(row->type, row->max, high);
	if (row->max)
		snprintf(out, ACCEPTED_LEN, "%s from %s to %s",
			 kinds[row->type], low, high);
	else if (row->min)
		snprintf(out, ACCEPTED_LEN, "%s of at least %s",
			 kinds[row->type], low);
	else
		return kinds[row->type];
	return out;
}

static int parse_uint(const char *text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'),
					   &value))
			return -ERANGE;
	}
	*ret_value = value;
	return 0;
}

static int set_bounded(const struct ztt_opt *row, uint64_t *field,
		       const char *text)
{
	uint64_t value = 0;
	int rc;

	if (row->type == ZTT_OPT_SIZE)
		rc = ztt_units_parse_bytes(text, &value);
	else if (row->type == ZTT_OPT_DURATION)
		rc = ztt_units_parse_ns(text, &value);
	else
		rc = parse_uint(text, &value);
	if (rc < 0)
		return rc;
	if (value < row->min || (row->max && value > row->max))
		return -ERANGE;
	*field = value;
	return 0;
}

static int set_percent(double *field, const char *text)
{
	double value = 0;
	int rc = text[strspn(text, "0123456789.")]
			 ? -EINVAL
			 : ztt_units_parse_rate(text, &value);

	if (rc == 0 && value > 100)
		rc = -ERANGE;
	if (rc == 0)
		*field = value;
	return rc;
}

static int set_field(const struct ztt_opt *row, void *settings,
		     const char *text)
{
	void *field = (char *)settings + row->offset;

	switch (row->type) {
	case ZTT_OPT_FLAG:
		*(bool *)field = true;
		return 0;
	case ZTT_OPT_CHOICE:
		if (!is_choice(row->choices, text, strlen(text)))
			return -EINVAL;
		*(const char **)field = text;
		return 0;
	case ZTT_OPT_STRING:
		*(const char **)field = text;
		return 0;
	case ZTT_OPT_RATE:
		return ztt_units_parse_rate(text, field);
	case ZTT_OPT_PERCENT:
		return set_percent(field, text);
	case ZTT_OPT_UINT:
	case ZTT_OPT_SIZE:
	case ZTT_OPT_DURATION:
		return set_bounded(row, field, text);
	}
	return -EINVAL;
}

static const struct ztt_opt *find_name(const struct ztt_opt *table,
				       const char *name, size_t len)
{
	for (; table->name; table++) {
		if (strlen(table->name) == len &&
		    !strncmp(table->name, name, len))
			return table;
	}
	return NULL;
}

static const struct ztt_opt *find_letter(const struct ztt_opt *table,
					 char letter)
{
	for (; table->name; table++) {
		if (table->letter == letter)
			return table;
	}
	return NULL;
}

/* Without what follows '=': it may be a secret. */
static int unknown_name(const struct parser *parser, const char *name,
			size_t len)
{
	char word[65];
	struct ztt_near near = {.word = word};
	const struct ztt_opt *row;

	snprintf(word, sizeof(word), "%.*s", (int)(len < 64 ? len : 64), name);
	for (row = parser->table; row->name; row++) {
		if (!row->hidden)
			ztt_near_offer(&near, row->name);
	}
	if (near.best)
		return ztt_err_set(parser->err, -EINVAL,
				   "there is no option --%s; the nearest is "
				   "--%s",
				   word, near.best);
	return ztt_err_set(parser->err, -EINVAL,
			   "there is no option --%s; --help lists them", word);
}

/* `value` is NULL where the option's word did not hold it. */
static int take(struct parser *parser, const struct ztt_opt *row,
		const char *value)
{
	char text[ACCEPTED_LEN];

	if (!value) {
		if (parser->at == parser->argc)
			return ztt_err_set(parser->err, -EINVAL,
					   "--%s needs a value: %s", row->name,
					   accepted(row, text));
		value = parser->argv[parser->at++];
	}
	if (set_field(row, parser->settings, value) < 0)
		return ztt_err_set(parser->err, -EINVAL,
				   "--%s takes %s, not \"%s\"", row->name,
				   accepted(row, text), value);
	return 0;
}

static int parse_name(struct parser *parser, const char *name)
{
	size_t len = strcspn(name, "=");
	const char *value = name[len] ? name + len + 1 : NULL;
	const struct ztt_opt *row = find_name(parser->table, name, len);

	if (!row)
		return unknown_name(parser, name, len);
	if (row->type != ZTT_OPT_FLAG)
		return take(parser, row, value);
	if (value)
		return ztt_err_set(parser->err, -EINVAL, "--%s takes no value",
				   row->name);
	return set_field(row, parser->settings, NULL);
}

static int parse_letters(struct parser *parser, const char *letters)
{
	for (; *letters; letters++) {
		const struct ztt_opt *row =
			find_letter(parser->table, *letters);

		if (!row)
			return ztt_err_set(parser->err, -EINVAL,
					   "there is no option -%c; --help "
					   "lists them",
					   *letters);
		if (row->type != ZTT_OPT_FLAG)
			return take(parser, row,
				    letters[1] ? letters + 1 : NULL);
		set_field(row, parser->settings, NULL);
	}
	return 0;
}

static void set_presets(const struct ztt_opt *table, void *settings)
{
	for (; table->name; table++) {
		int rc = 0;

		if (table->preset)
			rc = set_field(table, settings, table->preset);
		assert(rc == 0);
		assert(table->type != ZTT_OPT_FLAG || !table->preset);
		(void)rc;
	}
}

int ztt_opt_parse(const struct ztt_opt *table, void *settings, int argc,
		  char **argv, int *ret_operands, struct ztt_err *err)
{
	struct parser parser = {table, settings, argc, 1, argv, err};
	int operands = 0;
	bool ended = false;

	set_presets(table, settings);
	while (parser.at < argc) {
		char *word = argv[parser.at++];
		int rc = 0;

		if (ended || word[0] != '-' || !word[1]) {
			if (!ret_operands)
				return ztt_err_set(err, -EINVAL,
						   "unexpected \"%s\"; --help "
						   "shows what is taken",
						   word);
			argv[++operands] = word;
		} else if (!strcmp(word, "--")) {
			ended = true;
		} else if (word[1] == '-') {
			rc = parse_name(&parser, word + 2);
		} else {
			rc = parse_letters(&parser, word + 1);
		}
		if (rc < 0)
			return rc;
	}
	if (ret_operands)
		*ret_operands = operands;
	return 0;
}

int ztt_opt_command_find(const struct ztt_opt_command *commands,
			 const char *name,
			 const struct ztt_opt_command **ret_command,
			 struct ztt_err *err)
{
	struct ztt_near near = {.word = name};

	for (; commands->name; commands++) {
		if (commands->name[0] && !strcmp(commands->name, name)) {
			*ret_command = commands;
			return 0;
		}
		if (commands->name[0])
			ztt_near_offer(&near, commands->name);
	}
	if (near.best)
		return ztt_err_set(err, -EINVAL,
				   "there is no command \"%s\"; the nearest is "
				   "\"%s\"",
				   name, near.best);
	return ztt_err_set(err, -EINVAL,
			   "there is no command \"%s\"; --help lists them",
			   name);
}
