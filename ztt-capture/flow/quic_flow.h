/* A QUIC connection's state while it lives, shared by the files flow/quic_*.c
 * and by nothing else. Arrays of 2 are indexed by direction: [true] is up. */
#ifndef ZTT_CAPTURE_QUIC_FLOW_H
#define ZTT_CAPTURE_QUIC_FLOW_H

#include "ztt-capture/analysis/quic_loss.h"
#include "ztt-capture/analysis/quic_loss_streams.h"
#include "ztt-capture/analysis/quic_rtt.h"
#include "ztt-capture/decode/crypto_stream.h"
#include "ztt-capture/decode/quic_keys.h"
#include "ztt-capture/flow/flows.h"
#include "ztt-capture/flow/segments.h"

#define ZTT_QUIC_CIDS_KEPT 16
#define ZTT_QUIC_PENDING_BYTES 65536

enum ztt_quic_level {
	ZTT_LEVEL_INITIAL,
	ZTT_LEVEL_HANDSHAKE,
	ZTT_LEVEL_0RTT,
	ZTT_LEVEL_1RTT,
	ZTT_LEVELS,
};
#define ZTT_SPACES 3 /* 0-RTT and 1-RTT share the third */

struct ztt_quic_pending;
struct ztt_tunnel;

struct ztt_quic_flow {
	struct ztt_flows *flows;
	struct ztt_connection *connection;

	/* keys */
	struct ztt_quic_keys *keys[2][ZTT_LEVELS];
	struct ztt_cid initial_dcid;
	bool has_initial_dcid;
	uint32_t initial_version;
	size_t log_count_tried[2][ZTT_LEVELS]; /* looked for in vain when the
						  log had so many (and 1) */
	size_t log_count_seen;                 /* when `pending` was tried */
	struct {
		unsigned packets; /* that were tried */
		uint8_t prefix[ZTT_CID_BYTES_MAX];
		size_t prefix_bytes; /* that all of them have */
	} late[2];
	uint8_t late_random[32]; /* of the connection that opens */
	bool has_late_random;

	/* handshake */
	struct ztt_crypto_stream *crypto[2][2]; /* Initial, Handshake */
	bool crypto_done[2][2];
	bool handshake_seen; /* a packet past the Initials */
	bool hello_retry;
	bool hello_cut; /* by the snap length */
	int64_t client_first_ns;

	/* connection IDs that packets of a direction carry */
	uint8_t dcid_bytes[2];
	bool dcid_known[2];
	struct ztt_cid cids[2][ZTT_QUIC_CIDS_KEPT];
	size_t cid_count[2];
	uint8_t tokens[2][ZTT_QUIC_CIDS_KEPT][ZTT_RESET_TOKEN_BYTES];
	size_t token_count[2];

	/* sizes, packets that wait for keys */
	struct ztt_segment_sizes sizes[2];
	struct ztt_quic_pending *pending, **pending_end;
	size_t pending_bytes;

	/* analysis */
	struct ztt_quic_space *spaces[2][ZTT_SPACES];
	struct ztt_quic_streams *streams[2];
	struct ztt_quic_rtt rtt[2];
	uint64_t stream_least[4], stream_most[4]; /* numbers and 1, by type */
	struct ztt_tunnel *tunnel;
	long reserved_bytes;
};

/* One packet and where it came from. */
struct ztt_quic_arrival {
	const struct ztt_datagram *datagram;
	const struct ztt_quic_header *header;
	unsigned segment, segments;
	bool inferred, up;
};

static inline struct ztt_direction *
ztt_quic_direction(const struct ztt_quic_flow *flow, bool up)
{
	return up ? &flow->connection->up : &flow->connection->down;
}

enum ztt_quic_level ztt_quic_level_of(enum ztt_packet_type type);

/* quic_open.c: the keys of a direction and level as far as they are known;
 * NULL: none (yet). */
struct ztt_quic_keys *ztt_quic_flow_keys(struct ztt_quic_flow *flow, bool up,
					 enum ztt_quic_level level);
/* Initial keys from a DCID, again when it or the version is another. */
void ztt_quic_flow_initial_keys(struct ztt_quic_flow *flow, uint32_t version,
				const struct ztt_cid *dcid);

/* quic_trial.c: the secrets of the log that open a packet of a connection whose
 * beginning is missing, by trial. True: they are its keys from now on, and
 * `header` (which is then parsed with the right length of the DCID) was opened
 * into the scratch. Bounded: for each connection and for the capture. */
bool ztt_quic_flow_keys_by_trial(struct ztt_quic_flow *flow, bool up,
				 struct ztt_quic_header *header,
				 struct ztt_quic_opened *ret_opened);
/* Whether more packets may be tried. */
bool ztt_quic_flow_may_try(const struct ztt_quic_flow *flow, bool up);

/* quic_arrive.c: a packet that came, now or after it waited. Returns false when
 * it is to wait (again). `last`: it cannot wait any more. */
bool ztt_quic_flow_arrive(struct ztt_quic_flow *flow,
			  const struct ztt_quic_arrival *arrival, bool last);
/* Tells the observer, if there is one, of a packet that is not opened. */
void ztt_quic_flow_tell(struct ztt_quic_flow *flow,
			const struct ztt_quic_arrival *arrival,
			enum ztt_why why);
/* The space of a packet, made when it is the first. */
struct ztt_quic_space *ztt_quic_flow_space(struct ztt_quic_flow *flow, bool up,
					   enum ztt_quic_level level);

/* quic_pending.c: false: no room, it cannot wait. */
bool ztt_quic_pending_keep(struct ztt_quic_flow *flow,
			   const struct ztt_quic_arrival *arrival);
/* Tries them again, in order. */
void ztt_quic_pending_retry(struct ztt_quic_flow *flow, bool last);
void ztt_quic_pending_free(struct ztt_quic_flow *flow);

/* quic_cids.c */
void ztt_quic_flow_cid(struct ztt_quic_flow *flow, bool up,
		       const struct ztt_cid *cid);
bool ztt_quic_flow_has_cid(const struct ztt_quic_flow *flow, bool up,
			   const struct ztt_cid *cid);
void ztt_quic_flow_token(struct ztt_quic_flow *flow, bool up,
			 const uint8_t *token);
bool ztt_quic_flow_is_reset(const struct ztt_quic_flow *flow, bool up,
			    const uint8_t *data, size_t len_bytes);
struct ztt_connection *ztt_quic_find(struct ztt_flows *flows,
				     const struct ztt_datagram *datagram,
				     bool *ret_up);

/* quic_frames.c: what the frames of an opened packet mean; 0, or -EPROTO when
 * one is malformed. Fills `sent`, and `packet` with the frames when somebody
 * observes (else NULL). */
int ztt_quic_flow_frames(struct ztt_quic_flow *flow,
			 const struct ztt_quic_arrival *arrival,
			 const struct ztt_quic_opened *opened,
			 struct ztt_quic_sent *sent, struct ztt_packet *packet);

/* quic_hello.c: a CRYPTO frame; what the handshake messages say. */
void ztt_quic_flow_crypto(struct ztt_quic_flow *flow, bool up,
			  enum ztt_quic_level level,
			  const struct ztt_quic_frame *frame);

/* quic_split.c: a datagram as captured, maybe a super-datagram. */
void ztt_quic_flow_split(struct ztt_quic_flow *flow,
			 const struct ztt_datagram *datagram, bool up);

/* quic_datagram.c: one datagram as it was on the wire, with its coalesced
 * packets; `where` without a header. */
void ztt_quic_flow_datagram(struct ztt_quic_flow *flow,
			    const struct ztt_quic_arrival *where);

/* quic_sum.c: settles what is left, and fills the connection's figures. */
void ztt_quic_flow_sum(struct ztt_quic_flow *flow);

/* quic_flow.c: ztt_flows_reserve, given back with the flow. */
bool ztt_quic_flow_reserve(void *flow, long size_bytes);

#endif
