#include "ztt-bench/parts/load/response.h"

#include <errno.h>

#define STATUS_INFORMATIONAL_MAX 199
#define STATUS_SWITCHING 101
#define STATUS_NO_CONTENT 204
#define STATUS_NOT_MODIFIED 304

static void begin_body(struct ztt_load_response *response,
		       const struct ztt_http1_head *head)
{
	response->status = head->status;
	response->keep_alive = head->keep_alive;
	response->left_bytes = 0;
	response->framing = ZTT_LOAD_LENGTH;
	if (head->status == STATUS_NO_CONTENT ||
	    head->status == STATUS_NOT_MODIFIED) {
		response->done = true;
	} else if (head->chunked) {
		response->framing = ZTT_LOAD_CHUNKED;
		response->chunks = (struct ztt_http1_chunks){0};
	} else if (head->content_length == ZTT_HTTP1_LENGTH_UNKNOWN) {
		response->framing = ZTT_LOAD_TO_CLOSE;
		response->keep_alive = false;
	} else {
		response->left_bytes = head->content_length;
		response->done = head->content_length == 0;
	}
}

static int read_head(struct ztt_load_response *response, const char *data,
		     size_t len_bytes, size_t *used)
{
	struct ztt_http1_head head;
	ssize_t len;

	do {
		len = ztt_http1_response(data + *used, len_bytes - *used,
					 &head);
		if (len <= 0)
			return (int)len;
		*used += (size_t)len;
		if (head.status == STATUS_SWITCHING)
			return -EPROTO;
	} while (head.status <= STATUS_INFORMATIONAL_MAX && *used < len_bytes);
	if (head.status > STATUS_INFORMATIONAL_MAX)
		begin_body(response, &head);
	return 0;
}

static int read_chunks(struct ztt_load_response *response, const char *data,
		       size_t len_bytes, size_t *used)
{
	struct ztt_slice body = {data, 0};
	ssize_t taken;

	do {
		taken = ztt_http1_chunk(&response->chunks, data + *used,
					len_bytes - *used, &body,
					&response->done);
		if (taken < 0)
			return (int)taken;
		*used += (size_t)taken;
		response->body_bytes += body.len_bytes;
	} while (taken && !response->done && *used < len_bytes);
	return 0;
}

void ztt_load_response_skip(struct ztt_load_response *response, uint64_t bytes)
{
	response->left_bytes -= bytes;
	response->body_bytes += bytes;
	response->done = response->left_bytes == 0;
}

int ztt_load_response_read(struct ztt_load_response *response, const char *data,
			   size_t len_bytes, size_t *ret_used_bytes)
{
	size_t used = 0, left;
	int rc = 0;

	if (response->framing == ZTT_LOAD_HEAD)
		rc = read_head(response, data, len_bytes, &used);
	left = len_bytes - used;
	if (rc == 0 && response->framing == ZTT_LOAD_CHUNKED && left) {
		rc = read_chunks(response, data, len_bytes, &used);
	} else if (response->framing == ZTT_LOAD_TO_CLOSE) {
		response->body_bytes += left;
		used += left;
	} else if (response->framing == ZTT_LOAD_LENGTH && !response->done) {
		if (left > response->left_bytes)
			left = (size_t)response->left_bytes;
		ztt_load_response_skip(response, left);
		used += left;
	}
	if (rc == 0)
		*ret_used_bytes = used;
	return rc;
}
