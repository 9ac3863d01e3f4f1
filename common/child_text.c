#define _GNU_SOURCE
#include "child.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "text.h"

char *ztt_child_end(const struct ztt_child *child, char *out, size_t cap_bytes)
{
	int status = child->status;

	if (child->pid <= 0)
		snprintf(out, cap_bytes, "was not started");
	else if (!child->ended)
		snprintf(out, cap_bytes, "is running");
	else if (WIFEXITED(status))
		snprintf(out, cap_bytes, "exited with status %d",
			 WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		snprintf(out, cap_bytes, "was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(out, cap_bytes, "ended, nobody knows how");
	return out;
}

/* Where the last `lines` lines begin. */
static size_t last_lines(const char *text, size_t len, unsigned lines)
{
	size_t at = len;

	if (lines == 0)
		return len;
	for (; at > 0; at--)
		if (text[at - 1] == '\n' && --lines == 0)
			break;
	return at;
}

/* Tab and newline stay. */
static void make_plain(char *text)
{
	for (;;) {
		size_t len = strcspn(text, "\t\n");
		char end = text[len];

		text[len] = '\0';
		ztt_text_plain(text);
		text[len] = end;
		if (end == '\0')
			return;
		text += len + 1;
	}
}

/* Moves `at` on, line by line, until text[at .. len) fits indented; of a line
 * that does not fit alone the end is kept. */
static size_t fit(const char *text, size_t at, size_t len, size_t cap_bytes)
{
	const char *end;
	size_t need = len - at + 4; /* one indent, one newline, one NUL */

	for (size_t i = at; i < len; i++)
		need += text[i] == '\n' ? 2 : 0;
	while (need > cap_bytes &&
	       (end = memchr(text + at, '\n', len - at)) != NULL) {
		size_t next = (size_t)(end - text) + 1;

		need -= next - at + 2;
		at = next;
	}
	if (need <= cap_bytes)
		return at;
	return cap_bytes > 4 ? len - (cap_bytes - 4) : len;
}

char *ztt_child_last_lines(const struct ztt_child *child, unsigned lines,
			   char *out, size_t cap_bytes)
{
	const char *log = child->log;
	size_t len = child->log_len_bytes;
	size_t at, used = 0;
	bool begins = true;

	if (cap_bytes == 0)
		return out;
	while (len > 0 && log[len - 1] == '\n')
		len--; /* empty lines at the end tell nothing */
	at = fit(log, last_lines(log, len, lines), len, cap_bytes);
	for (; at < len; at++) {
		if (begins) {
			out[used++] = ' ';
			out[used++] = ' ';
		}
		begins = log[at] == '\n';
		if (log[at] != '\r' || (at + 1 < len && log[at + 1] != '\n'))
			out[used++] = log[at] != '\0' ? log[at] : '?';
	}
	if (used > 0)
		out[used++] = '\n';
	out[used] = '\0';
	make_plain(out);
	return out;
}
