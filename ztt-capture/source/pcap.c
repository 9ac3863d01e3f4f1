/* pcap files: draft-ietf-opsawg-pcap. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-capture/source/input.h"
#include "ztt-capture/source/kind.h"

#define HEADER_BYTES 24
#define RECORD_BYTES 16
#define MAGIC_US 0xa1b2c3d4
#define MAGIC_NS 0xa1b23c4d

struct pcap {
	struct ztt_source source;
	struct ztt_input input;
	bool swapped, nanoseconds;
	unsigned link;
};

static uint32_t u32_at(const uint8_t *at, bool swapped)
{
	uint32_t value;

	memcpy(&value, at, 4);
	return swapped ? __builtin_bswap32(value) : value;
}

static int next(struct ztt_source *source, struct ztt_frame *frame,
		struct ztt_err *err)
{
	struct pcap *pcap = (struct pcap *)source;
	const uint8_t *at = ztt_input_at(&pcap->input, RECORD_BYTES);
	uint32_t fraction;

	if (*source->figures.problem)
		return 0;
	if (!at)
		return ztt_source_ended(source, &pcap->input,
					"a record's header", false, err);
	frame->captured_bytes = u32_at(at + 8, pcap->swapped);
	frame->length_bytes = u32_at(at + 12, pcap->swapped);
	if (frame->captured_bytes > ZTT_FRAME_BYTES_MAX)
		return ztt_source_problem(source,
					  "the record of frame %" PRIu64
					  " is broken: it says "
					  "it holds %" PRIu32
					  " bytes, at byte %" PRIu64
					  " of the file",
					  source->figures.frames + 1,
					  frame->captured_bytes,
					  ztt_input_offset(&pcap->input));
	at = ztt_input_at(&pcap->input, RECORD_BYTES + frame->captured_bytes);
	if (!at)
		return ztt_source_ended(source, &pcap->input, "a record", true,
					err);
	fraction = u32_at(at + 4, pcap->swapped);
	frame->at_ns =
		ztt_source_time(u32_at(at, pcap->swapped), 0,
				pcap->nanoseconds ? fraction
						  : fraction * UINT64_C(1000));
	frame->link = pcap->link;
	frame->data = at + RECORD_BYTES;
	ztt_input_take(&pcap->input, RECORD_BYTES + frame->captured_bytes);
	return 1;
}

static void close_pcap(struct ztt_source *source)
{
	struct pcap *pcap = (struct pcap *)source;

	ztt_input_close(&pcap->input);
	free(pcap);
}

static const struct ztt_source_kind kind = {next, NULL, close_pcap};

static int read_header(struct pcap *pcap, const uint8_t *at)
{
	uint32_t magic = u32_at(at, false);

	pcap->swapped = magic == __builtin_bswap32(MAGIC_US) ||
			magic == __builtin_bswap32(MAGIC_NS);
	magic = u32_at(at, pcap->swapped);
	if (magic != MAGIC_US && magic != MAGIC_NS)
		return -EPROTO;
	pcap->nanoseconds = magic == MAGIC_NS;
	/* The upper half tells of a frame check sequence. */
	pcap->link = u32_at(at + 20, pcap->swapped) & 0xffff;
	return 0;
}

int ztt_pcap_open(struct ztt_input *input, struct ztt_source **ret_source,
		  struct ztt_err *err)
{
	const uint8_t *at = ztt_input_at(input, 4);
	struct pcap pcap = {.source = {.kind = &kind}};
	struct pcap *made;

	if (!at)
		return ztt_err_set(err, -EPROTO, "no capture file, too short");
	at = ztt_input_at(input, HEADER_BYTES);
	if (!at || read_header(&pcap, at) < 0)
		return ztt_err_set(err, -EPROTO,
				   "no capture file: neither pcap nor pcapng "
				   "nor one of them gzipped");
	ztt_input_take(input, HEADER_BYTES);
	pcap.input = *input;
	made = ztt_alloc(sizeof(*made));
	*made = pcap;
	*ret_source = &made->source;
	return 0;
}
