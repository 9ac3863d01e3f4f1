#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/exit.h"
#include "common/table.h"
#include "ztt-doctor/cmd_audit.h"
#include "ztt-doctor/select.h"

#define COLUMNS 78

int ztt_cmd_list(void)
{
	static const char *const heads[] = {"check", ">impact", "what", NULL};
	struct ztt_table *table = ztt_table_new(heads);

	for (const struct ztt_check *at = ztt_checks; at->id; at++) {
		ztt_table_row(table);
		ztt_table_cell(table, "%s", at->id);
		ztt_table_cell(table, "%u", at->impact);
		ztt_table_cell(table, "%s", at->title);
	}
	ztt_table_print(table, ztt_color_wanted(stdout), stdout);
	ztt_table_free(table);
	return ZTT_EXIT_FINE;
}

/* "head      text text", wrapped at blanks. */
static void print_field(const char *head, const char *text)
{
	const int indent = 10;
	int at = 0;

	if (!text || !*text)
		return;
	printf("%-*s", indent, head);
	while (*text) {
		int len = (int)strcspn(text, " ");

		if (at > 0 && indent + at + 1 + len > COLUMNS) {
			printf("\n%*s", indent, "");
			at = 0;
		}
		at += printf("%s%.*s", at ? " " : "", len, text);
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static const char *needs_text(unsigned needs)
{
	if (needs & ZTT_NEED_NETWORK)
		return "the network: contacts other hosts";
	if (needs & ZTT_NEED_LIVE)
		return "this kernel: a copy of its files is not enough";
	if (needs & ZTT_IN_BUNDLE)
		return "the host, a copy of its files, or a bundle";
	return "the host, or a copy of its files";
}

int ztt_cmd_explain(const char *id)
{
	const struct ztt_check *check;
	struct ztt_err err;

	if (ztt_select_one(id, &check, &err) < 0) {
		fprintf(stderr, "ztt-doctor: %s\n", err.text);
		return ZTT_EXIT_USAGE;
	}
	printf("%s: %s\n\n", check->id, check->title);
	print_field("wanted", check->expected);
	print_field("why", check->why);
	print_field("do", check->advice);
	print_field("needs", needs_text(check->needs));
	print_field("source", check->source);
	printf("%-10s%u of 10\n", "impact", check->impact);
	return ZTT_EXIT_FINE;
}
