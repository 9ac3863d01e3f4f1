#include "ztt-doctor/report/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/text.h"

/* U+FFFE and U+FFFF are UTF-8, but no characters of XML 1.0 (2.2). */
static bool is_xml(const char *at, size_t len)
{
	return !(len == 3 && (memcmp(at, "\xef\xbf\xbe", 3) == 0 ||
			      memcmp(at, "\xef\xbf\xbf", 3) == 0));
}

static void put_escaped(FILE *out, const char *text)
{
	char *plain = ztt_text_plain(ztt_strdup(text ? text : ""));

	for (const char *at = plain; *at;) {
		size_t len = ztt_text_char_len(at);

		if (*at == '&')
			fputs("&amp;", out);
		else if (*at == '<')
			fputs("&lt;", out);
		else if (*at == '>')
			fputs("&gt;", out);
		else if (*at == '"')
			fputs("&quot;", out);
		else if (!is_xml(at, len))
			fputc('?', out);
		else
			fwrite(at, 1, len, out);
		at += len;
	}
	free(plain);
}

static void put_attribute(FILE *out, const char *name, const char *text)
{
	fprintf(out, " %s=\"", name);
	put_escaped(out, text);
	fputc('"', out);
}

static void put_time(FILE *out, uint64_t ns)
{
	fprintf(out, " time=\"%" PRIu64 ".%06" PRIu64 "\"", ns / ZTT_NS_PER_S,
		ns % ZTT_NS_PER_S / ZTT_NS_PER_US);
}

static void put_line(FILE *out, const char *label, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, "%s: ", label);
	put_escaped(out, text);
	fputc('\n', out);
}

static void put_details(FILE *out, const struct ztt_answer *answer)
{
	put_line(out, "seen", answer->finding.observed);
	put_line(out, "wanted", ztt_answer_expected(answer));
	put_line(out, "why", answer->check->why);
	put_line(out, "do", ztt_answer_advice(answer));
	put_line(out, "source", answer->check->source);
}

static bool is_failure(const struct ztt_audit *audit, enum ztt_status status)
{
	return status == ZTT_STATUS_FAIL ||
	       (status == ZTT_STATUS_WARN && audit->strict);
}

static void put_outcome(FILE *out, const struct ztt_audit *audit,
			const struct ztt_answer *answer)
{
	enum ztt_status status = answer->finding.status;

	if (is_failure(audit, status)) {
		fputs("      <failure", out);
		put_attribute(out, "type", ztt_status_name(status));
		put_attribute(out, "message", answer->finding.observed);
		fputc('>', out);
		put_details(out, answer);
		fputs("</failure>\n", out);
	} else if (status == ZTT_STATUS_WARN) {
		fputs("      <system-out>warning\n", out);
		put_details(out, answer);
		fputs("</system-out>\n", out);
	} else {
		fprintf(out, "      <%s",
			status == ZTT_STATUS_SKIP ? "skipped" : "error");
		if (status == ZTT_STATUS_UNKNOWN)
			put_attribute(out, "type", "unknown");
		put_attribute(out, "message", answer->finding.observed);
		fputs("/>\n", out);
	}
}

static void put_case(FILE *out, const struct ztt_audit *audit,
		     const struct ztt_answer *answer)
{
	const struct ztt_check *check = answer->check;
	const char *dot = strchr(check->id, '.');

	fputs("    <testcase", out);
	put_attribute(out, "classname", check->group);
	put_attribute(out, "name", dot ? dot + 1 : check->id);
	put_time(out, answer->took_ns);
	if (answer->finding.status == ZTT_STATUS_OK) {
		fputs("/>\n", out);
		return;
	}
	fputs(">\n", out);
	put_outcome(out, audit, answer);
	fputs("    </testcase>\n", out);
}

struct sums {
	size_t tests, failures, errors, skipped;
	uint64_t took_ns;
};

/* Of one group, or of all when it is NULL. */
static struct sums sum(const struct ztt_audit *audit, const char *group)
{
	struct sums sums = {0};

	for (size_t i = 0; i < audit->count; i++) {
		const struct ztt_answer *at = &audit->answers[i];
		enum ztt_status status = at->finding.status;

		if (group && strcmp(at->check->group, group) != 0)
			continue;
		sums.tests++;
		sums.failures += is_failure(audit, status);
		sums.errors += status == ZTT_STATUS_UNKNOWN;
		sums.skipped += status == ZTT_STATUS_SKIP;
		sums.took_ns += at->took_ns;
	}
	return sums;
}

static void put_sums(FILE *out, const struct sums *sums)
{
	fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"",
		sums->tests, sums->failures, sums->errors);
}

static void put_suite(FILE *out, const struct ztt_audit *audit,
		      const char *group)
{
	struct sums sums = sum(audit, group);

	fputs("  <testsuite", out);
	put_attribute(out, "name", group);
	put_sums(out, &sums);
	fprintf(out, " skipped=\"%zu\"", sums.skipped);
	put_time(out, sums.took_ns);
	fputs(">\n", out);
	for (size_t i = 0; i < audit->count; i++)
		if (strcmp(audit->answers[i].check->group, group) == 0)
			put_case(out, audit, &audit->answers[i]);
	fputs("  </testsuite>\n", out);
}

static bool is_first_of_group(const struct ztt_audit *audit, size_t at)
{
	const char *group = audit->answers[at].check->group;

	for (size_t i = 0; i < at; i++)
		if (strcmp(audit->answers[i].check->group, group) == 0)
			return false;
	return true;
}

void ztt_write_junit(const struct ztt_audit *audit, bool color, bool verbose,
		     FILE *out)
{
	struct sums sums = sum(audit, NULL);

	(void)color, (void)verbose;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
	put_attribute(out, "name", "ztt-doctor");
	put_sums(out, &sums);
	put_time(out, audit->took_ns);
	fputs(">\n", out);
	for (size_t i = 0; i < audit->count; i++)
		if (is_first_of_group(audit, i))
			put_suite(out, audit, audit->answers[i].check->group);
	fputs("</testsuites>\n", out);
}
