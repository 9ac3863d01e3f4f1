#include "ztt-capture/decode/tunnel_held.h"

#include <string.h>

/* Joined with the ranges that it touches; false: there are too many. */
static bool add_range(struct ztt_tunnel_held *held, uint16_t from, uint16_t to)
{
	struct ztt_tunnel_range *ranges = held->ranges;
	size_t at = 0, end;

	while (at < held->range_count && ranges[at].to < from)
		at++;
	for (end = at; end < held->range_count && ranges[end].from <= to;
	     end++) {
		from = ranges[end].from < from ? ranges[end].from : from;
		to = ranges[end].to > to ? ranges[end].to : to;
	}
	if (end == at && held->range_count == ZTT_TUNNEL_RANGES_MAX)
		return false;
	memmove(ranges + at + 1, ranges + end,
		(held->range_count - end) * sizeof(*ranges));
	held->range_count = held->range_count - (end - at) + 1;
	ranges[at] = (struct ztt_tunnel_range){from, to};
	return true;
}

void ztt_tunnel_held_add(struct ztt_tunnel_held *held, uint64_t at,
			 const uint8_t *data, size_t len_bytes)
{
	if (len_bytes > ZTT_TUNNEL_HEAD_BYTES - at)
		len_bytes = ZTT_TUNNEL_HEAD_BYTES - (size_t)at;
	if (add_range(held, (uint16_t)at, (uint16_t)(at + len_bytes)))
		memcpy(held->data + at, data, len_bytes);
}

size_t ztt_tunnel_held_bytes(const struct ztt_tunnel_held *held)
{
	return held->range_count && held->ranges[0].from == 0
		       ? held->ranges[0].to
		       : 0;
}

void ztt_tunnel_held_forget(struct ztt_tunnel_held *held, uint64_t len_bytes)
{
	size_t kept = 0;

	for (size_t i = 0; i < held->range_count; i++) {
		struct ztt_tunnel_range range = held->ranges[i];

		if (range.to <= len_bytes)
			continue;
		range.to = (uint16_t)(range.to - len_bytes);
		range.from = range.from > len_bytes
				     ? (uint16_t)(range.from - len_bytes)
				     : 0;
		held->ranges[kept++] = range;
	}
	held->range_count = kept;
	if (kept)
		memmove(held->data, held->data + len_bytes,
			ZTT_TUNNEL_HEAD_BYTES - len_bytes);
}
