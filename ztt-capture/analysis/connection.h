/* What is known of each connection: filled by flow/ and analysis/, read by
 * report/. Plain data, of a size that does not depend on how many packets were
 * seen. */
#ifndef ZTT_CAPTURE_CONNECTION_H
#define ZTT_CAPTURE_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hist.h"
#include "ztt-capture/decode/datagram.h"
#include "ztt-capture/decode/tls_hello.h"

enum ztt_protocol {
	ZTT_PROTOCOL_QUIC,
	ZTT_PROTOCOL_WIREGUARD,
	ZTT_PROTOCOL_TLS, /* over TCP; with HTTP/2 inside when that is seen */
	ZTT_PROTOCOLS,
};

/* How far a count of lost packets can be trusted. */
enum ztt_grade {
	ZTT_GRADE_UNKNOWN,   /* nothing can be said from this capture */
	ZTT_GRADE_HEURISTIC, /* from sizes, timing, retransmissions */
	ZTT_GRADE_BOUNDED,   /* at least so many */
	ZTT_GRADE_EXACT,
};
const char *ztt_grade_name(enum ztt_grade grade);

/* One direction of a connection. */
struct ztt_direction {
	struct ztt_endpoint from;
	uint64_t datagrams; /* UDP datagrams or TCP segments, super-datagrams
			       split */
	uint64_t super_datagrams;
	uint64_t packets;   /* QUIC packets, WireGuard messages, TCP segments */
	uint64_t undecoded; /* of them, packets that could not be opened or
			       read */
	uint64_t unopened;  /* 1-RTT packets of QUIC that were not opened, also
			       for want of a key: they have no number here */
	uint64_t bytes;     /* UDP or TCP payload */
	/* Packets that this direction's sender sent and its receiver did not
	 * get: lost_before + lost_after. reordered, duplicated: as seen here.
	 * retransmitted: packets that carry data again; spurious: declared
	 * lost by the sender's rules, and acknowledged later. */
	uint64_t lost, reordered, duplicated, retransmitted, spurious;
	uint64_t lost_before; /* between the sender and this point */
	uint64_t lost_after;  /* between this point and the receiver */
	uint64_t lost_likely; /* of lost_before: or left out by the sender */
	uint64_t missed;      /* acknowledged, but not in this capture */
	uint64_t skipped;     /* numbers that the sender left out, as quic-go
				 does now and then */
	uint64_t unanswered;  /* the last ones: neither acknowledged nor not */
	enum ztt_grade loss_grade;
	char loss_how[160]; /* one sentence: how the figure was got */
	uint64_t ecn[4];
	uint64_t payload_most_bytes; /* largest datagram: the MTU in use */
	/* Values in us. From a packet of this direction passing here to its
	 * acknowledgement passing here, less the acknowledgement's delay: the
	 * path between this point and the receiver, there and back. The whole
	 * path's is that of both directions together. NULL: none measured. */
	struct ztt_hist *rtt_us;
	struct ztt_hist *ack_delay_us; /* as its receiver reported them */
	uint64_t in_flight_most_bytes;
	uint64_t blocked; /* DATA_BLOCKED, STREAM_DATA_BLOCKED, zero windows */
	uint64_t key_updates;
	int64_t first_ns, last_ns;
};

struct ztt_connection {
	uint64_t number; /* from 1, in order of appearance */
	enum ztt_protocol protocol;
	uint32_t version; /* QUIC */
	struct ztt_endpoint client, server;
	struct ztt_direction up, down; /* client to server, and back */
	struct ztt_hello client_hello, server_hello;
	bool has_client_hello, has_server_hello;
	const char *cipher; /* NULL: not known */
	bool decrypted;     /* some 1-RTT or application data was opened */
	bool retried, version_negotiated, stateless_reset;
	bool began; /* its first packets are in the capture */
	/* From the client's first packet to its first that needs the handshake
	 * complete, as seen here. 0: not seen whole. */
	uint64_t handshake_ns, handshake_round_trips;
	uint64_t migrations;
	bool closed;
	uint64_t close_code;
	bool close_application;
	char close_reason[128];
	uint64_t streams, requests; /* opened by either; ConnectRequests */
	uint64_t longest_gap_ns;    /* without a packet of either direction */
	char verdict[256];          /* one sentence, made at the end */
	void *flow;                 /* of flow/ */
};

struct ztt_attribution;

/* All of a capture. */
struct ztt_capture {
	struct ztt_connection **connections; /* at most
						ZTT_CONNECTIONS_MAX; the rest
						is counted */
	size_t connection_count;
	uint64_t connections_left_out;
	uint64_t frames, bytes, super_datagrams, inferred_super_datagrams;
	uint64_t undecoded; /* frames and packets that could not be decoded */
	uint64_t undecoded_by[16]; /* by enum ztt_why */
	uint64_t other;            /* frames of other protocols and ports */
	struct ztt_source_figures source;
	const struct ztt_attribution *attribution; /* NULL: not live */
};
#define ZTT_CONNECTIONS_MAX 4096

/* The whole path's round trip of a direction's figure, us: the sum of both
 * directions' at `fraction`; 0: none measured. */
uint64_t ztt_connection_rtt_us(const struct ztt_connection *connection,
			       double fraction);
/* Lost packets as a share of those sent (seen or lost before), in percent. */
double ztt_direction_loss_percent(const struct ztt_direction *direction);

/* Why a packet could not be decoded. */
enum ztt_why {
	ZTT_WHY_CUT,       /* the snap length cut it */
	ZTT_WHY_NO_KEYS,   /* no secret for it: not counted as undecoded */
	ZTT_WHY_KEYS_FAIL, /* it does not open with the keys there are */
	ZTT_WHY_MALFORMED,
	ZTT_WHY_FRAME, /* a frame within is malformed */
	ZTT_WHY_LINK,
	ZTT_WHY_UNMATCHED, /* of a connection whose beginning was not seen */
	ZTT_WHY_FRAGMENT,  /* IP fragments whose rest did not come */
	ZTT_WHYS,
};
const char *ztt_why_text(enum ztt_why why);

#endif
