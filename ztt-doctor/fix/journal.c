#include "ztt-doctor/fix/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "common/err.h"
#include "common/json.h"

#define SCHEMA "ztt-doctor-journal/1"

void ztt_journal_release(struct ztt_journal *journal)
{
	for (size_t i = 0; i < journal->count; i++)
		ztt_state_release(&journal->steps[i].old);
	free(journal->steps);
	*journal = (struct ztt_journal){0};
}

bool ztt_step_wrote(const struct ztt_step *step, const struct ztt_state *state)
{
	for (size_t i = 0; i < step->new_count; i++)
		if (strcmp(step->news[i], state->print) == 0)
			return true;
	return false;
}

static struct ztt_step *add_step(struct ztt_journal *journal)
{
	journal->steps =
		ztt_realloc(journal->steps,
			    (journal->count + 1) * sizeof(*journal->steps));
	memset(&journal->steps[journal->count], 0, sizeof(*journal->steps));
	return &journal->steps[journal->count++];
}

static struct ztt_step *find_step(struct ztt_journal *journal,
				  enum ztt_target_kind kind, const char *target)
{
	for (size_t i = journal->count; i-- > 0;)
		if (journal->steps[i].kind == kind &&
		    strcmp(journal->steps[i].target, target) == 0)
			return &journal->steps[i];
	return NULL;
}

/* Until the change is made the state is still the one of now: both count as
 * written. */
void ztt_journal_note(struct ztt_journal *journal, enum ztt_target_kind kind,
		      const char *target, const struct ztt_state *now,
		      const struct ztt_state *want)
{
	struct ztt_step *step = find_step(journal, kind, target);
	bool is_old = step && ztt_state_same(&step->old, now);

	if (!step || (!is_old && !ztt_step_wrote(step, now))) {
		step = add_step(journal);
		step->kind = kind;
		snprintf(step->target, sizeof(step->target), "%s", target);
		ztt_state_copy(&step->old, now);
		is_old = true;
	}
	step->new_count = 0;
	if (!is_old)
		strcpy(step->news[step->new_count++], now->print);
	strcpy(step->news[step->new_count++], want->print);
}

static void spell_bytes(struct ztt_json *json, const struct ztt_state *state)
{
	char *text = ztt_alloc(4 * (state->len_bytes / 3 + 1) + 1);

	EVP_EncodeBlock((unsigned char *)text,
			(const unsigned char *)state->bytes,
			(int)state->len_bytes);
	ztt_json_string(json, "bytes", text);
	free(text);
}

static void spell_old(struct ztt_json *json, const struct ztt_step *step)
{
	const struct ztt_state *old = &step->old;
	char mode[8];

	if (strcmp(old->print, "absent") == 0) {
		ztt_json_null(json, "old");
		return;
	}
	ztt_json_object(json, "old");
	snprintf(mode, sizeof(mode), "%04o", (unsigned)(old->mode & 07777));
	ztt_json_string(json, "mode", mode);
	ztt_json_uint(json, "uid", old->uid);
	ztt_json_uint(json, "gid", old->gid);
	if (step->kind == ZTT_TARGET_FILE)
		spell_bytes(json, old);
	else if (step->kind == ZTT_TARGET_SYSCTL)
		ztt_json_string(json, "value", old->bytes);
	ztt_json_end_object(json);
}

char *ztt_journal_spell(const struct ztt_journal *journal)
{
	struct ztt_json json;
	char *text;

	ztt_json_init(&json, true);
	ztt_json_object(&json, NULL);
	ztt_json_string(&json, "schema", SCHEMA);
	ztt_json_array(&json, "steps");
	for (size_t i = 0; i < journal->count; i++) {
		const struct ztt_step *step = &journal->steps[i];

		ztt_json_object(&json, NULL);
		ztt_json_string(&json, "kind",
				ztt_target_kind_names[step->kind]);
		ztt_json_string(&json, "target", step->target);
		spell_old(&json, step);
		ztt_json_array(&json, "new");
		for (size_t k = 0; k < step->new_count; k++)
			ztt_json_string(&json, NULL, step->news[k]);
		ztt_json_end_array(&json);
		ztt_json_end_object(&json);
	}
	ztt_json_end_array(&json);
	ztt_json_end_object(&json);
	text = ztt_strdup(ztt_json_text(&json, NULL));
	ztt_json_release(&json);
	return text;
}

/* The block decoder takes blanks and ignores padding: only what it would spell
 * the same way is taken. */
static int parse_bytes(const json_t *value, struct ztt_state *state)
{
	size_t len = json_string_length(value), pad;
	const char *text = json_string_value(value);
	unsigned char *bytes, *again;
	bool same;
	int got;

	if (!text || len % 4 != 0 || len > 4 * (ZTT_STATE_BYTES_MAX / 3 + 1))
		return -EINVAL;
	if (len == 0) {
		ztt_state_of_file(state, "", 0);
		return 0;
	}
	pad = (size_t)(text[len - 1] == '=') +
	      (size_t)(text[len - 2] == '=' && text[len - 1] == '=');
	bytes = ztt_alloc(len + 4);
	again = ztt_alloc(len + 8);
	got = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)len);
	same = got >= (int)pad &&
	       EVP_EncodeBlock(again, bytes, got - (int)pad) == (int)len &&
	       memcmp(again, text, len) == 0;
	if (same)
		ztt_state_of_file(state, (char *)bytes, (size_t)got - pad);
	free(bytes);
	free(again);
	return same ? 0 : -EINVAL;
}

static int parse_mode(const json_t *value, mode_t *ret_mode)
{
	const char *text = json_string_value(value);
	mode_t mode = 0;

	if (!text || strlen(text) != 4 || strspn(text, "01234567") != 4)
		return -EINVAL;
	for (; *text; text++)
		mode = mode << 3 | (mode_t)(*text - '0');
	*ret_mode = mode;
	return 0;
}

static int parse_id(const json_t *value, unsigned *ret_id)
{
	json_int_t id = json_integer_value(value);

	if (!json_is_integer(value) || id < 0 || id > 0xfffffffe)
		return -EINVAL;
	*ret_id = (unsigned)id;
	return 0;
}

static int parse_value(const json_t *value, struct ztt_state *state)
{
	const char *text = json_string_value(value);

	return text ? ztt_state_of_value(state, text) : -EINVAL;
}

static bool may_be_absent(enum ztt_target_kind kind)
{
	return kind == ZTT_TARGET_FILE || kind == ZTT_TARGET_DIR;
}

static int parse_old(const json_t *old, struct ztt_step *step)
{
	struct ztt_state *state = &step->old;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int rc = 0;

	if (json_is_null(old) && may_be_absent(step->kind)) {
		strcpy(state->print, "absent");
		return 0;
	}
	if (!json_is_object(old) || step->kind == ZTT_TARGET_DIR ||
	    parse_mode(json_object_get(old, "mode"), &mode) < 0 ||
	    parse_id(json_object_get(old, "uid"), &uid) < 0 ||
	    parse_id(json_object_get(old, "gid"), &gid) < 0)
		return -EINVAL;
	if (step->kind == ZTT_TARGET_FILE)
		rc = parse_bytes(json_object_get(old, "bytes"), state);
	else if (step->kind == ZTT_TARGET_SYSCTL)
		rc = parse_value(json_object_get(old, "value"), state);
	else
		ztt_state_of_mode(state, mode);
	state->mode = mode;
	state->uid = uid;
	state->gid = gid;
	return rc;
}

/* What this tool could have written. */
static bool new_valid(enum ztt_target_kind kind, const char *print)
{
	struct ztt_state state;
	bool valid;

	switch (kind) {
	case ZTT_TARGET_DIR:
		return strcmp(print, "present") == 0;
	case ZTT_TARGET_FILE:
		return strlen(print) == 64 &&
		       strspn(print, "0123456789abcdef") == 64;
	case ZTT_TARGET_SYSCTL:
		if (ztt_state_of_value(&state, print) < 0)
			return false;
		valid = strcmp(state.print, print) == 0;
		ztt_state_release(&state);
		return valid;
	default:
		return strlen(print) == 4 && strspn(print, "01234567") == 4;
	}
}

static int parse_news(const json_t *news, struct ztt_step *step)
{
	size_t count = json_array_size(news);

	if (!json_is_array(news) || !count || count > ZTT_STEP_NEWS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		const char *print = json_string_value(json_array_get(news, i));

		if (!print || strlen(print) > 64 ||
		    !new_valid(step->kind, print))
			return -EINVAL;
		strcpy(step->news[step->new_count++], print);
	}
	return 0;
}

static int parse_kind(const char *name, enum ztt_target_kind *ret_kind)
{
	for (int i = 0; name && i < ZTT_TARGET_KINDS; i++) {
		if (strcmp(name, ztt_target_kind_names[i]) == 0) {
			*ret_kind = (enum ztt_target_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_step(const json_t *value, struct ztt_step *step)
{
	const char *target =
		json_string_value(json_object_get(value, "target"));
	const char *kind = json_string_value(json_object_get(value, "kind"));
	int rc = parse_kind(kind, &step->kind);

	if (rc < 0 || !target || !ztt_target_valid(step->kind, target))
		return -EINVAL;
	snprintf(step->target, sizeof(step->target), "%s", target);
	rc = parse_old(json_object_get(value, "old"), step);
	return rc < 0 ? rc : parse_news(json_object_get(value, "new"), step);
}

int ztt_journal_parse(const char *text, size_t len_bytes,
		      struct ztt_journal *ret_journal, struct ztt_err *err)
{
	json_error_t error;
	json_t *all =
		json_loadb(text, len_bytes, JSON_REJECT_DUPLICATES, &error);
	const char *schema = json_string_value(json_object_get(all, "schema"));
	const json_t *steps = json_object_get(all, "steps");
	struct ztt_journal journal = {0};
	int rc = -EEXIST;

	if (!all) {
		ztt_err_set(err, rc, "no JSON (line %d)", error.line);
	} else if (!schema || strcmp(schema, SCHEMA) != 0) {
		ztt_err_set(err, rc, "not of the form " SCHEMA);
	} else if (!json_is_array(steps) ||
		   json_array_size(steps) > ZTT_JOURNAL_STEPS_MAX) {
		ztt_err_set(err, rc, "no list of steps");
	} else {
		rc = 0;
		for (size_t i = 0; rc == 0 && i < json_array_size(steps); i++)
			if (parse_step(json_array_get(steps, i),
				       add_step(&journal)) < 0)
				rc = ztt_err_set(err, -EEXIST,
						 "step %zu is none that --fix "
						 "writes",
						 i + 1);
	}
	json_decref(all);
	if (rc < 0)
		ztt_journal_release(&journal);
	else
		*ret_journal = journal;
	return rc;
}
