/* TLS 1.3 handshake messages that are sent in the clear or opened: ClientHello,
 * ServerHello, EncryptedExtensions (RFC 8446 section 4). */
#ifndef ZTT_CAPTURE_TLS_HELLO_H
#define ZTT_CAPTURE_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ztt-capture/decode/ja4.h"
#include "ztt-capture/decode/transport_parameters.h"

#define ZTT_HELLO_NAME_LEN 256
#define ZTT_HELLO_LIST_MAX 128

/* Message types. */
#define ZTT_TLS_CLIENT_HELLO 1
#define ZTT_TLS_SERVER_HELLO 2
#define ZTT_TLS_ENCRYPTED_EXTENSIONS 8

struct ztt_hello {
	bool server;
	uint8_t random[32];
	char server_name[ZTT_HELLO_NAME_LEN]; /* "": none; what is no printable
						 ASCII is '?' */
	char alpn[64];         /* the first, or the server's choice; "": none */
	uint16_t version;      /* 0x0304; the highest offered, or the chosen */
	uint16_t cipher_suite; /* ServerHello */
	bool retry_request;    /* ServerHello: HelloRetryRequest */
	uint16_t group;        /* of the first key share that is no GREASE, or
				  of the chosen; 0: none */
	uint16_t ciphers[ZTT_HELLO_LIST_MAX]; /* as offered, with GREASE; more
						 are left out */
	size_t cipher_count;
	uint16_t groups[ZTT_HELLO_LIST_MAX];
	size_t group_count;
	char ja4[ZTT_JA4_LEN]; /* ClientHello; 'q' prefix for QUIC, 't' TCP; "":
				  more of something than a client sends */
	struct ztt_transport_parameters parameters;
};

/* One whole handshake message with its 4-byte head. 0; -EPROTO: malformed;
 * -ENOMSG: another message type. Type 8 (EncryptedExtensions) fills alpn and
 * parameters alone, the others all of it. */
int ztt_hello_parse(const uint8_t *message, size_t len_bytes, bool quic,
		    struct ztt_hello *ret_hello);

#endif
