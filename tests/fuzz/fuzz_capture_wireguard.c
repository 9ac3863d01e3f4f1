/* WireGuard messages of two peers and a relay between them: records of one byte
 * that tells where it is seen, two of length and the payload. */
#include <stdint.h>
#include <stdlib.h>

#include "tests/unit/capture_udp.h"
#include "ztt-capture/decode/wireguard.h"
#include "ztt-capture/flow/flows.h"

#define VNET 4 /* bits of the first byte: 0 way, 1 hop */
#define CUT 8

static void one(struct ztt_flows *flows, struct udp_frame *frame, uint8_t where,
		const uint8_t *payload, size_t len_bytes, int64_t at_ns)
{
	static const struct {
		uint8_t from, to;
		uint16_t from_port, to_port;
	} places[] = {{1, 3, 51820, 51821},
		      {3, 1, 51821, 51820},
		      {3, 2, 40000, 51820},
		      {2, 3, 51820, 40000}};

	udp_frame_make(frame, at_ns, places[where & 3].from,
		       places[where & 3].from_port, places[where & 3].to,
		       places[where & 3].to_port, payload, len_bytes);
	frame->frame.has_vnet = where & VNET;
	frame->frame.segment_bytes = where & VNET ? (uint16_t)(where << 2) : 0;
	if (where & CUT && frame->frame.captured_bytes > 64)
		frame->frame.captured_bytes = 64;
	ztt_flows_frame(flows, &frame->frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct udp_frame frame;
	const struct ztt_flows_plan plan = {0};
	struct ztt_flows *flows = ztt_flows_new(&plan);
	struct ztt_wg_message message;
	int64_t at_ns = 1;

	ztt_wg_parse(data, size, size, &message);
	ztt_wg_stride(data, size, size);
	while (size > 3) {
		size_t len = (size_t)(data[1] << 8 | data[2]);

		len = len > size - 3 ? size - 3 : len;
		len = len > 65000 ? 65000 : len;
		one(flows, &frame, data[0], data + 3, len, at_ns += 1000000);
		data += 3 + len;
		size -= 3 + len;
	}
	ztt_flows_finish(flows, NULL);
	ztt_flows_free(flows);
	return 0;
}
