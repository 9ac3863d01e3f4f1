#include "ztt-capture/flow/quic_flow.h"

#define CRYPTO_BYTES_MOST 16384 /* hellos are shorter */
#define CRYPTO_RESERVED 20480

static void client_hello(struct ztt_quic_flow *flow, const uint8_t *message,
			 size_t len_bytes)
{
	struct ztt_connection *connection = flow->connection;
	struct ztt_hello hello = {0};

	if (connection->has_client_hello ||
	    ztt_hello_parse(message, len_bytes, true, &hello))
		return;
	connection->client_hello = hello;
	connection->has_client_hello = true;
	if (hello.parameters.has_reset_token)
		ztt_quic_flow_token(flow, true, hello.parameters.reset_token);
}

static void server_hello(struct ztt_quic_flow *flow, const uint8_t *message,
			 size_t len_bytes)
{
	struct ztt_connection *connection = flow->connection;
	struct ztt_hello hello = {0};

	if (ztt_hello_parse(message, len_bytes, true, &hello))
		return;
	if (hello.retry_request) {
		flow->hello_retry = true;
		return;
	}
	connection->server_hello = hello;
	connection->has_server_hello = true;
	flow->crypto_done[false][ZTT_LEVEL_INITIAL] = true;
	flow->crypto_done[true][ZTT_LEVEL_INITIAL] =
		connection->has_client_hello;
}

static void encrypted_extensions(struct ztt_quic_flow *flow,
				 const uint8_t *message, size_t len_bytes)
{
	struct ztt_hello *hello = &flow->connection->server_hello;

	flow->crypto_done[false][ZTT_LEVEL_HANDSHAKE] = true;
	if (ztt_hello_parse(message, len_bytes, true, hello))
		return;
	if (hello->parameters.has_reset_token)
		ztt_quic_flow_token(flow, false, hello->parameters.reset_token);
}

static void message_came(struct ztt_quic_flow *flow, bool up,
			 const uint8_t *message, size_t len_bytes)
{
	if (up && message[0] == ZTT_TLS_CLIENT_HELLO)
		client_hello(flow, message, len_bytes);
	else if (!up && message[0] == ZTT_TLS_SERVER_HELLO)
		server_hello(flow, message, len_bytes);
	else if (!up && message[0] == ZTT_TLS_ENCRYPTED_EXTENSIONS)
		encrypted_extensions(flow, message, len_bytes);
}

static void drop(struct ztt_quic_flow *flow, bool up, enum ztt_quic_level level)
{
	if (!flow->crypto[up][level])
		return;
	ztt_crypto_stream_free(flow->crypto[up][level]);
	flow->crypto[up][level] = NULL;
	ztt_quic_flow_reserve(flow, -CRYPTO_RESERVED);
}

void ztt_quic_flow_crypto(struct ztt_quic_flow *flow, bool up,
			  enum ztt_quic_level level,
			  const struct ztt_quic_frame *frame)
{
	struct ztt_crypto_stream **stream;
	const uint8_t *message;
	size_t len_bytes;

	if (level > ZTT_LEVEL_HANDSHAKE || flow->crypto_done[up][level] ||
	    frame->offset + frame->data_bytes > CRYPTO_BYTES_MOST)
		return;
	stream = &flow->crypto[up][level];
	if (!*stream) {
		if (!ztt_quic_flow_reserve(flow, CRYPTO_RESERVED))
			return;
		*stream = ztt_crypto_stream_new();
	}
	ztt_crypto_stream_add(*stream, frame->offset, frame->data,
			      frame->data_bytes);
	while (ztt_crypto_stream_next(*stream, &message, &len_bytes) == 1)
		message_came(flow, up, message, len_bytes);
	for (int side = 0; side < 2; side++)
		for (int l = 0; l < 2; l++)
			if (flow->crypto_done[side][l])
				drop(flow, side, (enum ztt_quic_level)l);
}
