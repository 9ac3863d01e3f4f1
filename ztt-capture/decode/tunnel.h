/* What is inside cloudflared's tunnel, as one line of text: the registration
 * RPC of the control stream, the heads of the streams that the edge opens, and
 * datagrams (cloudflared tunnelrpc/, quic/datagramv2.go, quic/v3/datagram.go).
 * Secrets are never shown: the tunnel secret is "(redacted)", and so are a
 * URL's query and user information; headers are not shown at all. */
#ifndef ZTT_CAPTURE_TUNNEL_H
#define ZTT_CAPTURE_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/decode/tunnel_line.h"

/* Of what comes in pieces, so much is held, for so many streams at once (then
 * the one that waited the longest is given up); of a longer head or message,
 * what its first bytes say. */
#define ZTT_TUNNEL_HEAD_BYTES 4096
#define ZTT_TUNNEL_HELD_MAX 13
/* Streams that are read on, held or not. */
#define ZTT_TUNNEL_STREAMS_MAX 64

struct ztt_tunnel; /* opaque, one for each connection; about 4 KiB, and as much
		      for each stream that is held: 64 KiB at most */

/* What has been seen so far; counted once, however often it was sent. */
struct ztt_tunnel_facts {
	bool registered, refused;
	uint8_t index;     /* of registerConnection; 0 .. 255 */
	char version[32];  /* of cloudflared, plain text; "" : not seen */
	char location[32]; /* of the edge */
	uint64_t requests, responses; /* ConnectRequest, ConnectResponse */
	uint64_t messages;            /* of RPC */
	uint64_t datagrams, malformed;
};

struct ztt_tunnel *ztt_tunnel_new(void);
void ztt_tunnel_free(struct ztt_tunnel *tunnel);
/* Lives as long as the tunnel. */
const struct ztt_tunnel_facts *
ztt_tunnel_facts(const struct ztt_tunnel *tunnel);

/* Bytes of a QUIC stream as a STREAM frame brings them, in any order, again or
 * not; the client is cloudflared. Adds items to `line` (NULL: nobody reads it)
 * when these bytes complete something. Bytes within a stream's body cost a
 * comparison or two. Allocates only when a head comes in pieces, at most
 * ZTT_TUNNEL_HELD_MAX times for each tunnel. */
void ztt_tunnel_stream(struct ztt_tunnel *tunnel, uint64_t stream_id,
		       bool from_client, uint64_t offset, const uint8_t *data,
		       size_t len_bytes, struct ztt_line *line);

/* The same for bytes of the control stream: HTTP/2 has it under another
 * stream ID. `offset` counts from its first byte of DATA. */
void ztt_tunnel_control(struct ztt_tunnel *tunnel, bool from_client,
			uint64_t offset, const uint8_t *data, size_t len_bytes,
			struct ztt_line *line);

/* A DATAGRAM frame's payload. Whether it is v2 or v3 is what the registration's
 * features say; without a registration, what its bytes look like. */
void ztt_tunnel_datagram(struct ztt_tunnel *tunnel, bool from_client,
			 const uint8_t *data, size_t len_bytes,
			 struct ztt_line *line);

#endif
