/* pcapng files: draft-ietf-opsawg-pcapng. */
#define _GNU_SOURCE
#include "ztt-capture/source/pcapng.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "ztt-capture/source/input.h"
#include "ztt-capture/source/kind.h"
#include "ztt-capture/source/pcapng_interface.h"

#define INTERFACES_MAX 4096 /* of a section */

struct pcapng {
	struct ztt_source source;
	struct ztt_input input;
	bool swapped;
	struct ztt_pcapng_interface *interfaces; /* of this section */
	size_t interface_count, before_count;
	uint64_t dropped_before; /* in sections that have ended */
	bool dropped_known;
};

static int broken(struct pcapng *pcapng, const char *what)
{
	return ztt_source_problem(&pcapng->source,
				  "the file is broken after frame %" PRIu64
				  ", at byte %" PRIu64 ": %s",
				  pcapng->source.figures.frames,
				  ztt_input_offset(&pcapng->input), what);
}

static int ended(struct pcapng *pcapng, bool within, struct ztt_err *err)
{
	return ztt_source_ended(&pcapng->source, &pcapng->input, "a block",
				within, err);
}

static uint64_t dropped_in_section(const struct pcapng *pcapng)
{
	uint64_t dropped = 0;

	for (size_t i = 0; i < pcapng->interface_count; i++)
		dropped += pcapng->interfaces[i].dropped;
	return dropped;
}

static void begin_section(struct pcapng *pcapng)
{
	pcapng->dropped_before += dropped_in_section(pcapng);
	pcapng->before_count += pcapng->interface_count;
	pcapng->interface_count = 0;
}

static int read_interface(struct pcapng *pcapng, struct ztt_body body)
{
	struct ztt_pcapng_interface interface;
	const char *wrong = ztt_pcapng_interface_read(body, &interface);
	size_t count = pcapng->interface_count;

	if (wrong)
		return broken(pcapng, wrong);
	if (count == INTERFACES_MAX)
		return broken(pcapng, "it has more than 4096 interfaces");
	if (!(count & (count - 1))) /* grows at powers of 2 */
		pcapng->interfaces =
			ztt_realloc(pcapng->interfaces,
				    (2 * count + 1) * sizeof(interface));
	pcapng->interfaces[pcapng->interface_count++] = interface;
	return 1;
}

static void read_statistics(struct pcapng *pcapng, struct ztt_body body)
{
	uint64_t dropped;
	uint32_t number;

	if (!ztt_pcapng_drops_read(body, &number, &dropped) ||
	    number >= pcapng->interface_count)
		return;
	pcapng->interfaces[number].dropped = dropped;
	pcapng->dropped_known = true;
}

static void give_secrets(struct pcapng *pcapng, const uint8_t *text,
			 size_t len_bytes)
{
	struct ztt_source *source = &pcapng->source;

	if (source->secrets && len_bytes)
		source->secrets(source->owner, (const char *)text, len_bytes);
}

static int read_secrets(struct pcapng *pcapng, struct ztt_body body)
{
	size_t len;

	if (body.len_bytes < 8)
		return broken(pcapng, "a secrets block is too short");
	len = ztt_body_u32(&body, 4);
	if (ztt_body_u32(&body, 0) != ZTT_PCAPNG_TLS_KEY_LOG)
		return 1;
	ztt_body_skip(&body, 8);
	if (len > body.len_bytes)
		return broken(pcapng, "a secrets block is longer than itself");
	give_secrets(pcapng, body.at, len);
	return 1;
}

/* How much of a text is whole lines; all of it, when no line ends. */
static size_t whole_lines(const uint8_t *text, size_t len_bytes)
{
	const uint8_t *end = memrchr(text, '\n', len_bytes);

	return end ? (size_t)(end - text) + 1 : len_bytes;
}

/* A block that is longer than the buffer, in pieces of whole lines. */
static int read_long_secrets(struct pcapng *pcapng, size_t len_bytes,
			     struct ztt_err *err)
{
	struct ztt_input *input = &pcapng->input;
	const uint8_t *at = ztt_input_at(input, 16);
	size_t left, piece;
	uint32_t type;

	if (!at)
		return ended(pcapng, true, err);
	type = ztt_body_u32_of(at + 8, pcapng->swapped);
	left = ztt_body_u32_of(at + 12, pcapng->swapped);
	if (left > len_bytes - 8 - ZTT_PCAPNG_BLOCK_BYTES)
		return broken(pcapng, "a secrets block is longer than itself");
	len_bytes -= 16 + left;
	ztt_input_take(input, 16);
	while (left) {
		piece = left < ZTT_INPUT_AT_MAX ? left : ZTT_INPUT_AT_MAX;
		at = ztt_input_at(input, piece);
		if (!at)
			return ended(pcapng, true, err);
		if (piece < left)
			piece = whole_lines(at, piece);
		if (type == ZTT_PCAPNG_TLS_KEY_LOG)
			give_secrets(pcapng, at, piece);
		ztt_input_take(input, piece);
		left -= piece;
	}
	return ztt_input_skip(input, len_bytes) ? 1 : ended(pcapng, true, err);
}

static void segment_option(struct ztt_frame *frame,
			   const struct ztt_body_option *option)
{
	size_t at = strlen(ZTT_PCAPNG_COMMENT_SEGMENT);
	unsigned bytes = 0;

	if (!ztt_body_option_begins(option, ZTT_PCAPNG_COMMENT_SEGMENT))
		return;
	for (; at < option->len_bytes && bytes <= UINT16_MAX; at++) {
		if (option->value[at] < '0' || option->value[at] > '9')
			break;
		bytes = bytes * 10 + option->value[at] - '0';
	}
	if (bytes <= UINT16_MAX)
		frame->segment_bytes = (uint16_t)bytes;
}

static void packet_options(struct ztt_frame *frame, struct ztt_body body)
{
	struct ztt_body_option option;
	uint32_t flags;

	while (ztt_body_option(&body, &option)) {
		if (option.code == ZTT_OPTION_PACKET_FLAGS &&
		    option.len_bytes == 4) {
			flags = ztt_body_u32_of(option.value, body.swapped);
			frame->outgoing = (flags & 3) == ZTT_PCAPNG_OUTBOUND;
		} else if (option.code == ZTT_OPTION_COMMENT &&
			   frame->has_vnet) {
			segment_option(frame, &option);
		}
	}
}

/* `body` begins with the data; -1: the sizes contradict each other. */
static int fill_frame(struct pcapng *pcapng, struct ztt_frame *frame,
		      uint32_t number, uint64_t ticks, struct ztt_body *body)
{
	const struct ztt_pcapng_interface *interface =
		&pcapng->interfaces[number];
	size_t padded = (frame->captured_bytes + 3UL) & ~3UL;

	if (frame->captured_bytes > ZTT_FRAME_BYTES_MAX ||
	    frame->captured_bytes > body->len_bytes)
		return -1;
	frame->at_ns = ztt_pcapng_interface_time(interface, ticks);
	frame->link = interface->link;
	frame->interface = (unsigned)pcapng->before_count + number;
	frame->has_vnet = interface->vnet;
	frame->data = body->at;
	ztt_body_skip(body,
		      padded < body->len_bytes ? padded : body->len_bytes);
	return 0;
}

static int read_packet(struct pcapng *pcapng, struct ztt_body body, bool old,
		       struct ztt_frame *frame)
{
	uint32_t number;
	uint64_t ticks;

	if (body.len_bytes < 20)
		return broken(pcapng, "a packet's block is too short");
	number = old ? ztt_body_u16(&body, 0) : ztt_body_u32(&body, 0);
	ticks = (uint64_t)ztt_body_u32(&body, 4) << 32 | ztt_body_u32(&body, 8);
	frame->captured_bytes = ztt_body_u32(&body, 12);
	frame->length_bytes = ztt_body_u32(&body, 16);
	ztt_body_skip(&body, 20);
	if (number >= pcapng->interface_count)
		return broken(pcapng,
			      "a packet names an interface that was not told");
	if (fill_frame(pcapng, frame, number, ticks, &body) < 0)
		return broken(pcapng, "a packet is longer than its block");
	packet_options(frame, body);
	return 1;
}

/* Without a time, and cut at the interface's snap length. */
static int read_simple(struct pcapng *pcapng, struct ztt_body body,
		       struct ztt_frame *frame)
{
	uint32_t snap_bytes;

	if (body.len_bytes < 4 || !pcapng->interface_count)
		return broken(pcapng, "a simple packet has no interface, or "
				      "its block is too short");
	snap_bytes = pcapng->interfaces[0].snap_bytes;
	frame->length_bytes = frame->captured_bytes = ztt_body_u32(&body, 0);
	ztt_body_skip(&body, 4);
	if (snap_bytes && frame->captured_bytes > snap_bytes)
		frame->captured_bytes = snap_bytes;
	if (fill_frame(pcapng, frame, 0, 0, &body) < 0)
		return broken(pcapng, "a packet is longer than its block");
	return 1;
}

/* 2: a frame; 1: another block; 0: broken. */
static int read_block(struct pcapng *pcapng, uint32_t type,
		      struct ztt_body body, struct ztt_frame *frame)
{
	int rc;

	switch (type) {
	case ZTT_BLOCK_PACKET:
	case ZTT_BLOCK_PACKET_OLD:
		rc = read_packet(pcapng, body, type == ZTT_BLOCK_PACKET_OLD,
				 frame);
		return rc ? 2 : 0;
	case ZTT_BLOCK_SIMPLE:
		return read_simple(pcapng, body, frame) ? 2 : 0;
	case ZTT_BLOCK_SECTION:
		begin_section(pcapng);
		return 1;
	case ZTT_BLOCK_INTERFACE:
		return read_interface(pcapng, body);
	case ZTT_BLOCK_STATISTICS:
		read_statistics(pcapng, body);
		return 1;
	case ZTT_BLOCK_SECRETS:
		return read_secrets(pcapng, body);
	default:
		return 1;
	}
}

static bool is_known(uint32_t type)
{
	return type == ZTT_BLOCK_PACKET || type == ZTT_BLOCK_PACKET_OLD ||
	       type == ZTT_BLOCK_SIMPLE || type == ZTT_BLOCK_SECTION ||
	       type == ZTT_BLOCK_INTERFACE || type == ZTT_BLOCK_STATISTICS ||
	       type == ZTT_BLOCK_SECRETS;
}

/* A section's header brings its own byte order. */
static bool read_order(struct pcapng *pcapng, const uint8_t *at)
{
	uint32_t order = ztt_body_u32_of(at + 8, false);

	pcapng->swapped = order == __builtin_bswap32(ZTT_PCAPNG_ORDER);
	return pcapng->swapped || order == ZTT_PCAPNG_ORDER;
}

struct head {
	uint32_t type, len_bytes;
};

/* The next block's head; 1, 0: the end, or broken; -errno. */
static int read_head(struct pcapng *pcapng, struct head *ret_head,
		     struct ztt_err *err)
{
	const uint8_t *at =
		ztt_input_at(&pcapng->input, ZTT_PCAPNG_BLOCK_BYTES);
	uint32_t type, len;

	if (!at)
		return ended(pcapng, false, err);
	type = ztt_body_u32_of(at, pcapng->swapped);
	if (type == ZTT_BLOCK_SECTION && !read_order(pcapng, at))
		return broken(pcapng, "a section without byte order");
	len = ztt_body_u32_of(at + 4, pcapng->swapped);
	if (len < ZTT_PCAPNG_BLOCK_BYTES || len % 4)
		return broken(pcapng, "a block's length is impossible");
	*ret_head = (struct head){type, len};
	return 1;
}

/* As read_block. A block of no use is left behind, however long it is. */
static int next_block(struct pcapng *pcapng, struct ztt_frame *frame,
		      struct ztt_err *err)
{
	struct ztt_input *input = &pcapng->input;
	struct ztt_body body = {.swapped = pcapng->swapped};
	struct head head = {0};
	const uint8_t *at;
	int rc = read_head(pcapng, &head, err);

	if (rc <= 0)
		return rc;
	if (!is_known(head.type) && ztt_input_skip(input, head.len_bytes))
		return 1;
	if (!is_known(head.type))
		return ended(pcapng, true, err);
	if (head.len_bytes > ZTT_INPUT_AT_MAX && head.type == ZTT_BLOCK_SECRETS)
		return read_long_secrets(pcapng, head.len_bytes, err);
	if (head.len_bytes > ZTT_INPUT_AT_MAX)
		return broken(pcapng, "a block is too long");
	at = ztt_input_at(input, head.len_bytes);
	if (!at)
		return ended(pcapng, true, err);
	body.swapped = pcapng->swapped;
	body.at = at + 8;
	body.len_bytes = head.len_bytes - ZTT_PCAPNG_BLOCK_BYTES;
	if (ztt_body_u32(&body, body.len_bytes) != head.len_bytes)
		return broken(pcapng, "a block's two lengths differ");
	rc = read_block(pcapng, head.type, body, frame);
	if (rc)
		ztt_input_take(input, head.len_bytes);
	return rc;
}

static int next(struct ztt_source *source, struct ztt_frame *frame,
		struct ztt_err *err)
{
	struct pcapng *pcapng = (struct pcapng *)source;
	int rc = *source->figures.problem ? 0 : 1;

	while (rc == 1)
		rc = next_block(pcapng, frame, err);
	return rc == 2 ? 1 : rc;
}

static void figures(const struct ztt_source *source,
		    struct ztt_source_figures *figures)
{
	const struct pcapng *pcapng = (const struct pcapng *)source;

	figures->dropped = pcapng->dropped_before + dropped_in_section(pcapng);
	figures->dropped_known = pcapng->dropped_known;
}

static void close_pcapng(struct ztt_source *source)
{
	struct pcapng *pcapng = (struct pcapng *)source;

	ztt_input_close(&pcapng->input);
	free(pcapng->interfaces);
	free(pcapng);
}

static const struct ztt_source_kind kind = {next, figures, close_pcapng};

int ztt_pcapng_open(struct ztt_input *input, struct ztt_source **ret_source,
		    struct ztt_err *err)
{
	const uint8_t *at = ztt_input_at(input, ZTT_PCAPNG_BLOCK_BYTES);
	struct pcapng *pcapng;

	if (!at)
		return ztt_err_set(err, -EPROTO, "no capture file, too short");
	pcapng = ztt_calloc(1, sizeof(*pcapng));
	pcapng->source.kind = &kind;
	if (!read_order(pcapng, at)) {
		free(pcapng);
		return ztt_err_set(err, -EPROTO,
				   "no capture file: pcapng without its byte "
				   "order");
	}
	pcapng->input = *input;
	*ret_source = &pcapng->source;
	return 0;
}
