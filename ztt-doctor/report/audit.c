#include "ztt-doctor/report/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/text.h"

#define NAMED_MAX 4
#define SENTENCE_BYTES 256

size_t ztt_audit_count(const struct ztt_audit *audit, enum ztt_status status)
{
	size_t count = 0;

	for (size_t i = 0; i < audit->count; i++)
		count += audit->answers[i].finding.status == status;
	return count;
}

size_t ztt_audit_pick(const struct ztt_audit *audit, enum ztt_status status,
		      size_t *out)
{
	size_t count = 0;

	for (size_t i = 0; i < audit->count; i++) {
		const struct ztt_answer *answer = &audit->answers[i];
		size_t at = count;

		if (answer->finding.status != status)
			continue;
		for (; at > 0; at--) {
			size_t before = out[at - 1];

			if (audit->answers[before].check->impact >=
			    answer->check->impact)
				break;
			out[at] = before;
		}
		out[at] = i;
		count++;
	}
	return count;
}

enum ztt_status ztt_audit_verdict(const struct ztt_audit *audit)
{
	if (ztt_audit_count(audit, ZTT_STATUS_FAIL))
		return ZTT_STATUS_FAIL;
	if (ztt_audit_count(audit, ZTT_STATUS_WARN))
		return audit->strict ? ZTT_STATUS_FAIL : ZTT_STATUS_WARN;
	return ztt_audit_count(audit, ZTT_STATUS_OK) ? ZTT_STATUS_OK
						     : ZTT_STATUS_UNKNOWN;
}

int ztt_audit_exit(const struct ztt_audit *audit)
{
	switch (ztt_audit_verdict(audit)) {
	case ZTT_STATUS_FAIL:
		return 1;
	case ZTT_STATUS_UNKNOWN:
		return 3;
	default:
		return 0;
	}
}

__attribute__((format(printf, 3, 4))) static void
append(char *out, size_t cap_bytes, const char *fmt, ...)
{
	size_t len = strlen(out);
	va_list args;

	va_start(args, fmt);
	vsnprintf(out + len, cap_bytes - len, fmt, args);
	va_end(args);
}

/* " (udp.rmem_max, egress.udp)", the worst first; so many that what follows
 * still finds room. */
static void append_ids(char out[SENTENCE_BYTES], const struct ztt_audit *audit,
		       enum ztt_status status)
{
	size_t *picked = ztt_calloc(audit->count, sizeof(*picked));
	size_t count = ztt_audit_pick(audit, status, picked), at = 0;

	for (; at < count && at < NAMED_MAX; at++) {
		const char *id = audit->answers[picked[at]].check->id;

		if (strlen(out) + strlen(id) > SENTENCE_BYTES - 96)
			break;
		append(out, SENTENCE_BYTES, "%s%s", at ? ", " : " (", id);
	}
	if (at > 0)
		append(out, SENTENCE_BYTES, at < count ? ", ...)" : ")");
	free(picked);
}

static void append_count(char out[SENTENCE_BYTES], const char *before,
			 size_t count, const char *what)
{
	if (count)
		append(out, SENTENCE_BYTES, "%s%zu %s", before, count, what);
}

static const char *opening(const struct ztt_audit *audit)
{
	enum ztt_status verdict = ztt_audit_verdict(audit);

	if (verdict == ZTT_STATUS_UNKNOWN)
		return "nothing could be determined";
	if (audit->partial)
		return "of what was asked for";
	if (verdict == ZTT_STATUS_FAIL)
		return "not fit to carry a tunnel";
	return ztt_audit_count(audit, ZTT_STATUS_UNKNOWN)
		       ? "fit to carry a tunnel, as far as is known"
		       : "fit to carry a tunnel";
}

char *ztt_audit_sentence(const struct ztt_audit *audit,
			 char out[SENTENCE_BYTES])
{
	size_t failures = ztt_audit_count(audit, ZTT_STATUS_FAIL);
	size_t warnings = ztt_audit_count(audit, ZTT_STATUS_WARN);
	size_t fine = ztt_audit_count(audit, ZTT_STATUS_OK);
	const char *before = "; ";

	snprintf(out, SENTENCE_BYTES, "%s: ", opening(audit));
	if (failures) {
		append(out, SENTENCE_BYTES, "%zu failure%s", failures,
		       failures > 1 ? "s" : "");
		append_ids(out, audit, ZTT_STATUS_FAIL);
	} else if (warnings || fine) {
		append(out, SENTENCE_BYTES, "no failure");
	} else {
		before = "";
	}
	append_count(out, ", ", warnings,
		     warnings > 1 ? "warnings" : "warning");
	if (!failures && warnings && audit->strict)
		append_ids(out, audit, ZTT_STATUS_WARN);
	append_count(out, before, fine, "ok");
	before = fine ? ", " : before;
	append_count(out, before, ztt_audit_count(audit, ZTT_STATUS_UNKNOWN),
		     "unknown");
	if (ztt_audit_count(audit, ZTT_STATUS_UNKNOWN))
		before = ", ";
	append_count(out, before, ztt_audit_count(audit, ZTT_STATUS_SKIP),
		     "skipped");
	if (audit->count == 0)
		append(out, SENTENCE_BYTES, "no check ran");
	return out;
}

char *ztt_answer_preview(const struct ztt_answer *answer, char *out,
			 size_t cap_bytes)
{
	const struct ztt_finding *finding = &answer->finding;

	out[0] = 0;
	for (size_t i = 0; i < finding->action_count; i++) {
		const struct ztt_action *action = &finding->actions[i];

		append(out, cap_bytes, "%s%s%s: %s -> %s", i ? ", " : "",
		       action->kind == ZTT_ACTION_MODE ? "mode of " : "",
		       action->target, action->old, action->value);
	}
	return ztt_text_plain(out);
}

const char *ztt_answer_fix_id(const struct ztt_answer *answer)
{
	if (!answer->finding.action_count)
		return NULL;
	return answer->finding.actions[0].kind == ZTT_ACTION_MODE ? "mode"
								  : "sysctl";
}

const char *ztt_answer_expected(const struct ztt_answer *answer)
{
	return answer->finding.expected[0] ? answer->finding.expected
					   : answer->check->expected;
}

const char *ztt_answer_advice(const struct ztt_answer *answer)
{
	return answer->finding.advice[0] ? answer->finding.advice
					 : answer->check->advice;
}
