/* One request on its way through a tunnel end: bytes both ways between a stream
 * and a TCP connection, with HTTP/1.1 body framing on the TCP side and none on
 * the stream, back-pressure in both directions and bounded memory. Heads are
 * the owner's business. */
#ifndef ZTT_BENCH_RELAY_H
#define ZTT_BENCH_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/http1.h"
#include "common/quic.h"
#include "ztt-bench/parts/tcp.h"

/* How a body ends on the TCP side. */
enum ztt_body {
	ZTT_BODY_NONE,
	ZTT_BODY_LENGTH,  /* after so many bytes */
	ZTT_BODY_CHUNKED, /* by its last chunk */
	ZTT_BODY_RAW,     /* when the connection half-closes */
};

struct ztt_relay {
	struct ztt_quic_stream stream;
	struct ztt_tcp *tcp; /* NULL while there is none */

	enum ztt_body in; /* TCP to stream */
	uint64_t in_left_bytes;
	struct ztt_http1_chunks in_chunks;
	bool in_open, in_done;

	enum ztt_body out; /* stream to TCP */
	uint64_t out_left_bytes;
	bool out_open, out_done;
	size_t unwritten_bytes; /* of the stream, waiting in tcp->out */

	/* Both directions are done and tcp->out is written. */
	void (*finished)(struct ztt_relay *relay);
	/* The TCP side has hung up, all of its body was read, and it waits for
	 * more of the stream's; NULL: it goes on. */
	void (*hung_up)(struct ztt_relay *relay);
	/* It cannot go on: `why` is a phrase. The owner ends both sides. */
	void (*failed)(struct ztt_relay *relay, const char *why);
};

/* Joins the relay to a connection; its `ready` and `written` become the
 * relay's. */
void ztt_relay_attach(struct ztt_relay *relay, struct ztt_tcp *tcp);
/* Parts them: the connection lives on without the relay. */
void ztt_relay_detach(struct ztt_relay *relay);

/* The body from TCP to the stream may flow: LENGTH with its length. */
void ztt_relay_open_in(struct ztt_relay *relay, enum ztt_body body,
		       uint64_t len_bytes);
/* The body from the stream to TCP may flow. */
void ztt_relay_open_out(struct ztt_relay *relay, enum ztt_body body,
			uint64_t len_bytes);

/* Moves what there is from TCP to the stream: call when the stream is
 * writable; the connection's `ready` calls it too. */
void ztt_relay_pump(struct ztt_relay *relay);

/* Body bytes of the stream, after ztt_relay_open_out. `fin`: the last ones. */
void ztt_relay_body(struct ztt_relay *relay, const uint8_t *data,
		    size_t len_bytes, bool fin);

/* Whether it can stand as a method or as a header's name (RFC 9110, 5.6.2). */
bool ztt_relay_is_token(struct ztt_slice text);

/* The framing that a message head announces: of a request (without: none) or a
 * response (without: raw). */
enum ztt_body ztt_relay_request_body(const struct ztt_http1_head *head);
enum ztt_body ztt_relay_response_body(const struct ztt_http1_head *head,
				      bool no_body);

#endif
