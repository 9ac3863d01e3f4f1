/* The first byte picks: 'q' a request, 'r' a response, anything else a chunked
 * body, cut every so many bytes. */
#include "http1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static ssize_t parse(bool request, const char *data, size_t size,
		     struct ztt_http1_head *ret_head)
{
	return request ? ztt_http1_request(data, size, ret_head)
		       : ztt_http1_response(data, size, ret_head);
}

static size_t put(char *out, size_t at, struct ztt_slice slice,
		  const char *after)
{
	if (slice.len_bytes)
		memcpy(out + at, slice.at, slice.len_bytes);
	strcpy(out + at + slice.len_bytes, after);
	return at + slice.len_bytes + strlen(after);
}

/* The same head, spelled plainly. */
static size_t spell(bool request, const struct ztt_http1_head *head, char *out)
{
	size_t at = 0;

	if (request) {
		at = put(out, at, head->method, " ");
		at = put(out, at, head->target, " HTTP/1.1\r\n");
	} else {
		at = (size_t)sprintf(out, "HTTP/1.1 %u \r\n", head->status);
	}
	for (size_t i = 0; i < head->header_count; i++) {
		at = put(out, at, head->headers[i].name, ":");
		at = put(out, at, head->headers[i].value, "\r\n");
	}
	return put(out, at, (struct ztt_slice){NULL, 0}, "\r\n");
}

static void check_same(const struct ztt_http1_head *a,
		       const struct ztt_http1_head *b)
{
	check(same(a->method, b->method) && same(a->target, b->target));
	check(a->status == b->status && a->header_count == b->header_count);
	check(a->content_length == b->content_length);
	check(a->chunked == b->chunked && same(a->host, b->host));
	for (size_t i = 0; i < a->header_count; i++) {
		check(same(a->headers[i].name, b->headers[i].name));
		check(same(a->headers[i].value, b->headers[i].value));
	}
}

static void try_head(bool request, const char *data, size_t size)
{
	static char out[ZTT_HTTP1_HEAD_MAX_BYTES + 1024];
	static struct ztt_http1_head head, again;
	ssize_t len = parse(request, data, size, &head);
	size_t spelled;

	check(len <= (ssize_t)size);
	if (len <= 0) {
		for (size_t cut = 0; cut < size && size < 512; cut++)
			check(parse(request, data, cut, &again) <= 0);
		return;
	}
	check(parse(request, data, (size_t)len - 1, &again) == 0);
	check(parse(request, data, (size_t)len, &again) == len);
	spelled = spell(request, &head, out);
	if (spelled > ZTT_HTTP1_HEAD_MAX_BYTES)
		return;
	check(parse(request, out, spelled, &again) == (ssize_t)spelled);
	check_same(&head, &again);
}

/* A chunked body read in pieces: what came out, or -errno. */
static ssize_t dechunk(const char *data, size_t size, size_t step, char *out,
		       size_t *ret_used, bool *ret_end)
{
	struct ztt_http1_chunks chunks = {0};
	size_t at = 0, out_len = 0;

	*ret_end = false;
	while (at < size && !*ret_end) {
		size_t piece = size - at < step ? size - at : step;
		struct ztt_slice run;
		ssize_t used = ztt_http1_chunk(&chunks, data + at, piece, &run,
					       ret_end);

		if (used < 0)
			return used;
		check(used > 0 && (size_t)used <= piece);
		check(run.at >= data && run.at + run.len_bytes <= data + size);
		memcpy(out + out_len, run.at, run.len_bytes);
		out_len += run.len_bytes;
		at += (size_t)used;
	}
	*ret_used = at;
	return (ssize_t)out_len;
}

static void try_chunks(size_t step, const char *data, size_t size)
{
	char *whole = malloc(size + 1), *cut = malloc(size + 1);
	size_t whole_used = 0, cut_used = 0;
	bool whole_end, cut_end;
	ssize_t whole_len =
		dechunk(data, size, size, whole, &whole_used, &whole_end);
	ssize_t cut_len = dechunk(data, size, step, cut, &cut_used, &cut_end);

	check(whole_len == cut_len);
	if (whole_len >= 0) {
		check(whole_used == cut_used && whole_end == cut_end);
		check(memcmp(whole, cut, (size_t)whole_len) == 0);
	}
	free(whole);
	free(cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == 'q' || data[0] == 'r')
		try_head(data[0] == 'q', (const char *)data + 1, size - 1);
	else if (size > 1)
		try_chunks((size_t)data[0] % 16 + 1, (const char *)data + 1,
			   size - 1);
	return 0;
}
