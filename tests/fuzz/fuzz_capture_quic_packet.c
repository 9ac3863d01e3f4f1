/* A datagram, after a byte that says how long the DCID of a short header is:
 * its packets parsed, opened with Initial keys of their own DCID and of the
 * RFC's, and with those of a traffic secret. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "ztt-capture/decode/quic_packet.h"

static const struct ztt_cid rfc_dcid = {8,
					{0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51,
					 0x57, 0x08}};
static const uint8_t secret[48] = {7, 1, 8, 2, 8};

/* So that what is given is read. */
static volatile uint8_t sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_with(struct ztt_quic_keys *keys,
		      const struct ztt_quic_header *header)
{
	uint8_t *out = malloc(header->packet_bytes);
	struct ztt_quic_opened opened;

	if (keys && ztt_quic_unprotect(keys, header, 9, out, &opened) == 0)
		for (size_t i = 0; i < opened.payload_bytes; i++)
			sink ^= opened.payload[i];
	ztt_quic_keys_free(keys);
	free(out);
}

static void one_packet(const struct ztt_quic_header *header)
{
	if (header->type == ZTT_PACKET_INITIAL) {
		open_with(ztt_quic_keys_initial(header->version, &header->dcid,
						false),
			  header);
		open_with(ztt_quic_keys_initial(header->version, &rfc_dcid,
						true),
			  header);
	}
	for (size_t len = 32; len <= 48; len += 16)
		open_with(ztt_quic_keys_of_secret(ZTT_QUIC_V1, 0, secret, len),
			  header);
	ztt_quic_retry_is_authentic(header, &rfc_dcid);
	ztt_packet_type_name(header->type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ztt_quic_header header;
	size_t dcid_bytes, at = 1;

	if (size < 1)
		return 0;
	dcid_bytes = data[0] % (ZTT_CID_BYTES_MAX + 1U);
	ztt_quic_is_stateless_reset(data + 1, size - 1, secret);
	while (at < size) {
		const int result = ztt_quic_header_parse(data + at, size - at,
							 dcid_bytes, &header);

		if (result == -EPROTO)
			return 0;
		if (header.packet_bytes == 0 ||
		    header.packet_bytes > size - at ||
		    header.number_offset > header.packet_bytes)
			abort();
		one_packet(&header);
		at += header.packet_bytes;
	}
	return 0;
}
