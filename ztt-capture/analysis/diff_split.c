#define _GNU_SOURCE
#include "ztt-capture/analysis/diff_flow.h"

#include <string.h>

#include "ztt-capture/decode/wireguard.h"

#define LONG_HEADER 0x80
#define SHORT_LEAST 24
#define CID_LEAST 4 /* shorter ones are met by chance */
#define CID_MOST 20

/* The fixed bit may be greased (RFC 9287). */
static bool is_short(uint8_t first)
{
	return !(first & LONG_HEADER);
}

/* The other direction's short headers carry the connection ID that a long
 * header names as its source (RFC 9000 section 7.2). */
static void learn_cid(struct ztt_diff_flow *flow, bool up,
		      const struct ztt_datagram *datagram)
{
	struct ztt_diff_way *back = up ? &flow->down : &flow->up;
	const uint8_t *data = datagram->payload;
	size_t len = datagram->payload_bytes, dcid;

	if (len < 7 || !(data[0] & LONG_HEADER))
		return;
	dcid = data[5];
	if (dcid <= CID_MOST && len > 6 + dcid && data[6 + dcid] <= CID_MOST)
		back->dcid_bytes = data[6 + dcid];
}

/* At most multiples: one segment may carry another connection ID (a probe of a
 * new path), or a long header. */
static bool cid_at_most(const uint8_t *data, size_t len, size_t stride,
			size_t cid_bytes)
{
	size_t hits = 0, count = 0;

	for (size_t at = stride; at + 1 + cid_bytes <= len; at += stride) {
		hits += is_short(data[at]) &&
			memcmp(data + at + 1, data + 1, cid_bytes) == 0;
		count++;
	}
	return hits * 2 > count;
}

/* The distance at which the connection ID of the first datagram is met again
 * and again. Not known how long it is: as if it had the least bytes. */
static size_t cid_stride(const uint8_t *data, size_t len, size_t cid_bytes)
{
	size_t at = SHORT_LEAST;

	if (cid_bytes < CID_LEAST)
		cid_bytes = CID_LEAST;
	if (len < 2 * SHORT_LEAST || !is_short(data[0]))
		return 0;
	while (at + 1 + cid_bytes <= len) {
		const uint8_t *next = memmem(data + at + 1, len - at - 1,
					     data + 1, cid_bytes);

		if (!next)
			return 0;
		at = (size_t)(next - data) - 1;
		if (cid_at_most(data, len, at, cid_bytes))
			return at;
		at++;
	}
	return 0;
}

static size_t quic_stride(struct ztt_diff_way *way,
			  const struct ztt_datagram *datagram)
{
	struct ztt_segment_search search = {
		.payload = datagram->payload,
		.payload_bytes = datagram->payload_bytes,
		.dcid_bytes = way->dcid_bytes,
	};
	size_t stride = cid_stride(search.payload, search.payload_bytes,
				   way->dcid_bytes);

	if (stride)
		return stride;
	way->guessed = true;
	return ztt_segments_find(&way->sizes, &search);
}

size_t ztt_diff_split(struct ztt_diff_flow *flow, bool up,
		      const struct ztt_datagram *datagram)
{
	struct ztt_diff_way *way = up ? &flow->up : &flow->down;
	size_t whole = datagram->payload_whole_bytes, stride;

	learn_cid(flow, up, datagram);
	if (datagram->frame->has_vnet) {
		stride = datagram->frame->segment_bytes;
		stride = stride && stride < whole ? stride : whole;
	} else {
		stride = ztt_wg_stride(datagram->payload,
				       datagram->payload_bytes, whole);
		if (!stride && !ztt_segments_suspect(&way->sizes, whole))
			stride = whole;
		if (!stride && !datagram->cut)
			stride = quic_stride(way, datagram);
	}
	if (stride && stride <= ZTT_PAYLOAD_MTU_1500)
		ztt_segments_saw(&way->sizes, (uint32_t)stride);
	return stride;
}
