#define _GNU_SOURCE
#include "ztt-bench/parts/load/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/err.h"
#include "ztt-bench/parts/load/plan.h"

#define HEAD_MAX_BYTES (ZTT_LOAD_PATH_MAX_BYTES + ZTT_LOAD_HOST_MAX_BYTES + 256)
#define COMMON_LINES "Host: %s\r\nUser-Agent: ztt-bench\r\nAccept: */*\r\n"

static int format_down(char *out, const struct ztt_load_plan *plan,
		       uint64_t size_bytes)
{
	char blob[48];

	snprintf(blob, sizeof(blob), "/blob?bytes=%" PRIu64, size_bytes);
	return snprintf(out, HEAD_MAX_BYTES,
			"GET %s HTTP/1.1\r\n" COMMON_LINES "\r\n",
			plan->path[0] ? plan->path : blob, plan->host);
}

static int format_up(char *out, const struct ztt_load_plan *plan,
		     uint64_t size_bytes)
{
	return snprintf(out, HEAD_MAX_BYTES,
			"POST %s HTTP/1.1\r\n" COMMON_LINES
			"Content-Type: application/octet-stream\r\n"
			"Content-Length: %" PRIu64 "\r\n\r\n",
			plan->path[0] ? plan->path : "/sink", plan->host,
			size_bytes);
}

void ztt_load_requests_init(struct ztt_load_requests *requests,
			    const struct ztt_load_plan *plan, bool up)
{
	bool one_path = plan->path[0] && !up;
	char head[HEAD_MAX_BYTES];

	requests->count = one_path ? 1 : plan->mix.part_count;
	requests->all = ztt_calloc(requests->count, sizeof(requests->all[0]));
	for (size_t i = 0; i < requests->count; i++) {
		struct ztt_load_request *request = &requests->all[i];
		uint64_t size_bytes =
			one_path ? 0 : plan->mix.parts[i].size_bytes;
		int len = up ? format_up(head, plan, size_bytes)
			     : format_down(head, plan, size_bytes);

		request->head = ztt_strdup(head);
		request->head_len_bytes = (size_t)len;
		request->body_bytes = up ? size_bytes : 0;
	}
}

void ztt_load_requests_release(struct ztt_load_requests *requests)
{
	for (size_t i = 0; i < requests->count; i++)
		free(requests->all[i].head);
	free(requests->all);
}
