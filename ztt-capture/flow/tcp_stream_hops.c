#include "ztt-capture/flow/tcp_stream_hops.h"

#include "ztt-capture/decode/interface.h"

/* The place, in order of appearance; the last one stands for all further. */
static size_t find_hop(struct ztt_tcp_hops *hops, const struct ztt_frame *frame)
{
	const uint32_t interface = ztt_frame_interface(frame);

	for (size_t i = 0; i < hops->hop_count; i++)
		if (hops->hops[i].interface == interface &&
		    hops->hops[i].outgoing == frame->outgoing)
			return i;
	if (hops->hop_count == ZTT_TCP_HOPS_MAX)
		return ZTT_TCP_HOPS_MAX - 1;
	hops->hops[hops->hop_count] =
		(struct ztt_tcp_hop){.interface = interface,
				     .outgoing = frame->outgoing};
	return hops->hop_count++;
}

static bool was_elsewhere(const struct ztt_tcp_hops *hops, size_t hop,
			  const struct ztt_datagram *segment)
{
	const size_t count = hops->seen_count < ZTT_TCP_HOP_SEGMENTS
				     ? hops->seen_count
				     : ZTT_TCP_HOP_SEGMENTS;

	for (size_t i = 0; i < count; i++)
		if (hops->seen[i].hop != hop &&
		    hops->seen[i].sequence == segment->sequence &&
		    hops->seen[i].acknowledgement == segment->acknowledgement &&
		    hops->seen[i].len_bytes == segment->payload_whole_bytes &&
		    hops->seen[i].flags == segment->tcp_flags)
			return true;
	return false;
}

static void remember(struct ztt_tcp_hops *hops, size_t hop,
		     const struct ztt_datagram *segment)
{
	const size_t at = hops->seen_count++ % ZTT_TCP_HOP_SEGMENTS;

	hops->seen[at].sequence = segment->sequence;
	hops->seen[at].acknowledgement = segment->acknowledgement;
	hops->seen[at].len_bytes = (uint32_t)segment->payload_whole_bytes;
	hops->seen[at].flags = segment->tcp_flags;
	hops->seen[at].hop = (uint8_t)hop;
}

bool ztt_tcp_hops_is_copy(struct ztt_tcp_hops *hops,
			  const struct ztt_datagram *segment)
{
	const size_t hop = find_hop(hops, segment->frame);

	if (hop > 0 && !hops->hops[hop].is_copy)
		hops->hops[hop].is_copy = was_elsewhere(hops, hop, segment);
	if (!hops->hops[hop].is_copy)
		remember(hops, hop, segment);
	return hops->hops[hop].is_copy;
}
