/* Within decode/tunnel*.c: messages that are whole, or cut, put in words. */
#ifndef ZTT_CAPTURE_TUNNEL_SAY_H
#define ZTT_CAPTURE_TUNNEL_SAY_H

#include <sys/types.h>

#include "ztt-capture/decode/tunnel.h"

enum ztt_datagram_version {
	ZTT_DATAGRAM_UNKNOWN,
	ZTT_DATAGRAM_V2,
	ZTT_DATAGRAM_V3,
};

/* One message of RPC at the beginning of `data`: the bytes it takes, also when
 * they are more than `len_bytes`, of which `most_bytes` are all that there
 * will ever be; 0: more are needed; -EPROTO: not a message's beginning.
 * `control`: of the control stream, else of a session's. */
ssize_t ztt_tunnel_say_rpc(const uint8_t *data, size_t len_bytes,
			   size_t most_bytes, bool control,
			   struct ztt_tunnel_facts *facts,
			   enum ztt_datagram_version *version,
			   struct ztt_line *line);

/* A ConnectRequest or ConnectResponse with its preamble. 1; 0: more are needed;
 * -EPROTO: neither. */
int ztt_tunnel_say_request(const uint8_t *data, size_t len_bytes,
			   size_t most_bytes, struct ztt_line *line);
int ztt_tunnel_say_response(const uint8_t *data, size_t len_bytes,
			    size_t most_bytes, struct ztt_line *line);

/* false: malformed, or of neither version. */
bool ztt_tunnel_say_datagram(enum ztt_datagram_version version,
			     const uint8_t *data, size_t len_bytes,
			     struct ztt_line *line);

#endif
