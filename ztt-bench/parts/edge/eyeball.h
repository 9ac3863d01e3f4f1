/* Eyeballs and their requests: HTTP/1.1 on one side, streams to a connector on
 * the other. */
#ifndef ZTT_BENCH_EDGE_EYEBALL_H
#define ZTT_BENCH_EDGE_EYEBALL_H

#include "common/tunnel_stream.h"
#include "ztt-bench/parts/edge/tunnel.h"
#include "ztt-bench/parts/relay.h"

/* One client connection; it carries one request after the other. */
struct ztt_eyeball {
	struct ztt_tcp tcp;
	struct ztt_edge_worker *worker;
	struct ztt_tunnel *tunnel; /* NULL: its own has gone */
	struct ztt_request *request;
	struct ztt_eyeball *prev, *next;
	bool keep_alive;
	bool unread; /* it still sends what nobody reads */
};

/* One request; lives until its stream has closed and its eyeball has let go. */
struct ztt_request {
	struct ztt_relay relay;
	struct ztt_eyeball *eyeball; /* NULL: let go */
	enum ztt_connect_type type;
	bool head_request; /* HEAD: the answer has no body */
	bool answered;     /* the response's head went out */
	enum ztt_body body;
	uint64_t body_bytes;
	uint8_t *head; /* of the response, while it is not whole */
	size_t head_len;
};

/* request_head.c: writes preamble and ConnectRequest for a request's head to
 * `out` of ZTT_CONNECT_MAX_BYTES; its length, or -EMSGSIZE. */
ssize_t ztt_request_encode(const struct ztt_http1_head *head,
			   enum ztt_connect_type type, char *keys,
			   uint8_t *out);
enum ztt_connect_type ztt_request_type(const struct ztt_http1_head *head);

/* response_head.c: appends the HTTP/1.1 head for a connector's answer and says
 * how its body is framed. Returns the status, or -EPROTO when the answer has no
 * valid one. */
int ztt_response_write(const struct ztt_connect_response *response,
		       const struct ztt_request *request, bool keep_alive,
		       struct ztt_chain *out, enum ztt_body *ret_body,
		       uint64_t *ret_body_bytes);
/* A whole answer of the edge's own. */
void ztt_response_refuse(struct ztt_chain *out, unsigned status,
			 const char *phrase, const char *text);

#endif
