#include "ztt-capture/flow/wireguard_flow.h"

#include <string.h>

#include "ztt-capture/decode/interface.h"

#define SEGMENT_GUESS_BYTES 1452 /* MTU 1420, wg-quick's default */
#define SINGLE_BYTES_MIN 1000
#define SINGLE_BYTES_MAX 1500
#define HEADER_BYTES 16 /* type, index, counter */

static bool path_is(const struct ztt_wg_path *path,
		    const struct ztt_datagram *datagram, uint32_t interface)
{
	return path->interface == interface &&
	       path->outgoing == datagram->frame->outgoing &&
	       memcmp(&path->from, &datagram->from, sizeof(path->from)) == 0 &&
	       memcmp(&path->to, &datagram->to, sizeof(path->to)) == 0;
}

static struct ztt_wg_path *new_path(struct ztt_wg_way *way)
{
	struct ztt_wg_path *oldest = &way->paths[0];

	if (way->path_count < ZTT_COUNTER_PATHS)
		return &way->paths[way->path_count++];
	for (unsigned i = 1; i < way->path_count; i++)
		if (way->paths[i].used < oldest->used)
			oldest = &way->paths[i];
	way->replaced++;
	return oldest;
}

struct ztt_wg_path *ztt_wg_path_of(struct ztt_wg_flow *wg,
				   struct ztt_wg_way *way,
				   const struct ztt_datagram *datagram)
{
	uint32_t interface = ztt_frame_interface(datagram->frame);
	struct ztt_wg_path *path = NULL;

	for (unsigned i = 0; i < way->path_count && !path; i++)
		if (path_is(&way->paths[i], datagram, interface))
			path = &way->paths[i];
	if (!path) {
		path = new_path(way);
		path->from = datagram->from;
		path->to = datagram->to;
		path->interface = interface;
		path->outgoing = datagram->frame->outgoing;
		path->cut_segments = 0;
		if (path->datagrams == 0)
			path->first_ns = datagram->frame->at_ns;
	}
	path->used = ++wg->uses;
	return path;
}

void ztt_wg_path_count(struct ztt_wg_flow *wg, struct ztt_wg_way *way,
		       struct ztt_wg_path *path,
		       const struct ztt_datagram *datagram, size_t stride)
{
	struct ztt_capture *capture = ztt_flows_capture(wg->flows);
	size_t whole = datagram->payload_whole_bytes;
	uint64_t segments = stride ? (whole + stride - 1) / stride : 1;

	path->datagrams += segments;
	path->ecn[datagram->ecn & 3] += segments;
	path->bytes += whole;
	path->last_ns = way->last_ns = datagram->frame->at_ns;
	if (stride > path->payload_most_bytes)
		path->payload_most_bytes = stride;
	if (segments > 1) {
		path->supers++;
		capture->super_datagrams++;
		capture->inferred_super_datagrams += !datagram->frame->has_vnet;
		way->stride_bytes = stride;
	} else if (whole >= SINGLE_BYTES_MIN && whole <= SINGLE_BYTES_MAX &&
		   whole > way->single_most_bytes) {
		way->single_most_bytes = whole;
	}
}

void ztt_wg_path_cut(struct ztt_wg_way *way, struct ztt_wg_path *path,
		     const struct ztt_datagram *datagram, size_t stride,
		     const struct ztt_wg_message *message)
{
	size_t whole = datagram->payload_whole_bytes;
	uint64_t guess = stride < whole ? stride : way->stride_bytes;
	uint64_t seen;

	if (message->type != ZTT_WG_TRANSPORT || whole <= SINGLE_BYTES_MAX ||
	    (datagram->frame->has_vnet && stride == whole))
		return;
	if (guess == 0)
		guess = way->single_most_bytes ? way->single_most_bytes
					       : SEGMENT_GUESS_BYTES;
	if (stride == whole && datagram->payload_bytes >= guess + HEADER_BYTES)
		return; /* the second one would be there */
	seen = (datagram->payload_bytes + guess - HEADER_BYTES) / guess;
	path->cut_index = message->receiver;
	path->cut_counter = message->counter + seen - (seen > 0);
	path->cut_segments = (whole + guess - 1) / guess - seen + (seen > 0);
	way->cut++;
}
