#define _GNU_SOURCE
#include "ztt-bench/parts/edge/cmd.h"

#include "part_peer.h"

#include "common/tunnel_rpc.h"
#include "common/tunnel_stream.h"
#include "ztt-bench/credentials.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define GET_AND_CLOSE "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define CONNECTORS 4

static struct ztt_tls *tls;
static struct ztt_credentials own;

/* A connector, well-behaved but for how it answers. */
static struct connector {
	struct end end;
	struct stream *control;
	void (*answer)(struct stream *stream,
		       const struct ztt_connect_request *request);
	size_t requests;
} connectors[CONNECTORS];

static struct ztt_slice slice(const char *text)
{
	return (struct ztt_slice){text, strlen(text)};
}

/* --- the edge ------------------------------------------------------------ */

static int set_up(void **state)
{
	const char *args[] = {"--listen",       "127.0.0.1:0", "--http",
			      "127.0.0.1:0",    "--threads",   "1",
			      "--ca",           part.ca,       "--credentials",
			      part.credentials, NULL};

	(void)state;
	loop_begin();
	part_folder();
	part_start("edge", args);
	until(part_poll()->ready || part.child.ended);
	if (ztt_tls_client_new(part.ca, &tls, &err) < 0 ||
	    ztt_credentials_read(part.credentials, &own, &err) < 0)
		fail_msg("%s", err.text);
	memset(connectors, 0, sizeof(connectors));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < CONNECTORS; i++)
		end_release(&connectors[i].end);
	ztt_tls_free(tls);
	loop_end();
	return part_end(0);
}

/* --- connectors ---------------------------------------------------------- */

static void on_request(struct stream *stream, bool fin)
{
	struct connector *connector =
		ZTT_CONTAINER(stream->end, struct connector, end);
	struct ztt_connect_request request;

	(void)fin;
	if (stream == connector->control || stream->own ||
	    ztt_connect_request_decode((const uint8_t *)stream->text,
				       stream->text_len, &request) <= 0)
		return;
	stream->own = malloc(1);
	connector->requests++;
	if (connector->answer)
		connector->answer(stream, &request);
}

static void join(struct connector *connector)
{
	struct ztt_quic_plan plan = {
		.shared = shared,
		.tls = tls,
		.alpn = ZTT_TLS_EDGE_ALPN,
		.server_name = ZTT_TLS_EDGE_NAME,
		.events = &end_events,
		.owner = &connector->end,
		.streams_max = 100,
	};

	end_release(&connector->end);
	connector->end.mode = MODE_KEEP;
	connector->end.on_data = on_request;
	ztt_address_parse_numeric(part.address, &plan.peer, &err);
	assert_int_equal(ztt_quic_connect(&plan, &connector->end.quic, &err),
			 0);
	until(connector->end.established || connector->end.ended);
	assert_true(connector->end.established);
	connector->control = stream_new(&connector->end, MODE_KEEP);
	assert_int_equal(ztt_quic_open(connector->end.quic,
				       &connector->control->quic),
			 0);
	connector->end.opened++;
	assert_int_equal(connector->control->quic.id, 0);
}

static void say(struct connector *connector, const void *data, size_t len)
{
	ztt_quic_write(&connector->control->quic, data, len);
}

static size_t make_register(const struct ztt_credentials *credentials,
			    uint8_t *out, size_t cap)
{
	struct ztt_rpc_register params = {
		.account_tag = slice(credentials->account_tag),
		.tunnel_secret = {(const char *)credentials->secret,
				  sizeof(credentials->secret)},
		.version = slice("test"),
		.arch = slice("linux"),
	};
	ssize_t n = ztt_rpc_bootstrap(0, out, cap), m;

	memcpy(params.tunnel_id, credentials->tunnel_id, 16);
	m = ztt_rpc_call_register(1, 0, &params, out + n, cap - (size_t)n);
	assert_true(n > 0 && m > 0);
	return (size_t)(n + m);
}

/* Whether the answer to question `id` has come. */
static bool answered(const struct connector *connector, uint32_t id,
		     struct ztt_rpc_message *ret_message)
{
	const uint8_t *at = (const uint8_t *)connector->control->text;
	size_t left = connector->control->text_len;
	ssize_t n;

	while (at && (n = ztt_rpc_decode(at, left, ret_message)) > 0) {
		if (ret_message->tag == ZTT_RPC_RETURN && ret_message->id == id)
			return true;
		at += n;
		left -= (size_t)n;
	}
	return false;
}

static void register_connector(struct connector *connector)
{
	static struct ztt_rpc_message message;
	uint8_t out[4096];

	join(connector);
	say(connector, out, make_register(&own, out, sizeof(out)));
	until(answered(connector, 1, &message));
	assert_true(message.has_registered);
	assert_false(message.registered.refused);
}

/* --- answers ------------------------------------------------------------- */

static void respond(struct stream *stream, const char *status,
		    const struct ztt_connect_meta *meta, size_t count)
{
	struct ztt_connect_response response = {.meta_count = 0};
	static uint8_t out[ZTT_CONNECT_MAX_BYTES];
	ssize_t len;

	response.error = slice("");
	if (status)
		response.meta[response.meta_count++] =
			(struct ztt_connect_meta){slice(ZTT_META_STATUS),
						  slice(status)};
	for (size_t i = 0; i < count; i++)
		response.meta[response.meta_count++] = meta[i];
	len = ztt_connect_response_encode(&response, out, sizeof(out));
	assert_true(len > 0);
	ztt_quic_write(&stream->quic, out, (size_t)len);
}

static struct ztt_connect_meta header(const char *key, const char *value)
{
	return (struct ztt_connect_meta){slice(key), slice(value)};
}

static void respond_with_length(struct stream *stream, const char *length)
{
	const struct ztt_connect_meta meta =
		header("HttpHeader:Content-Length", length);

	respond(stream, "200", &meta, 1);
}

static void answer_well(struct stream *stream,
			const struct ztt_connect_request *request)
{
	(void)request;
	respond_with_length(stream, "5");
	ztt_quic_write(&stream->quic, "hello", 5);
	ztt_quic_finish(&stream->quic);
}

static void answer_by_reset(struct stream *stream,
			    const struct ztt_connect_request *request)
{
	(void)request;
	ztt_quic_reset(&stream->quic, 7);
}

static struct connector *serve(void)
{
	connectors[0].answer = answer_well;
	register_connector(&connectors[0]);
	return &connectors[0];
}

/* One request on a connection of its own, as far as the answer goes. */
static void check_get(const char *want)
{
	struct tcp tcp = tcp_connect(part.http);

	tcp_send(&tcp, GET_AND_CLOSE);
	until(tcp_is_over(&tcp));
	if (strncmp(tcp.text, want, strlen(want)) != 0)
		fail_msg("want %s, got %s", want, tcp.text);
	tcp_close(&tcp);
}

static void check_served(void)
{
	connectors[0].answer = answer_well;
	check_get("HTTP/1.1 200 OK\r\n");
}

/* --- registration -------------------------------------------------------- */

static void a_connector_is_registered_and_serves(void **state)
{
	(void)state;
	check_get("HTTP/1.1 530 ");
	serve();
	check_served();
	until(part_poll()->registered == 1);
	ztt_quic_close(connectors[0].end.quic, 0, "");
	until(part_poll()->lost == 1);
	check_get("HTTP/1.1 530 ");
}

static void a_wrong_secret_is_refused(void **state)
{
	static struct ztt_rpc_message message;
	struct ztt_credentials wrong = own;
	uint8_t out[4096];

	(void)state;
	wrong.secret[31] ^= 1;
	join(&connectors[0]);
	say(&connectors[0], out, make_register(&wrong, out, sizeof(out)));
	until(answered(&connectors[0], 1, &message));
	assert_true(message.registered.refused);
	assert_int_equal(message.registered.cause.len_bytes,
			 strlen("Unauthorized: Invalid tunnel secret"));
	assert_false(message.registered.should_retry);
	assert_int_equal(part_poll()->registered, 0);
	check_get("HTTP/1.1 530 ");
}

static void calls_that_do_not_exist_are_exceptions(void **state)
{
	static struct ztt_rpc_message message;
	struct connector *connector = serve();
	uint8_t out[1024];
	ssize_t len = ztt_rpc_call_unregister(9, 0, out, sizeof(out));
	uint8_t *method;

	(void)state;
	/* The interface's ID stands in the call; another one is not known. */
	method =
		memmem(out, (size_t)len, "\x97\x54\xe8\x7f\xec\x95\x16\xf7", 8);
	assert_non_null(method);
	method[0] ^= 0xff;
	say(connector, out, (size_t)len);
	until(answered(connector, 9, &message));
	assert_true(message.exception);
	check_served();
}

static void registering_twice_counts_once(void **state)
{
	static struct ztt_rpc_message message;
	struct connector *connector = serve();
	uint8_t out[4096];
	ssize_t len;

	(void)state;
	say(connector, out, make_register(&own, out, sizeof(out)));
	say(connector, out, make_register(&own, out, sizeof(out)));
	len = ztt_rpc_call_unregister(5, 0, out, sizeof(out));
	say(connector, out, (size_t)len);
	say(connector, out, (size_t)len);
	until(answered(connector, 5, &message));
	until(part_poll()->lost == 1);
	assert_int_equal(part.registered, 1);
	check_get("HTTP/1.1 530 ");
}

/* --- the control stream -------------------------------------------------- */

static void check_closed_for(const void *data, size_t len)
{
	struct connector *bad = &connectors[1];

	join(bad);
	say(bad, data, len);
	until(bad->end.ended);
	assert_int_equal(bad->end.why.kind, ZTT_QUIC_PEER);
	assert_true(bad->end.why.application);
	assert_int_equal(bad->end.why.code, 1);
	assert_non_null(strstr(bad->end.why.text, "malformed"));
}

static void a_malformed_message_ends_that_connection_alone(void **state)
{
	static const char out_of_bounds[] =
		"\0\0\0\0\2\0\0\0"
		"\xfc\xff\xff\x7f\xff\xff\xff\xff\0\0\0\0\0\0\0\0";
	static const char many_segments[] = "\xff\xff\xff\x7f\1\0\0\0";

	(void)state;
	serve();
	check_closed_for(out_of_bounds, sizeof(out_of_bounds) - 1);
	check_closed_for(many_segments, sizeof(many_segments) - 1);
	check_closed_for("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	check_served();
}

static void an_oversized_message_ends_that_connection_alone(void **state)
{
	/* one segment of 256 KiB and a word */
	static const char framing[] = "\0\0\0\0\1\x80\0\0";

	(void)state;
	serve();
	check_closed_for(framing, sizeof(framing) - 1);
	check_served();
}

/* However it was changed, it is answered, closed for, or waited for. */
static void changed_registrations_do_no_harm(void **state)
{
	struct ztt_credentials wrong = own;
	uint8_t good[4096], bad[4096];
	unsigned seed = 11;
	size_t len;

	(void)state;
	serve();
	wrong.secret[0] ^= 1; /* so that none of them is registered */
	len = make_register(&wrong, good, sizeof(good));
	for (int i = 0; i < 40; i++) {
		memcpy(bad, good, len);
		for (int j = 0; j < 1 + i % 4; j++) {
			seed = seed * 1664525U + 1013904223U;
			bad[(seed >> 8) % len] ^= (uint8_t)(1 << (seed >> 29));
		}
		join(&connectors[1]);
		say(&connectors[1], bad, i % 5 ? len : len - (size_t)i - 1);
		ztt_quic_finish(&connectors[1].control->quic);
		until(connectors[1].control->fin || connectors[1].end.ended ||
		      (i % 5 == 0 && connectors[1].control->text_len));
	}
	end_release(&connectors[1].end);
	check_served();
}

static void streams_that_a_connector_opens_are_reset(void **state)
{
	struct connector *connector = serve();
	struct end *end = &connector->end;
	struct stream *stream;
	size_t more = 1000, closed = end->closed;

	(void)state;
	while (more) {
		stream = stream_new(end, MODE_SINK);
		until(ztt_quic_open(end->quic, &stream->quic) == 0 ||
		      end->ended);
		assert_false(end->ended);
		end->opened++;
		more--;
		ztt_quic_write(&stream->quic, GET, sizeof(GET) - 1);
	}
	until(end->closed - closed == 1000);
	for (stream = end->streams; stream; stream = stream->next)
		assert_true(stream == connector->control || stream->reset);
	check_served();
}

/* --- answers to requests ------------------------------------------------- */

static void a_request_without_an_answer_holds_up_no_other(void **state)
{
	struct tcp one, two, *lucky, *waiting;

	(void)state;
	serve();
	register_connector(&connectors[1]);
	one = tcp_connect(part.http);
	two = tcp_connect(part.http);
	tcp_send(&one, GET);
	tcp_send(&two, GET);
	until(tcp_has(&one, "hello") || tcp_has(&two, "hello"));
	until(connectors[1].requests == 1);
	lucky = tcp_has(&one, "hello") ? &one : &two;
	waiting = lucky == &one ? &two : &one;
	for (int i = 0; i < 20; i++) {
		lucky->len = 0;
		tcp_send(lucky, GET);
		until(tcp_has(lucky, "hello"));
	}
	tcp_poll(waiting);
	assert_int_equal(waiting->len, 0);
	assert_false(waiting->eof);
	tcp_close(waiting);
	until(connectors[1].end.streams->closed);
	assert_true(ztt_quic_is_established(connectors[1].end.quic));
	tcp_close(lucky);
}

static void a_reset_before_the_answer_is_a_bad_gateway(void **state)
{
	struct connector *connector = serve();

	(void)state;
	for (int i = 0; i < 20; i++) {
		connector->answer = answer_by_reset;
		check_get("HTTP/1.1 502 ");
		check_served();
	}
}

static const char *raw;
static size_t raw_len;

static void answer_raw(struct stream *stream,
		       const struct ztt_connect_request *request)
{
	(void)request;
	if (raw_len)
		ztt_quic_write(&stream->quic, raw, raw_len);
	ztt_quic_finish(&stream->quic);
}

static void a_malformed_answer_is_a_bad_gateway(void **state)
{
	static const struct {
		const char *at;
		size_t len;
	} rows[] = {
#define ROW(text) {text, sizeof(text) - 1}
		ROW(""),
		ROW("HTTP/1.1 200 OK\r\n\r\n"),
		ROW("\x0a\x36\xcd\x12\xa1\x3e"),
		ROW("\x0a\x36\xcd\x12\xa1\x3e"
		    "01"),
		ROW("\x0a\x36\xcd\x12\xa1\x3e"
		    "02\0\0\0\0\1\0\0\0\0\0\0\0\0\0"),
		ROW("\x52\xbb\x82\x5c\xdb\x65"
		    "01\0\0\0\0\0\0\0\0"),
		ROW("\x0a\x36\xcd\x12\xa1\x3e"
		    "01\xff\xff\xff\xff\1\0\0\0"),
		ROW("\x0a\x36\xcd\x12\xa1\x3e"
		    "01\0\0\0\0\xff\xff\0\0"),
		ROW("\x0a\x36\xcd\x12\xa1\x3e"
		    "01\0\0\0\0\2\0\0\0"
		    "\xfc\xff\xff\x7f\xff\xff\xff\xff\0\0\0\0\0\0\0\0"),
		ROW("\x0a\x36\xcd\x12\xa1\x3e"
		    "01\0\0\0\0\1\0\0\0\0\0\0\0\0\0"
		    "\0\0"),
#undef ROW
	};
	struct connector *connector = serve();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		connector->answer = answer_raw;
		raw = rows[i].at;
		raw_len = rows[i].len;
		check_get("HTTP/1.1 502 ");
		check_served();
	}
}

/* A head that never ends is cut off where a head must have ended. */
static void answer_without_end(struct stream *stream,
			       const struct ztt_connect_request *request)
{
	static const char head[] = "\x0a\x36\xcd\x12\xa1\x3e"
				   "01"
				   "\0\0\0\0\xff\x1f\0\0";

	(void)request;
	ztt_quic_write(&stream->quic, head, sizeof(head) - 1);
	stream->to_send = 50000;
	stream_feed(stream);
}

static void a_head_that_never_ends_is_a_bad_gateway(void **state)
{
	(void)state;
	serve()->answer = answer_without_end;
	check_get("HTTP/1.1 502 ");
	check_served();
}

static const char *status;

static void answer_status(struct stream *stream,
			  const struct ztt_connect_request *request)
{
	(void)request;
	respond(stream, status, NULL, 0);
	ztt_quic_finish(&stream->quic);
}

/* 100 would be taken for an interim answer, 101 for a switch that nobody asked
 * for. */
static void a_status_that_is_none_is_a_bad_gateway(void **state)
{
	static const char *const rows[] = {
		NULL,          "",
		"0",           "99",
		"100",         "101",
		"199",         "600",
		"2000",        "-200",
		"+200",        " 200",
		"20x",         "200 OK\r\nX: y",
		"99999999999", "18446744073709551816"};
	struct connector *connector = serve();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		connector->answer = answer_status;
		status = rows[i];
		check_get("HTTP/1.1 502 ");
	}
	check_served();
}

static struct ztt_connect_meta evil[ZTT_CONNECT_META_MAX - 1];
static size_t evil_count;

static void answer_evil(struct stream *stream,
			const struct ztt_connect_request *request)
{
	(void)request;
	respond(stream, "200", evil, evil_count);
	ztt_quic_write(&stream->quic, "hello", 5);
	ztt_quic_finish(&stream->quic);
}

static size_t count_of(const char *text, const char *word)
{
	size_t count = 0;

	for (; (text = strstr(text, word)); text++)
		count++;
	return count;
}

static void no_header_can_split_the_answer(void **state)
{
	const struct ztt_connect_meta rows[] = {
		header("HttpHeader:Good", "kept"),
		header("HttpHeader:A", "a\r\nEvil: 1"),
		header("HttpHeader:A", "a\nEvil: 1"),
		header("HttpHeader:A", "a\rEvil: 1"),
		header("HttpHeader:A", "\r\n\r\nHTTP/1.1 200 Evil\r\n\r\n"),
		header("HttpHeader:A\r\nEvil", "1"),
		header("HttpHeader:Evil: 1\r\nA", "1"),
		header("HttpHeader:Evil ", "1"),
		header("HttpHeader: Evil", "1"),
		header("HttpHeader:Evil\t", "1"),
		header("HttpHeader:Transfer-Encoding ", "Evil"),
		header("HttpHeader:Transfer-Encoding", "Evil"),
		header("HttpHeader:Connection", "Evil"),
		header("HttpHeader:", "Evil"),
		header("HttpHeader", "Evil"),
		header("Evil", "1"),
		{slice("HttpHeader:B"), {"a\0Evil", 6}},
		{slice("HttpHeader:B"),
		 {"a\x01"
		  "Evil",
		  6}},
		{{"HttpHeader:E\0vil", 16}, slice("Evil")},
		header("HttpHeader:Content-Length", "5\r\nEvil: 1"),
	};
	struct connector *connector = serve();
	struct tcp tcp = tcp_connect(part.http);

	(void)state;
	evil_count = sizeof(rows) / sizeof(rows[0]);
	memcpy(evil, rows, sizeof(rows));
	connector->answer = answer_evil;
	tcp_send(&tcp, GET_AND_CLOSE);
	until(tcp_is_over(&tcp));
	assert_int_equal(count_of(tcp.text, "HTTP/1.1"), 1);
	assert_int_equal(count_of(tcp.text, "Evil"), 0);
	assert_int_equal(count_of(tcp.text, "Good: kept\r\n"), 1);
	assert_int_equal(count_of(tcp.text, "\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
			 1);
	tcp_close(&tcp);
}

static void a_length_is_told_once(void **state)
{
	struct connector *connector = serve();
	struct tcp tcp = tcp_connect(part.http);

	(void)state;
	evil_count = 3;
	evil[0] = header("HttpHeader:Content-Length", "5");
	evil[1] = header("HttpHeader:content-length", "500");
	evil[2] = header("HttpHeader:Content-Length", "-1");
	connector->answer = answer_evil;
	tcp_send(&tcp, GET_AND_CLOSE);
	until(tcp_is_over(&tcp));
	assert_int_equal(count_of(tcp.text, "ength"), 1);
	assert_non_null(strstr(tcp.text, "Content-Length: 5\r\n"));
	assert_non_null(strstr(tcp.text, "\r\n\r\nhello"));
	tcp_close(&tcp);
}

static void answer_error(struct stream *stream,
			 const struct ztt_connect_request *request)
{
	struct ztt_connect_response response = {.meta_count = 0};
	uint8_t out[1024];
	ssize_t len;

	(void)request;
	response.error = slice("no\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
	len = ztt_connect_response_encode(&response, out, sizeof(out));
	ztt_quic_write(&stream->quic, out, (size_t)len);
	ztt_quic_finish(&stream->quic);
}

static void an_error_of_the_connector_is_text_within_its_length(void **state)
{
	struct connector *connector = serve();
	struct tcp tcp = tcp_connect(part.http);
	const char *body, *length;

	(void)state;
	connector->answer = answer_error;
	tcp_send(&tcp, GET_AND_CLOSE);
	until(tcp_is_over(&tcp));
	assert_memory_equal(tcp.text, "HTTP/1.1 502 ", 13);
	length = strstr(tcp.text, "Content-Length: ");
	body = strstr(tcp.text, "\r\n\r\n");
	assert_true(length && body && length < body);
	assert_int_equal(atol(length + 16),
			 tcp.len - (size_t)(body + 4 - tcp.text));
	tcp_close(&tcp);
}

/* --- bodies -------------------------------------------------------------- */

static enum {
	LEAVE,
	RESET,
	FINISH
} how;
static bool chunked;

static void answer_in_part(struct stream *stream,
			   const struct ztt_connect_request *request)
{
	(void)request;
	if (chunked)
		respond(stream, "200", NULL, 0);
	else
		respond_with_length(stream, "10000");
	ztt_quic_write(&stream->quic, "half", 4);
}

static void check_broken_body(void)
{
	struct connector *connector = serve();
	struct tcp tcp = tcp_connect(part.http);

	connector->answer = answer_in_part;
	tcp_send(&tcp, GET);
	until(tcp_has(&tcp, "half"));
	if (how == LEAVE)
		ztt_quic_close(connector->end.quic, 0, "");
	else if (how == RESET)
		ztt_quic_reset(&connector->end.streams->quic, 1);
	else
		ztt_quic_finish(&connector->end.streams->quic);
	until(tcp_is_over(&tcp));
	assert_null(strstr(tcp.text, "\r\n0\r\n"));
	assert_true(tcp.len < 1000);
	tcp_close(&tcp);
}

static void a_body_that_breaks_off_is_never_a_short_success(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		chunked = i >= 3;
		how = i % 3 == 0 ? LEAVE : i % 3 == 1 ? RESET : FINISH;
		check_broken_body();
	}
}

static void answer_too_much(struct stream *stream,
			    const struct ztt_connect_request *request)
{
	(void)request;
	respond_with_length(stream, "5");
	ztt_quic_write(&stream->quic, "hello HTTP/1.1 200 Evil\r\n\r\n", 27);
	ztt_quic_finish(&stream->quic);
}

static void bytes_past_the_length_are_dropped(void **state)
{
	struct connector *connector = serve();
	struct tcp tcp = tcp_connect(part.http);

	(void)state;
	connector->answer = answer_too_much;
	for (size_t i = 1; i <= 5; i++) {
		tcp_send(&tcp, GET);
		until(count_of(tcp_poll(&tcp)->text, "hello") == i);
	}
	assert_null(strstr(tcp.text, "Evil"));
	tcp_close(&tcp);
}

static char big_head[] = "POST / HTTP/1.1\r\nHost: x\r\n"
			 "Content-Length: 10000000\r\n\r\n";

static void answer_two_megabytes(struct stream *stream,
				 const struct ztt_connect_request *request)
{
	(void)request;
	respond_with_length(stream, "2000000");
	stream->to_send = 2000000;
	stream_feed(stream);
}

/* An origin may answer before it has read the request; a client that reads
 * slowly still gets that answer whole. */
static void an_early_answer_comes_whole(void **state)
{
	static char body[1 << 20];
	struct connector *connector = serve();
	struct tcp tcp = tcp_connect(part.http);
	struct stream *stream;
	const char *at;

	(void)state;
	memset(body, 'b', sizeof(body) - 1);
	connector->answer = answer_two_megabytes;
	tcp_send(&tcp, big_head);
	until((send(tcp.fd, tcp.out, tcp.out_len, MSG_NOSIGNAL),
	       tcp.out_len = 0, connector->requests == 1));
	stream = connector->end.streams;
	until(stream->sent > 100000);
	send(tcp.fd, body, sizeof(body) - 1, MSG_NOSIGNAL);
	until((tcp.len < 1000000 ? tcp_poll(&tcp) : NULL,
	       stream->sent == stream->to_send &&
		       stream->quic.out.len_bytes == 0));
	ztt_quic_reset(&stream->quic, 0); /* all is sent: STOP_SENDING alone */
	until(stream->closed);
	until(tcp_is_over(&tcp));
	at = strstr(tcp.text, "\r\n\r\n");
	assert_non_null(at);
	assert_int_equal(tcp.len - (size_t)(at + 4 - tcp.text), 2000000);
	tcp_close(&tcp);
}

/* --- the whole ----------------------------------------------------------- */

static void clients_that_break_off_leave_nothing_open(void **state)
{
	static const char unfinished[] = "POST / HTTP/1.1\r\nHost: x\r\n"
					 "Content-Length: 9\r\n\r\nabc";
	static const char *const texts[] = {"garbage\r\n\r\n", GET, "GET",
					    unfinished};
	size_t before;

	(void)state;
	serve();
	connectors[0].answer = NULL;
	before = part_descriptors();
	for (int i = 0; i < 60; i++) {
		struct tcp tcp = tcp_connect(part.http);

		tcp_send(&tcp, texts[i % 4]);
		until(tcp_poll(&tcp)->out_len == 0);
		tcp_break(&tcp);
	}
	until(part_descriptors() <= before);
	check_served();
}

static void datagrams_of_anybody_do_no_harm(void **state)
{
	struct ztt_address to;
	struct ztt_udp udp;
	uint8_t data[1500];
	unsigned seed = 1;

	(void)state;
	serve();
	ztt_address_parse_numeric(part.address, &to, &err);
	assert_int_equal(ztt_udp_open(&(struct ztt_udp_plan){.peer = &to}, &udp,
				      &err),
			 0);
	for (size_t i = 0; i < 500; i++) {
		for (size_t j = 0; j < sizeof(data); j++) {
			seed = seed * 1664525U + 1013904223U;
			data[j] = (uint8_t)(seed >> 16);
		}
		if (i % 3)
			data[0] = (uint8_t)(0xc0 | (i & 0x3f));
		if (i % 3 == 2)
			memcpy(data + 1, "\0\0\0\1\x08", 5);
		ztt_udp_send_to(udp.fd, &to, data, i * 3);
	}
	close(udp.fd);
	check_served();
}

static void it_ends_well_with_requests_under_way(void **state)
{
	struct tcp tcps[20];

	(void)state;
	serve()->answer = answer_in_part;
	chunked = true;
	for (size_t i = 0; i < 20; i++) {
		tcps[i] = tcp_connect(part.http);
		tcp_send(&tcps[i], i % 2 ? GET : big_head);
		until(tcp_has(&tcps[i], "half"));
	}
	ztt_child_stop(&part.child, GRACE_NS);
	for (size_t i = 0; i < 20; i++) {
		until(tcp_is_over(&tcps[i]));
		assert_null(strstr(tcps[i].text, "\r\n0\r\n"));
		tcp_close(&tcps[i]);
	}
	until(connectors[0].end.ended);
	assert_int_equal(connectors[0].end.why.kind, ZTT_QUIC_PEER);
	assert_non_null(strstr(connectors[0].end.why.text, "going away"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(a_connector_is_registered_and_serves),
		CASE(a_wrong_secret_is_refused),
		CASE(calls_that_do_not_exist_are_exceptions),
		CASE(registering_twice_counts_once),
		CASE(a_malformed_message_ends_that_connection_alone),
		CASE(an_oversized_message_ends_that_connection_alone),
		CASE(changed_registrations_do_no_harm),
		CASE(streams_that_a_connector_opens_are_reset),
		CASE(a_request_without_an_answer_holds_up_no_other),
		CASE(a_reset_before_the_answer_is_a_bad_gateway),
		CASE(a_malformed_answer_is_a_bad_gateway),
		CASE(a_head_that_never_ends_is_a_bad_gateway),
		CASE(a_status_that_is_none_is_a_bad_gateway),
		CASE(no_header_can_split_the_answer),
		CASE(a_length_is_told_once),
		CASE(an_error_of_the_connector_is_text_within_its_length),
		CASE(a_body_that_breaks_off_is_never_a_short_success),
		CASE(bytes_past_the_length_are_dropped),
		CASE(an_early_answer_comes_whole),
		CASE(clients_that_break_off_leave_nothing_open),
		CASE(datagrams_of_anybody_do_no_harm),
		CASE(it_ends_well_with_requests_under_way),
	};

	if (argc > 1 && strcmp(argv[1], "edge") == 0)
		return ztt_cmd_edge(argc - 1, argv + 1);
	return cmocka_run_group_tests_name("edge_hostile", tests, NULL, NULL);
}
