#include "ztt-capture/analysis/diff_point.h"

#include <string.h>

#include "common/err.h"

#define UDP 17

int ztt_diff_reader_open(struct ztt_diff_reader *reader, int *fd,
			 const char *path, struct ztt_diff_flows *flows,
			 struct ztt_diff_point *figures, struct ztt_err *err)
{
	struct ztt_source *source;
	int rc = ztt_source_open_fd(*fd, path, &source, err);

	*fd = -1;
	if (rc < 0)
		return rc;
	*reader = (struct ztt_diff_reader){
		.source = source,
		.fragments = ztt_fragments_new(),
		.flows = flows,
		.figures = figures,
	};
	return 0;
}

void ztt_diff_reader_close(struct ztt_diff_reader *reader)
{
	if (!reader->source)
		return;
	ztt_source_close(reader->source);
	ztt_fragments_free(reader->fragments);
	*reader = (struct ztt_diff_reader){0};
}

static void note_time(struct ztt_diff_reader *reader)
{
	struct ztt_diff_point *figures = reader->figures;
	int64_t at_ns = reader->frame.at_ns;

	reader->at_ns = at_ns;
	if (!figures)
		return;
	if (!reader->any || at_ns < figures->first_ns)
		figures->first_ns = at_ns;
	if (!reader->any || at_ns > figures->last_ns)
		figures->last_ns = at_ns;
	reader->any = true;
}

static void note_super(struct ztt_diff_reader *reader, size_t stride)
{
	struct ztt_diff_point *figures = reader->figures;

	if (!figures)
		return;
	figures->super_datagrams++;
	figures->inferred_super_datagrams +=
		stride != 0 && !reader->frame.has_vnet;
	figures->unsplit += stride == 0;
}

static void begin_datagram(struct ztt_diff_reader *reader,
			   const struct ztt_datagram *datagram)
{
	struct ztt_diff_datagram *out = &reader->datagram;
	size_t whole = datagram->payload_whole_bytes;

	if (whole == 0)
		return;
	out->flow = ztt_diff_flows_of(reader->flows, datagram, &out->up);
	if (!out->flow) {
		if (reader->figures)
			reader->figures->flows_left_out++;
		return;
	}
	reader->stride = ztt_diff_split(out->flow, out->up, datagram);
	if (reader->stride < whole)
		note_super(reader, reader->stride);
	if (reader->stride == 0)
		return;
	out->at_ns = reader->frame.at_ns;
	reader->rest = datagram->payload;
	reader->rest_bytes = datagram->payload_bytes;
	reader->rest_whole_bytes = whole;
}

static int next_frame(struct ztt_diff_reader *reader, struct ztt_err *err)
{
	int rc = ztt_source_next(reader->source, &reader->frame, err);
	struct ztt_datagram datagram;
	enum ztt_undecoded decoded;

	if (rc <= 0)
		return rc;
	note_time(reader);
	decoded = ztt_datagram_decode(reader->fragments, &reader->frame,
				      &datagram);
	if (decoded == ZTT_DECODED && datagram.protocol == UDP)
		begin_datagram(reader, &datagram);
	else if (decoded > ZTT_FRAGMENT && reader->figures)
		reader->figures->undecoded++;
	return 1;
}

static size_t least(size_t one, size_t other)
{
	return one < other ? one : other;
}

int ztt_diff_reader_next(struct ztt_diff_reader *reader,
			 struct ztt_diff_datagram *ret_datagram,
			 struct ztt_err *err)
{
	struct ztt_diff_datagram *out = &reader->datagram;
	int rc;

	while (reader->rest_whole_bytes == 0) {
		rc = next_frame(reader, err);
		if (rc <= 0)
			return rc;
	}
	out->payload = reader->rest;
	out->payload_bytes = least(reader->rest_bytes, reader->stride);
	out->whole_bytes = least(reader->rest_whole_bytes, reader->stride);
	reader->rest += out->payload_bytes;
	reader->rest_bytes -= out->payload_bytes;
	reader->rest_whole_bytes -= out->whole_bytes;
	if (reader->figures)
		reader->figures->datagrams++;
	*ret_datagram = *out;
	return 1;
}
