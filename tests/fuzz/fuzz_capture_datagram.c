/* Frames of every link layer, and their fragments. A frame is: its link's
 * number (into the list below), flags, what of its length was captured, its
 * length in 2 bytes, and itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ztt-capture/decode/bytes.h"
#include "ztt-capture/decode/datagram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned links[] = {
	ZTT_LINK_RAW,  ZTT_LINK_ETHERNET,  ZTT_LINK_NULL,
	ZTT_LINK_LOOP, ZTT_LINK_LINUX_SLL, ZTT_LINK_LINUX_SLL2,
	ZTT_LINK_IPV4, ZTT_LINK_IPV6,      147,
};

static void check(const struct ztt_datagram *datagram)
{
	const volatile uint8_t *payload = datagram->payload;
	char text[ZTT_ENDPOINT_LEN];
	uint8_t sum = 0;

	for (size_t i = 0; i < datagram->payload_bytes; i++)
		sum = (uint8_t)(sum + payload[i]);
	(void)sum;
	if (datagram->payload_bytes > datagram->payload_whole_bytes ||
	    datagram->cut !=
		    (datagram->payload_bytes < datagram->payload_whole_bytes) ||
	    datagram->ip_bytes < datagram->payload_whole_bytes)
		abort();
	ztt_endpoint_text(&datagram->from, text);
	ztt_endpoint_text(&datagram->to, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ztt_fragments *fragments = ztt_fragments_new();
	struct ztt_bytes bytes = ztt_bytes_of(data, size);
	struct ztt_frame frame = {.at_ns = 1};
	struct ztt_datagram datagram;
	uint8_t flags, more;
	uint8_t *copy;
	size_t len;

	while (ztt_bytes_left(&bytes) > 5) {
		frame.link = links[ztt_bytes_u8(&bytes) %
				   (sizeof(links) / sizeof(links[0]))];
		flags = ztt_bytes_u8(&bytes);
		more = ztt_bytes_u8(&bytes);
		len = ztt_bytes_u16(&bytes);
		if (len > ztt_bytes_left(&bytes))
			len = ztt_bytes_left(&bytes);
		copy = malloc(len + 1);
		memcpy(copy + 1, ztt_bytes_take(&bytes, len), len);
		frame.number++;
		frame.at_ns += flags & 1 ? 20000000000 : 1;
		frame.segment_bytes = flags & 2 ? 1200 : 0;
		frame.interface = flags >> 6;
		frame.data = copy + 1;
		frame.captured_bytes = (uint32_t)len;
		frame.length_bytes = (uint32_t)len + more * 256U;
		if (ztt_datagram_decode(fragments, &frame, &datagram) ==
		    ZTT_DECODED)
			check(&datagram);
		free(copy);
	}
	ztt_fragments_free(fragments);
	return 0;
}
