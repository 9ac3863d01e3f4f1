/* prometheus.io/docs/instrumenting/exposition_formats, text format 0.0.4. */
#include "ztt-doctor/report/report.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/version.h"

static void put_value(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (*text == '\\' || *text == '"')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void put_head(FILE *out, const char *name, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* NAME{id="...",group="..." and leaves the braces open. */
static void put_check(FILE *out, const char *name,
		      const struct ztt_answer *answer)
{
	fprintf(out, "%s{id=\"", name);
	put_value(out, answer->check->id);
	fputs("\",group=\"", out);
	put_value(out, answer->check->group);
	fputc('"', out);
}

static void put_seconds(FILE *out, uint64_t ns)
{
	fprintf(out, "%" PRIu64 ".%09" PRIu64 "\n", ns / ZTT_NS_PER_S,
		ns % ZTT_NS_PER_S);
}

static void put_states(FILE *out, const struct ztt_answer *answer)
{
	for (int i = ZTT_STATUS_OK; i <= ZTT_STATUS_FAIL; i++) {
		put_check(out, "ztt_doctor_check_state", answer);
		fprintf(out, ",state=\"%s\"} %d\n",
			ztt_status_name((enum ztt_status)i),
			(int)answer->finding.status == i);
	}
}

static void put_checks(FILE *out, const struct ztt_audit *audit)
{
	const struct ztt_answer *answers = audit->answers;

	put_head(out, "ztt_doctor_check_status",
		 "Answer of a check: 0 ok, 1 skip, 2 unknown, 3 warn, 4 fail.");
	for (size_t i = 0; i < audit->count; i++) {
		put_check(out, "ztt_doctor_check_status", &answers[i]);
		fprintf(out, "} %d\n", (int)answers[i].finding.status);
	}
	put_head(out, "ztt_doctor_check_state",
		 "1 for the state that a check is in, 0 for the others.");
	for (size_t i = 0; i < audit->count; i++)
		put_states(out, &answers[i]);
	put_head(out, "ztt_doctor_check_impact",
		 "What hangs on a check: 1 cosmetic to 10 no tunnel at all.");
	for (size_t i = 0; i < audit->count; i++) {
		put_check(out, "ztt_doctor_check_impact", &answers[i]);
		fprintf(out, "} %u\n", answers[i].check->impact);
	}
	put_head(out, "ztt_doctor_check_took_seconds",
		 "How long a check took.");
	for (size_t i = 0; i < audit->count; i++) {
		put_check(out, "ztt_doctor_check_took_seconds", &answers[i]);
		fputs("} ", out);
		put_seconds(out, answers[i].took_ns);
	}
}

static void put_verdict(FILE *out, const struct ztt_audit *audit)
{
	static const enum ztt_status verdicts[] = {
		ZTT_STATUS_OK,
		ZTT_STATUS_WARN,
		ZTT_STATUS_FAIL,
		ZTT_STATUS_UNKNOWN,
	};

	put_head(out, "ztt_doctor_verdict",
		 "1 for the verdict on the host, 0 for the others.");
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		fprintf(out, "ztt_doctor_verdict{verdict=\"%s\"} %d\n",
			ztt_status_name(verdicts[i]),
			ztt_audit_verdict(audit) == verdicts[i]);
}

void ztt_write_prometheus(const struct ztt_audit *audit, bool color,
			  bool verbose, FILE *out)
{
	(void)color, (void)verbose;
	put_head(out, "ztt_doctor_info", "The version that audited.");
	fputs("ztt_doctor_info{version=\"" ZTT_VERSION "\"} 1\n", out);
	put_verdict(out, audit);
	put_head(out, "ztt_doctor_checks", "Checks by their answer.");
	for (int i = ZTT_STATUS_OK; i <= ZTT_STATUS_FAIL; i++)
		fprintf(out, "ztt_doctor_checks{state=\"%s\"} %zu\n",
			ztt_status_name((enum ztt_status)i),
			ztt_audit_count(audit, (enum ztt_status)i));
	put_head(out, "ztt_doctor_took_seconds", "How long the audit took.");
	fputs("ztt_doctor_took_seconds ", out);
	put_seconds(out, audit->took_ns);
	if (audit->count)
		put_checks(out, audit);
}
