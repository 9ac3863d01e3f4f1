#define _GNU_SOURCE
#include "ztt-doctor/engine/go_build_info.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/text.h"
#include "ztt-doctor/engine/elf_section.h"

#define SECTION ".go.buildinfo"
#define INFO_BYTES_MAX ((size_t)1024 * 1024)

#define MAGIC "\xff Go buildinf:"
#define MAGIC_LEN 14
#define FLAGS_AT 15
#define FLAG_INLINE 2
#define HEADER_LEN 32
#define ALIGN 16
#define MARKER_LEN 16

/* A length in 7-bit groups, the lowest first, and as many bytes. */
static int take_string(const unsigned char **at, const unsigned char *end,
		       const char **ret_text, size_t *ret_len)
{
	uint64_t len = 0;
	unsigned shift = 0;
	unsigned char byte;

	do {
		if (*at == end || shift > 56)
			return -EBADMSG;
		byte = *(*at)++;
		len |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (len > (uint64_t)(end - *at))
		return -EBADMSG;
	*ret_text = (const char *)*at;
	*ret_len = (size_t)len;
	*at += len;
	return 0;
}

/* In place: what strconv.Quote of Go made of `text`. Escapes that no version
 * has become '?'. */
static void unquote(char *text)
{
	char *out = text;

	if (*text != '"')
		return;
	for (const char *at = text + 1; *at && *at != '"'; at++) {
		if (*at != '\\') {
			*out++ = *at;
			continue;
		}
		if (!*++at)
			break;
		if (*at == '\\' || *at == '"')
			*out++ = *at;
		else
			*out++ = strchr("nrt", *at) ? ' ' : '?';
	}
	*out = 0;
}

/* As cmd/go splits flags: quotes count at the beginning of a word alone, and
 * nothing escapes within. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t\r\n");
	char quote[2] = {*word, 0};

	if (!*word)
		return NULL;
	if (*quote == '"' || *quote == '\'')
		word++;
	else
		snprintf(quote, sizeof(quote), " ");
	*rest = word + strcspn(word, *quote == ' ' ? " \t\r\n" : quote);
	if (**rest)
		*(*rest)++ = 0;
	return word;
}

/* The last one counts, as for the linker. */
static void take_version(const char *setting, struct ztt_go_build_info *info)
{
	static const char key[] = "main.Version=",
			  plain[] = "0123456789.-+_abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t len;

	if (strncmp(setting, key, sizeof(key) - 1) != 0)
		return;
	setting += sizeof(key) - 1;
	len = strspn(setting, plain);
	if (setting[len] || len >= sizeof(info->main_version))
		len = 0;
	snprintf(info->main_version, sizeof(info->main_version), "%.*s",
		 (int)len, setting);
}

/* -X KEY=VALUE and -X=KEY=VALUE, with one dash or two. */
static void read_link_flags(char *flags, struct ztt_go_build_info *info)
{
	bool follows = false;
	char *word;

	while ((word = next_word(&flags))) {
		const char *flag = word + strspn(word, "-");
		bool is_flag = !follows && flag > word;

		if (follows)
			take_version(word, info);
		else if (is_flag && strncmp(flag, "X=", 2) == 0)
			take_version(flag + 2, info);
		follows = is_flag && strcmp(flag, "X") == 0;
	}
}

static void read_line(char *line, struct ztt_go_build_info *info)
{
	static const char package[] = "path\t", flags[] = "build\t-ldflags=";

	if (strncmp(line, package, sizeof(package) - 1) == 0) {
		snprintf(info->package, sizeof(info->package), "%s",
			 line + sizeof(package) - 1);
		ztt_text_plain(info->package);
	} else if (strncmp(line, flags, sizeof(flags) - 1) == 0) {
		line += sizeof(flags) - 1;
		unquote(line);
		read_link_flags(line, info);
	}
}

/* Markers, which cmd/go looks for itself, stand around the lines. */
static void read_modules(const char *text, size_t len,
			 struct ztt_go_build_info *info)
{
	char *copy, *rest, *line;

	if (len <= 2 * (size_t)MARKER_LEN || text[len - MARKER_LEN - 1] != '\n')
		return;
	len -= 2 * (size_t)MARKER_LEN;
	rest = copy = ztt_alloc(len + 1);
	memcpy(copy, text + MARKER_LEN, len);
	copy[len] = 0;
	while ((line = strsep(&rest, "\n")))
		read_line(line, info);
	free(copy);
}

int ztt_go_build_info_parse(const void *data, size_t len_bytes,
			    struct ztt_go_build_info *ret_info)
{
	const unsigned char *at = data, *end = at + len_bytes;
	const char *go, *modules;
	size_t go_len, modules_len;
	int rc;

	memset(ret_info, 0, sizeof(*ret_info));
	while (end - at >= HEADER_LEN && memcmp(at, MAGIC, MAGIC_LEN) != 0)
		at += ALIGN;
	if (end - at < HEADER_LEN || !(at[FLAGS_AT] & FLAG_INLINE))
		return -ENODATA;
	at += HEADER_LEN;
	rc = take_string(&at, end, &go, &go_len);
	if (rc == 0)
		rc = take_string(&at, end, &modules, &modules_len);
	if (rc < 0)
		return rc;
	snprintf(ret_info->go_version, sizeof(ret_info->go_version), "%.*s",
		 (int)(go_len < 31 ? go_len : 31), go);
	ztt_text_plain(ret_info->go_version);
	read_modules(modules, modules_len, ret_info);
	return 0;
}

int ztt_go_build_info_read(const struct ztt_root *root, const char *path,
			   struct ztt_go_build_info *ret_info)
{
	unsigned char *data;
	size_t len;
	int rc = ztt_elf_section_load(root, path, SECTION, INFO_BYTES_MAX,
				      &data, &len);

	if (rc < 0)
		return rc;
	rc = ztt_go_build_info_parse(data, len, ret_info);
	free(data);
	return rc;
}
