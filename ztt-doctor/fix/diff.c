#define _GNU_SOURCE
#include "ztt-doctor/fix/change.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/text.h"

#define CONTEXT_LINES 3

struct lines {
	const char **starts; /* count + 1: the last is the end */
	size_t count;
};

static struct lines split(const char *text, size_t len_bytes)
{
	struct lines lines = {ztt_alloc((len_bytes + 1) * sizeof(char *)), 0};
	const char *at = text, *end = text ? text + len_bytes : NULL;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		lines.starts[lines.count++] = at;
		at = newline ? newline + 1 : end;
	}
	lines.starts[lines.count] = end;
	return lines;
}

static size_t length_of(const struct lines *lines, size_t at)
{
	return (size_t)(lines->starts[at + 1] - lines->starts[at]);
}

static bool same(const struct lines *a, size_t at_a, const struct lines *b,
		 size_t at_b)
{
	return length_of(a, at_a) == length_of(b, at_b) &&
	       memcmp(a->starts[at_a], b->starts[at_b], length_of(a, at_a)) ==
		       0;
}

/* What could drive a terminal becomes '?', but for tabs. */
static void put_line(FILE *out, char mark, const struct lines *lines, size_t at)
{
	size_t len = length_of(lines, at);
	bool ended = len && lines->starts[at][len - 1] == '\n';
	char *text = ztt_alloc(len + 1), *plain;

	len -= ended;
	memcpy(text, lines->starts[at], len);
	text[len] = 0;
	for (size_t i = 0; i < len; i++)
		text[i] = text[i] ? text[i] : '?';
	plain = ztt_text_plain(ztt_strdup(text));
	for (size_t i = 0; i < len; i++)
		plain[i] = text[i] == '\t' ? '\t' : plain[i];
	fprintf(out, "%c%s\n%s", mark, plain,
		ended ? "" : "\\ No newline at end of file\n");
	free(plain);
	free(text);
}

/* Lines [first, first + count) as a hunk names them. */
static void put_range(FILE *out, const char *mark, size_t first, size_t count)
{
	fprintf(out, "%s%zu,%zu ", mark, count ? first + 1 : first, count);
}

/* The first `head` and the last `tail` lines are the same in both. */
static void put_hunk(FILE *out, const struct lines *a, const struct lines *b,
		     size_t head, size_t tail)
{
	size_t first = head < CONTEXT_LINES ? 0 : head - CONTEXT_LINES;
	size_t after = tail < CONTEXT_LINES ? tail : CONTEXT_LINES;

	put_range(out, "@@ -", first, a->count - tail + after - first);
	put_range(out, "+", first, b->count - tail + after - first);
	fputs("@@\n", out);
	for (size_t i = first; i < head; i++)
		put_line(out, ' ', a, i);
	for (size_t i = head; i < a->count - tail; i++)
		put_line(out, '-', a, i);
	for (size_t i = head; i < b->count - tail; i++)
		put_line(out, '+', b, i);
	for (size_t i = a->count - tail; i < a->count - tail + after; i++)
		put_line(out, ' ', a, i);
}

void ztt_diff(FILE *out, const char *path, const char *old,
	      size_t old_len_bytes, const char *new, size_t new_len_bytes)
{
	struct lines a = split(old, old_len_bytes);
	struct lines b = split(new, new_len_bytes);
	size_t least = a.count < b.count ? a.count : b.count;
	size_t head = 0, tail = 0;

	while (head < least && same(&a, head, &b, head))
		head++;
	while (tail < least - head &&
	       same(&a, a.count - tail - 1, &b, b.count - tail - 1))
		tail++;
	if (head < a.count || head < b.count || !old != !new) {
		fprintf(out, "--- %s\n+++ %s\n", old ? path : "/dev/null",
			new ? path : "/dev/null");
		put_hunk(out, &a, &b, head, tail);
	}
	free(a.starts);
	free(b.starts);
}
