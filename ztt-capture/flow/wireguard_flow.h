/* A WireGuard tunnel between two peers, as a flow: shared by the files of
 * flow/wireguard*. */
#ifndef ZTT_CAPTURE_WIREGUARD_FLOW_H
#define ZTT_CAPTURE_WIREGUARD_FLOW_H

#include "ztt-capture/analysis/counter_window.h"
#include "ztt-capture/decode/wireguard.h"
#include "ztt-capture/flow/flows.h"

/* A peer keeps three sessions: previous, current and next (noise.c). */
#define ZTT_WG_STREAMS 3
#define ZTT_WG_BEGUN 8

/* A place where a direction's datagrams are seen: a hop, or an address that a
 * peer had for a time. */
struct ztt_wg_path {
	struct ztt_endpoint from, to;
	uint32_t interface;
	bool outgoing;
	uint64_t used; /* order of the last use */
	uint64_t datagrams, supers, messages, undecoded, bytes;
	uint64_t ecn[4];
	uint64_t payload_most_bytes;
	int64_t first_ns, last_ns;
	/* A super-datagram that the snap length cut: how many it may hold */
	uint32_t cut_index;
	uint64_t cut_counter, cut_segments;
};

/* A session in one direction. */
struct ztt_wg_stream {
	bool used;
	uint32_t index; /* the receiver's */
	int64_t last_ns;
	struct ztt_counter_window window;
};

struct ztt_wg_way {
	struct ztt_wg_path paths[ZTT_COUNTER_PATHS];
	unsigned path_count;
	struct ztt_wg_stream streams[ZTT_WG_STREAMS];
	struct ztt_counter_sums sums;
	uint64_t sessions; /* in which something was seen */
	uint64_t keepalives, replaced;
	uint64_t cut;       /* messages that may be cut super-datagrams */
	uint64_t uncounted; /* messages for which there was no memory */
	uint64_t stride_bytes, single_most_bytes;
	int64_t last_ns;
};

/* A handshake that was begun. */
struct ztt_wg_begun {
	bool used, up, answered;
	uint32_t index;
	uint64_t ephemeral;
	int64_t at_ns;
};

struct ztt_wg_flow {
	struct ztt_wg_way ways[2]; /* up, down */
	struct ztt_wg_begun begun[ZTT_WG_BEGUN];
	uint64_t begun_count[2], answered_count[2]; /* by side */
	struct ztt_flows *flows;
	uint64_t uses;
	int64_t last_ns;
};

static inline struct ztt_wg_way *ztt_wg_way(struct ztt_wg_flow *wg, bool up)
{
	return &wg->ways[up ? 0 : 1];
}

/* The path that a datagram took, made when it is new. */
struct ztt_wg_path *ztt_wg_path_of(struct ztt_wg_flow *wg,
				   struct ztt_wg_way *way,
				   const struct ztt_datagram *datagram);
/* Counts it; its segments but the last are of `stride` bytes. */
void ztt_wg_path_count(struct ztt_wg_flow *wg, struct ztt_wg_way *way,
		       struct ztt_wg_path *path,
		       const struct ztt_datagram *datagram, size_t stride);
/* A message whose datagram the snap length cut: it may have been the first of
 * several in a super-datagram. */
void ztt_wg_path_cut(struct ztt_wg_way *way, struct ztt_wg_path *path,
		     const struct ztt_datagram *datagram, size_t stride,
		     const struct ztt_wg_message *message);

/* One message of a path. */
void ztt_wg_session_note(struct ztt_wg_flow *wg,
			 struct ztt_connection *connection,
			 struct ztt_wg_path *path,
			 const struct ztt_wg_message *message, bool up,
			 int64_t at_ns);
/* Which way a message goes, by what its sessions say; `up` when they do not. */
bool ztt_wg_session_is_up(struct ztt_wg_flow *wg,
			  const struct ztt_wg_message *message, bool up);
/* Whose message it is, of whatever 5-tuple; NULL: not known. */
struct ztt_connection *ztt_wg_session_find(struct ztt_flows *flows,
					   const struct ztt_wg_message *message,
					   bool *ret_up);
void ztt_wg_session_end(struct ztt_wg_flow *wg, struct ztt_wg_way *way,
			struct ztt_wg_stream *stream);

/* Fills in what the connection's directions say, at its end. */
void ztt_wg_sum(struct ztt_wg_flow *wg, struct ztt_connection *connection);

#endif
