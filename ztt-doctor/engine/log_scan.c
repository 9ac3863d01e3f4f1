#define _GNU_SOURCE
#include "ztt-doctor/engine/log.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NOTE ZTT_LOG_KIND_NOTE
#define WARN ZTT_LOG_KIND_WARN
#define FAIL ZTT_LOG_KIND_FAIL
#define AUTH ZTT_LOG_KIND_AUTH
#define ZTT_LOG(name, text, kind, meaning, next) {text, kind, meaning, next},
const struct ztt_log_pattern ztt_log_patterns[ZTT_LOG_COUNT] = {
#include "ztt-doctor/engine/log_patterns.def"
};
#undef ZTT_LOG

/* Wu and Manber's search for many texts (1994): the last two of the first
 * WINDOW bytes say how far the window can move without missing one. */
#define WINDOW 12
#define BLOCKS 65536
#define LINE_BYTES_MAX 8192
#define STAMP_WITHIN 256

struct finder {
	uint8_t move[BLOCKS];
	/* Patterns whose window ends alike are in one chain; 0 ends it. */
	uint8_t chain[BLOCKS];
	uint8_t next[ZTT_LOG_COUNT + 1];
	size_t lens[ZTT_LOG_COUNT];
};

_Static_assert(ZTT_LOG_COUNT < 255, "chains count in bytes");

static unsigned block_at(const char *at)
{
	return (unsigned)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

static void prepare(struct finder *finder)
{
	memset(finder->move, WINDOW - 1, sizeof(finder->move));
	memset(finder->chain, 0, sizeof(finder->chain));
	for (size_t i = 0; i < ZTT_LOG_COUNT; i++) {
		const char *text = ztt_log_patterns[i].text;
		unsigned last = block_at(text + WINDOW - 2);

		finder->lens[i] = strlen(text);
		for (size_t k = 0; k + 2 <= WINDOW; k++) {
			uint8_t *move = &finder->move[block_at(text + k)];
			uint8_t left = (uint8_t)(WINDOW - 2 - k);

			if (left < *move)
				*move = left;
		}
		finder->next[i + 1] = finder->chain[last];
		finder->chain[last] = (uint8_t)(i + 1);
	}
}

static void hit(struct ztt_log *log, const char *text, size_t at, size_t id)
{
	struct ztt_log_hit *found = &log->hits[id];
	size_t len = found->count ? at - found->last_at : 0;

	/* Twice in one line counts once. */
	if (found->count && len < LINE_BYTES_MAX &&
	    !memchr(text + found->last_at, '\n', len))
		return;
	if (!found->count++)
		found->first_at = at;
	found->last_at = at;
}

static void search(const struct finder *finder, const char *text, size_t len,
		   struct ztt_log *log)
{
	size_t end = WINDOW - 2;

	while (end + 2 <= len) {
		unsigned block = block_at(text + end);
		uint8_t move = finder->move[block];
		size_t at = end + 2 - WINDOW;

		if (move) {
			end += move;
			continue;
		}
		for (uint8_t i = finder->chain[block]; i; i = finder->next[i])
			if (finder->lens[i - 1] <= len - at &&
			    memcmp(text + at, ztt_log_patterns[i - 1].text,
				   finder->lens[i - 1]) == 0)
				hit(log, text, at, i - 1U);
		end++;
	}
}

/* "2026-11-22T08:25:02Z" or "2026/11/22 08:25:02". */
static size_t stamp_len(const char *at, size_t len)
{
	static const char iso[] = "dddd-dd-ddTdd:dd:dd";
	static const char go[] = "dddd/dd/dd dd:dd:dd";
	const char *form = len >= 19 && at[4] == '/' ? go : iso;

	if (len < 19)
		return 0;
	for (size_t i = 0; i < 19; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)at[i])
				   : at[i] != form[i])
			return 0;
	return form == iso && len > 19 && at[19] == 'Z' ? 20 : 19;
}

/* JSON lines have the time at their end, others near their beginning. */
static void copy_stamp(const char *text, size_t len, size_t at,
		       char out[ZTT_LOG_TIME_LEN])
{
	static const char key[] = "\"time\":\"";
	const char *begin = memrchr(text, '\n', at);
	const char *end = memchr(text + at, '\n', len - at);
	const char *json;
	size_t line_len, stamp;

	begin = begin ? begin + 1 : text;
	line_len = (size_t)((end ? end : text + len) - begin);
	if (line_len > LINE_BYTES_MAX)
		line_len = LINE_BYTES_MAX;
	json = *begin == '{' ? memmem(begin, line_len, key, sizeof(key) - 1)
			     : NULL;
	if (json) {
		json += sizeof(key) - 1;
		line_len -= (size_t)(json - begin);
		begin = json;
	}
	for (size_t i = 0; i < line_len && i < STAMP_WITHIN; i++) {
		stamp = stamp_len(begin + i, line_len - i);
		if (stamp) {
			snprintf(out, ZTT_LOG_TIME_LEN, "%.*s", (int)stamp,
				 begin + i);
			return;
		}
	}
	out[0] = 0;
}

void ztt_log_scan(const char *text, size_t len_bytes, struct ztt_log *ret_log)
{
	struct finder finder;

	memset(ret_log->hits, 0, sizeof(ret_log->hits));
	ret_log->len_bytes = len_bytes;
	prepare(&finder);
	search(&finder, text, len_bytes, ret_log);
	for (size_t i = 0; i < ZTT_LOG_COUNT; i++) {
		struct ztt_log_hit *found = &ret_log->hits[i];

		if (!found->count)
			continue;
		copy_stamp(text, len_bytes, found->first_at, found->first);
		copy_stamp(text, len_bytes, found->last_at, found->last);
	}
}

enum ztt_log_age ztt_log_age(const struct ztt_log *log, enum ztt_log_id id)
{
	const struct ztt_log_hit *started = &log->hits[ZTT_LOG_STARTED];
	const struct ztt_log_hit *up = &log->hits[ZTT_LOG_REGISTERED];
	size_t at = log->hits[id].last_at;

	if (!up->count || up->last_at < at)
		return ZTT_LOG_GOES_ON;
	if (started->count && started->last_at > at &&
	    up->last_at > started->last_at)
		return ZTT_LOG_EARLIER;
	return ZTT_LOG_MENDED;
}
