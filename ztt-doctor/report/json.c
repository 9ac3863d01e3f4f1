#include "ztt-doctor/report/report.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/version.h"

static double in_ms(uint64_t ns)
{
	return (double)ns / (double)ZTT_NS_PER_MS;
}

static void write_counts(struct ztt_json *json, const struct ztt_audit *audit)
{
	static const enum ztt_status order[] = {
		ZTT_STATUS_OK,      ZTT_STATUS_WARN, ZTT_STATUS_FAIL,
		ZTT_STATUS_UNKNOWN, ZTT_STATUS_SKIP,
	};

	ztt_json_object(json, "counts");
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		ztt_json_uint(json, ztt_status_name(order[i]),
			      ztt_audit_count(audit, order[i]));
	ztt_json_end_object(json);
}

static void write_fix(struct ztt_json *json, const struct ztt_answer *answer)
{
	char preview[4096];

	if (!ztt_answer_fix_id(answer)) {
		ztt_json_null(json, "fix");
		return;
	}
	ztt_json_object(json, "fix");
	ztt_json_string(json, "id", ztt_answer_fix_id(answer));
	ztt_json_string(json, "preview",
			ztt_answer_preview(answer, preview, sizeof(preview)));
	ztt_json_end_object(json);
}

static void write_answer(struct ztt_json *json, const struct ztt_answer *answer)
{
	const struct ztt_check *check = answer->check;

	ztt_json_object(json, NULL);
	ztt_json_string(json, "id", check->id);
	ztt_json_string(json, "group", check->group);
	ztt_json_string(json, "title", check->title);
	ztt_json_uint(json, "impact", check->impact);
	ztt_json_string(json, "status",
			ztt_status_name(answer->finding.status));
	ztt_json_string(json, "observed", answer->finding.observed);
	ztt_json_string(json, "expected", ztt_answer_expected(answer));
	ztt_json_string(json, "why", check->why);
	ztt_json_string(json, "advice", ztt_answer_advice(answer));
	write_fix(json, answer);
	ztt_json_string(json, "source", check->source);
	ztt_json_number(json, "took_ms", in_ms(answer->took_ns));
	ztt_json_end_object(json);
}

void ztt_write_json(const struct ztt_audit *audit, bool color, bool verbose,
		    FILE *out)
{
	struct ztt_json json;
	char sentence[256];

	(void)color, (void)verbose;
	ztt_json_init(&json, true);
	ztt_json_object(&json, NULL);
	ztt_json_string(&json, "schema", "ztt-doctor/1");
	ztt_json_string(&json, "version", ZTT_VERSION);
	ztt_json_string(&json, "of", audit->of);
	ztt_json_string(&json, "verdict",
			ztt_status_name(ztt_audit_verdict(audit)));
	ztt_json_string(&json, "sentence", ztt_audit_sentence(audit, sentence));
	ztt_json_bool(&json, "strict", audit->strict);
	ztt_json_bool(&json, "partial", audit->partial);
	ztt_json_number(&json, "took_ms", in_ms(audit->took_ns));
	write_counts(&json, audit);
	ztt_json_array(&json, "checks");
	for (size_t i = 0; i < audit->count; i++)
		write_answer(&json, &audit->answers[i]);
	ztt_json_end_array(&json);
	ztt_json_end_object(&json);
	fprintf(out, "%s\n", ztt_json_text(&json, NULL));
	ztt_json_release(&json);
}
