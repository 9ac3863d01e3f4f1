/* Capture files: pcap, pcapng, gzip; and what their frames carry. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/err.h"
#include "ztt-capture/decode/datagram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every byte that is said to be there. */
static void touch(const void *data, size_t len)
{
	const volatile uint8_t *at = data;
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + at[i]);
	(void)sum;
}

static void secrets(void *owner, const char *text, size_t len_bytes)
{
	(void)owner;
	touch(text, len_bytes);
}

static void check_frame(const struct ztt_frame *frame)
{
	if (frame->captured_bytes > ZTT_FRAME_BYTES_MAX || frame->at_ns < 0)
		abort();
	touch(frame->data, frame->captured_bytes);
}

static void read_all(struct ztt_source *source)
{
	struct ztt_fragments *fragments = ztt_fragments_new();
	struct ztt_source_figures figures;
	struct ztt_datagram datagram;
	struct ztt_frame frame;
	struct ztt_err err;

	ztt_source_on_secrets(source, secrets, NULL);
	while (ztt_source_next(source, &frame, &err) > 0) {
		check_frame(&frame);
		if (ztt_datagram_decode(fragments, &frame, &datagram) ==
		    ZTT_DECODED)
			touch(datagram.payload, datagram.payload_bytes);
	}
	ztt_source_figures(source, &figures);
	ztt_fragments_free(fragments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct ztt_source *source;
	struct ztt_err err;

	if (fd < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	if (ztt_source_open_fd(fd, "fuzz", &source, &err) < 0)
		return 0;
	read_all(source);
	ztt_source_close(source);
	return 0;
}
