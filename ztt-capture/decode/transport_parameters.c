#include "ztt-capture/decode/transport_parameters.h"

#include <errno.h>

#include "ztt-capture/decode/bytes.h"

#define RESET_TOKEN 0x02
#define DISABLE_ACTIVE_MIGRATION 0x0c

#define FIELD(name) offsetof(struct ztt_transport_parameters, name)

/* Those whose value is one integer. */
static const struct {
	uint64_t id;
	size_t field;
} integers[] = {
	{0x01, FIELD(max_idle_timeout_ms)},
	{0x03, FIELD(max_udp_payload_bytes)},
	{0x04, FIELD(initial_max_data)},
	{0x05, FIELD(initial_max_stream_data_bidi_local)},
	{0x06, FIELD(initial_max_stream_data_bidi_remote)},
	{0x07, FIELD(initial_max_stream_data_uni)},
	{0x08, FIELD(initial_max_streams_bidi)},
	{0x09, FIELD(initial_max_streams_uni)},
	{0x0a, FIELD(ack_delay_exponent)},
	{0x0b, FIELD(max_ack_delay_ms)},
	{0x0e, FIELD(active_connection_id_limit)},
	{0x20, FIELD(max_datagram_frame_bytes)},
};
#define INTEGERS (sizeof(integers) / sizeof(*integers))

/* Known, and not kept: connection IDs, preferred_address, version_information
 * (RFC 9368), grease_quic_bit (RFC 9287). */
static const uint64_t passed_over[] = {0x00, 0x0d, 0x0f, 0x10, 0x11, 0x2ab2};
#define PASSED_OVER (sizeof(passed_over) / sizeof(*passed_over))

static uint64_t *field(struct ztt_transport_parameters *parameters, size_t at)
{
	return (uint64_t *)(void *)((char *)parameters + at);
}

void ztt_transport_parameters_clear(struct ztt_transport_parameters *parameters)
{
	*parameters = (struct ztt_transport_parameters){0};
	for (size_t i = 0; i < INTEGERS; i++)
		*field(parameters, integers[i].field) = UINT64_MAX;
}

static bool is_passed_over(uint64_t id)
{
	for (size_t i = 0; i < PASSED_OVER; i++)
		if (passed_over[i] == id)
			return true;
	return false;
}

/* False: its value is not as it has to be. */
static bool take(struct ztt_transport_parameters *parameters, uint64_t id,
		 struct ztt_bytes value)
{
	for (size_t i = 0; i < INTEGERS; i++)
		if (integers[i].id == id) {
			*field(parameters, integers[i].field) =
				ztt_bytes_varint(&value);
			return !value.truncated && value.at == value.end;
		}
	if (id == RESET_TOKEN) {
		if (ztt_bytes_left(&value) != sizeof(parameters->reset_token))
			return false;
		memcpy(parameters->reset_token, value.at,
		       sizeof(parameters->reset_token));
		parameters->has_reset_token = true;
	} else if (id == DISABLE_ACTIVE_MIGRATION) {
		parameters->disable_active_migration = true;
		return ztt_bytes_left(&value) == 0;
	} else if (!is_passed_over(id)) {
		parameters->unknown++;
	}
	return true;
}

int ztt_transport_parameters_parse(const uint8_t *data, size_t len_bytes,
				   struct ztt_transport_parameters *ret)
{
	struct ztt_bytes bytes = ztt_bytes_of(data, len_bytes);
	struct ztt_transport_parameters parameters;
	uint64_t id, length;
	const uint8_t *value;

	ztt_transport_parameters_clear(&parameters);
	parameters.present = true;
	while (ztt_bytes_left(&bytes) > 0) {
		id = ztt_bytes_varint(&bytes);
		length = ztt_bytes_varint(&bytes);
		if (bytes.truncated || length > ztt_bytes_left(&bytes))
			return -EPROTO;
		value = ztt_bytes_take(&bytes, (size_t)length);
		if (!take(&parameters, id, ztt_bytes_of(value, (size_t)length)))
			return -EPROTO;
	}
	*ret = parameters;
	return 0;
}
