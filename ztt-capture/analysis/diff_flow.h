/* The UDP flows of one of two captures that are compared: which way is up, how
 * super-datagrams are split, and what came of each flow's datagrams. */
#ifndef ZTT_DIFF_FLOW_H
#define ZTT_DIFF_FLOW_H

#include "ztt-capture/decode/datagram.h"
#include "ztt-capture/flow/segments.h"

#define ZTT_DIFF_FLOWS_MAX 4096

struct ztt_diff_way {
	struct ztt_segment_sizes sizes;
	bool guessed; /* a super-datagram without a connection ID was split */
	uint8_t dcid_bytes;     /* of short headers; 0: not known */
	uint64_t seen;          /* datagrams, = the next one's position */
	uint64_t most;          /* greatest position that arrived, + 1 */
	uint64_t least;         /* least position that arrived */
	uint64_t arrived, lost; /* as the first point sees them */
	uint64_t reordered;
	uint64_t duplicated, unsent; /* as the other point sees them */
	uint64_t edge;
};

/* How it is known who the client is. */
enum ztt_diff_known {
	ZTT_DIFF_BEGAN,   /* it sent first */
	ZTT_DIFF_PORT,    /* the other one has a tunnel's port */
	ZTT_DIFF_CONTENT, /* it began a handshake */
};

struct ztt_diff_flow {
	struct ztt_endpoint client, server;
	uint32_t interface;
	enum ztt_diff_known known;
	bool matched;  /* the other capture has some of it */
	int64_t votes; /* for the other way round, of the other capture */
	struct ztt_diff_way up, down;
};

struct ztt_diff_flows; /* opaque */
struct ztt_diff_flows *ztt_diff_flows_new(void);
void ztt_diff_flows_free(struct ztt_diff_flows *flows);
size_t ztt_diff_flows_count(const struct ztt_diff_flows *flows);
struct ztt_diff_flow *ztt_diff_flows_at(struct ztt_diff_flows *flows,
					size_t index);

/* The flow of a UDP datagram, made when it is new; NULL: there are too many. */
struct ztt_diff_flow *ztt_diff_flows_of(struct ztt_diff_flows *flows,
					const struct ztt_datagram *datagram,
					bool *ret_up);
/* The client is the server: up and down change places. */
void ztt_diff_flow_turn(struct ztt_diff_flow *flow);

/* The size of each datagram but the last within a payload: payload_whole_bytes
 * when it is one; 0: a super-datagram that cannot be split. */
size_t ztt_diff_split(struct ztt_diff_flow *flow, bool up,
		      const struct ztt_datagram *datagram);

#endif
