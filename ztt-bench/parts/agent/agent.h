/* The reference engine: a connector. Each worker thread owns connections to the
 * edge, the streams in them and its own connections to the origin. */
#ifndef ZTT_BENCH_AGENT_H
#define ZTT_BENCH_AGENT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"
#include "common/loop.h"
#include "common/quic.h"
#include "ztt-bench/credentials.h"
#include "ztt-bench/parts/tcp.h"

#define ZTT_AGENT_WORKERS_MAX 64
#define ZTT_AGENT_CONNECTIONS_MAX 64

struct ztt_agent_worker {
	struct ztt_agent *agent;
	struct ztt_loop *loop;
	struct ztt_quic_shared *shared;
	pthread_t thread;
	struct ztt_message drain;
	struct ztt_link *links;
	size_t link_count;
	struct ztt_origin_conn *idle; /* to the origin, newest first */
	size_t idle_count;
	uint8_t *scratch; /* ZTT_CONNECT_MAX_BYTES */
	char *keys;       /* to build names in */
};

struct ztt_agent {
	struct ztt_tls *tls;
	struct ztt_credentials credentials;
	uint8_t client_id[16];
	struct ztt_address edge, origin;
	char origin_host[ZTT_ADDRESS_LEN];
	bool tcp_allowed, quiet;
	uint64_t grace_ns;
	struct ztt_quic_plan plan; /* what every connection has in common */
	struct ztt_agent_worker workers[ZTT_AGENT_WORKERS_MAX];
	size_t worker_count;
	atomic_bool failed; /* then `why` says so */
	char why[512];
};

/* A connection to the edge, made again when it is lost. */
struct ztt_link {
	struct ztt_agent_worker *worker;
	struct ztt_link *next;
	struct ztt_quic *quic; /* NULL: waiting to try again */
	struct ztt_timer retry;
	unsigned attempts;
	uint8_t index;

	struct ztt_quic_stream control;
	bool has_control;
	uint8_t *rpc; /* bytes of a message that is not whole yet */
	size_t rpc_len, rpc_cap;
	bool registered, draining, unregistering;
	size_t stream_count; /* requests under way */
};

/* link.c */
void ztt_link_start(struct ztt_agent_worker *worker, unsigned index);
/* The registration was answered, or the unregistration. */
void ztt_link_registered(struct ztt_link *link);
void ztt_link_refused(struct ztt_link *link, const char *cause, bool retry);
void ztt_link_unregistered(struct ztt_link *link);
/* A request ended: a draining link closes after its last one. */
void ztt_link_stream_ended(struct ztt_link *link);
/* Unregisters all of a worker's links and closes each when its requests have
 * ended; the loop stops after the last one. */
void ztt_link_drain(struct ztt_agent_worker *worker);
/* Frees what is left after the loop. */
void ztt_link_free_all(struct ztt_agent_worker *worker);

/* registration.c: the client's side of the control stream. */
void ztt_link_register(struct ztt_link *link);
void ztt_link_unregister(struct ztt_link *link);
void ztt_link_control(struct ztt_link *link, const uint8_t *data,
		      size_t len_bytes);

/* workers.c: made with their first connections under way, then started.
 * `drain`: what has not ended by itself within the grace period is ended. */
int ztt_agent_make_workers(struct ztt_agent *agent, unsigned connections,
			   struct ztt_err *err);
int ztt_agent_start_workers(struct ztt_agent *agent, struct ztt_err *err);
void ztt_agent_stop_workers(struct ztt_agent *agent, bool drain);
void ztt_agent_free_workers(struct ztt_agent *agent);

/* say.c: says a line on stderr; and ends the agent with it, the first one that
 * is given. Any thread. */
void ztt_agent_say(struct ztt_agent *agent, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void ztt_agent_fail(struct ztt_agent *agent, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
