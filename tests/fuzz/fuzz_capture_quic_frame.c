/* The payload of a packet: its frames, and their CRYPTO data put together. */
#include <stdint.h>
#include <stdlib.h>

#include "ztt-capture/decode/crypto_stream.h"
#include "ztt-capture/decode/quic_frame.h"

/* So that what is given is read. */
static volatile uint8_t sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_within(const uint8_t *data, size_t size, const uint8_t *at,
		      size_t len_bytes)
{
	if (at && (at < data || len_bytes > (size_t)(data + size - at)))
		abort();
}

static void crypto(struct ztt_crypto_stream *stream,
		   const struct ztt_quic_frame *frame)
{
	const uint8_t *message;
	size_t len_bytes;

	ztt_crypto_stream_add(stream, frame->offset, frame->data,
			      frame->data_bytes);
	while (ztt_crypto_stream_next(stream, &message, &len_bytes) == 1) {
		if (len_bytes < 4 || len_bytes > ZTT_CRYPTO_WINDOW_BYTES)
			abort();
		sink = message[0] ^ message[len_bytes - 1];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ztt_bytes payload = ztt_bytes_of(data, size);
	struct ztt_crypto_stream *stream = ztt_crypto_stream_new();
	static struct ztt_quic_frame frame;

	while (ztt_quic_frame_next(&payload, &frame) == 1) {
		is_within(data, size, frame.data, frame.data_bytes);
		is_within(data, size, frame.reset_token, 16);
		for (size_t i = 0; i < frame.ack.range_count; i++)
			if (frame.ack.ranges[i].least >
			    frame.ack.ranges[i].most)
				abort();
		if (frame.type == 0x06)
			crypto(stream, &frame);
	}
	ztt_crypto_stream_free(stream);
	return 0;
}
