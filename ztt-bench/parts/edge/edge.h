/* The edge: the counterpart of cloudflared's. Connectors come in over QUIC,
 * eyeballs over HTTP/1.1 on TCP; a request of an eyeball becomes a stream to a
 * connector. Each worker thread owns its connectors and their eyeballs; the
 * first one also listens. */
#ifndef ZTT_BENCH_EDGE_H
#define ZTT_BENCH_EDGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"
#include "common/loop.h"
#include "common/quic.h"
#include "ztt-bench/credentials.h"

#define ZTT_EDGE_WORKERS_MAX 64
#define ZTT_EDGE_REGISTERED_MAX 1024

struct ztt_edge;
struct ztt_tunnel;

struct ztt_edge_worker {
	struct ztt_edge *edge;
	struct ztt_loop *loop;
	struct ztt_quic_shared *shared;
	pthread_t thread;
	struct ztt_tunnel *tunnels; /* all connections of connectors */
	struct ztt_eyeball *eyeballs;
	uint8_t *scratch; /* ZTT_CONNECT_MAX_BYTES, to encode in */
	char *keys;       /* ZTT_CONNECT_MAX_BYTES, to build keys in */
};

struct ztt_edge {
	struct ztt_tls *tls;
	struct ztt_credentials credentials;
	bool check_credentials;
	const char *refuse; /* a reason to refuse registrations, or NULL */
	const char *location;
	int control_fd;
	bool quiet;
	struct ztt_quic_plan plan; /* what every connection has in common */

	struct ztt_udp udp; /* the listener's, on worker 0 */
	struct ztt_watch udp_watch;
	struct ztt_udp_batch *batch;
	struct ztt_address address;
	struct ztt_watch http_watch;
	struct ztt_address http_address;

	struct ztt_edge_worker workers[ZTT_EDGE_WORKERS_MAX];
	size_t worker_count, next_worker;

	pthread_mutex_t lock; /* for what follows, and for control_fd */
	struct ztt_edge_worker *registered[ZTT_EDGE_REGISTERED_MAX];
	size_t registered_count, next_registered;
};

/* listener.c: binds `address` for connectors and `http_address` for eyeballs,
 * on worker 0; both come back with their real ports. */
int ztt_edge_listen(struct ztt_edge *edge, struct ztt_err *err);
void ztt_edge_unlisten(struct ztt_edge *edge);

/* workers.c */
int ztt_edge_make_workers(struct ztt_edge *edge, struct ztt_err *err);
int ztt_edge_start_workers(struct ztt_edge *edge, struct ztt_err *err);
void ztt_edge_stop_workers(struct ztt_edge *edge);
void ztt_edge_free_workers(struct ztt_edge *edge);

/* tunnel.c: a datagram that the listener received from `peer`, in the worker
 * that has this peer. */
void ztt_edge_datagram(struct ztt_edge_worker *worker,
		       const struct ztt_address *peer,
		       const struct ztt_address *local, const uint8_t *data,
		       size_t len_bytes);
void ztt_edge_close_tunnels(struct ztt_edge_worker *worker);

/* registered.c: which workers have registered connectors, and what is told of
 * them. Any thread. */
void ztt_edge_registered(struct ztt_tunnel *tunnel);
void ztt_edge_unregistered(struct ztt_tunnel *tunnel, const char *reason);
struct ztt_edge_worker *ztt_edge_next_worker(struct ztt_edge *edge);
/* A line on stderr for whoever started the edge by hand. */
void ztt_edge_say(struct ztt_edge *edge, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
