/* A journal from the disk: what is taken names nothing but what --fix changes,
 * and is spelled and read again the same. */
#include "ztt-doctor/fix/journal.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void check_step(const struct ztt_step *step)
{
	check(ztt_target_valid(step->kind, step->target));
	check(!strstr(step->target, "/../") && !strstr(step->target, "//"));
	check(step->kind != ZTT_TARGET_SYSCTL || !strstr(step->target, ".."));
	check(step->new_count > 0 && step->new_count <= ZTT_STEP_NEWS_MAX);
	check(step->old.len_bytes <= ZTT_STATE_BYTES_MAX);
	check(step->old.print[0] != 0);
	if (step->kind == ZTT_TARGET_SYSCTL)
		check(strspn(step->old.bytes, "0123456789 \t-\n") ==
		      step->old.len_bytes);
}

static void check_again(const struct ztt_journal *journal)
{
	char *spelled = ztt_journal_spell(journal), *twice;
	struct ztt_journal again;

	check(ztt_journal_parse(spelled, strlen(spelled), &again, NULL) == 0);
	check(again.count == journal->count);
	twice = ztt_journal_spell(&again);
	check(strcmp(spelled, twice) == 0);
	free(twice);
	free(spelled);
	ztt_journal_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ztt_journal journal;
	struct ztt_err err;

	if (ztt_journal_parse((const char *)data, size, &journal, &err) < 0)
		return 0;
	for (size_t i = 0; i < journal.count; i++)
		check_step(&journal.steps[i]);
	check_again(&journal);
	ztt_journal_release(&journal);
	return 0;
}
