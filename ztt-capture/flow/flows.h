/* From datagrams to connections: which flow each belongs to, what protocol it
 * speaks, and the figures that grow with it. */
#ifndef ZTT_CAPTURE_FLOWS_H
#define ZTT_CAPTURE_FLOWS_H

#include "ztt-capture/decode/key_log.h"
#include "ztt-capture/flow/observer.h"

struct ztt_flows; /* opaque */

struct ztt_flows_plan {
	struct ztt_key_log *keys;     /* NULL: none; may still grow */
	struct ztt_observer observer; /* packet NULL: none */
	bool frames; /* decode frames for the observer, also where no analysis
			needs them */
};

struct ztt_flows *ztt_flows_new(const struct ztt_flows_plan *plan);
void ztt_flows_free(struct ztt_flows *flows);

/* One frame of the capture. */
void ztt_flows_frame(struct ztt_flows *flows, const struct ztt_frame *frame);

/* Ends the analysis: late losses, verdicts. The capture is owned by the flows
 * and lives as long; `source` completes it. */
const struct ztt_capture *
ztt_flows_finish(struct ztt_flows *flows,
		 const struct ztt_source_figures *source);

/* A protocol's flows: one file in flow/ and one row in flow/protocols.def
 * each. */
struct ztt_flow_protocol {
	enum ztt_protocol protocol;
	/* Whether the first datagram of an unknown 5-tuple is of this protocol;
	 * `up` is then whether it came from the client. */
	bool (*claims)(const struct ztt_datagram *datagram, bool *ret_up);
	/* The connection that a datagram of an unknown 5-tuple belongs to, by
	 * what is in it (connection ID, receiver index): asked before
	 * `claims`; NULL: no such, or a protocol without. */
	struct ztt_connection *(*find)(struct ztt_flows *flows,
				       const struct ztt_datagram *datagram,
				       bool *ret_up);
	/* Whether a datagram of a known 5-tuple begins another connection
	 * (its first packet again): the old one is then folded. NULL: never. */
	bool (*again)(struct ztt_flows *flows,
		      const struct ztt_connection *connection,
		      const struct ztt_datagram *datagram, bool up);
	/* A new connection's own state (connection->flow), and its end. */
	void (*begin)(struct ztt_flows *flows,
		      struct ztt_connection *connection,
		      const struct ztt_datagram *first);
	/* One datagram as captured (maybe a super-datagram). */
	void (*datagram)(struct ztt_flows *flows,
			 struct ztt_connection *connection,
			 const struct ztt_datagram *datagram, bool up);
	/* Late losses and figures, once: at the end, or when the connection
	 * has been idle and its state is folded; `free` follows. */
	void (*finish)(struct ztt_flows *flows,
		       struct ztt_connection *connection);
	void (*free)(struct ztt_connection *connection);
};
extern const struct ztt_flow_protocol *const ztt_flow_protocols[];

/* For protocols: the plan, the capture's counters, and telling the observer. */
const struct ztt_flows_plan *ztt_flows_plan(const struct ztt_flows *flows);
struct ztt_capture *ztt_flows_capture(struct ztt_flows *flows);
void ztt_flows_tell(struct ztt_flows *flows, struct ztt_packet *packet);
/* Counts what could not be decoded in the direction and the capture
 * (ZTT_WHY_NO_KEYS in undecoded_by alone). `direction` may be NULL. */
void ztt_flows_undecoded(struct ztt_flows *flows,
			 struct ztt_direction *direction, enum ztt_why why);
/* What every protocol counts of a datagram that was on the wire as one
 * (datagrams, bytes, ECN, times, the longest gap, largest payload). */
void ztt_flows_count(struct ztt_connection *connection,
		     const struct ztt_datagram *datagram, bool up);
/* A histogram for a direction, freed with the capture; NULL when the capture
 * has too many already (they are 264 KB when full): measure nothing then. */
struct ztt_hist *ztt_flows_hist(struct ztt_flows *flows);
/* Takes `size_bytes` (negative: gives back) from what the states of all
 * connections may hold together (24 MB). False: it is spent, hold less. What a
 * state holds is to be given back by its `free`. */
bool ztt_flows_reserve(struct ztt_flows *flows, long size_bytes);
/* Room for one packet at a time, shared by all connections. */
struct ztt_flows_scratch {
	uint8_t opened[65536];
	struct ztt_quic_frame frames[ZTT_FRAMES_SHOWN_MAX + 1];
	char info[512];
	uint64_t trials; /* of secrets, in this capture */
};
struct ztt_flows_scratch *ztt_flows_scratch(struct ztt_flows *flows);
/* Whether a packet is to be told to anybody: fill a ztt_packet only then. */
bool ztt_flows_observed(const struct ztt_flows *flows);
/* A connection's other name: what its datagrams carry whatever their 5-tuple (a
 * connection ID, a receiver index), of at most 20 bytes; `up` is the direction
 * of the datagrams that carry it. The latest holder of a name has it; the
 * caller bounds how many it gives. */
void ztt_flows_name(struct ztt_flows *flows, struct ztt_connection *connection,
		    const uint8_t *name, size_t len_bytes, bool up);
/* Who has a name, of this protocol; NULL: nobody who is not folded. */
struct ztt_connection *ztt_flows_named(struct ztt_flows *flows,
				       enum ztt_protocol protocol,
				       const uint8_t *name, size_t len_bytes,
				       bool *ret_up);
/* The connection took another 5-tuple (migration), or is also known by it. When
 * `find` has found it, this was done already. */
void ztt_flows_also(struct ztt_flows *flows, struct ztt_connection *connection,
		    const struct ztt_datagram *datagram, bool up);

#endif
