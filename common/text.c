#include "text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define WORD_MAX 64

static bool is_tail(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Table 3-7 of the Unicode standard: the first byte says how many follow, and
 * the second may be limited further. */
size_t ztt_text_char_len(const char *at)
{
	const unsigned char *byte = (const unsigned char *)at;
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (byte[0] < 0x80)
		return 1;
	if (byte[0] < 0xc2 || byte[0] > 0xf4)
		return 0;
	len = byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;
	if (byte[0] == 0xe0)
		low = 0xa0;
	else if (byte[0] == 0xed)
		high = 0x9f;
	else if (byte[0] == 0xf0)
		low = 0x90;
	else if (byte[0] == 0xf4)
		high = 0x8f;
	if (byte[1] < low || byte[1] > high)
		return 0;
	if (len > 2 && !is_tail(byte[2]))
		return 0;
	if (len > 3 && !is_tail(byte[3]))
		return 0;
	return len;
}

static bool is_control(const char *at)
{
	const unsigned char *byte = (const unsigned char *)at;

	if (byte[0] == 0xc2)
		return byte[1] < 0xa0;
	return byte[0] < 0x20 || byte[0] == 0x7f;
}

char *ztt_text_plain(char *text)
{
	char *at = text;

	while (*at) {
		size_t len = ztt_text_char_len(at);

		if (!len || is_control(at)) {
			len = len ? len : 1;
			memset(at, '?', len);
		}
		at += len;
	}
	return text;
}

size_t ztt_text_width(const char *text)
{
	size_t width = 0;

	while (*text) {
		size_t len = ztt_text_char_len(text);

		text += len ? len : 1;
		width++;
	}
	return width;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: insertion, deletion, substitution and the swap of
 * two neighbours count one each. */
static size_t edits(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3];
		const size_t *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t put = above[j - 1] + !same(a[i - 1], b[j - 1]);

			row[j] = least(least(above[j], row[j - 1]) + 1, put);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], above2[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

void ztt_near_offer(struct ztt_near *near, const char *known)
{
	size_t word_len = strlen(near->word), known_len = strlen(known);
	size_t distance;

	if (word_len > WORD_MAX || known_len > WORD_MAX)
		return;
	distance = edits(near->word, word_len, known, known_len);
	if (distance > 1 && word_len > 1 &&
	    !strncmp(near->word, known, word_len))
		distance = 1;
	if (distance > (word_len + 1) / 3)
		return;
	if (!near->best || distance < near->distance) {
		near->best = known;
		near->distance = distance;
	}
}
