#define _GNU_SOURCE
#include "ztt-capture/flow/tls_flow.h"

#include <string.h>

/* A gap of so many bytes may hold a record: head, type and tag. */
#define RECORD_BYTES_LEAST 22
/* What HTTP/2's state takes while header tables are as usual, and the tunnel's
 * at most. */
#define HTTP2_BYTES 24576
#define TUNNEL_BYTES 65536

static struct ztt_tls_keys *find_keys(const struct ztt_tls_way *way,
				      enum ztt_secret_kind kind)
{
	const struct ztt_connection *connection = way->flow->connection;
	struct ztt_key_log *log = ztt_flows_plan(way->flow->flows)->keys;
	size_t len;
	const uint8_t *secret =
		ztt_key_log_find(log, connection->client_hello.random, kind,
				 &len);

	if (!secret)
		return NULL;
	return ztt_tls_keys_new(connection->server_hello.cipher_suite, secret,
				len);
}

/* Secrets come to be known when the ServerHello was seen, or later when the
 * key log grows. */
static void search_keys(struct ztt_tls_way *way)
{
	const struct ztt_connection *connection = way->flow->connection;
	struct ztt_key_log *log = ztt_flows_plan(way->flow->flows)->keys;

	if (!log || !way->flow->is_13 || !connection->has_client_hello ||
	    (way->handshake && way->traffic) ||
	    ztt_key_log_count(log) == way->secrets_seen)
		return;
	way->secrets_seen = ztt_key_log_count(log);
	if (!way->handshake && !way->finished && !way->opened) {
		way->handshake =
			find_keys(way, way->up ? ZTT_SECRET_CLIENT_HANDSHAKE
					       : ZTT_SECRET_SERVER_HANDSHAKE);
		if (way->handshake)
			ztt_tls_keys_skip(way->handshake, way->passed);
	}
	if (way->traffic)
		return;
	way->traffic = find_keys(way, way->up ? ZTT_SECRET_CLIENT_TRAFFIC
					      : ZTT_SECRET_SERVER_TRAFFIC);
	if (way->traffic)
		ztt_tls_keys_skip(way->traffic, way->passed);
}

bool ztt_tls_session_wants(void *owner, uint8_t type)
{
	struct ztt_tls_way *way = owner;

	if (type == ZTT_TLS_HANDSHAKE || type == ZTT_TLS_ALERT)
		return !way->ciphered;
	if (type != ZTT_TLS_APPLICATION)
		return false;
	search_keys(way);
	return way->handshake || way->traffic;
}

static struct ztt_tunnel *begin_tunnel(void *owner)
{
	struct ztt_tls_flow *flow = owner;

	if (!flow->tunnel && ztt_tls_flow_reserve(&flow->ways[0], TUNNEL_BYTES))
		flow->tunnel = ztt_tunnel_new();
	return flow->tunnel;
}

static bool begin_http2(struct ztt_tls_flow *flow)
{
	if (flow->http2)
		return true;
	if (!ztt_tls_flow_reserve(&flow->ways[0], HTTP2_BYTES))
		return false;
	flow->http2 = ztt_http2_new(begin_tunnel, flow);
	return true;
}

static void say_alert(struct ztt_tls_way *way, const uint8_t *data,
		      size_t len_bytes)
{
	ztt_line_next(way->flow->line);
	if (len_bytes == 2 && data[1] == 0)
		ztt_line_add(way->flow->line, "close_notify");
	else if (len_bytes == 2)
		ztt_line_add(way->flow->line, "alert %u", data[1]);
	else
		ztt_line_add(way->flow->line, "alert");
}

static void application_data(struct ztt_tls_way *way,
			     const struct ztt_tls_opened *opened)
{
	struct ztt_tls_flow *flow = way->flow;
	struct ztt_connection *connection = flow->connection;
	const struct ztt_http2_facts *facts;

	connection->decrypted = true;
	if (!begin_http2(flow))
		return;
	if (opened->skipped)
		ztt_http2_gap(flow->http2, way->up, 0);
	ztt_http2_data(flow->http2, way->up, opened->data, opened->len_bytes,
		       flow->line);
	facts = ztt_http2_facts(flow->http2);
	connection->streams = facts->streams;
	connection->requests = facts->requests;
	if (!facts->seen) {
		ztt_line_next(flow->line);
		ztt_line_add(flow->line, "application data %zu bytes",
			     opened->len_bytes);
	}
}

/* The keys that are due; when those of the handshake do not fit, it may have
 * ended in what was not seen. */
static int open_record(struct ztt_tls_way *way,
		       const struct ztt_tls_record *record, uint8_t *out,
		       struct ztt_tls_opened *opened)
{
	if (!way->finished && way->handshake &&
	    ztt_tls_open(way->handshake, record, out, opened) == 0)
		return 0;
	if (!way->traffic ||
	    ztt_tls_open(way->traffic, record, out, opened) < 0)
		return -1;
	way->finished = true;
	return 0;
}

static void not_opened(struct ztt_tls_way *way, enum ztt_why why)
{
	way->passed++;
	way->flow->why = why;
	if (way->finished && way->traffic) {
		ztt_tls_keys_skip(way->traffic, 1);
		if (way->flow->http2)
			ztt_http2_gap(way->flow->http2, way->up, 0);
	} else if (way->handshake && way->opened) {
		ztt_tls_keys_skip(way->handshake, 1);
		ztt_tls_handshake_lose(way);
	}
}

static void use_opened(struct ztt_tls_way *way,
		       const struct ztt_tls_opened *opened)
{
	way->opened = true;
	switch (opened->type) {
	case ZTT_TLS_APPLICATION:
		application_data(way, opened);
		break;
	case ZTT_TLS_HANDSHAKE:
		ztt_tls_handshake_data(way, opened->data, opened->len_bytes);
		break;
	case ZTT_TLS_ALERT:
		say_alert(way, opened->data, opened->len_bytes);
		break;
	default:
		way->flow->why = ZTT_WHY_MALFORMED;
	}
}

/* The client's first that is protected comes when the server's flight has. */
static void time_handshake(struct ztt_tls_way *way)
{
	struct ztt_tls_flow *flow = way->flow;
	struct ztt_connection *connection = flow->connection;

	if (!way->up || connection->handshake_ns ||
	    !connection->has_server_hello || !flow->measure.both_syn ||
	    flow->at_ns <= flow->measure.syn_ns)
		return;
	connection->handshake_ns =
		(uint64_t)(flow->at_ns - flow->measure.syn_ns);
	connection->handshake_round_trips =
		(flow->is_13 ? 2u : 3u) + flow->hello_retries;
}

/* Why a record that is not there, or has no keys, cannot be opened. */
static enum ztt_why why_not(const struct ztt_tls_way *way,
			    const struct ztt_tls_record *record)
{
	const struct ztt_tls_flow *flow = way->flow;

	if (!ztt_flows_plan(flow->flows)->keys)
		return ZTT_WHY_NO_KEYS;
	if (!flow->connection->has_client_hello)
		return ZTT_WHY_UNMATCHED;
	if (!record->broken || !(way->handshake || way->traffic))
		return ZTT_WHY_NO_KEYS;
	return way->cut ? ZTT_WHY_CUT : ZTT_WHY_UNMATCHED;
}

static void application_record(struct ztt_tls_way *way,
			       const struct ztt_tls_record *record)
{
	struct ztt_flows_scratch *scratch = ztt_flows_scratch(way->flow->flows);
	struct ztt_tls_opened opened;

	time_handshake(way);
	if (!record->data || !(way->handshake || way->traffic))
		not_opened(way, why_not(way, record));
	else if (open_record(way, record, scratch->opened, &opened) < 0)
		not_opened(way, ZTT_WHY_KEYS_FAIL);
	else
		use_opened(way, &opened);
}

void ztt_tls_session_record(void *owner, const struct ztt_tls_record *record)
{
	struct ztt_tls_way *way = owner;
	const uint8_t *body =
		record->data ? record->data + ZTT_TLS_HEAD_BYTES : NULL;

	switch (record->type) {
	case ZTT_TLS_APPLICATION:
		application_record(way, record);
		break;
	case ZTT_TLS_HANDSHAKE:
		if (body)
			ztt_tls_handshake_data(way, body, record->body_bytes);
		else
			ztt_tls_handshake_lose(way);
		break;
	case ZTT_TLS_ALERT:
		if (body)
			say_alert(way, body, record->body_bytes);
		break;
	default: /* without a meaning in TLS 1.3 (RFC 8446, section 5) */
		way->ciphered = way->flow->connection->has_server_hello &&
				!way->flow->is_13;
	}
}

void ztt_tls_session_gap(struct ztt_tls_way *way, uint64_t len_bytes)
{
	const uint64_t records = len_bytes / RECORD_BYTES_LEAST + 1;

	ztt_tls_reader_gap(&way->reader, len_bytes);
	if (!way->reader.lost)
		return;
	way->passed += records;
	ztt_tls_handshake_lose(way);
	if (way->handshake)
		ztt_tls_keys_skip(way->handshake, records);
	if (way->traffic)
		ztt_tls_keys_skip(way->traffic, records);
	if (way->flow->http2)
		ztt_http2_gap(way->flow->http2, way->up, 0);
}

void ztt_tls_session_release(struct ztt_tls_way *way)
{
	ztt_tls_handshake_lose(way);
	ztt_tls_reader_release(&way->reader);
	ztt_tls_keys_free(way->handshake);
	ztt_tls_keys_free(way->traffic);
	way->handshake = way->traffic = NULL;
}
