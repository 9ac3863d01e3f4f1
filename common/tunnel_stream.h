/* The head of a stream that the edge opens: preamble, ConnectRequest and
 * ConnectResponse (cloudflared tunnelrpc/quic/protocol.go and
 * tunnelrpc/proto/quic_metadata_protocol.capnp). */
#ifndef ZTT_TUNNEL_STREAM_H
#define ZTT_TUNNEL_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "http1.h"

enum ztt_stream_kind {
	ZTT_STREAM_DATA, /* 0A 36 CD 12 A1 3E, version "01" */
	ZTT_STREAM_RPC,  /* 52 BB 82 5C DB 65, no version */
};

enum ztt_connect_type {
	ZTT_CONNECT_HTTP = 0,
	ZTT_CONNECT_WEBSOCKET = 1,
	ZTT_CONNECT_TCP = 2,
};

#define ZTT_CONNECT_META_MAX 128
#define ZTT_CONNECT_MAX_BYTES 65536 /* of one encoded message */

/* Keys of the metadata (cloudflared connection/quic_connection.go:31-39). */
#define ZTT_META_METHOD "HttpMethod"
#define ZTT_META_HOST "HttpHost"
#define ZTT_META_HEADER "HttpHeader" /* followed by ":Name" */
#define ZTT_META_STATUS "HttpStatus"
#define ZTT_META_FLOW_ID "FlowID"

struct ztt_connect_meta {
	struct ztt_slice key, value;
};

struct ztt_connect_request {
	enum ztt_connect_type type;
	struct ztt_slice dest; /* full URL, or IP:port for TCP */
	struct ztt_connect_meta meta[ZTT_CONNECT_META_MAX];
	size_t meta_count;
};

struct ztt_connect_response {
	struct ztt_slice error; /* empty: none */
	struct ztt_connect_meta meta[ZTT_CONNECT_META_MAX];
	size_t meta_count;
};

/* Which kind of stream begins with `data`. Returns the preamble's length, 0
 * when more bytes are needed, -EPROTO when it is neither. For a data stream the
 * preamble here is the 6 bytes without the version. */
ssize_t ztt_stream_preamble(const uint8_t *data, size_t len_bytes,
			    enum ztt_stream_kind *ret_kind);

/* Read preamble, version and message of a data stream from its first byte.
 * Return the bytes consumed, 0 when more are needed, -EPROTO when malformed
 * (another preamble, another version, a pointer out of bounds, an unknown
 * type), -EMSGSIZE past ZTT_CONNECT_MAX_BYTES or ZTT_CONNECT_META_MAX. Slices
 * point into `data` and may hold any byte: line ends in a header's value are
 * the caller's to refuse. */
ssize_t ztt_connect_request_decode(const uint8_t *data, size_t len_bytes,
				   struct ztt_connect_request *ret_request);
ssize_t ztt_connect_response_decode(const uint8_t *data, size_t len_bytes,
				    struct ztt_connect_response *ret_response);

/* Write preamble, version and message to `out`, for one write to the stream.
 * Return the length, or -EMSGSIZE when `cap_bytes` or ZTT_CONNECT_MAX_BYTES
 * does not hold it. Never allocate. */
ssize_t ztt_connect_request_encode(const struct ztt_connect_request *request,
				   uint8_t *out, size_t cap_bytes);
ssize_t ztt_connect_response_encode(const struct ztt_connect_response *response,
				    uint8_t *out, size_t cap_bytes);

/* "HttpHeader:Name" -> "Name"; `at` NULL when the key is no header, which a key
 * with a second colon or no name is not either. */
struct ztt_slice ztt_connect_header_name(struct ztt_slice key);

#endif
