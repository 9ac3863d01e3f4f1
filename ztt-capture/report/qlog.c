#include "ztt-capture/report/qlog_event.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "common/err.h"
#include "common/version.h"

#define WRITE_BYTES 65536
#define NS_PER_S 1000000000
#define ECN_NONE 255
#define RECORD_SEPARATOR "\x1e" /* RFC 7464 */

struct ztt_qlog {
	struct ztt_qlog_plan plan;
	struct ztt_filter filter;
	struct ztt_buffer buffer; /* what is not written yet; 0.3: one event */
	struct ztt_qlog_spool spool;
	struct ztt_qlog_connection *connections[ZTT_CONNECTIONS_MAX + 1];
	uint64_t events;
	bool begun;
	int64_t first_ns; /* of the first packet: time 0 */
	int failed;
};

int ztt_qlog_version_parse(const char *text, enum ztt_qlog_version *ret_version,
			   struct ztt_err *err)
{
	if (strcmp(text, "0.3") == 0)
		*ret_version = ZTT_QLOG_03;
	else if (strcmp(text, "14") == 0)
		*ret_version = ZTT_QLOG_14;
	else
		return ztt_err_set(err, -EINVAL,
				   "there is no qlog version \"%s\": 0.3 or 14",
				   text);
	return 0;
}

int ztt_qlog_new(const struct ztt_qlog_plan *plan, struct ztt_qlog **ret_qlog,
		 struct ztt_err *err)
{
	struct ztt_qlog *qlog = ztt_calloc(1, sizeof(*qlog));
	int ret = 0;

	qlog->plan = *plan;
	qlog->spool.fd = -1;
	if (plan->filter)
		qlog->filter = *plan->filter;
	if (plan->version == ZTT_QLOG_03)
		ret = ztt_qlog_spool_open(&qlog->spool, err);
	if (ret < 0)
		ztt_qlog_free(qlog);
	else
		*ret_qlog = qlog;
	return ret;
}

void ztt_qlog_free(struct ztt_qlog *qlog)
{
	if (!qlog)
		return;
	for (size_t i = 0; i <= ZTT_CONNECTIONS_MAX; i++) {
		if (!qlog->connections[i])
			continue;
		ztt_qlog_chain_release(&qlog->connections[i]->chain);
		free(qlog->connections[i]);
	}
	ztt_qlog_spool_close(&qlog->spool);
	free(qlog->buffer.data);
	free(qlog);
}

static void write_out(struct ztt_qlog *qlog)
{
	size_t len = qlog->buffer.len_bytes;

	qlog->buffer.len_bytes = 0;
	errno = 0;
	if (qlog->failed || !len)
		return;
	if (fwrite(qlog->buffer.data, 1, len, qlog->plan.out) != len)
		qlog->failed = errno ? -errno : -EIO;
}

static void put_group(struct ztt_qlog *qlog,
		      struct ztt_qlog_connection *connection,
		      const struct ztt_packet *packet)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t number = packet->connection->number;
	const struct ztt_cid *dcid = &packet->header->dcid;
	char *to = connection->group;

	if (!packet->up || packet->header->type != ZTT_PACKET_INITIAL ||
	    !dcid->len_bytes) {
		snprintf(to, ZTT_QLOG_GROUP_LEN, "connection-%u",
			 (unsigned)number);
		return;
	}
	for (size_t i = 0; i < dcid->len_bytes; i++) {
		*to++ = digits[dcid->data[i] >> 4];
		*to++ = digits[dcid->data[i] & 15];
	}
	*to = '\0';
	/* Seen at two points, or made up: still one group for each. */
	for (size_t i = 0; i <= ZTT_CONNECTIONS_MAX; i++)
		if (qlog->connections[i] && strcmp(qlog->connections[i]->group,
						   connection->group) == 0) {
			snprintf(to, 16, "-%u", (unsigned)number);
			return;
		}
}

static struct ztt_qlog_connection *meet(struct ztt_qlog *qlog,
					const struct ztt_packet *packet)
{
	struct ztt_qlog_connection *at = ztt_calloc(1, sizeof(*at));

	at->connection = packet->connection;
	at->last_ns = INT64_MIN;
	at->ecn[0] = at->ecn[1] = ECN_NONE;
	at->tuples[0].client = packet->connection->client;
	at->tuples[0].server = packet->connection->server;
	at->tuple_count = 1;
	put_group(qlog, at, packet);
	qlog->connections[packet->connection->number] = at;
	return at;
}

/* "2026-11-22T13:06:33.123456789Z" */
static void put_date(struct ztt_buffer *out, int64_t at_ns)
{
	time_t at_s = (time_t)(at_ns / NS_PER_S);
	int64_t rest_ns = at_ns % NS_PER_S;
	char text[64];
	struct tm tm;

	if (rest_ns < 0) {
		rest_ns += NS_PER_S;
		at_s--;
	}
	if (!gmtime_r(&at_s, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		snprintf(text, sizeof(text), "1970-01-01T00:00:00");
	ztt_buffer_text(out, text);
	snprintf(text, sizeof(text), ".%09dZ", (int)rest_ns);
	ztt_buffer_text(out, text);
}

static void put_title(struct ztt_qlog *qlog)
{
	struct ztt_buffer *out = &qlog->buffer;
	const char *of = qlog->plan.of;

	ztt_qlog_word(out, "title", "ztt-capture " ZTT_VERSION);
	if (of) {
		ztt_qlog_key(out, "description");
		ztt_buffer_json(out, of, strlen(of));
	}
}

static const char vantage_point[] =
	"\"vantage_point\":{\"name\":\"ztt-capture\",\"type\":\"network\","
	"\"flow\":\"client\"}";

static void put_head_14(struct ztt_qlog *qlog)
{
	struct ztt_buffer *out = &qlog->buffer;

	ztt_buffer_text(
		out, RECORD_SEPARATOR
		"{\"file_schema\":\"urn:ietf:params:qlog:file:sequential\","
		"\"serialization_format\":\"application/qlog+json-seq\"");
	put_title(qlog);
	ztt_buffer_text(out, ",\"trace\":{");
	ztt_buffer_text(out, vantage_point);
	ztt_buffer_text(out, ",\"common_fields\":{\"time_format\":"
			     "\"relative_to_epoch\",\"reference_time\":{"
			     "\"clock_type\":\"system\",\"epoch\":\"");
	put_date(out, qlog->first_ns);
	ztt_buffer_text(out, "\"}},\"event_schemas\":["
			     "\"urn:ietf:params:qlog:events:quic-14\"]}}\n");
}

static void begin(struct ztt_qlog *qlog, int64_t first_ns)
{
	qlog->begun = true;
	qlog->first_ns = first_ns;
	if (qlog->plan.version == ZTT_QLOG_14)
		put_head_14(qlog);
}

/* Around one event: `event_end` sends it on its way. */
static struct ztt_qlog_event event_begin(struct ztt_qlog *qlog,
					 struct ztt_qlog_connection *of,
					 int64_t at_ns)
{
	if (qlog->plan.version == ZTT_QLOG_14)
		ztt_buffer_text(&qlog->buffer, RECORD_SEPARATOR);
	else
		ztt_buffer_text(&qlog->buffer, of->chain.block ? ",\n" : "");
	/* qvis sorts a trace whose times go back, and warns. */
	if (qlog->plan.version == ZTT_QLOG_03 && at_ns < of->last_ns)
		at_ns = of->last_ns;
	of->last_ns = at_ns;
	return (struct ztt_qlog_event){&qlog->buffer, qlog->plan.version, of,
				       at_ns - qlog->first_ns};
}

static void event_end(struct ztt_qlog *qlog, struct ztt_qlog_connection *of)
{
	qlog->events++;
	if (qlog->plan.version == ZTT_QLOG_14) {
		ztt_buffer_char(&qlog->buffer, '\n');
		if (qlog->buffer.len_bytes >= WRITE_BYTES)
			write_out(qlog);
		return;
	}
	ztt_qlog_chain_put(&qlog->spool, &of->chain, qlog->buffer.data,
			   qlog->buffer.len_bytes);
	qlog->buffer.len_bytes = 0;
}

static bool is_same(const struct ztt_endpoint *a, const struct ztt_endpoint *b)
{
	return a->port == b->port && a->family == b->family &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static void follow_tuple(struct ztt_qlog *qlog, struct ztt_qlog_connection *at,
			 const struct ztt_packet *packet)
{
	const struct ztt_datagram *datagram = packet->datagram;
	const struct ztt_endpoint *client =
		packet->up ? &datagram->from : &datagram->to;
	const struct ztt_endpoint *server =
		packet->up ? &datagram->to : &datagram->from;
	uint64_t least = at->tuple_count > ZTT_QLOG_TUPLES_MAX
				 ? at->tuple_count - ZTT_QLOG_TUPLES_MAX
				 : 0;
	struct ztt_qlog_event event;

	for (uint64_t i = at->tuple_count; i-- > least;) {
		size_t slot = i % ZTT_QLOG_TUPLES_MAX;

		if (is_same(&at->tuples[slot].client, client) &&
		    is_same(&at->tuples[slot].server, server)) {
			at->tuple = i;
			return;
		}
	}
	at->tuple = at->tuple_count++;
	at->tuples[at->tuple % ZTT_QLOG_TUPLES_MAX].client = *client;
	at->tuples[at->tuple % ZTT_QLOG_TUPLES_MAX].server = *server;
	if (qlog->plan.version == ZTT_QLOG_03)
		return;
	event = event_begin(qlog, at, packet->frame->at_ns);
	ztt_qlog_tuple(&event, client, server);
	event_end(qlog, at);
}

static void tell_parameters(struct ztt_qlog *qlog,
			    struct ztt_qlog_connection *at, int64_t at_ns)
{
	const struct ztt_connection *connection = at->connection;
	struct ztt_qlog_event event;

	if (!at->told_client && connection->has_client_hello &&
	    connection->client_hello.parameters.present) {
		at->told_client = true;
		event = event_begin(qlog, at, at_ns);
		ztt_qlog_parameters(&event, false);
		event_end(qlog, at);
	}
	if (!at->told_server && connection->has_server_hello &&
	    connection->server_hello.parameters.present) {
		at->told_server = true;
		event = event_begin(qlog, at, at_ns);
		ztt_qlog_parameters(&event, true);
		event_end(qlog, at);
	}
}

static void tell_datagram(struct ztt_qlog *qlog, struct ztt_qlog_connection *at,
			  const struct ztt_packet *packet)
{
	uint8_t *last = &at->ecn[!packet->up];
	struct ztt_qlog_event event;

	if (qlog->plan.version == ZTT_QLOG_03 ||
	    (at->frame == packet->frame->number &&
	     at->segment == packet->segment))
		return;
	at->frame = packet->frame->number;
	at->segment = packet->segment;
	event = event_begin(qlog, at, packet->frame->at_ns);
	ztt_qlog_datagram(&event, packet, *last != packet->datagram->ecn);
	event_end(qlog, at);
	*last = packet->datagram->ecn;
}

static void tell_keys(struct ztt_qlog *qlog, struct ztt_qlog_connection *at,
		      const struct ztt_packet *packet)
{
	unsigned *last = &at->generation[!packet->up];
	struct ztt_qlog_event event;

	if (!packet->opened || packet->header->type != ZTT_PACKET_1RTT ||
	    packet->opened->generation <= *last)
		return;
	*last = packet->opened->generation;
	event = event_begin(qlog, at, packet->frame->at_ns);
	ztt_qlog_key_updated(&event, packet);
	event_end(qlog, at);
}

static void tell_lost(struct ztt_qlog *qlog, struct ztt_qlog_connection *at,
		      const struct ztt_packet *packet,
		      const struct ztt_quic_frame *frame)
{
	struct ztt_qlog_event event;
	uint64_t number;

	if (packet->up || packet->header->type != ZTT_PACKET_1RTT ||
	    !frame->ack.range_count)
		return;
	ztt_qlog_lost_acked(&at->lost, frame);
	while (ztt_qlog_lost_next(&at->lost, frame->ack.ranges[0].most,
				  &number)) {
		event = event_begin(qlog, at, packet->frame->at_ns);
		ztt_qlog_packet_lost(&event, number);
		event_end(qlog, at);
	}
}

static void tell_frames(struct ztt_qlog *qlog, struct ztt_qlog_connection *at,
			const struct ztt_packet *packet)
{
	for (size_t i = 0; i < packet->frame_count; i++) {
		const struct ztt_quic_frame *frame = &packet->frames[i];
		struct ztt_qlog_event event;

		if (frame->type == 0x02 || frame->type == 0x03)
			tell_lost(qlog, at, packet, frame);
		if (frame->type != 0x1c && frame->type != 0x1d)
			continue;
		event = event_begin(qlog, at, packet->frame->at_ns);
		ztt_qlog_closed(&event, packet, frame);
		event_end(qlog, at);
	}
}

static void tell_packet(struct ztt_qlog *qlog, struct ztt_qlog_connection *at,
			const struct ztt_packet *packet)
{
	struct ztt_qlog_event event =
		event_begin(qlog, at, packet->frame->at_ns);

	ztt_qlog_packet_event(&event, packet);
	event_end(qlog, at);
	if (packet->opened && packet->up &&
	    packet->header->type == ZTT_PACKET_1RTT)
		ztt_qlog_lost_sent(&at->lost, packet->opened->number);
}

void ztt_qlog_packet(void *owner, const struct ztt_packet *packet)
{
	struct ztt_qlog *qlog = owner;
	const struct ztt_connection *connection = packet->connection;
	struct ztt_qlog_connection *at;
	struct ztt_qlog_event event;

	if (packet->protocol != ZTT_PROTOCOL_QUIC || !packet->header ||
	    !connection || connection->number > ZTT_CONNECTIONS_MAX)
		return;
	if (!qlog->begun)
		begin(qlog, packet->frame->at_ns);
	if (!ztt_filter_passes(&qlog->filter, packet))
		return;
	at = qlog->connections[connection->number];
	if (!at) {
		at = meet(qlog, packet);
		event = event_begin(qlog, at, packet->frame->at_ns);
		ztt_qlog_started(&event);
		event_end(qlog, at);
	}
	follow_tuple(qlog, at, packet);
	tell_datagram(qlog, at, packet);
	tell_keys(qlog, at, packet);
	tell_packet(qlog, at, packet);
	tell_parameters(qlog, at, packet->frame->at_ns);
	tell_frames(qlog, at, packet);
}

static void put_trace_head(struct ztt_qlog *qlog,
			   const struct ztt_qlog_connection *at)
{
	const struct ztt_connection *connection = at->connection;
	const char *name = connection->client_hello.server_name;
	struct ztt_buffer *out = &qlog->buffer;
	char text[ZTT_ENDPOINT_LEN];

	ztt_buffer_text(out, "{\"title\":\"connection ");
	ztt_buffer_uint(out, connection->number);
	ztt_buffer_text(out, ": ");
	ztt_buffer_text(out, ztt_endpoint_text(&connection->client, text));
	ztt_buffer_text(out, " to ");
	ztt_buffer_text(out, ztt_endpoint_text(&connection->server, text));
	ztt_buffer_char(out, '"');
	if (connection->has_client_hello && name[0]) {
		ztt_qlog_key(out, "description");
		ztt_buffer_json(out, name, strlen(name));
	}
	ztt_buffer_char(out, ',');
	ztt_buffer_text(out, vantage_point);
	ztt_buffer_text(out, ",\"common_fields\":{\"protocol_type\":[\"QUIC\"],"
			     "\"time_format\":\"relative\","
			     "\"reference_time\":");
	ztt_buffer_fixed(out, qlog->first_ns, 6);
	ztt_qlog_word(out, "group_id", at->group);
	ztt_buffer_text(out, "},\"events\":[\n");
}

static void finish_03(struct ztt_qlog *qlog)
{
	struct ztt_buffer *out = &qlog->buffer;
	const char *before = "";

	ztt_buffer_text(out, "{\"qlog_version\":\"0.3\","
			     "\"qlog_format\":\"JSON\"");
	put_title(qlog);
	ztt_buffer_text(out, ",\"traces\":[");
	for (size_t i = 0; i <= ZTT_CONNECTIONS_MAX; i++) {
		struct ztt_qlog_connection *at = qlog->connections[i];
		int ret;

		if (!at)
			continue;
		ztt_buffer_text(out, before);
		put_trace_head(qlog, at);
		write_out(qlog);
		ret = ztt_qlog_chain_copy(&qlog->spool, &at->chain,
					  qlog->plan.out);
		if (ret < 0 && !qlog->failed)
			qlog->failed = ret;
		ztt_buffer_text(out, "\n]}");
		before = ",\n";
	}
	ztt_buffer_text(out, "]}\n");
}

int ztt_qlog_finish(struct ztt_qlog *qlog, struct ztt_err *err)
{
	if (!qlog->begun)
		begin(qlog, 0);
	if (qlog->plan.version == ZTT_QLOG_03)
		finish_03(qlog);
	write_out(qlog);
	errno = 0;
	if (!qlog->failed && fflush(qlog->plan.out) != 0)
		qlog->failed = errno ? -errno : -EIO;
	if (!qlog->failed)
		return 0;
	return ztt_err_set(err, qlog->failed, "qlog could not be written: %s",
			   strerror(-qlog->failed));
}

uint64_t ztt_qlog_events(const struct ztt_qlog *qlog)
{
	return qlog->events;
}
