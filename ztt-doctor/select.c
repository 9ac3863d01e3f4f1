#include "ztt-doctor/select.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/text.h"

static bool names(const char *word, const struct ztt_check *check)
{
	return strcmp(word, check->id) == 0 || strcmp(word, check->group) == 0;
}

static int complain(const char *word, struct ztt_err *err)
{
	struct ztt_near near = {.word = word};

	for (const struct ztt_check *at = ztt_checks; at->id; at++) {
		ztt_near_offer(&near, at->group);
		ztt_near_offer(&near, at->id);
	}
	if (near.best)
		return ztt_err_set(err, -EINVAL,
				   "there is no check \"%s\"; the nearest is "
				   "\"%s\"",
				   word, near.best);
	return ztt_err_set(err, -EINVAL,
			   "there is no check \"%s\"; --list shows them", word);
}

static int mark(const char *word, bool *marks, struct ztt_err *err)
{
	bool any = false;

	for (size_t i = 0; ztt_checks[i].id; i++)
		if (names(word, &ztt_checks[i]))
			any = marks[i] = true;
	return any ? 0 : complain(word, err);
}

static int mark_list(const char *list, bool *marks, struct ztt_err *err)
{
	char *copy = ztt_strdup(list), *rest = copy, *word;
	int rc = 0;

	while (rc == 0 && (word = strsep(&rest, ",")))
		rc = mark(word, marks, err);
	free(copy);
	return rc;
}

static size_t count_checks(void)
{
	size_t count = 0;

	while (ztt_checks[count].id)
		count++;
	return count;
}

int ztt_select(char *const *words, size_t word_count, const char *skip,
	       const struct ztt_check ***ret_checks, size_t *ret_count,
	       struct ztt_err *err)
{
	size_t all = count_checks(), count = 0;
	bool *wanted = ztt_calloc(all, sizeof(*wanted));
	bool *skipped = ztt_calloc(all, sizeof(*skipped));
	const struct ztt_check **checks;
	int rc = 0;

	for (size_t i = 0; i < word_count && rc == 0; i++)
		rc = mark(words[i], wanted, err);
	if (rc == 0 && skip)
		rc = mark_list(skip, skipped, err);
	if (rc < 0)
		goto out;
	checks = ztt_calloc(all, sizeof(struct ztt_check *));
	for (size_t i = 0; i < all; i++)
		if ((wanted[i] || word_count == 0) && !skipped[i])
			checks[count++] = &ztt_checks[i];
	if (count == 0) {
		free(checks);
		rc = ztt_err_set(err, -EINVAL, "--skip leaves no check");
		goto out;
	}
	*ret_checks = checks;
	*ret_count = count;
out:
	free(wanted);
	free(skipped);
	return rc;
}

int ztt_select_one(const char *id, const struct ztt_check **ret_check,
		   struct ztt_err *err)
{
	for (const struct ztt_check *at = ztt_checks; at->id; at++)
		if (strcmp(id, at->id) == 0) {
			*ret_check = at;
			return 0;
		}
	return complain(id, err);
}
