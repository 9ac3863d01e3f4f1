#define _GNU_SOURCE
#include "ztt-doctor/report/report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/err.h"
#include "common/text.h"

#define WIDTH_MIN 40
#define WIDTH_DEFAULT 80
#define WIDTH_MAX 1000
#define LABEL_COLUMN 6
#define TEXT_COLUMN 14

struct page {
	const struct ztt_audit *audit;
	FILE *out;
	size_t width, column;
	bool color, verbose;
	size_t *picked; /* room for all answers */
};

static size_t width_of(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	long wanted = columns ? strtol(columns, NULL, 10) : 0;
	struct winsize size;

	if (wanted <= 0 && fileno(out) >= 0 &&
	    ioctl(fileno(out), TIOCGWINSZ, &size) == 0)
		wanted = size.ws_col;
	if (wanted < WIDTH_MIN)
		return WIDTH_DEFAULT;
	return wanted > WIDTH_MAX ? WIDTH_MAX : (size_t)wanted;
}

static const char *color_of(enum ztt_status status)
{
	switch (status) {
	case ZTT_STATUS_FAIL:
		return "\033[1;31m";
	case ZTT_STATUS_WARN:
		return "\033[1;33m";
	case ZTT_STATUS_OK:
		return "\033[32m";
	default:
		return "\033[36m";
	}
}

static void put_colored(struct page *page, const char *color, const char *text)
{
	fprintf(page->out, "%s%s%s", page->color ? color : "", text,
		page->color ? "\033[0m" : "");
	page->column += ztt_text_width(text);
}

static void new_line(struct page *page)
{
	fputc('\n', page->out);
	page->column = 0;
}

/* Words from the column reached on; further lines begin at `indent`. A word
 * longer than a line stays whole: people copy it. */
static void put_words(struct page *page, size_t indent, const char *text)
{
	bool first = true;

	for (;;) {
		size_t len, width;
		char *word;

		text += strspn(text, " ");
		if (!*text)
			return;
		len = strcspn(text, " ");
		word = ztt_text_plain(strndup(text, len));
		width = ztt_text_width(word);
		if (!first && page->column + 1 + width > page->width) {
			new_line(page);
			page->column = indent;
			fprintf(page->out, "%*s", (int)indent, "");
		} else if (!first) {
			fputc(' ', page->out);
			page->column++;
		}
		fputs(word, page->out);
		page->column += width;
		free(word);
		text += len;
		first = false;
	}
}

static void put_labelled(struct page *page, const char *label, const char *text)
{
	if (!text || !text[strspn(text, " ")])
		return;
	fprintf(page->out, "%*s%-*s", LABEL_COLUMN, "",
		TEXT_COLUMN - LABEL_COLUMN, label);
	page->column = TEXT_COLUMN;
	put_words(page, TEXT_COLUMN, text);
	new_line(page);
}

static void put_finding(struct page *page, const struct ztt_answer *answer)
{
	const struct ztt_check *check = answer->check;
	enum ztt_status status = answer->finding.status;
	char preview[4096], impact[32];

	put_colored(page, color_of(status),
		    status == ZTT_STATUS_FAIL ? "FAIL" : "WARN");
	fputs("  ", page->out);
	put_colored(page, "\033[1m", check->id);
	fputs("  ", page->out);
	page->column += 4;
	put_words(page, LABEL_COLUMN, check->title);
	snprintf(impact, sizeof(impact), "(impact %u)", check->impact);
	if (page->column + 2 + strlen(impact) > page->width) {
		new_line(page);
		fprintf(page->out, "%*s", LABEL_COLUMN - 2, "");
	}
	fprintf(page->out, "  %s", impact);
	new_line(page);
	put_labelled(page, "seen", answer->finding.observed);
	put_labelled(page, "wanted", ztt_answer_expected(answer));
	put_labelled(page, "why", check->why);
	put_labelled(page, "do", ztt_answer_advice(answer));
	put_labelled(page, "--fix",
		     ztt_answer_preview(answer, preview, sizeof(preview)));
	if (page->verbose)
		put_labelled(page, "source", check->source);
}

static void put_findings(struct page *page, enum ztt_status status)
{
	size_t count = ztt_audit_pick(page->audit, status, page->picked);

	for (size_t i = 0; i < count; i++) {
		put_finding(page, &page->audit->answers[page->picked[i]]);
		new_line(page);
	}
}

/* "a, b: needs root": the ids of all that have the same to say. */
static char *group_of(const struct page *page, size_t first, size_t count,
		      bool *said)
{
	const struct ztt_answer *answers = page->audit->answers;
	const char *reason = answers[page->picked[first]].finding.observed;
	char *text = NULL;
	size_t len_bytes;
	FILE *out = open_memstream(&text, &len_bytes);

	for (size_t i = first; i < count; i++) {
		const struct ztt_answer *at = &answers[page->picked[i]];

		if (strcmp(at->finding.observed, reason) != 0)
			continue;
		said[i] = true;
		fprintf(out, "%s%s", i > first ? ", " : "", at->check->id);
	}
	fprintf(out, ": %s", reason);
	fclose(out);
	return text;
}

static void put_grouped(struct page *page, enum ztt_status status,
			const char *head)
{
	size_t count = ztt_audit_pick(page->audit, status, page->picked);
	bool *said = ztt_calloc(count, sizeof(*said));

	for (size_t i = 0; i < count; i++) {
		size_t indent = strlen(head) + 2;
		char *text;

		if (said[i])
			continue;
		put_colored(page, color_of(status), head);
		fputs("  ", page->out);
		page->column = indent;
		text = group_of(page, i, count, said);
		put_words(page, indent + 2, text);
		free(text);
		new_line(page);
	}
	free(said);
}

static void put_each_ok(struct page *page)
{
	size_t count = ztt_audit_pick(page->audit, ZTT_STATUS_OK, page->picked);

	for (size_t i = 0; i < count; i++) {
		const struct ztt_answer *at =
			&page->audit->answers[page->picked[i]];

		put_colored(page, color_of(ZTT_STATUS_OK), "OK");
		fprintf(page->out, "    %s  ", at->check->id);
		page->column = 8 + strlen(at->check->id);
		put_words(page, TEXT_COLUMN, at->finding.observed);
		new_line(page);
	}
}

static void put_counts(struct page *page)
{
	const struct ztt_audit *audit = page->audit;
	size_t fine = ztt_audit_count(audit, ZTT_STATUS_OK);
	size_t skipped = ztt_audit_count(audit, ZTT_STATUS_SKIP);
	char of[1024];
	const char *more = page->verbose ? "" : "  (--verbose lists them)";

	if (page->verbose) {
		put_each_ok(page);
		put_grouped(page, ZTT_STATUS_SKIP, "SKIP");
	}
	if (fine)
		fprintf(page->out, "%zu ok%s\n", fine, more);
	if (skipped)
		fprintf(page->out, "%zu skipped%s\n", skipped, more);
	if (page->verbose) {
		snprintf(of, sizeof(of), "%zu check%s of %s", audit->count,
			 audit->count == 1 ? "" : "s", audit->of);
		put_words(page, 2, of);
		new_line(page);
	}
}

static void put_verdict(struct page *page)
{
	char sentence[256];

	put_colored(page, color_of(ztt_audit_verdict(page->audit)),
		    ztt_audit_sentence(page->audit, sentence));
	new_line(page);
}

void ztt_write_text(const struct ztt_audit *audit, bool color, bool verbose,
		    FILE *out)
{
	struct page page = {
		.audit = audit,
		.out = out,
		.width = width_of(out),
		.color = color,
		.verbose = verbose,
		.picked = ztt_calloc(audit->count, sizeof(size_t)),
	};

	put_findings(&page, ZTT_STATUS_FAIL);
	put_findings(&page, ZTT_STATUS_WARN);
	put_grouped(&page, ZTT_STATUS_UNKNOWN, "UNKNOWN");
	if (ztt_audit_count(audit, ZTT_STATUS_UNKNOWN))
		new_line(&page);
	put_counts(&page);
	put_verdict(&page);
	free(page.picked);
}
