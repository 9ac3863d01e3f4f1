#define _GNU_SOURCE
#include "ztt-capture/flow/tls_flow.h"

#include <stdlib.h>
#include <string.h>

#include "common/err.h"

#define TLS_13 0x0304

enum {
	NEW_SESSION_TICKET = 4,
	CERTIFICATE = 11,
	CERTIFICATE_REQUEST = 13,
	CERTIFICATE_VERIFY = 15,
	FINISHED = 20,
	KEY_UPDATE = 24,
};

static const char *message_name(uint8_t type)
{
	switch (type) {
	case NEW_SESSION_TICKET:
		return "NewSessionTicket";
	case CERTIFICATE:
		return "Certificate";
	case CERTIFICATE_REQUEST:
		return "CertificateRequest";
	case CERTIFICATE_VERIFY:
		return "CertificateVerify";
	case FINISHED:
		return "Finished";
	case KEY_UPDATE:
		return "KeyUpdate";
	case ZTT_TLS_ENCRYPTED_EXTENSIONS:
		return "EncryptedExtensions";
	default:
		return "handshake message";
	}
}

static void client_hello(struct ztt_tls_flow *flow,
			 const struct ztt_hello *hello)
{
	struct ztt_connection *connection = flow->connection;

	if (!connection->has_client_hello) {
		connection->client_hello = *hello;
		connection->has_client_hello = true;
		connection->began = true;
	}
	ztt_line_next(flow->line);
	ztt_line_add(flow->line, "ClientHello");
	if (hello->server_name[0])
		ztt_line_add(flow->line, " %s", hello->server_name);
	if (hello->alpn[0])
		ztt_line_add(flow->line, " ALPN %s", hello->alpn);
}

static void server_hello(struct ztt_tls_flow *flow,
			 const struct ztt_hello *hello)
{
	struct ztt_connection *connection = flow->connection;
	const char *cipher = ztt_tls_cipher_name(hello->cipher_suite);

	ztt_line_next(flow->line);
	ztt_line_add(flow->line, "%s",
		     hello->retry_request ? "HelloRetryRequest"
					  : "ServerHello");
	if (cipher)
		ztt_line_add(flow->line, " %s", cipher);
	if (hello->retry_request) {
		flow->hello_retries++;
		return;
	}
	if (connection->has_server_hello)
		return;
	connection->server_hello = *hello;
	connection->has_server_hello = true;
	connection->cipher = cipher;
	flow->is_13 = hello->version == TLS_13;
}

static void read_hello(struct ztt_tls_way *way, const uint8_t *message,
		       size_t len_bytes)
{
	struct ztt_tls_flow *flow = way->flow;
	struct ztt_hello *known = &flow->connection->server_hello;
	struct ztt_hello hello;

	if (ztt_hello_parse(message, len_bytes, false, &hello) < 0) {
		flow->why = ZTT_WHY_MALFORMED;
		return;
	}
	if (message[0] == ZTT_TLS_CLIENT_HELLO && way->up) {
		client_hello(flow, &hello);
	} else if (message[0] == ZTT_TLS_SERVER_HELLO && !way->up) {
		server_hello(flow, &hello);
	} else if (message[0] == ZTT_TLS_ENCRYPTED_EXTENSIONS && !way->up) {
		memcpy(known->alpn, hello.alpn, sizeof(known->alpn));
		ztt_line_next(flow->line);
		ztt_line_add(flow->line, "EncryptedExtensions");
		if (hello.alpn[0])
			ztt_line_add(flow->line, " ALPN %s", hello.alpn);
	}
}

static bool is_wanted(const struct ztt_tls_way *way)
{
	const uint8_t type = way->head[0];

	return (type == ZTT_TLS_CLIENT_HELLO || type == ZTT_TLS_SERVER_HELLO ||
		type == ZTT_TLS_ENCRYPTED_EXTENSIONS) &&
	       way->message_bytes <= ZTT_TLS_MESSAGE_BYTES_MAX;
}

static void drop_message(struct ztt_tls_way *way)
{
	if (!way->message)
		return;
	free(way->message);
	way->message = NULL;
	ztt_tls_flow_reserve(way, -(long)way->message_bytes);
}

static void begin_message(struct ztt_tls_way *way)
{
	way->left_bytes = (size_t)way->head[1] << 16 |
			  (size_t)way->head[2] << 8 | way->head[3];
	way->message_bytes = sizeof(way->head) + way->left_bytes;
	if (!is_wanted(way) ||
	    !ztt_tls_flow_reserve(way, (long)way->message_bytes))
		return;
	way->message = ztt_alloc(way->message_bytes);
	memcpy(way->message, way->head, sizeof(way->head));
}

static void end_message(struct ztt_tls_way *way)
{
	struct ztt_tls_flow *flow = way->flow;

	way->head_bytes = 0;
	if (way->message) {
		read_hello(way, way->message, way->message_bytes);
		drop_message(way);
		return;
	}
	ztt_line_next(flow->line);
	ztt_line_add(flow->line, "%s", message_name(way->head[0]));
	if (way->head[0] == FINISHED && flow->is_13)
		way->finished = true;
	if (way->head[0] == KEY_UPDATE && way->traffic) {
		ztt_tls_keys_update(way->traffic);
		(way->up ? &flow->connection->up : &flow->connection->down)
			->key_updates++;
	}
}

static size_t take_head(struct ztt_tls_way *way, const uint8_t *data,
			size_t len_bytes)
{
	size_t len = sizeof(way->head) - way->head_bytes;

	if (len > len_bytes)
		len = len_bytes;
	memcpy(way->head + way->head_bytes, data, len);
	way->head_bytes += len;
	if (way->head_bytes < sizeof(way->head))
		return len;
	begin_message(way);
	if (way->left_bytes == 0)
		end_message(way);
	return len;
}

static size_t take_body(struct ztt_tls_way *way, const uint8_t *data,
			size_t len_bytes)
{
	const size_t at = way->message_bytes - way->left_bytes;
	const size_t len =
		len_bytes < way->left_bytes ? len_bytes : way->left_bytes;

	if (way->message)
		memcpy(way->message + at, data, len);
	way->left_bytes -= len;
	if (way->left_bytes == 0)
		end_message(way);
	return len;
}

void ztt_tls_handshake_data(struct ztt_tls_way *way, const uint8_t *data,
			    size_t len_bytes)
{
	while (len_bytes) {
		const size_t taken = way->head_bytes < sizeof(way->head)
					     ? take_head(way, data, len_bytes)
					     : take_body(way, data, len_bytes);

		data += taken;
		len_bytes -= taken;
	}
}

void ztt_tls_handshake_lose(struct ztt_tls_way *way)
{
	drop_message(way);
	way->head_bytes = 0;
}
