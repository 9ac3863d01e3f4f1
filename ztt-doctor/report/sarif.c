/* docs.oasis-open.org/sarif/sarif/v2.1.0. A rule for each check, a result for
 * each that failed (error), warned (warning) or is unknown (note). */
#include "ztt-doctor/report/report.h"

#include <ctype.h>
#include <string.h>

#include "common/json.h"
#include "common/version.h"

#define SCHEMA                                                        \
	"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/" \
	"schemas/sarif-schema-2.1.0.json"
#define URI_BYTES 2048

static void write_message(struct ztt_json *json, const char *key,
			  const char *text)
{
	ztt_json_object(json, key);
	ztt_json_string(json, "text", text && *text ? text : "-");
	ztt_json_end_object(json);
}

static void write_rule(struct ztt_json *json, const struct ztt_check *check)
{
	char help[2048];

	snprintf(help, sizeof(help), "%s. To do: %s. Source: %s", check->why,
		 check->advice, check->source);
	ztt_json_object(json, NULL);
	ztt_json_string(json, "id", check->id);
	write_message(json, "shortDescription", check->title);
	write_message(json, "fullDescription", check->expected);
	write_message(json, "help", help);
	ztt_json_object(json, "properties");
	ztt_json_array(json, "tags");
	ztt_json_string(json, NULL, check->group);
	ztt_json_end_array(json);
	ztt_json_uint(json, "impact", check->impact);
	ztt_json_end_object(json);
	ztt_json_end_object(json);
}

static void write_tool(struct ztt_json *json, const struct ztt_audit *audit)
{
	ztt_json_object(json, "tool");
	ztt_json_object(json, "driver");
	ztt_json_string(json, "name", "ztt-doctor");
	ztt_json_string(json, "version", ZTT_VERSION);
	ztt_json_string(json, "semanticVersion", ZTT_VERSION);
	ztt_json_array(json, "rules");
	for (size_t i = 0; i < audit->count; i++)
		write_rule(json, audit->answers[i].check);
	ztt_json_end_array(json);
	ztt_json_end_object(json);
	ztt_json_end_object(json);
}

static void write_invocation(struct ztt_json *json,
			     const struct ztt_audit *audit)
{
	char sentence[256];

	ztt_json_array(json, "invocations");
	ztt_json_object(json, NULL);
	ztt_json_bool(json, "executionSuccessful",
		      ztt_audit_verdict(audit) != ZTT_STATUS_UNKNOWN);
	ztt_json_int(json, "exitCode", ztt_audit_exit(audit));
	ztt_json_string(json, "exitCodeDescription",
			ztt_audit_sentence(audit, sentence));
	ztt_json_end_object(json);
	ztt_json_end_array(json);
}

/* RFC 3986: what is not unreserved, nor a slash, is percent-encoded. */
static void encode(char out[URI_BYTES], const char *path)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t len = 0;

	for (; *path && len + 4 < URI_BYTES; path++) {
		unsigned char byte = (unsigned char)*path;

		if (byte < 0x80 && (isalnum(byte) || strchr("-._~/", byte))) {
			out[len++] = *path;
			continue;
		}
		out[len++] = '%';
		out[len++] = hex[byte >> 4];
		out[len++] = hex[byte & 15];
	}
	out[len] = 0;
}

/* What a consumer can point at: the file that a fix would change, or the
 * setting itself. */
static void uri_of(const struct ztt_answer *answer, char out[URI_BYTES])
{
	const struct ztt_action *action = answer->finding.actions;
	char path[600];

	if (!answer->finding.action_count) {
		encode(out, answer->check->id);
		return;
	}
	snprintf(path, sizeof(path), "%s%s",
		 action->kind == ZTT_ACTION_SYSCTL ? "proc/sys/" : "",
		 action->target + strspn(action->target, "/"));
	if (action->kind == ZTT_ACTION_SYSCTL)
		for (char *at = path; *at; at++)
			*at = *at == '.' ? '/' : *at;
	encode(out, path);
}

static void write_location(struct ztt_json *json,
			   const struct ztt_answer *answer)
{
	char uri[URI_BYTES];

	uri_of(answer, uri);
	ztt_json_array(json, "locations");
	ztt_json_object(json, NULL);
	ztt_json_object(json, "physicalLocation");
	ztt_json_object(json, "artifactLocation");
	ztt_json_string(json, "uri", uri);
	ztt_json_end_object(json);
	ztt_json_end_object(json);
	ztt_json_array(json, "logicalLocations");
	ztt_json_object(json, NULL);
	ztt_json_string(json, "fullyQualifiedName", answer->check->id);
	ztt_json_string(json, "kind", "resource");
	ztt_json_end_object(json);
	ztt_json_end_array(json);
	ztt_json_end_object(json);
	ztt_json_end_array(json);
}

static void write_result(struct ztt_json *json, const struct ztt_answer *answer,
			 size_t index)
{
	enum ztt_status status = answer->finding.status;
	char message[2048];

	snprintf(message, sizeof(message), "%s. Wanted: %s. To do: %s",
		 answer->finding.observed, ztt_answer_expected(answer),
		 ztt_answer_advice(answer));
	ztt_json_object(json, NULL);
	ztt_json_string(json, "ruleId", answer->check->id);
	ztt_json_uint(json, "ruleIndex", index);
	ztt_json_string(json, "level",
			status == ZTT_STATUS_FAIL   ? "error"
			: status == ZTT_STATUS_WARN ? "warning"
						    : "note");
	write_message(json, "message", message);
	write_location(json, answer);
	ztt_json_object(json, "partialFingerprints");
	ztt_json_string(json, "check/v1", answer->check->id);
	ztt_json_end_object(json);
	ztt_json_end_object(json);
}

void ztt_write_sarif(const struct ztt_audit *audit, bool color, bool verbose,
		     FILE *out)
{
	struct ztt_json json;

	(void)color, (void)verbose;
	ztt_json_init(&json, true);
	ztt_json_object(&json, NULL);
	ztt_json_string(&json, "$schema", SCHEMA);
	ztt_json_string(&json, "version", "2.1.0");
	ztt_json_array(&json, "runs");
	ztt_json_object(&json, NULL);
	write_tool(&json, audit);
	write_invocation(&json, audit);
	ztt_json_array(&json, "results");
	for (size_t i = 0; i < audit->count; i++)
		if (audit->answers[i].finding.status >= ZTT_STATUS_UNKNOWN)
			write_result(&json, &audit->answers[i], i);
	ztt_json_end_array(&json);
	ztt_json_end_object(&json);
	ztt_json_end_array(&json);
	ztt_json_end_object(&json);
	fprintf(out, "%s\n", ztt_json_text(&json, NULL));
	ztt_json_release(&json);
}
