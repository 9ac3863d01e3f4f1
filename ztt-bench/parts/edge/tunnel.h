/* A connector's connection, and its control stream. */
#ifndef ZTT_BENCH_EDGE_TUNNEL_H
#define ZTT_BENCH_EDGE_TUNNEL_H

#include "ztt-bench/parts/edge/edge.h"

struct ztt_tunnel {
	struct ztt_edge_worker *worker;
	struct ztt_quic *quic;
	struct ztt_tunnel *next;

	struct ztt_quic_stream control; /* stream 0 */
	bool has_control;
	uint8_t *rpc; /* bytes of a message that is not whole yet */
	size_t rpc_len, rpc_cap;

	bool registered;
	uint8_t conn_index;
	char version[64]; /* of the connector, as it says */
	size_t eyeball_count;
};

/* registration.c: bytes of the control stream. A malformed or oversized message
 * closes the connection with a reason. */
void ztt_tunnel_control(struct ztt_tunnel *tunnel, const uint8_t *data,
			size_t len_bytes, bool fin);

/* eyeball.c: the events of a stream that a request opened. */
void ztt_request_data(struct ztt_quic_stream *stream, const uint8_t *data,
		      size_t len_bytes, bool fin);
void ztt_request_writable(struct ztt_quic_stream *stream);
void ztt_request_reset(struct ztt_quic_stream *stream, uint64_t code);
void ztt_request_stopped(struct ztt_quic_stream *stream);
void ztt_request_closed(struct ztt_quic_stream *stream);

/* The worker's registered tunnel with the fewest eyeballs, or NULL. */
struct ztt_tunnel *ztt_tunnel_pick(struct ztt_edge_worker *worker);

/* eyeball.c: an accepted connection becomes an eyeball of this worker. */
void ztt_eyeball_new(struct ztt_edge_worker *worker, int fd);
/* The tunnel is gone: no eyeball may use it again. */
void ztt_eyeball_forget_tunnel(struct ztt_edge_worker *worker,
			       const struct ztt_tunnel *tunnel);
void ztt_eyeball_close_all(struct ztt_edge_worker *worker);

#endif
