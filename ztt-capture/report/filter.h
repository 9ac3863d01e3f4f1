/* Which packets `read` and `qlog` are to look at. */
#ifndef ZTT_CAPTURE_FILTER_H
#define ZTT_CAPTURE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_err;
struct ztt_packet;

#define ZTT_FILTER_RANGES_MAX 32

struct ztt_filter_range {
	uint64_t least, most; /* inclusive */
};

/* All zero: every packet. The parts must all hold; within one part it is enough
 * that one word of its list does. Plain data. */
struct ztt_filter {
	struct ztt_filter_range connections[ZTT_FILTER_RANGES_MAX];
	size_t connection_count; /* 0: all */
	bool client, server;     /* neither: both */
	uint32_t types;          /* bits of the words in filter.c; 0: all */
	uint64_t frames;         /* bit t: wire type t below 64 */
	struct ztt_filter_range more_frames[ZTT_FILTER_RANGES_MAX];
	size_t more_frame_count;
};

/* What the options say, each a list with commas, or NULL: all.
 * connections: "1", "1,3-5"; from: "client", "server", "both"; types: "initial",
 * "0rtt", "handshake", "retry", "version-negotiation", "1rtt",
 * "stateless-reset", "unopened", "wg-initiation", "wg-response", "wg-cookie",
 * "wg-data", "tcp"; frames: names as `read` shows them ("STREAM,ACK"), in
 * either case. -EINVAL: a word that is not known (names the nearest one), or
 * more than 32 ranges. */
int ztt_filter_parse(const char *connections, const char *from,
		     const char *types, const char *frames,
		     struct ztt_filter *ret_filter, struct ztt_err *err);

/* Whether the filter lets the packet through. A frame is looked for in the
 * frames that were decoded: a packet that was not opened has none. */
bool ztt_filter_passes(const struct ztt_filter *filter,
		       const struct ztt_packet *packet);

/* Whether the filter asks for frames. */
bool ztt_filter_needs_frames(const struct ztt_filter *filter);

#endif
