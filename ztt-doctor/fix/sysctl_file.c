#define _GNU_SOURCE
#include "ztt-doctor/fix/sysctl_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-doctor/fix/target.h"

#define HEADER "# Set by ztt-doctor --fix; ztt-doctor --undo takes it back.\n"
#define BLANKS " \t\r"

/* In place. */
static char *trim(char *text)
{
	char *end;

	text += strspn(text, BLANKS);
	end = text + strlen(text);
	while (end > text && strchr(BLANKS, end[-1]))
		end--;
	*end = 0;
	return text;
}

/* "net/core/rmem_max" is another spelling of "net.core.rmem_max": the first
 * separator tells which it is. */
static bool same_key(const char *spelled, const char *key)
{
	size_t len = strlen(spelled);
	bool slashes = spelled[strcspn(spelled, "./")] == '/';

	if (len != strlen(key))
		return false;
	for (size_t i = 0; i < len; i++) {
		char at = spelled[i];

		if (slashes)
			at = at == '.' ? '/' : at == '/' ? '.' : at;
		if (at != key[i])
			return false;
	}
	return true;
}

static bool same_value(const char *a, const char *b)
{
	struct ztt_state left = {.print = ""}, right = {.print = ""};
	bool same = ztt_state_of_value(&left, a) == 0 &&
		    ztt_state_of_value(&right, b) == 0 &&
		    ztt_state_same(&left, &right);

	ztt_state_release(&left);
	ztt_state_release(&right);
	return same;
}

/* Index of the setting that the line is of, or -1; *ret_same: to this value. */
static int setting_of(const char *line, size_t len,
		      const struct ztt_setting *settings, size_t count,
		      bool *ret_same)
{
	char *copy = strndup(line, len), *key = trim(copy), *equals;
	int found = -1;

	equals = strchr(key, '=');
	if (equals && *key != '#' && *key != ';') {
		*equals = 0;
		key = trim(key + (*key == '-'));
		for (size_t i = 0; i < count && found < 0; i++)
			if (same_key(key, settings[i].key))
				found = (int)i;
		if (found >= 0)
			*ret_same = same_value(trim(equals + 1),
					       settings[found].value);
	}
	free(copy);
	return found;
}

static void put_setting(FILE *out, const struct ztt_setting *setting)
{
	fprintf(out, "%s = %s\n", setting->key, setting->value);
}

char *ztt_sysctl_file_merge(const char *old, size_t old_len_bytes,
			    const struct ztt_setting *settings, size_t count,
			    size_t *ret_len_bytes)
{
	bool *set = ztt_calloc(count, sizeof(*set)), ended = true;
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len_bytes);

	if (!old)
		fputs(HEADER, out);
	for (size_t at = 0; old && at < old_len_bytes;) {
		const char *line = old + at;
		const char *newline = memchr(line, '\n', old_len_bytes - at);
		size_t len =
			newline ? (size_t)(newline - line) : old_len_bytes - at;
		bool same = false;
		int of = setting_of(line, len, settings, count, &same);

		ended = newline || (of >= 0 && !same);
		if (of >= 0)
			set[of] = true;
		if (of >= 0 && !same)
			put_setting(out, &settings[of]);
		else
			fwrite(line, 1, len + (newline != NULL), out);
		at += len + (newline != NULL);
	}
	for (size_t i = 0; i < count; i++) {
		if (set[i])
			continue;
		if (!ended)
			fputc('\n', out);
		ended = true;
		put_setting(out, &settings[i]);
	}
	fclose(out);
	free(set);
	return text;
}
