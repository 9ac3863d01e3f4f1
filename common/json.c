#include "json.h"

#include <assert.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "text.h"

#define DEPTH_MAX 63

void ztt_json_init(struct ztt_json *json, bool pretty)
{
	*json = (struct ztt_json){.cap_bytes = 256, .pretty = pretty};
	json->text = ztt_alloc(json->cap_bytes);
	json->text[0] = '\0';
}

void ztt_json_release(struct ztt_json *json)
{
	free(json->text);
	*json = (struct ztt_json){0};
}

static void put(struct ztt_json *json, const char *text, size_t len_bytes)
{
	size_t need_bytes = json->len_bytes + len_bytes + 1;

	if (need_bytes > json->cap_bytes) {
		json->cap_bytes = 2 * need_bytes;
		json->text = ztt_realloc(json->text, json->cap_bytes);
	}
	memcpy(json->text + json->len_bytes, text, len_bytes);
	json->len_bytes += len_bytes;
	json->text[json->len_bytes] = '\0';
}

static void put_text(struct ztt_json *json, const char *text)
{
	put(json, text, strlen(text));
}

static void new_line(struct ztt_json *json)
{
	put_text(json, "\n");
	for (unsigned i = 0; i < json->depth; i++)
		put_text(json, "  ");
}

static bool in_nested_array(const struct ztt_json *json)
{
	return json->arrays & json->arrays >> 1;
}

static void put_escape(struct ztt_json *json, unsigned code)
{
	const char *shorts = "\bb\ff\nn\rr\tt\"\"\\\\";
	char out[8];

	for (; *shorts; shorts += 2) {
		if (code == (unsigned char)*shorts) {
			snprintf(out, sizeof(out), "\\%c", shorts[1]);
			put_text(json, out);
			return;
		}
	}
	snprintf(out, sizeof(out), "\\u%04x", code & 0xffff);
	put_text(json, out);
}

static void put_string(struct ztt_json *json, const char *text)
{
	put_text(json, "\"");
	while (*text) {
		unsigned char first = (unsigned char)text[0];
		size_t len = ztt_text_char_len(text);

		if (!len)
			put_text(json, "\xef\xbf\xbd");
		else if (first < 0x20 || first == 0x7f || first == '"' ||
			 first == '\\')
			put_escape(json, first);
		else if (first == 0xc2 && (unsigned char)text[1] < 0xa0)
			put_escape(json, (unsigned char)text[1]);
		else
			put(json, text, len);
		text += len ? len : 1;
	}
	put_text(json, "\"");
}

static void begin_item(struct ztt_json *json, const char *key)
{
	assert(!json->depth || (json->arrays >> json->depth & 1) == !key);
	assert(json->depth || (!key && !json->comma));
	if (json->comma)
		put_text(json, ",");
	if (json->pretty && json->depth) {
		if (!in_nested_array(json))
			new_line(json);
		else if (json->comma)
			put_text(json, " ");
	}
	if (key) {
		put_string(json, key);
		put_text(json, json->pretty ? ": " : ":");
	}
	json->comma = true;
}

static void begin(struct ztt_json *json, const char *key, bool array)
{
	begin_item(json, key);
	put_text(json, array ? "[" : "{");
	assert(json->depth < DEPTH_MAX);
	json->depth++;
	json->arrays |= (uint64_t)array << json->depth;
	json->comma = false;
}

static void end(struct ztt_json *json, bool array)
{
	bool nested = in_nested_array(json);

	assert(json->depth && (json->arrays >> json->depth & 1) == array);
	json->arrays &= ~(UINT64_C(1) << json->depth);
	json->depth--;
	if (json->comma && json->pretty && !nested)
		new_line(json);
	put_text(json, array ? "]" : "}");
	json->comma = true;
}

void ztt_json_object(struct ztt_json *json, const char *key)
{
	begin(json, key, false);
}

void ztt_json_array(struct ztt_json *json, const char *key)
{
	begin(json, key, true);
}

void ztt_json_end_object(struct ztt_json *json)
{
	end(json, false);
}

void ztt_json_end_array(struct ztt_json *json)
{
	end(json, true);
}

void ztt_json_string(struct ztt_json *json, const char *key, const char *text)
{
	begin_item(json, key);
	if (text)
		put_string(json, text);
	else
		put_text(json, "null");
}

void ztt_json_uint(struct ztt_json *json, const char *key, uint64_t value)
{
	char out[24];

	begin_item(json, key);
	snprintf(out, sizeof(out), "%" PRIu64, value);
	put_text(json, out);
}

void ztt_json_int(struct ztt_json *json, const char *key, int64_t value)
{
	char out[24];

	begin_item(json, key);
	snprintf(out, sizeof(out), "%" PRId64, value);
	put_text(json, out);
}

/* A program that shows a screen may have set LC_NUMERIC. */
static void put_decimal(struct ztt_json *json, const char *digits)
{
	const char *point = localeconv()->decimal_point;
	const char *found = strstr(digits, point);

	if (found) {
		put(json, digits, (size_t)(found - digits));
		put_text(json, ".");
		digits = found + strlen(point);
	}
	put_text(json, digits);
}

void ztt_json_number(struct ztt_json *json, const char *key, double value)
{
	char out[32];
	double rounded;

	if (!isfinite(value)) {
		ztt_json_null(json, key);
		return;
	}
	begin_item(json, key);
	snprintf(out, sizeof(out), "%.6g", value);
	rounded = strtod(out, NULL);
	/* 1523460000 rather than 1.52346e+09. */
	if (fabs(rounded) >= 1e6 && fabs(rounded) < 1e15)
		snprintf(out, sizeof(out), "%.0f", rounded);
	put_decimal(json, out);
}

void ztt_json_bool(struct ztt_json *json, const char *key, bool value)
{
	begin_item(json, key);
	put_text(json, value ? "true" : "false");
}

void ztt_json_null(struct ztt_json *json, const char *key)
{
	begin_item(json, key);
	put_text(json, "null");
}

const char *ztt_json_text(struct ztt_json *json, size_t *ret_len_bytes)
{
	assert(!json->depth);
	if (ret_len_bytes)
		*ret_len_bytes = json->len_bytes;
	return json->text;
}
