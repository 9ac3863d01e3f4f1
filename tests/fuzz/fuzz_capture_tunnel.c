/* Any bytes as pieces of streams, of the control stream and datagrams of a
 * tunnel: each piece has a head of 4 bytes that says where it belongs. */
#include "ztt-capture/decode/tunnel.h"

#include <stdlib.h>
#include <string.h>

#include "ztt-capture/decode/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void check_line(const struct ztt_line *line)
{
	check(line->len_bytes < line->cap_bytes);
	check(strlen(line->at) == line->len_bytes);
	for (size_t i = 0; i < line->len_bytes; i++)
		check((unsigned char)line->at[i] >= ' ' && line->at[i] != 0x7f);
}

/* A copy of its own, so that reading past its end is seen. */
static void feed(struct ztt_tunnel *tunnel, unsigned where, uint64_t offset,
		 const uint8_t *piece, size_t len, struct ztt_line *line)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, piece, len);
	if (where & 0x80)
		ztt_tunnel_datagram(tunnel, where & 1, copy, len, line);
	else
		ztt_tunnel_stream(tunnel, where >> 2 & 0x1f, where & 1, offset,
				  copy, len, where & 2 ? line : NULL);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ztt_bytes bytes = ztt_bytes_of(data, size);
	struct ztt_tunnel *tunnel = ztt_tunnel_new();
	uint64_t offsets[256] = {0};

	while (ztt_bytes_left(&bytes)) {
		char text[256];
		const unsigned where = ztt_bytes_u8(&bytes);
		const uint8_t jump = ztt_bytes_u8(&bytes);
		struct ztt_line line =
			ztt_line_of(text, 1 + (size_t)jump % sizeof(text));
		size_t len = ztt_bytes_u16(&bytes);
		const uint8_t *piece;

		if (len > ztt_bytes_left(&bytes))
			len = ztt_bytes_left(&bytes);
		piece = ztt_bytes_take(&bytes, len);
		if (jump & 0x80)
			offsets[where] += (jump & 0x7fu) * 64;
		feed(tunnel, where, offsets[where], piece, len, &line);
		check_line(&line);
		if (!(jump & 0x40))
			offsets[where] += len;
	}
	check(ztt_tunnel_facts(tunnel)->requests <= size);
	ztt_tunnel_free(tunnel);
	return 0;
}
