/* QUIC handshakes as a tunnel begins them: a first datagram of 1252 bytes
 * (cloudflared: IP packets of 1280 bytes over IPv4 and 1300 over IPv6), ALPN
 * argotunnel. */
#ifndef ZTT_DOCTOR_QUIC_PROBE_H
#define ZTT_DOCTOR_QUIC_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "ztt-doctor/probes/reach.h"

struct ztt_err;
struct ztt_edge_trust;

#define ZTT_QUIC_PROBE_INITIAL_BYTES 1252 /* quic-go's InitialPacketSize */

/* Shakes hands with every address at once and closes with code 0, the names
 * (NULL-terminated) tried in turn while the edge refuses them; fills the rest
 * of each reach. Blocks for at most `timeout_ns` and a little. -errno: none
 * could be begun, e.g. -EMFILE. */
int ztt_quic_probe(const struct ztt_edge_trust *trust, const char *const *names,
		   uint64_t timeout_ns, struct ztt_reach *reaches, size_t count,
		   struct ztt_err *err);

#endif
