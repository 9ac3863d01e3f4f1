/* QUIC connections (RFC 9000) on an event loop. The one file that knows ngtcp2,
 * 0.12.1 and 1.x, is behind this header. Everything of a connection happens in
 * its loop's thread. */
#ifndef ZTT_QUIC_H
#define ZTT_QUIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "address.h"
#include "chain.h"
#include "udp.h"

struct ztt_err;
struct ztt_loop;
struct ztt_tls;
struct gnutls_session_int;

struct ztt_quic; /* opaque: one connection */

/* What quic-go, and so cloudflared, never exceeds (max_udp_payload_size). */
#define ZTT_QUIC_PAYLOAD_MAX 1452
#define ZTT_QUIC_VEC_MAX 32

/* One bidirectional stream; embedded in the owner's own struct. The fields are
 * the connection's own; `out` holds what is not yet acknowledged. */
struct ztt_quic_stream {
	struct ztt_quic *quic; /* NULL once the stream has closed */
	int64_t id;
	struct ztt_chain out;
	struct ztt_cursor unsent_at;
	size_t unsent_bytes;
	struct ztt_quic_stream *prev, *next; /* all streams */
	struct ztt_quic_stream *queue_next; /* streams with something to send */
	struct ztt_quic_stream *hungry_next; /* streams that wait for room */
	size_t taken_bytes; /* through reserve, up to the first quantum */
	bool queued, finishing, finished;
	bool blocked;         /* by the peer's flow control */
	bool starved, hungry; /* was given no room; is in line for it */
	uint64_t unconsumed_bytes;
};

/* Why a connection ended. */
enum ztt_quic_end_kind {
	ZTT_QUIC_CLOSED,      /* by ztt_quic_close */
	ZTT_QUIC_PEER,        /* by the peer: `code`, `application`, `text` */
	ZTT_QUIC_IDLE,        /* nothing heard within the idle timeout */
	ZTT_QUIC_TIMEOUT,     /* the handshake did not complete in time */
	ZTT_QUIC_TLS,         /* our own TLS refused: `code` is the alert */
	ZTT_QUIC_PROTOCOL,    /* the peer broke the protocol */
	ZTT_QUIC_REFUSED,     /* ICMP: nothing listens there */
	ZTT_QUIC_REPLACED,    /* the peer began anew from the same address */
	ZTT_QUIC_UNREACHABLE, /* `heed_icmp` alone: `code` is the errno, and
				 `mtu_bytes` says why for EMSGSIZE */
};

struct ztt_quic_end {
	enum ztt_quic_end_kind kind;
	bool application;
	bool prohibited; /* ZTT_QUIC_UNREACHABLE: by a firewall's policy */
	uint64_t code;
	unsigned certificate; /* ZTT_QUIC_TLS: what is wrong with the peer's, as
				 ztt_tls_certificate_problem takes it; 0:
				 nothing */
	unsigned mtu_bytes;   /* of the hop that is too narrow; 0: not told */
	char text[512];       /* a sentence for the user */
};

/* What the owner learns. Any of them may call any function here, ztt_quic_free
 * only in `ended`. Rows that are NULL are not called. */
struct ztt_quic_events {
	void (*established)(void *owner);
	/* The peer opened a stream: return a zeroed stream to take it, or NULL
	 * to refuse (it is reset). */
	struct ztt_quic_stream *(*opened)(void *owner, int64_t id);
	/* Bytes of a stream, in order. The owner keeps what it needs and calls
	 * ztt_quic_consumed as it lets go. `fin`: no more will come. */
	void (*data)(struct ztt_quic_stream *stream, const uint8_t *data,
		     size_t len_bytes, bool fin);
	/* There is room again after ztt_quic_reserve gave none. */
	void (*writable)(struct ztt_quic_stream *stream);
	/* The peer reset its sending side with `code`; no `data` will come. */
	void (*reset)(struct ztt_quic_stream *stream, uint64_t code);
	/* The peer wants no more of what is written here: it is dropped. Comes
	 * only when something waits to be sent; `closed` tells the rest. */
	void (*stopped)(struct ztt_quic_stream *stream);
	/* The stream is over, both ways; also when the connection ends, before
	 * `ended`. `stream->quic` is NULL by now; the owner may free it. */
	void (*closed)(struct ztt_quic_stream *stream);
	/* The connection is over: the owner calls ztt_quic_free, here or
	 * later. */
	void (*ended)(void *owner, const struct ztt_quic_end *end);
};

/* What a thread's connections share: loop, buffers, chunk pool. */
struct ztt_quic_shared; /* opaque */
struct ztt_quic_shared *ztt_quic_shared_new(struct ztt_loop *loop);
void ztt_quic_shared_free(struct ztt_quic_shared *shared);
struct ztt_pool *ztt_quic_shared_pool(struct ztt_quic_shared *shared);

/* How a connection is made. Zeros mean the value in brackets. */
struct ztt_quic_plan {
	struct ztt_quic_shared *shared;
	struct ztt_tls *tls;
	const char *alpn;
	const char *server_name;  /* client only */
	struct ztt_address local; /* server: where its socket is bound;
				      client: len_bytes 0 for any */
	struct ztt_address peer;
	const struct ztt_quic_events *events;
	void *owner;
	uint64_t idle_timeout_ns;      /* [5 s, as cloudflared] */
	uint64_t handshake_timeout_ns; /* [5 s] */
	uint64_t keep_alive_ns;        /* [none] */
	size_t payload_max_bytes;      /* of a UDP datagram, at most
					  ZTT_QUIC_PAYLOAD_MAX [that] */
	uint64_t streams_max;          /* that the peer may have open [0] */
	size_t stream_window_bytes;    /* [512 KiB] receive, at the beginning */
	size_t window_bytes;           /* [6 MiB] of all streams together; it
					  may grow to four times that, and
					  what is held at most to five */
	size_t send_budget_bytes;      /* [16 MiB] unacknowledged or unsent, of
					  all streams together */
	/* Client only: every datagram with an Initial is filled up to this many
	 * bytes with zeros after its last packet, which the peer ignores (RFC
	 * 9000 12.2), also where that is more than the route carries [1200, as
	 * ngtcp2 pads]. */
	size_t initial_bytes;
	/* Until it is established, every ICMP error and every datagram that
	 * this host refuses to send ends the connection; a cause to tell, where
	 * a tunnel would go on trying. */
	bool heed_icmp;
	bool no_gso, no_gro;
};

/* Begins a client connection; `established` or `ended` tells the rest. -errno
 * as ztt_udp_open, -EIO of TLS. */
int ztt_quic_connect(const struct ztt_quic_plan *plan,
		     struct ztt_quic **ret_quic, struct ztt_err *err);

/* Begins a server connection with the first datagram of a client; its socket
 * is its own, bound to plan->local and connected to plan->peer. -EPROTO: the
 * datagram is no Initial of a version spoken here. */
int ztt_quic_accept(const struct ztt_quic_plan *plan, const uint8_t *data,
		    size_t len_bytes, struct ztt_quic **ret_quic,
		    struct ztt_err *err);

/* What an unconnected server socket should do with a datagram. */
enum ztt_quic_first {
	ZTT_QUIC_FIRST_INITIAL, /* may begin a connection */
	ZTT_QUIC_FIRST_VERSION, /* answer with version negotiation */
	ZTT_QUIC_FIRST_OTHER,   /* of a connection that exists, or of none */
};
enum ztt_quic_first ztt_quic_classify(const uint8_t *data, size_t len_bytes);
/* Writes the Version Negotiation that answers `data`; returns its length or 0
 * when none is due. */
size_t ztt_quic_version_negotiation(const uint8_t *data, size_t len_bytes,
				    uint8_t *out, size_t cap_bytes);

/* Gives a server connection a datagram that another socket received. */
void ztt_quic_input(struct ztt_quic *quic, const uint8_t *data,
		    size_t len_bytes);

/* Tells the peer (application `code`, a reason of at most 100 bytes) and ends:
 * `closed` and `ended` follow before the loop waits again. */
void ztt_quic_close(struct ztt_quic *quic, uint64_t code, const char *reason);
/* Tells the peer at once and frees: when the loop has ended. Of the events only
 * `closed` comes, for each stream. */
void ztt_quic_abandon(struct ztt_quic *quic, uint64_t code, const char *reason);
/* Ends without a word, without events. NULL is fine. */
void ztt_quic_free(struct ztt_quic *quic);

/* GnuTLS's session, of a connection whose ztt_tls verifies nothing; borrowed,
 * once established. */
struct gnutls_session_int *ztt_quic_session(const struct ztt_quic *quic);

bool ztt_quic_is_established(const struct ztt_quic *quic);
const struct ztt_address *ztt_quic_peer(const struct ztt_quic *quic);

/* Figures of a connection; rtt 0: none yet. */
struct ztt_quic_figures {
	uint64_t rtt_ns, rtt_min_ns;
	uint64_t window_bytes; /* congestion window */
	size_t payload_bytes;  /* UDP payload of a full packet */
	uint32_t version;
	const char *cipher;
	const char *crypto; /* the library behind it */
	bool gso, gro;
};
void ztt_quic_figures(const struct ztt_quic *quic,
		      struct ztt_quic_figures *ret_figures);

/* Opens a bidirectional stream into `stream` (zeroed). -EAGAIN: the peer allows
 * no more now; -ENOTCONN: not established or ended. */
int ztt_quic_open(struct ztt_quic *quic, struct ztt_quic_stream *stream);

/* Room to write into, at most `want_bytes` in `vec_max` pieces; 0 pieces when
 * enough waits to be sent, of this stream or of all: `writable` follows, in
 * turn with the other streams. */
size_t ztt_quic_reserve(struct ztt_quic_stream *stream, size_t want_bytes,
			struct iovec *ret_vec, size_t vec_max);
/* The first `len_bytes` of the reserved room go out. Must follow reserve, also
 * with 0. */
void ztt_quic_commit(struct ztt_quic_stream *stream, size_t len_bytes);
/* Copies and sends, past the budget if need be: for heads and messages. */
void ztt_quic_write(struct ztt_quic_stream *stream, const void *data,
		    size_t len_bytes);
/* No more will be written. */
void ztt_quic_finish(struct ztt_quic_stream *stream);
/* Gives up both directions (RESET_STREAM and STOP_SENDING); `closed` follows
 * when the peer agrees. */
void ztt_quic_reset(struct ztt_quic_stream *stream, uint64_t code);
/* The owner let go of `len_bytes` received bytes: the peer may send more. */
void ztt_quic_consumed(struct ztt_quic_stream *stream, size_t len_bytes);

#endif
