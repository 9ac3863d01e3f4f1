#include "ztt-capture/report/report.h"

#include "common/json.h"
#include "common/version.h"
#include "ztt-capture/report/attribution_report.h"
#include "ztt-capture/report/report_known.h"

#define NS_PER_MS 1e6

/* The words of undecoded_by, in the order of enum ztt_why. */
static const char *const why_keys[ZTT_WHYS] = {
	[ZTT_WHY_CUT] = "cut",
	[ZTT_WHY_NO_KEYS] = "no_keys",
	[ZTT_WHY_KEYS_FAIL] = "keys_fail",
	[ZTT_WHY_MALFORMED] = "malformed",
	[ZTT_WHY_FRAME] = "frame",
	[ZTT_WHY_LINK] = "link",
	[ZTT_WHY_UNMATCHED] = "unmatched",
	[ZTT_WHY_FRAGMENT] = "fragment",
};

static void write_if(struct ztt_json *json, const char *key, bool known,
		     uint64_t value)
{
	if (known)
		ztt_json_uint(json, key, value);
	else
		ztt_json_null(json, key);
}

static void write_ms(struct ztt_json *json, const char *key, bool known,
		     uint64_t ns)
{
	if (known)
		ztt_json_number(json, key, (double)ns / NS_PER_MS);
	else
		ztt_json_null(json, key);
}

static void write_text(struct ztt_json *json, const char *key, const char *text)
{
	ztt_json_string(json, key, text && text[0] ? text : NULL);
}

static void write_endpoint(struct ztt_json *json, const char *key,
			   const struct ztt_endpoint *endpoint)
{
	char text[ZTT_ENDPOINT_LEN];

	write_text(json, key,
		   endpoint->family ? ztt_endpoint_text(endpoint, text) : NULL);
}

static void write_hist(struct ztt_json *json, const char *key,
		       const struct ztt_hist *hist)
{
	bool known = hist && ztt_hist_count(hist) > 0;

	ztt_json_object(json, key);
	write_if(json, "min", known, known ? ztt_hist_quantile(hist, 0) : 0);
	write_if(json, "p50", known, known ? ztt_hist_quantile(hist, 0.5) : 0);
	write_if(json, "p99", known, known ? ztt_hist_quantile(hist, 0.99) : 0);
	write_if(json, "count", true, known ? ztt_hist_count(hist) : 0);
	ztt_json_end_object(json);
}

static void write_ecn(struct ztt_json *json, const uint64_t ecn[4])
{
	ztt_json_object(json, "ecn");
	ztt_json_uint(json, "not_ect", ecn[0]);
	ztt_json_uint(json, "ect1", ecn[1]);
	ztt_json_uint(json, "ect0", ecn[2]);
	ztt_json_uint(json, "ce", ecn[3]);
	ztt_json_end_object(json);
}

static void write_direction(struct ztt_json *json,
			    const struct ztt_connection *connection,
			    const struct ztt_direction *at)
{
	struct ztt_known known = ztt_known_of(connection, at);

	ztt_json_object(json, NULL);
	ztt_json_string(json, "from",
			at == &connection->up ? "client" : "server");
	ztt_json_uint(json, "datagrams", at->datagrams);
	ztt_json_uint(json, "super_datagrams", at->super_datagrams);
	ztt_json_uint(json, "packets", at->packets);
	ztt_json_uint(json, "undecoded", at->undecoded);
	ztt_json_uint(json, "bytes", at->bytes);
	write_if(json, "lost", known.loss, at->lost);
	ztt_json_string(json, "loss_grade", ztt_grade_name(at->loss_grade));
	write_text(json, "loss_how", at->loss_how);
	write_if(json, "lost_before", known.where, at->lost_before);
	write_if(json, "lost_after", known.where, at->lost_after);
	write_if(json, "missed", known.frames, at->missed);
	write_if(json, "skipped", known.frames, at->skipped);
	write_if(json, "unanswered", known.frames, at->unanswered);
	write_if(json, "reordered", known.order, at->reordered);
	write_if(json, "duplicated", known.order, at->duplicated);
	write_if(json, "retransmitted", known.resent, at->retransmitted);
	write_if(json, "spurious", known.resent, at->spurious);
	write_hist(json, "rtt_us", at->rtt_us);
	write_hist(json, "ack_delay_us", at->ack_delay_us);
	write_ecn(json, at->ecn);
	write_if(json, "mtu_bytes", at->payload_most_bytes > 0,
		 at->payload_most_bytes);
	write_if(json, "in_flight_most_bytes",
		 known.blocked && at->in_flight_most_bytes > 0,
		 at->in_flight_most_bytes);
	write_if(json, "blocked", known.blocked, at->blocked);
	write_if(json, "key_updates", known.frames, at->key_updates);
	ztt_json_end_object(json);
}

static void write_closed(struct ztt_json *json,
			 const struct ztt_connection *connection)
{
	if (!connection->closed) {
		ztt_json_null(json, "closed");
		return;
	}
	ztt_json_object(json, "closed");
	ztt_json_uint(json, "code", connection->close_code);
	ztt_json_bool(json, "application", connection->close_application);
	ztt_json_string(json, "reason", connection->close_reason);
	ztt_json_end_object(json);
}

static const char *alpn_of(const struct ztt_connection *connection)
{
	if (connection->has_server_hello && connection->server_hello.alpn[0])
		return connection->server_hello.alpn;
	return connection->has_client_hello ? connection->client_hello.alpn
					    : NULL;
}

static void write_who(struct ztt_json *json,
		      const struct ztt_connection *connection)
{
	bool hello = connection->has_client_hello;
	char version[ZTT_VERSION_LEN];

	ztt_json_uint(json, "number", connection->number);
	ztt_json_string(json, "protocol",
			ztt_protocol_name(connection->protocol));
	write_text(json, "version",
		   ztt_quic_version_text(connection->version, version));
	write_endpoint(json, "client", &connection->client);
	write_endpoint(json, "server", &connection->server);
	write_text(json, "sni",
		   hello ? connection->client_hello.server_name : NULL);
	write_text(json, "alpn", alpn_of(connection));
	write_text(json, "ja4", hello ? connection->client_hello.ja4 : NULL);
	write_text(json, "cipher", connection->cipher);
	ztt_json_bool(json, "decrypted", connection->decrypted);
}

static void write_path_rtt(struct ztt_json *json,
			   const struct ztt_connection *connection)
{
	static const struct {
		const char *key;
		double fraction;
	} parts[] = {{"min", 0}, {"p50", 0.5}, {"p99", 0.99}};

	bool whole = ztt_path_rtt_known(connection);

	ztt_json_object(json, "path_rtt_us");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t us =
			ztt_connection_rtt_us(connection, parts[i].fraction);

		write_if(json, parts[i].key, whole, us);
	}
	ztt_json_end_object(json);
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
	return !a_ns || (b_ns && b_ns < a_ns) ? b_ns : a_ns;
}

static void write_course(struct ztt_json *json, const struct ztt_connection *at)
{
	int64_t first_ns = earlier(at->up.first_ns, at->down.first_ns);
	int64_t last_ns = at->up.last_ns > at->down.last_ns ? at->up.last_ns
							    : at->down.last_ns;
	bool inside = at->decrypted && at->protocol == ZTT_PROTOCOL_QUIC;

	ztt_json_bool(json, "began", at->began);
	ztt_json_bool(json, "retried", at->retried);
	ztt_json_bool(json, "version_negotiated", at->version_negotiated);
	ztt_json_bool(json, "stateless_reset", at->stateless_reset);
	if (first_ns)
		ztt_json_int(json, "first_ns", first_ns);
	else
		ztt_json_null(json, "first_ns");
	ztt_json_number(json, "lasted_ms",
			(double)(last_ns - first_ns) / NS_PER_MS);
	write_ms(json, "handshake_ms", at->handshake_ns > 0, at->handshake_ns);
	write_if(json, "handshake_round_trips", at->handshake_round_trips > 0,
		 at->handshake_round_trips);
	write_path_rtt(json, at);
	ztt_json_uint(json, "migrations", at->migrations);
	write_if(json, "streams", inside || at->streams > 0, at->streams);
	write_if(json, "requests", at->decrypted || at->requests > 0,
		 at->requests);
	write_ms(json, "longest_gap_ms", at->longest_gap_ns > 0,
		 at->longest_gap_ns);
	write_closed(json, at);
}

static void write_connection(struct ztt_json *json,
			     const struct ztt_connection *connection)
{
	ztt_json_object(json, NULL);
	write_who(json, connection);
	write_course(json, connection);
	ztt_json_array(json, "directions");
	write_direction(json, connection, &connection->up);
	write_direction(json, connection, &connection->down);
	ztt_json_end_array(json);
	ztt_json_string(json, "verdict", connection->verdict);
	ztt_json_end_object(json);
}

static void write_source(struct ztt_json *json,
			 const struct ztt_source_figures *source)
{
	ztt_json_object(json, "source");
	ztt_json_uint(json, "frames", source->frames);
	ztt_json_uint(json, "bytes", source->bytes);
	ztt_json_uint(json, "truncated", source->truncated);
	write_if(json, "dropped", source->dropped_known, source->dropped);
	write_text(json, "problem", source->problem);
	ztt_json_end_object(json);
}

void ztt_capture_json(const struct ztt_capture *capture, const char *of,
		      struct ztt_json *json)
{
	char sentence[ZTT_CAPTURE_SENTENCE_LEN];

	ztt_json_object(json, NULL);
	ztt_json_string(json, "schema", "ztt-capture/1");
	ztt_json_string(json, "version", ZTT_VERSION);
	ztt_json_string(json, "of", of);
	ztt_json_uint(json, "frames", capture->frames);
	ztt_json_uint(json, "bytes", capture->bytes);
	ztt_json_uint(json, "super_datagrams", capture->super_datagrams);
	ztt_json_uint(json, "inferred_super_datagrams",
		      capture->inferred_super_datagrams);
	ztt_json_uint(json, "other", capture->other);
	ztt_json_uint(json, "undecoded", capture->undecoded);
	ztt_json_object(json, "undecoded_by");
	for (size_t i = 0; i < ZTT_WHYS; i++)
		ztt_json_uint(json, why_keys[i], capture->undecoded_by[i]);
	ztt_json_end_object(json);
	write_source(json, &capture->source);
	ztt_json_array(json, "connections");
	for (size_t i = 0; i < capture->connection_count; i++)
		write_connection(json, capture->connections[i]);
	ztt_json_end_array(json);
	ztt_json_uint(json, "connections_left_out",
		      capture->connections_left_out);
	ztt_json_string(json, "verdict",
			ztt_capture_sentence(capture, sentence));
	if (capture->attribution)
		ztt_attribution_json(capture->attribution, json);
	ztt_json_end_object(json);
}
