/* testanything.org, version 13. A warning is "ok" with a diagnosis (with
 * --strict "not ok"), as the exit status has it. TAP has no word for what could
 * not be found out: it is skipped, "# SKIP unknown: why"; when nothing at all
 * could be, the run bails out. */
#include "ztt-doctor/report/report.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/text.h"

/* A '#' would begin a directive. */
static void put_plain(FILE *out, const char *text)
{
	char *plain = ztt_text_plain(ztt_strdup(text));

	for (const char *at = plain; *at; at++) {
		if (*at == '#' || *at == '\\')
			fputc('\\', out);
		fputc(*at, out);
	}
	free(plain);
}

static void put_yaml(FILE *out, const char *key, const char *text)
{
	char *plain;

	if (!text || !*text)
		return;
	plain = ztt_text_plain(ztt_strdup(text));
	fprintf(out, "  %s: '", key);
	for (const char *at = plain; *at; at++)
		fputs(*at == '\'' ? "''" : (char[]){*at, 0}, out);
	fputs("'\n", out);
	free(plain);
}

static void put_diagnosis(FILE *out, const struct ztt_answer *answer)
{
	fputs("  ---\n", out);
	put_yaml(out, "severity", ztt_status_name(answer->finding.status));
	put_yaml(out, "seen", answer->finding.observed);
	put_yaml(out, "wanted", ztt_answer_expected(answer));
	put_yaml(out, "why", answer->check->why);
	put_yaml(out, "do", ztt_answer_advice(answer));
	put_yaml(out, "source", answer->check->source);
	fputs("  ...\n", out);
}

static void put_answer(FILE *out, const struct ztt_audit *audit, size_t number,
		       const struct ztt_answer *answer)
{
	enum ztt_status status = answer->finding.status;
	bool failed = status == ZTT_STATUS_FAIL ||
		      (status == ZTT_STATUS_WARN && audit->strict);

	fprintf(out, "%s %zu - ", failed ? "not ok" : "ok", number);
	put_plain(out, answer->check->id);
	fputc(' ', out);
	put_plain(out, answer->check->title);
	if (status == ZTT_STATUS_SKIP || status == ZTT_STATUS_UNKNOWN) {
		fputs(status == ZTT_STATUS_SKIP ? " # SKIP "
						: " # SKIP unknown: ",
		      out);
		put_plain(out, answer->finding.observed);
	}
	fputc('\n', out);
	if (status == ZTT_STATUS_FAIL || status == ZTT_STATUS_WARN)
		put_diagnosis(out, answer);
}

void ztt_write_tap(const struct ztt_audit *audit, bool color, bool verbose,
		   FILE *out)
{
	char sentence[256];

	(void)color, (void)verbose;
	fprintf(out, "TAP version 13\n1..%zu\n", audit->count);
	for (size_t i = 0; i < audit->count; i++)
		put_answer(out, audit, i + 1, &audit->answers[i]);
	fprintf(out, "%s%s\n",
		ztt_audit_verdict(audit) == ZTT_STATUS_UNKNOWN ? "Bail out! "
							       : "# ",
		ztt_audit_sentence(audit, sentence));
}
