/* What the running engines say of themselves over their metrics endpoints:
 * /ready, /diag/tunnel, /metrics; or the same as files of a bundle. */
#ifndef ZTT_DOCTOR_ENDPOINT_H
#define ZTT_DOCTOR_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"

struct ztt_doctor;
struct ztt_err;

#define ZTT_ENDPOINTS_MAX 8
#define ZTT_ENDPOINT_CONNECTIONS_MAX 64
#define ZTT_ENDPOINT_BODY_MAX (4 * 1024 * 1024)

struct ztt_endpoint_connection {
	bool connected;
	bool http2;     /* else QUIC */
	unsigned index; /* HA connection, from 0 */
	char edge[64];  /* address of the edge */
};

/* One running engine. */
struct ztt_endpoint {
	char at[ZTT_ADDRESS_LEN]; /* "127.0.0.1:20241", or "the bundle" */
	unsigned ready_status;    /* 200, 503; 0: not known */
	int ready_connections;    /* -1: not known */
	char tunnel_id[37], connector_id[37]; /* "": not known */
	bool has_connections; /* /diag/tunnel was there (since 2024.12) */
	struct ztt_endpoint_connection
		connections[ZTT_ENDPOINT_CONNECTIONS_MAX];
	size_t connection_count;
	char version[32]; /* "2026.8.2", "": not known */
	int ha_gauge;     /* cloudflared_tunnel_ha_connections, which also
				counts those that failed; -1: not known */
};

struct ztt_endpoints {
	struct ztt_endpoint list[ZTT_ENDPOINTS_MAX];
	size_t count;
	/* Why there is none, or what answered wrongly; "" else. */
	char problem[256];
	bool unread; /* `problem` is of a file that is there and cannot be
			read: what is not known could be in it */
};

/* Asks, when first asked for, plan.metrics, else what --metrics or the
 * configuration says, else 127.0.0.1 and ::1 at 20241 to 20245; only this host
 * unless the user named another. Blocks for at most 2 s or the plan's timeout.
 * Never NULL. */
const struct ztt_endpoints *ztt_endpoints(struct ztt_doctor *doctor);

/* One GET over HTTP/1.1; the caller frees the body, which is NUL-terminated.
 * -ECONNREFUSED, -ETIMEDOUT, -EPROTO, -EFBIG and others of connect. */
int ztt_endpoint_get(const struct ztt_address *address, const char *path,
		     uint64_t due_ns, unsigned *ret_status, char **ret_body,
		     size_t *ret_len, struct ztt_err *err);

/* Fill in what a body says; -EBADMSG: it is not that. For tests. */
int ztt_endpoint_read_ready(struct ztt_endpoint *endpoint, const char *body,
			    size_t len_bytes);
int ztt_endpoint_read_tunnel(struct ztt_endpoint *endpoint, const char *body,
			     size_t len_bytes);
int ztt_endpoint_read_metrics(struct ztt_endpoint *endpoint, const char *body,
			      size_t len_bytes);

#endif
