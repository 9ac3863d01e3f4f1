/* Text from outside: UTF-8, control characters, and the known word that a
 * mistyped one is nearest to. */
#ifndef ZTT_TEXT_H
#define ZTT_TEXT_H

#include <stddef.h>

/* Length in bytes of the UTF-8 character at `at` (RFC 3629: no overlong form,
 * no surrogate, nothing past U+10FFFF); 0 when it is none. NUL has length 1. */
size_t ztt_text_char_len(const char *at);

/* Puts '?' in place of every byte of what is no UTF-8 or is a control
 * character (C0, DEL and C1), in place, so that text from outside cannot drive
 * a terminal. Returns `text`. */
char *ztt_text_plain(char *text);

/* Width in characters; a byte that is no UTF-8 counts as one. */
size_t ztt_text_width(const char *text);

/* Begin with {.word = "what was typed"} and offer every known word; `best` is
 * then the nearest, or NULL when none is near. Borrows both. */
struct ztt_near {
	const char *word;
	const char *best;
	size_t distance; /* edits between `word` and `best` */
};

void ztt_near_offer(struct ztt_near *near, const char *known);

#endif
