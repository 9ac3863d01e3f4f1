/* nagios-plugins.org/doc/guidelines.html: one line, performance data after '|',
 * then long text; a threshold of 0 alerts above it. */
#include "ztt-doctor/report/report.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/text.h"

int ztt_nagios_exit(const struct ztt_audit *audit)
{
	switch (ztt_audit_verdict(audit)) {
	case ZTT_STATUS_OK:
		return 0;
	case ZTT_STATUS_WARN:
		return 1;
	case ZTT_STATUS_FAIL:
		return 2;
	default:
		return 3;
	}
}

/* A '|' would begin performance data. */
static void put_plain(FILE *out, const char *text)
{
	char *plain = ztt_text_plain(ztt_strdup(text));

	for (char *at = plain; *at; at++)
		fputc(*at == '|' ? '/' : *at, out);
	free(plain);
}

static void put_long(FILE *out, const struct ztt_audit *audit,
		     enum ztt_status status, const char *word)
{
	size_t *picked = ztt_calloc(audit->count, sizeof(*picked));
	size_t count = ztt_audit_pick(audit, status, picked);

	for (size_t i = 0; i < count; i++) {
		const struct ztt_answer *at = &audit->answers[picked[i]];

		fprintf(out, "%s %s: ", word, at->check->id);
		put_plain(out, at->finding.observed);
		if (status != ZTT_STATUS_UNKNOWN) {
			fputs("; do: ", out);
			put_plain(out, ztt_answer_advice(at));
		}
		fputc('\n', out);
	}
	free(picked);
}

void ztt_write_nagios(const struct ztt_audit *audit, bool color, bool verbose,
		      FILE *out)
{
	static const char *const words[] = {"OK", "WARNING", "CRITICAL",
					    "UNKNOWN"};
	char sentence[256];

	(void)color, (void)verbose;
	fprintf(out, "DOCTOR %s - ", words[ztt_nagios_exit(audit)]);
	put_plain(out, ztt_audit_sentence(audit, sentence));
	fprintf(out,
		"|fail=%zu;;0;0;%zu warn=%zu;0;%s;0;%zu ok=%zu unknown=%zu "
		"skip=%zu\n",
		ztt_audit_count(audit, ZTT_STATUS_FAIL), audit->count,
		ztt_audit_count(audit, ZTT_STATUS_WARN),
		audit->strict ? "0" : "", audit->count,
		ztt_audit_count(audit, ZTT_STATUS_OK),
		ztt_audit_count(audit, ZTT_STATUS_UNKNOWN),
		ztt_audit_count(audit, ZTT_STATUS_SKIP));
	put_long(out, audit, ZTT_STATUS_FAIL, "FAIL");
	put_long(out, audit, ZTT_STATUS_WARN, "WARN");
	put_long(out, audit, ZTT_STATUS_UNKNOWN, "UNKNOWN");
}
