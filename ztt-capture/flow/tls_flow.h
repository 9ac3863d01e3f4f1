/* Within flow/tls_flow*.c: the state of one TLS connection over TCP. */
#ifndef ZTT_CAPTURE_TLS_FLOW_H
#define ZTT_CAPTURE_TLS_FLOW_H

#include "ztt-capture/decode/http2.h"
#include "ztt-capture/decode/tls_record.h"
#include "ztt-capture/flow/flows.h"
#include "ztt-capture/flow/tcp_stream.h"
#include "ztt-capture/flow/tcp_stream_hops.h"
#include "ztt-capture/flow/tcp_stream_measure.h"

#define ZTT_TLS_MESSAGE_BYTES_MAX 32768 /* a hello is 2 KiB, or 1 */

struct ztt_tls_flow;

/* What one side sends. */
struct ztt_tls_way {
	struct ztt_tls_flow *flow;
	bool up;
	struct ztt_tcp_hops hops;
	size_t single_most_bytes; /* largest payload that Ethernet carries */
	bool offloads;            /* sends super-segments */
	struct ztt_tcp_stream stream;
	struct ztt_tls_reader reader;
	/* NULL: no secret yet. */
	struct ztt_tls_keys *handshake, *traffic;
	bool finished;       /* its Finished was seen: traffic keys from then */
	bool opened;         /* some record was */
	bool ciphered;       /* ChangeCipherSpec before TLS 1.3 */
	bool closed;         /* FIN */
	bool cut;            /* by the snap length, some segment */
	uint64_t passed;     /* records not opened since the ServerHello */
	size_t secrets_seen; /* in the key log when it was last searched */
	/* Of a handshake message: its head, and all of it where it is wanted
	 * and comes in pieces. */
	uint8_t head[4];
	size_t head_bytes, message_bytes, left_bytes;
	uint8_t *message; /* NULL: not wanted, or none */
};

struct ztt_tls_flow {
	struct ztt_flows *flows;
	struct ztt_connection *connection;
	struct ztt_tcp_measure measure;
	struct ztt_tls_way ways[2]; /* by `up` */
	struct ztt_http2 *http2;    /* NULL: nothing opened yet */
	struct ztt_tunnel *tunnel;
	long reserved_bytes;
	unsigned hello_retries;
	bool is_13;
	/* Of the segment that is looked at. */
	int64_t at_ns;
	struct ztt_line *line; /* NULL: nobody reads it */
	enum ztt_why why;      /* ZTT_WHYS: nothing was unreadable */
};

bool ztt_tls_flow_reserve(void *way, long size_bytes);
/* What a segment's flags and its place in the stream say. */
void ztt_tls_flow_say(struct ztt_line *line, unsigned flags, unsigned seen);

/* tls_flow_session.c: what the reader calls. */
void ztt_tls_session_record(void *way, const struct ztt_tls_record *record);
bool ztt_tls_session_wants(void *way, uint8_t type);
/* Bytes are missing before what comes next. */
void ztt_tls_session_gap(struct ztt_tls_way *way, uint64_t len_bytes);
void ztt_tls_session_release(struct ztt_tls_way *way);

/* tls_flow_handshake.c: bytes of handshake messages. */
void ztt_tls_handshake_data(struct ztt_tls_way *way, const uint8_t *data,
			    size_t len_bytes);
void ztt_tls_handshake_lose(struct ztt_tls_way *way);

#endif
