#define _GNU_SOURCE
#include "ztt-doctor/secret.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MARK "***"
#define MARK_LEN (sizeof(MARK) - 1)
#define WORD_MIN_LEN 24
#define BASE64                                                     \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123" \
	"456789+/=_-."

/* `len` bytes at `at` become the mark, or as much of it as has room. */
static char *cover(char *at, size_t len)
{
	size_t mark_len = len < MARK_LEN ? len : MARK_LEN;

	memcpy(at, MARK, mark_len);
	memmove(at + mark_len, at + len, strlen(at + len) + 1);
	return at + mark_len;
}

static void hide_logins(char *text)
{
	while ((text = strstr(text, "://"))) {
		char *last;

		text += 3;
		last = memrchr(text, '@', strcspn(text, "/?# \t\"'"));
		if (last)
			text = cover(text, (size_t)(last - text));
	}
}

static void hide_words(char *text)
{
	while ((text = strstr(text, "eyJ"))) {
		size_t len = strspn(text, BASE64);

		text += 3;
		if (len >= WORD_MIN_LEN)
			text = cover(text, len - 3);
	}
}

char *ztt_secret_hide(char *text)
{
	hide_logins(text);
	hide_words(text);
	return text;
}

char *ztt_secret_hide_known(char *text, const char *secret)
{
	char *at = text;

	while (secret && *secret && (at = strstr(at, secret)))
		at = cover(at, strlen(secret));
	return text;
}

/* Keys and names of hosts have no such mixture. */
static bool is_pasted(const char *text)
{
	size_t len = strspn(text, BASE64);
	bool lower = false, upper = false, digit = false;

	if (text[len] || len < WORD_MIN_LEN || strchr(text, '.'))
		return false;
	for (; *text; text++) {
		lower |= *text >= 'a' && *text <= 'z';
		upper |= *text >= 'A' && *text <= 'Z';
		digit |= *text >= '0' && *text <= '9';
	}
	return lower && upper && digit;
}

char *ztt_secret_hide_login(const char *text, char *out, size_t cap_bytes)
{
	const char *scheme = strstr(text, "://");
	size_t len = scheme ? (size_t)(scheme + 3 - text) : 0;
	const char *login = strrchr(text + len, '@');

	if (is_pasted(text)) {
		snprintf(out, cap_bytes, "%.8s...", text);
		return out;
	}
	snprintf(out, cap_bytes, "%.*s%s%s", (int)len, text, login ? MARK : "",
		 login ? login : text + len);
	return out;
}
