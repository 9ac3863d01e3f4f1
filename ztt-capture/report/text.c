#include "ztt-capture/report/report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/units.h"
#include "ztt-capture/report/text_page.h"

#define BLOCKS_MAX 8

static uint64_t bytes_of(const struct ztt_connection *connection)
{
	return connection->up.bytes + connection->down.bytes;
}

/* Which ones are shown: those with the most bytes, in order of appearance. */
static bool *pick(const struct ztt_capture *capture, size_t most)
{
	bool *picked = ztt_calloc(capture->connection_count, sizeof(*picked));

	for (size_t i = 0; i < most && i < capture->connection_count; i++) {
		size_t best = SIZE_MAX;

		for (size_t j = 0; j < capture->connection_count; j++)
			if (!picked[j] &&
			    (best == SIZE_MAX ||
			     bytes_of(capture->connections[j]) >
				     bytes_of(capture->connections[best])))
				best = j;
		picked[best] = true;
	}
	return picked;
}

static void put_rest(const struct ztt_page *page, const bool *picked)
{
	const struct ztt_capture *capture = page->capture;
	uint64_t count = 0, packets = 0, bytes = 0, lost = 0;
	char text[ZTT_UNITS_LEN];

	for (size_t i = 0; i < capture->connection_count; i++) {
		const struct ztt_connection *at = capture->connections[i];

		if (picked[i])
			continue;
		count++;
		packets += at->up.packets + at->down.packets;
		bytes += bytes_of(at);
		lost += at->up.lost + at->down.lost;
	}
	if (count)
		fprintf(page->out,
			"and %" PRIu64 " smaller connection%s: %" PRIu64
			" packets, %s, %" PRIu64
			" lost (--verbose shows each)\n\n",
			count, count > 1 ? "s" : "", packets,
			ztt_units_bytes(text, (double)bytes), lost);
	if (capture->connections_left_out)
		fprintf(page->out,
			"and %" PRIu64 " connections past the first %d, not "
			"looked into\n\n",
			capture->connections_left_out, ZTT_CONNECTIONS_MAX);
}

static void put_connections(const struct ztt_page *page)
{
	const struct ztt_capture *capture = page->capture;
	size_t most = page->verbose ? capture->connection_count : BLOCKS_MAX;
	bool *picked = pick(capture, most);

	for (size_t i = 0; i < capture->connection_count; i++)
		if (picked[i])
			ztt_page_connection(page, capture->connections[i]);
	put_rest(page, picked);
	free(picked);
}

static void put_undecoded(const struct ztt_page *page)
{
	const struct ztt_capture *capture = page->capture;
	uint64_t no_keys = capture->undecoded_by[ZTT_WHY_NO_KEYS];
	char text[512] = "";

	for (size_t i = 0; i < ZTT_WHYS; i++)
		if (capture->undecoded_by[i] && i != ZTT_WHY_NO_KEYS)
			ztt_page_append(text, sizeof(text),
					"%s%s (%" PRIu64 ")",
					text[0] ? ", " : ": ",
					ztt_why_text((enum ztt_why)i),
					capture->undecoded_by[i]);
	if (capture->undecoded)
		ztt_page_labelled(page, "undecoded", "%" PRIu64 " packet%s%s",
				  capture->undecoded,
				  capture->undecoded > 1 ? "s" : "", text);
	if (no_keys)
		ztt_page_labelled(page, "unopened",
				  "%" PRIu64 " packet%s, for want of a key",
				  no_keys, no_keys > 1 ? "s" : "");
}

static void put_capture(const struct ztt_page *page)
{
	const struct ztt_capture *capture = page->capture;
	const struct ztt_source_figures *source = &capture->source;
	char text[512], bytes[ZTT_UNITS_LEN];

	snprintf(text, sizeof(text), "%" PRIu64 " frames, %s", capture->frames,
		 ztt_units_bytes(bytes, (double)capture->bytes));
	if (capture->super_datagrams)
		ztt_page_append(text, sizeof(text),
				", %" PRIu64 " super-datagram%s split",
				capture->super_datagrams,
				capture->super_datagrams > 1 ? "s" : "");
	if (capture->inferred_super_datagrams)
		ztt_page_append(text, sizeof(text),
				" (%" PRIu64 " by inference)",
				capture->inferred_super_datagrams);
	if (capture->other)
		ztt_page_append(text, sizeof(text),
				", %" PRIu64 " of other traffic",
				capture->other);
	if (source->truncated)
		ztt_page_append(text, sizeof(text), ", %" PRIu64 " cut short",
				source->truncated);
	if (source->dropped_known)
		ztt_page_append(text, sizeof(text),
				", %" PRIu64 " dropped by the kernel",
				source->dropped);
	ztt_page_labelled(page, "capture", "%s", text);
	if (source->problem[0])
		ztt_page_labelled(page, "problem", "%s", source->problem);
	put_undecoded(page);
}

void ztt_capture_text(const struct ztt_capture *capture, bool color,
		      bool verbose, FILE *out)
{
	struct ztt_page page = {capture, out, color, verbose};
	char sentence[ZTT_CAPTURE_SENTENCE_LEN];

	put_connections(&page);
	put_capture(&page);
	fprintf(out, "%s%s%s\n", color ? ZTT_BOLD : "",
		ztt_capture_sentence(capture, sentence),
		color ? ZTT_PLAIN : "");
}
