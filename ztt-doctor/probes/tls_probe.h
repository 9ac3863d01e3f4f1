/* TLS over TCP as a tunnel of --protocol http2 begins it: TLS 1.3, no ALPN; then
 * the edge, which is the HTTP/2 client, sends its preface (RFC 9113 3.4). */
#ifndef ZTT_DOCTOR_TLS_PROBE_H
#define ZTT_DOCTOR_TLS_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "ztt-doctor/probes/reach.h"

struct ztt_err;
struct ztt_edge_trust;

#define ZTT_TLS_H2_NAME "h2.cftunnel.com" /* connection/protocol.go */

/* As ztt_quic_probe. ZTT_REACH_SILENT: established, but no preface came (or
 * something else than one). */
int ztt_tls_probe(const struct ztt_edge_trust *trust, const char *const *names,
		  uint64_t timeout_ns, struct ztt_reach *reaches, size_t count,
		  struct ztt_err *err);

#endif
