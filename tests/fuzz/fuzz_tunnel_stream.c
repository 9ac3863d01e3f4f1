/* Any bytes as the head of a data stream, read as a request and as a response;
 * what can be read can be written and read again. */
#include "tunnel_stream.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t out[2 * ZTT_CONNECT_MAX_BYTES];

static void check(bool truth)
{
	if (!truth)
		abort();
}

static bool same(struct ztt_slice a, struct ztt_slice b)
{
	return a.len_bytes == b.len_bytes &&
	       (a.len_bytes == 0 || memcmp(a.at, b.at, a.len_bytes) == 0);
}

static void check_meta(const struct ztt_connect_meta *a, size_t a_count,
		       const struct ztt_connect_meta *b, size_t b_count)
{
	check(a_count == b_count);
	for (size_t i = 0; i < a_count; i++) {
		struct ztt_slice name = ztt_connect_header_name(a[i].key);

		check(name.len_bytes < a[i].key.len_bytes ||
		      name.len_bytes == 0);
		check(same(a[i].key, b[i].key));
		check(same(a[i].value, b[i].value));
	}
}

static void try_request(const uint8_t *data, size_t size)
{
	static struct ztt_connect_request request, again;
	ssize_t consumed = ztt_connect_request_decode(data, size, &request);
	ssize_t written;

	check(consumed <= (ssize_t)size);
	if (consumed <= 0)
		return;
	check(ztt_connect_request_decode(data, (size_t)consumed - 1, &again) ==
	      0);
	written = ztt_connect_request_encode(&request, out, sizeof(out));
	if (written < 0) {
		check(2 * consumed + 4096 > ZTT_CONNECT_MAX_BYTES);
		return;
	}
	check(ztt_connect_request_decode(out, (size_t)written, &again) ==
	      written);
	check(request.type == again.type && same(request.dest, again.dest));
	check_meta(request.meta, request.meta_count, again.meta,
		   again.meta_count);
}

static void try_response(const uint8_t *data, size_t size)
{
	static struct ztt_connect_response response, again;
	ssize_t consumed = ztt_connect_response_decode(data, size, &response);
	ssize_t written;

	check(consumed <= (ssize_t)size);
	if (consumed <= 0)
		return;
	written = ztt_connect_response_encode(&response, out, sizeof(out));
	if (written < 0) {
		check(2 * consumed + 4096 > ZTT_CONNECT_MAX_BYTES);
		return;
	}
	check(ztt_connect_response_decode(out, (size_t)written, &again) ==
	      written);
	check(same(response.error, again.error));
	check_meta(response.meta, response.meta_count, again.meta,
		   again.meta_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum ztt_stream_kind kind;
	ssize_t preamble = ztt_stream_preamble(data, size, &kind);

	check(preamble <= 0 || preamble == 6);
	try_request(data, size);
	try_response(data, size);
	return 0;
}
