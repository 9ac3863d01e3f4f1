/* QUIC transport parameters (RFC 9000 section 18). */
#ifndef ZTT_CAPTURE_TRANSPORT_PARAMETERS_H
#define ZTT_CAPTURE_TRANSPORT_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 9000 section 18.2; UINT64_MAX: absent. */
struct ztt_transport_parameters {
	bool present;
	uint64_t max_idle_timeout_ms, max_udp_payload_bytes, initial_max_data;
	uint64_t initial_max_stream_data_bidi_local,
		initial_max_stream_data_bidi_remote,
		initial_max_stream_data_uni;
	uint64_t initial_max_streams_bidi, initial_max_streams_uni;
	uint64_t ack_delay_exponent, max_ack_delay_ms;
	uint64_t active_connection_id_limit, max_datagram_frame_bytes;
	bool disable_active_migration;
	bool has_reset_token;
	uint8_t reset_token[16];
	unsigned unknown; /* others, GREASE among them */
};

/* Absent, all of them. */
void ztt_transport_parameters_clear(
	struct ztt_transport_parameters *parameters);

/* The extension's data. 0; -EPROTO: malformed, *ret is as it was. */
int ztt_transport_parameters_parse(const uint8_t *data, size_t len_bytes,
				   struct ztt_transport_parameters *ret);

#endif
