#include "ztt-bench/parts/origin/endpoints.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/http1.h"
#include "ztt-bench/parts/origin/blob.h"
#include "ztt-bench/parts/origin/conn.h"
#include "ztt-bench/parts/origin/echo.h"

#define BLOB_MAX_BYTES (UINT64_C(1) << 40)
#define DELAY_MAX_MS UINT64_C(3600000)
#define COPY_MAX_BYTES 8192 /* below it a copy is cheaper than sendfile */
#define TEXT "text/plain"

struct endpoint {
	const char *path;
	const char *param; /* key of the number in its query, or NULL */
	uint64_t param_max;
	int (*answer)(struct ztt_origin_conn *conn);
	const char *usage, *help;
};

static int answer_help(struct ztt_origin_conn *conn);

static int answer_blob(struct ztt_origin_conn *conn)
{
	uint64_t bytes = conn->param;

	ztt_origin_put_head(conn, "200 OK", "application/octet-stream", bytes);
	conn->blob_at_bytes = conn->blob_left_bytes = 0;
	if (!conn->head_only && bytes <= COPY_MAX_BYTES)
		ztt_origin_put(conn, conn->blob->data, (size_t)bytes);
	else if (!conn->head_only)
		conn->blob_left_bytes = bytes;
	conn->step = ztt_origin_send;
	return ZTT_ORIGIN_ON;
}

static int answer_sink(struct ztt_origin_conn *conn)
{
	char text[48];

	snprintf(text, sizeof(text), "{\"bytes\":%" PRIu64 "}\n",
		 conn->body_bytes);
	return ztt_origin_answer(conn, "200 OK", "application/json", text);
}

static int answer_echo(struct ztt_origin_conn *conn)
{
	return ztt_origin_answer(conn, "200 OK", "application/octet-stream",
				 "");
}

static int answer_delayed(struct ztt_origin_conn *conn)
{
	return ztt_origin_answer(conn, "200 OK", TEXT, "ok\n");
}

static int answer_delay(struct ztt_origin_conn *conn)
{
	conn->answer = answer_delayed;
	return ztt_origin_wait(conn, conn->param * ZTT_NS_PER_MS);
}

static int answer_unknown(struct ztt_origin_conn *conn)
{
	return ztt_origin_answer(conn, "404 Not Found", TEXT,
				 "No such endpoint; / lists them.\n");
}

static int answer_bad_query(struct ztt_origin_conn *conn)
{
	return ztt_origin_answer(conn, "400 Bad Request", TEXT,
				 "The query is missing, no number, or too "
				 "large; / lists what is taken.\n");
}

static int answer_bad_upgrade(struct ztt_origin_conn *conn)
{
	return ztt_origin_answer(conn, "400 Bad Request", TEXT,
				 "Only an upgrade to WebSocket version 13 is "
				 "known here.\n");
}

static const struct endpoint endpoints[] = {
	{"/", NULL, 0, answer_help, "/", "this list"},
	{"/blob", "bytes", BLOB_MAX_BYTES, answer_blob, "/blob?bytes=N",
	 "N bytes of noise, at most 1 TiB"},
	{"/sink", NULL, 0, answer_sink, "/sink",
	 "throws the body away and counts it"},
	{"/echo", NULL, 0, answer_echo, "/echo",
	 "sends the body back as it comes; WebSocket too"},
	{"/delay", "ms", DELAY_MAX_MS, answer_delay, "/delay?ms=N",
	 "answers after N ms, at most an hour"},
};

#define ENDPOINT_COUNT (sizeof(endpoints) / sizeof(endpoints[0]))

void ztt_origin_print_endpoints(FILE *out)
{
	for (size_t i = 0; i < ENDPOINT_COUNT; i++)
		fprintf(out, "  %-15s %s\n", endpoints[i].usage,
			endpoints[i].help);
}

static int answer_help(struct ztt_origin_conn *conn)
{
	char text[1024] = "";
	size_t used = 0;

	for (size_t i = 0; i < ENDPOINT_COUNT; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%-15s %s\n", endpoints[i].usage,
					 endpoints[i].help);
	return ztt_origin_answer(conn, "200 OK", TEXT, text);
}

static struct ztt_slice cut(struct ztt_slice *rest, char separator)
{
	const char *found = NULL;
	struct ztt_slice first = *rest;

	if (rest->len_bytes)
		found = memchr(rest->at, separator, rest->len_bytes);
	if (!found) {
		rest->len_bytes = 0;
		return first;
	}
	first.len_bytes = (size_t)(found - rest->at);
	rest->at = found + 1;
	rest->len_bytes -= first.len_bytes + 1;
	return first;
}

static bool same(struct ztt_slice slice, const char *text)
{
	return slice.len_bytes == strlen(text) &&
	       memcmp(slice.at, text, slice.len_bytes) == 0;
}

static int parse_number(struct ztt_slice digits, uint64_t max,
			uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!digits.len_bytes)
		return -EINVAL;
	for (size_t i = 0; i < digits.len_bytes; i++) {
		if (digits.at[i] < '0' || digits.at[i] > '9')
			return -EINVAL;
		value = value * 10 + (uint64_t)(digits.at[i] - '0');
		if (value > max)
			return -ERANGE;
	}
	*ret_value = value;
	return 0;
}

static int find_param(struct ztt_slice query, const struct endpoint *endpoint,
		      uint64_t *ret_value)
{
	while (query.len_bytes) {
		struct ztt_slice value = cut(&query, '&');
		struct ztt_slice key = cut(&value, '=');

		if (same(key, endpoint->param))
			return parse_number(value, endpoint->param_max,
					    ret_value);
	}
	return -EINVAL;
}

static const struct endpoint *find_endpoint(struct ztt_slice path)
{
	for (size_t i = 0; i < ENDPOINT_COUNT; i++)
		if (same(path, endpoints[i].path))
			return &endpoints[i];
	return NULL;
}

static void route_echo(struct ztt_origin_conn *conn,
		       const struct ztt_http1_head *head)
{
	if (!head->upgrade) {
		if (!conn->body_done && !conn->head_only)
			ztt_origin_echo_begin(conn);
	} else if (!conn->body_done ||
		   ztt_origin_websocket_begin(conn, head) < 0) {
		conn->answer = answer_bad_upgrade;
	}
}

void ztt_origin_route(struct ztt_origin_conn *conn,
		      const struct ztt_http1_head *head)
{
	struct ztt_slice query = head->target;
	struct ztt_slice path = cut(&query, '?');
	const struct endpoint *endpoint = find_endpoint(path);

	conn->answer = endpoint ? endpoint->answer : answer_unknown;
	if (endpoint && endpoint->param &&
	    find_param(query, endpoint, &conn->param) < 0)
		conn->answer = answer_bad_query;
	if (conn->answer == answer_echo)
		route_echo(conn, head);
}
