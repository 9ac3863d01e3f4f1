#define _GNU_SOURCE
#include "ztt-capture/decode/tunnel_line.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

#define SLICE_SHOWN_BYTES 256

struct ztt_line ztt_line_of(char *at, size_t cap_bytes)
{
	at[0] = '\0';
	return (struct ztt_line){at, cap_bytes, 0};
}

/* Takes back the beginning of a character whose end did not fit. */
static size_t whole_chars(const char *at, size_t len_bytes)
{
	size_t tail = 0;
	unsigned char first;

	while (tail < 3 && tail < len_bytes &&
	       ((unsigned char)at[len_bytes - 1 - tail] & 0xc0) == 0x80)
		tail++;
	if (tail == len_bytes)
		return len_bytes;
	first = (unsigned char)at[len_bytes - 1 - tail];
	if (first < 0xc0)
		return len_bytes;
	return tail + 1 < (first < 0xe0   ? 2u
			   : first < 0xf0 ? 3u
					  : 4u)
		       ? len_bytes - 1 - tail
		       : len_bytes;
}

void ztt_line_add(struct ztt_line *line, const char *fmt, ...)
{
	size_t room;
	va_list args;
	int len;

	if (!line)
		return;
	room = line->cap_bytes - line->len_bytes;
	va_start(args, fmt);
	len = vsnprintf(line->at + line->len_bytes, room, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t)len < room) {
		line->len_bytes += (size_t)len;
		return;
	}
	line->len_bytes = whole_chars(line->at, line->cap_bytes - 1);
	line->at[line->len_bytes] = '\0';
}

void ztt_line_next(struct ztt_line *line)
{
	if (line && line->len_bytes)
		ztt_line_add(line, "; ");
}

void ztt_line_slice(struct ztt_line *line, struct ztt_slice text)
{
	char copy[SLICE_SHOWN_BYTES + 4];
	size_t len = text.len_bytes;
	const bool long_text = len > SLICE_SHOWN_BYTES;

	if (!line || len == 0)
		return;
	if (long_text)
		len = whole_chars(text.at, SLICE_SHOWN_BYTES);
	memcpy(copy, text.at, len);
	for (size_t i = 0; i < len; i++)
		if (copy[i] == '\0')
			copy[i] = '?';
	copy[len] = '\0';
	ztt_line_add(line, "%s%s", ztt_text_plain(copy),
		     long_text ? "..." : "");
}

static struct ztt_slice cut_at(struct ztt_slice text, size_t len_bytes)
{
	return (struct ztt_slice){text.at, len_bytes};
}

static struct ztt_slice after(struct ztt_slice text, size_t len_bytes)
{
	return (struct ztt_slice){text.at + len_bytes,
				  text.len_bytes - len_bytes};
}

static size_t find(struct ztt_slice text, const char *set)
{
	size_t at = 0;

	while (at < text.len_bytes &&
	       !(text.at[at] && strchr(set, text.at[at])))
		at++;
	return at;
}

/* The last '@' ends the user information, whatever stands before it. */
static struct ztt_slice hide_user(struct ztt_line *line,
				  struct ztt_slice authority)
{
	const char *at = authority.len_bytes ? memrchr(authority.at, '@',
						       authority.len_bytes)
					     : NULL;

	if (!at)
		return authority;
	ztt_line_add(line, "(redacted)@");
	return after(authority, (size_t)(at + 1 - authority.at));
}

void ztt_line_url(struct ztt_line *line, struct ztt_slice url)
{
	const size_t end = find(url, "?#");
	struct ztt_slice left = cut_at(url, end);
	const char *scheme = end ? memmem(left.at, end, "://", 3) : NULL;
	size_t authority;

	if (!line)
		return;
	if (scheme) {
		size_t len = (size_t)(scheme + 3 - left.at);

		ztt_line_slice(line, cut_at(left, len));
		left = after(left, len);
		authority = find(left, "/");
		ztt_line_slice(line, hide_user(line, cut_at(left, authority)));
		left = after(left, authority);
	}
	ztt_line_slice(line, left);
	if (end < url.len_bytes)
		ztt_line_add(line, "%c(redacted)", url.at[end]);
}

void ztt_line_uuid(struct ztt_line *line, const uint8_t id[16])
{
	char text[40];
	size_t len = 0;

	if (!line)
		return;
	for (size_t i = 0; i < 16; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s%02x",
					i == 4 || i == 6 || i == 8 || i == 10
						? "-"
						: "",
					id[i]);
	ztt_line_add(line, "%s", text);
}

void ztt_line_ip(struct ztt_line *line, const uint8_t *address,
		 size_t len_bytes)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[INET6_ADDRSTRLEN] = "?";

	if (!line)
		return;
	if (len_bytes == 16 && memcmp(address, mapped, 12) == 0)
		inet_ntop(AF_INET, address + 12, text, sizeof(text));
	else if (len_bytes == 16)
		inet_ntop(AF_INET6, address, text, sizeof(text));
	else if (len_bytes == 4)
		inet_ntop(AF_INET, address, text, sizeof(text));
	ztt_line_add(line, "%s", text);
}
