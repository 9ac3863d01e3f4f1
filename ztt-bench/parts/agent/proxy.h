/* One stream of the edge: its request goes to the origin, the answer comes
 * back. */
#ifndef ZTT_BENCH_AGENT_PROXY_H
#define ZTT_BENCH_AGENT_PROXY_H

#include "common/tunnel_stream.h"
#include "ztt-bench/parts/agent/agent.h"
#include "ztt-bench/parts/relay.h"

struct ztt_proxied {
	struct ztt_relay relay;
	struct ztt_link *link;
	struct ztt_origin_conn *conn; /* NULL: none yet, or let go */
	enum ztt_connect_type type;
	bool connected;    /* the ConnectRequest is read */
	bool head_request; /* HEAD */
	bool answered;     /* the ConnectResponse is written */
	bool reusable;     /* the origin keeps the connection */
	uint8_t *head;     /* of the stream, while it is not whole */
	size_t head_len;
	char *request; /* sent on a reused connection: to send again when that
			  turns out to be closed */
	size_t request_len;
};

/* proxy.c: events of a stream. */
struct ztt_quic_stream *ztt_proxy_opened(struct ztt_link *link);
void ztt_proxy_data(struct ztt_quic_stream *stream, const uint8_t *data,
		    size_t len_bytes, bool fin);
void ztt_proxy_writable(struct ztt_quic_stream *stream);
void ztt_proxy_reset(struct ztt_quic_stream *stream, uint64_t code);
void ztt_proxy_stopped(struct ztt_quic_stream *stream);
void ztt_proxy_closed(struct ztt_quic_stream *stream);

/* Ends a request that cannot go on: 502 while nothing was answered, a reset
 * after that. */
void ztt_proxy_fail(struct ztt_proxied *proxied, const char *why);

/* to_origin.c: a ConnectRequest becomes a request to the origin. */
void ztt_proxy_begin(struct ztt_proxied *proxied,
		     const struct ztt_connect_request *request);

/* from_origin.c: waits for the origin's answer and passes it on. */
void ztt_proxy_await(struct ztt_proxied *proxied);
void ztt_proxy_answer(struct ztt_proxied *proxied,
		      const struct ztt_connect_response *response);

/* origin_conn.c: connections to the origin. */
struct ztt_origin_conn {
	struct ztt_tcp tcp;
	struct ztt_agent_worker *worker;
	struct ztt_origin_conn *prev, *next; /* of the idle ones */
	bool reused;
};
/* An idle one, or with `fresh` or when there is none a new one to `address`. */
int ztt_origin_take(struct ztt_agent_worker *worker,
		    const struct ztt_address *address, bool fresh,
		    struct ztt_origin_conn **ret_conn, struct ztt_err *err);
/* Keeps it for the next request. */
void ztt_origin_keep(struct ztt_origin_conn *conn);
void ztt_origin_close(struct ztt_origin_conn *conn);
void ztt_origin_close_idle(struct ztt_agent_worker *worker);

#endif
