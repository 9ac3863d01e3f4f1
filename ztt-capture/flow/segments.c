#include "ztt-capture/flow/segments.h"

#include <string.h>

#define SEARCH_LEAST 1200
#define SEARCH_MOST 1500
#define SEGMENT_LEAST 24 /* a short header, a number and a tag */
#define SEGMENTS_MOST 128
#define FAILURES_MOST 8
#define DCID_STRIDE_LEAST 4 /* bytes: shorter ones repeat by chance */

void ztt_segments_saw(struct ztt_segment_sizes *sizes, uint32_t bytes)
{
	size_t i;

	if (sizes->most_bytes < bytes)
		sizes->most_bytes = bytes;
	if (sizes->recent[0] == bytes || bytes < SEARCH_LEAST)
		return;
	for (i = 1; i < ZTT_SEGMENT_SIZES_KEPT - 1; i++)
		if (sizes->recent[i] == bytes)
			break;
	memmove(sizes->recent + 1, sizes->recent, i * sizeof(*sizes->recent));
	sizes->recent[0] = bytes;
}

bool ztt_segments_suspect(const struct ztt_segment_sizes *sizes, size_t bytes)
{
	return bytes > ZTT_PAYLOAD_MTU_1500 && bytes > sizes->most_bytes;
}

/* Whether a packet with the first one's DCID may begin here; without a DCID the
 * fixed bit must do (with one it may be greased: RFC 9287). */
static bool may_begin(const struct ztt_segment_search *search, size_t at)
{
	const uint8_t *first = search->payload, *here = first + at;
	size_t len = search->dcid_bytes;

	if (len < DCID_STRIDE_LEAST)
		return (*here & 0xc0) == 0x40;
	return !(*here & 0x80) && search->payload_bytes - at > len &&
	       !memcmp(here + 1, first + 1, len);
}

/* Where the DCID of the first byte on is met again. */
static size_t stride(const struct ztt_segment_search *search)
{
	const uint8_t *data = search->payload, *next;
	size_t len = search->dcid_bytes, end = search->payload_bytes;

	if (len < DCID_STRIDE_LEAST || !may_begin(search, 0))
		return 0;
	for (size_t at = SEGMENT_LEAST; at + 1 + len <= end; at++) {
		next = memchr(data + at + 1, data[1], end - len - at);
		if (!next)
			return 0;
		at = (size_t)(next - data) - 1;
		if (may_begin(search, at))
			return at;
	}
	return 0;
}

static bool looks_right(const struct ztt_segment_search *search, size_t bytes)
{
	size_t at = bytes, len = search->payload_bytes;

	if (len / bytes > SEGMENTS_MOST)
		return false;
	for (; at < len; at += bytes)
		if (!may_begin(search, at))
			return false;
	return true;
}

static bool holds(const struct ztt_segment_search *search, size_t bytes)
{
	if (bytes < SEGMENT_LEAST || bytes >= search->payload_bytes)
		return false;
	return search->opens ? search->opens(search->owner, bytes)
			     : looks_right(search, bytes);
}

static size_t among_seen(const struct ztt_segment_sizes *sizes,
			 const struct ztt_segment_search *search)
{
	for (size_t i = 0; i < ZTT_SEGMENT_SIZES_KEPT; i++)
		if (sizes->recent[i] && holds(search, sizes->recent[i]))
			return sizes->recent[i];
	return 0;
}

static size_t by_search(const struct ztt_segment_search *search)
{
	size_t len = search->payload_bytes;

	for (size_t bytes = SEARCH_MOST; bytes >= SEARCH_LEAST; bytes--)
		if (holds(search, bytes))
			return bytes;
	for (size_t n = 2; search->opens && n <= SEGMENTS_MOST; n++)
		if (len % n == 0 && holds(search, len / n))
			return len / n;
	return 0;
}

/* Larger than what is usual, and still one. */
static bool is_one(struct ztt_segment_sizes *sizes,
		   const struct ztt_segment_search *search)
{
	if (!search->opens ||
	    !search->opens(search->owner, search->payload_bytes))
		return false;
	ztt_segments_saw(sizes, (uint32_t)search->payload_bytes);
	sizes->failures = 0;
	return true;
}

size_t ztt_segments_find(struct ztt_segment_sizes *sizes,
			 const struct ztt_segment_search *search)
{
	size_t bytes = among_seen(sizes, search);

	if (!bytes && (bytes = stride(search)) && !holds(search, bytes))
		bytes = 0;
	if (!bytes && is_one(sizes, search))
		return 0;
	if (!bytes && sizes->failures < FAILURES_MOST) {
		bytes = by_search(search);
		sizes->failures = bytes ? 0 : sizes->failures + 1;
	}
	if (bytes)
		ztt_segments_saw(sizes, (uint32_t)bytes);
	return bytes;
}
