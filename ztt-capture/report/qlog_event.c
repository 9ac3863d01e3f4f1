#include "ztt-capture/report/qlog_event.h"

#include <arpa/inet.h>

#define MS_DIGITS 6 /* ns as ms */

void ztt_qlog_key(struct ztt_buffer *out, const char *key)
{
	char before = out->len_bytes ? out->data[out->len_bytes - 1] : '{';

	if (before != '{' && before != '[')
		ztt_buffer_char(out, ',');
	ztt_buffer_char(out, '"');
	ztt_buffer_text(out, key);
	ztt_buffer_text(out, "\":");
}

void ztt_qlog_uint(struct ztt_buffer *out, const char *key, uint64_t value)
{
	ztt_qlog_key(out, key);
	ztt_buffer_uint(out, value);
}

void ztt_qlog_word(struct ztt_buffer *out, const char *key, const char *word)
{
	ztt_qlog_key(out, key);
	ztt_buffer_char(out, '"');
	ztt_buffer_text(out, word);
	ztt_buffer_char(out, '"');
}

void ztt_qlog_hex(struct ztt_buffer *out, const char *key, const uint8_t *bytes,
		  size_t len_bytes)
{
	ztt_qlog_key(out, key);
	ztt_buffer_char(out, '"');
	ztt_buffer_hex(out, bytes, bytes ? len_bytes : 0);
	ztt_buffer_char(out, '"');
}

static bool is_03(const struct ztt_qlog_event *event)
{
	return event->version == ZTT_QLOG_03;
}

void ztt_qlog_begin(const struct ztt_qlog_event *event, const char *category,
		    const char *name)
{
	struct ztt_buffer *out = event->out;

	ztt_buffer_text(out, "{\"time\":");
	ztt_buffer_fixed(out, event->since_ns, MS_DIGITS);
	ztt_buffer_text(out, ",\"name\":\"");
	ztt_buffer_text(out, is_03(event) ? category : "quic");
	ztt_buffer_char(out, ':');
	ztt_buffer_text(out, name);
	ztt_buffer_char(out, '"');
	if (!is_03(event)) {
		ztt_qlog_word(out, "group_id", event->of->group);
		if (event->of->tuple) {
			ztt_buffer_text(out, ",\"tuple\":\"");
			ztt_buffer_uint(out, event->of->tuple);
			ztt_buffer_char(out, '"');
		}
	}
	ztt_buffer_text(out, ",\"data\":{");
}

void ztt_qlog_end(const struct ztt_qlog_event *event)
{
	ztt_buffer_text(event->out, "}}");
}

static const char *address_text(const struct ztt_endpoint *at,
				char out[INET6_ADDRSTRLEN])
{
	int family = at->family == 6 ? AF_INET6 : AF_INET;

	return inet_ntop(family, at->address, out, INET6_ADDRSTRLEN) ? out : "";
}

static void put_endpoint(struct ztt_buffer *out, const char *key,
			 const struct ztt_endpoint *at)
{
	char text[INET6_ADDRSTRLEN];
	bool six = at->family == 6;

	ztt_qlog_key(out, key);
	ztt_buffer_char(out, '{');
	ztt_qlog_word(out, six ? "ip_v6" : "ip_v4", address_text(at, text));
	ztt_qlog_uint(out, six ? "port_v6" : "port_v4", at->port);
	ztt_buffer_char(out, '}');
}

void ztt_qlog_started(const struct ztt_qlog_event *event)
{
	const struct ztt_connection *at = event->of->connection;
	struct ztt_buffer *out = event->out;
	char text[INET6_ADDRSTRLEN];

	ztt_qlog_begin(event, "connectivity", "connection_started");
	if (is_03(event)) {
		ztt_qlog_word(out, "ip_version",
			      at->client.family == 6 ? "v6" : "v4");
		ztt_qlog_word(out, "src_ip", address_text(&at->client, text));
		ztt_qlog_word(out, "dst_ip", address_text(&at->server, text));
		ztt_qlog_word(out, "protocol", "QUIC");
		ztt_qlog_uint(out, "src_port", at->client.port);
		ztt_qlog_uint(out, "dst_port", at->server.port);
	} else {
		put_endpoint(out, "local", &at->client);
		put_endpoint(out, "remote", &at->server);
	}
	ztt_qlog_end(event);
}

void ztt_qlog_tuple(const struct ztt_qlog_event *event,
		    const struct ztt_endpoint *client,
		    const struct ztt_endpoint *server)
{
	struct ztt_buffer *out = event->out;

	ztt_qlog_begin(event, "connectivity", "tuple_assigned");
	ztt_qlog_key(out, "tuple_id");
	ztt_buffer_char(out, '"');
	if (event->of->tuple)
		ztt_buffer_uint(out, event->of->tuple);
	ztt_buffer_char(out, '"');
	put_endpoint(out, "tuple_remote", server);
	put_endpoint(out, "tuple_local", client);
	ztt_qlog_end(event);
}

static void put_known(struct ztt_buffer *out, const char *key, uint64_t value)
{
	if (value != UINT64_MAX)
		ztt_qlog_uint(out, key, value);
}

static void put_parameters(struct ztt_buffer *out,
			   const struct ztt_transport_parameters *at)
{
	put_known(out, "max_idle_timeout", at->max_idle_timeout_ms);
	put_known(out, "max_udp_payload_size", at->max_udp_payload_bytes);
	put_known(out, "ack_delay_exponent", at->ack_delay_exponent);
	put_known(out, "max_ack_delay", at->max_ack_delay_ms);
	put_known(out, "active_connection_id_limit",
		  at->active_connection_id_limit);
	put_known(out, "initial_max_data", at->initial_max_data);
	put_known(out, "initial_max_stream_data_bidi_local",
		  at->initial_max_stream_data_bidi_local);
	put_known(out, "initial_max_stream_data_bidi_remote",
		  at->initial_max_stream_data_bidi_remote);
	put_known(out, "initial_max_stream_data_uni",
		  at->initial_max_stream_data_uni);
	put_known(out, "initial_max_streams_bidi",
		  at->initial_max_streams_bidi);
	put_known(out, "initial_max_streams_uni", at->initial_max_streams_uni);
	put_known(out, "max_datagram_frame_size", at->max_datagram_frame_bytes);
	ztt_qlog_key(out, "disable_active_migration");
	ztt_buffer_text(out, at->disable_active_migration ? "true" : "false");
}

static const char *cipher_name(const char *cipher)
{
	static const char *const names[][2] = {
		{"AES-128-GCM", "AES_128_GCM_SHA256"},
		{"AES-256-GCM", "AES_256_GCM_SHA384"},
		{"ChaCha20-Poly1305", "CHACHA20_POLY1305_SHA256"},
	};

	for (size_t i = 0; cipher && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(cipher, names[i][0]) == 0)
			return names[i][1];
	return cipher;
}

void ztt_qlog_parameters(const struct ztt_qlog_event *event, bool server)
{
	const struct ztt_connection *at = event->of->connection;
	struct ztt_buffer *out = event->out;

	ztt_qlog_begin(event, "transport", "parameters_set");
	ztt_qlog_word(out, is_03(event) ? "owner" : "initiator",
		      server ? "remote" : "local");
	if (server && at->cipher)
		ztt_qlog_word(out, "tls_cipher", cipher_name(at->cipher));
	put_parameters(out, server ? &at->server_hello.parameters
				   : &at->client_hello.parameters);
	ztt_qlog_end(event);
}

void ztt_qlog_key_updated(const struct ztt_qlog_event *event,
			  const struct ztt_packet *packet)
{
	ztt_qlog_begin(event, "security", "key_updated");
	ztt_qlog_word(event->out, "key_type",
		      packet->up ? "client_1rtt_secret" : "server_1rtt_secret");
	ztt_qlog_uint(event->out, is_03(event) ? "generation" : "key_phase",
		      packet->opened->generation);
	ztt_qlog_end(event);
}

const char *ztt_qlog_transport_error(uint64_t code,
				     char out[ZTT_QLOG_ERROR_LEN])
{
	/* RFC 9000 section 20.1. */
	static const char *const names[] = {"no_error",
					    "internal_error",
					    "connection_refused",
					    "flow_control_error",
					    "stream_limit_error",
					    "stream_state_error",
					    "final_size_error",
					    "frame_encoding_error",
					    "transport_parameter_error",
					    "connection_id_limit_error",
					    "protocol_violation",
					    "invalid_token",
					    "application_error",
					    "crypto_buffer_exceeded",
					    "key_update_error",
					    "aead_limit_reached",
					    "no_viable_path"};

	if (code < sizeof(names) / sizeof(names[0]))
		return names[code];
	if (code < 0x100 || code > 0x1ff)
		return NULL;
	snprintf(out, ZTT_QLOG_ERROR_LEN, "crypto_error_0x%03x",
		 (unsigned)code);
	return out;
}

static void put_close_03(struct ztt_buffer *out,
			 const struct ztt_quic_frame *frame, const char *name)
{
	const char *key =
		frame->type == 0x1d ? "application_code" : "connection_code";

	if (name)
		ztt_qlog_word(out, key, name);
	else
		ztt_qlog_uint(out, key, frame->code);
}

static void put_close_14(struct ztt_buffer *out,
			 const struct ztt_quic_frame *frame, const char *name)
{
	ztt_qlog_word(out,
		      frame->type == 0x1d ? "application_error"
					  : "connection_error",
		      name ? name : "unknown");
	if (!name)
		ztt_qlog_uint(out, "error_code", frame->code);
}

void ztt_qlog_closed(const struct ztt_qlog_event *event,
		     const struct ztt_packet *packet,
		     const struct ztt_quic_frame *frame)
{
	struct ztt_buffer *out = event->out;
	char text[ZTT_QLOG_ERROR_LEN];
	const char *name = frame->type == 0x1c
				   ? ztt_qlog_transport_error(frame->code, text)
				   : NULL;

	ztt_qlog_begin(event, "connectivity", "connection_closed");
	ztt_qlog_word(out, is_03(event) ? "owner" : "initiator",
		      packet->up ? "local" : "remote");
	if (is_03(event))
		put_close_03(out, frame, name);
	else
		put_close_14(out, frame, name);
	ztt_qlog_key(out, "reason");
	ztt_buffer_json(out, frame->data, frame->data_bytes);
	ztt_qlog_word(out, "trigger",
		      frame->type == 0x1d ? "application" : "error");
	ztt_qlog_end(event);
}

void ztt_qlog_packet_lost(const struct ztt_qlog_event *event, uint64_t number)
{
	struct ztt_buffer *out = event->out;

	ztt_qlog_begin(event, "recovery", "packet_lost");
	ztt_buffer_text(out, "\"header\":{\"packet_type\":\"1RTT\"");
	ztt_qlog_uint(out, "packet_number", number);
	ztt_buffer_text(out, "},\"trigger\":\"reordering_threshold\"");
	ztt_qlog_end(event);
}
