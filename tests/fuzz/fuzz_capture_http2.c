/* Any bytes as both directions of an HTTP/2 connection: pieces with a head of
 * 3 bytes that says which and how long, or that bytes are missing. */
#include "ztt-capture/decode/http2.h"

#include <stdlib.h>
#include <string.h>

#include "ztt-capture/decode/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static struct ztt_tunnel *give_tunnel(void *owner)
{
	return owner;
}

static void feed(struct ztt_http2 *http2, bool up, const uint8_t *piece,
		 size_t len)
{
	char text[512];
	struct ztt_line line = ztt_line_of(text, sizeof(text));
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, piece, len);
	ztt_http2_data(http2, up, copy, len, &line);
	check(strlen(text) == line.len_bytes);
	check(line.len_bytes < sizeof(text));
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ztt_bytes bytes = ztt_bytes_of(data, size);
	struct ztt_tunnel *tunnel = ztt_tunnel_new();
	struct ztt_http2 *http2 = ztt_http2_new(give_tunnel, tunnel);

	while (ztt_bytes_left(&bytes)) {
		const uint8_t which = ztt_bytes_u8(&bytes);
		size_t len = ztt_bytes_u16(&bytes);

		if (which & 0x80) {
			ztt_http2_gap(http2, which & 1, len);
			continue;
		}
		if (len > ztt_bytes_left(&bytes))
			len = ztt_bytes_left(&bytes);
		feed(http2, which & 1, ztt_bytes_take(&bytes, len), len);
	}
	check(ztt_http2_facts(http2)->requests <=
	      ztt_http2_facts(http2)->streams);
	check(ztt_http2_facts(http2)->streams <=
	      ztt_http2_facts(http2)->frames);
	ztt_http2_free(http2);
	ztt_tunnel_free(tunnel);
	return 0;
}
