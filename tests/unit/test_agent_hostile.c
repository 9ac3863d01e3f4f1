#define _GNU_SOURCE
#include "ztt-bench/parts/agent/cmd.h"

#include <netinet/in.h>
#include <signal.h>

#include "part_peer.h"

#include "common/tunnel_rpc.h"
#include "common/tunnel_stream.h"
#include "ztt-bench/credentials.h"

#define MB (UINT64_C(1) << 20)
#define PEAK_BYTES (64 * MB) /* of the agent, without a sanitizer */
#define CONNS 1000           /* within the usual limit of open files */
#define FLOOD 500

static struct ztt_tls *tls;

static struct ztt_slice slice(const char *text)
{
	return (struct ztt_slice){text, strlen(text)};
}

/* --- the origin ---------------------------------------------------------- */

static struct origin {
	int fd;
	char address[ZTT_ADDRESS_LEN];
	struct tcp conns[CONNS];
	bool flows[CONNS]; /* sends an endless body */
	size_t count;
	/* What it answers a head with, and then. */
	const char *answer;
	size_t answer_len;
	enum {
		KEEP,
		BREAK,
		RESET,
		ENDLESS,
		DEAF
	} then;
	size_t heads; /* that came */
	char last[4096];
} origin;

#define ANSWER(text) \
	(origin.answer = text, origin.answer_len = sizeof(text) - 1)
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static void origin_open(void)
{
	struct ztt_address address;

	memset(&origin, 0, sizeof(origin));
	ztt_address_parse_numeric("127.0.0.1:0", &address, &err);
	assert_int_equal(ztt_tcp_listen(&address, &origin.fd, &err), 0);
	ztt_address_of_socket(origin.fd, &address);
	ztt_address_text(&address, origin.address);
	ANSWER(OK);
}

static void origin_stop_listening(void)
{
	if (origin.fd >= 0)
		close(origin.fd);
	origin.fd = -1;
}

static void origin_close(void)
{
	for (size_t i = 0; i < origin.count; i++)
		tcp_close(&origin.conns[i]);
	origin_stop_listening();
}

static void send_endless(const struct tcp *conn)
{
	static char body[65536];

	while (send(conn->fd, body, sizeof(body), MSG_NOSIGNAL | MSG_DONTWAIT) >
	       0)
		;
}

static void origin_answer(size_t which)
{
	struct tcp *conn = &origin.conns[which];

	origin.heads++;
	snprintf(origin.last, sizeof(origin.last), "%s", conn->text);
	conn->len = 0;
	conn->text[0] = '\0';
	if (origin.answer_len)
		assert_int_equal(send(conn->fd, origin.answer,
				      origin.answer_len, MSG_NOSIGNAL),
				 (ssize_t)origin.answer_len);
	origin.flows[which] = origin.then == ENDLESS;
	if (origin.then == BREAK)
		tcp_close(conn);
	else if (origin.then == RESET)
		tcp_break(conn);
}

/* What the origin does when it has its turn. */
static const struct origin *origin_poll(void)
{
	int fd;

	while (origin.fd >= 0 && ztt_tcp_accept(origin.fd, &fd) == 0) {
		assert_true(origin.count < CONNS);
		origin.conns[origin.count++] = tcp_of(fd);
	}
	for (size_t i = 0; i < origin.count; i++) {
		struct tcp *conn = &origin.conns[i];

		if (conn->fd < 0 || conn->eof || conn->error)
			continue;
		if (origin.flows[i])
			send_endless(conn);
		if (origin.then == DEAF && origin.heads)
			continue;
		tcp_poll(conn);
		if (strstr(conn->text, "\r\n\r\n"))
			origin_answer(i);
	}
	return &origin;
}

static size_t origin_open_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < origin_poll()->count; i++)
		count += origin.conns[i].fd >= 0 && !origin.conns[i].eof &&
			 !origin.conns[i].error;
	return count;
}

/* --- the edge ------------------------------------------------------------ */

static struct ztt_rpc_registered verdict;
static bool rpc_silent;
static size_t registrations, unregistrations;

static ssize_t make_return(const struct ztt_rpc_message *message, uint8_t *out,
			   size_t cap)
{
	if (message->tag == ZTT_RPC_BOOTSTRAP)
		return ztt_rpc_return_capability(message->id, 0, out, cap);
	if (message->tag != ZTT_RPC_CALL)
		return 0;
	if (message->method_id == ZTT_RPC_REGISTER_CONNECTION) {
		registrations++;
		return ztt_rpc_return_registered(message->id, &verdict, out,
						 cap);
	}
	if (message->method_id == ZTT_RPC_UNREGISTER_CONNECTION)
		unregistrations++;
	return ztt_rpc_return_empty(message->id, out, cap);
}

static void on_control(struct stream *stream, bool fin)
{
	static struct ztt_rpc_message message;
	uint8_t out[2048];
	ssize_t n, len;

	(void)fin;
	if (stream->quic.id != 0 || rpc_silent)
		return;
	while ((n = ztt_rpc_decode((uint8_t *)stream->text, stream->text_len,
				   &message)) > 0) {
		len = make_return(&message, out, sizeof(out));
		if (len > 0)
			ztt_quic_write(&stream->quic, out, (size_t)len);
		stream->text_len -= (size_t)n;
		memmove(stream->text, stream->text + n, stream->text_len);
	}
}

static struct end *edge(void)
{
	return listener.count ? listener.ends[listener.count - 1] : NULL;
}

static void write_pem(const struct ztt_tls *of)
{
	size_t len;
	const char *pem = ztt_tls_ca_pem(of, &len);

	assert_int_equal(ztt_file_write(part.ca, pem, len, &err), 0);
}

static struct ztt_tls *new_tls(void)
{
	static const char *const names[] = {ZTT_TLS_EDGE_NAME, NULL};
	struct ztt_tls *made = NULL;

	assert_int_equal(ztt_tls_server_new(names, &made, &err), 0);
	return made;
}

static void begin(void)
{
	struct ztt_credentials credentials;

	loop_begin();
	part_folder();
	tls = new_tls();
	listener_open(tls);
	listener.proto.mode = MODE_KEEP;
	listener.proto.on_data = on_control;
	origin_open();
	write_pem(tls);
	ztt_credentials_make(&credentials);
	assert_int_equal(ztt_credentials_write(part.credentials, &credentials,
					       &err),
			 0);
	verdict = (struct ztt_rpc_registered){.location = slice("test")};
	rpc_silent = false;
	registrations = unregistrations = 0;
}

static void start_agent(void)
{
	char url[ZTT_ADDRESS_LEN + 8], address[ZTT_ADDRESS_LEN];
	const char *args[] = {"--edge",
			      address,
			      "--cacert",
			      part.ca,
			      "--credentials",
			      part.credentials,
			      "--origin",
			      url,
			      "--connections",
			      "1",
			      "--grace-period",
			      "50ms",
			      NULL};

	snprintf(url, sizeof(url), "http://%s", origin.address);
	ztt_address_text(&listener.address, address);
	part_start("agent", args);
}

static int set_up_only(void **state)
{
	(void)state;
	begin();
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	begin();
	start_agent();
	until(part_said("is registered"));
	return 0;
}

static int tear_down_with(int status)
{
	int rc = part_end(status);

	origin_close();
	listener_close();
	ztt_tls_free(tls);
	loop_end();
	return rc;
}

static int tear_down(void **state)
{
	(void)state;
	return tear_down_with(0);
}

static int tear_down_refused(void **state)
{
	(void)state;
	return tear_down_with(3);
}

/* --- requests ------------------------------------------------------------ */

static struct stream *open_stream(void)
{
	struct end *end = edge();
	struct stream *stream = stream_new(end, MODE_KEEP);

	until(ztt_quic_open(end->quic, &stream->quic) == 0);
	end->opened++;
	return stream;
}

static struct ztt_connect_meta pair(const char *key, const char *value)
{
	return (struct ztt_connect_meta){slice(key), slice(value)};
}

static struct ztt_connect_request simple(const char *method, const char *dest)
{
	struct ztt_connect_request request = {.type = ZTT_CONNECT_HTTP};

	request.dest = slice(dest);
	request.meta_count = 2;
	request.meta[0] = pair(ZTT_META_METHOD, method);
	request.meta[1] = pair(ZTT_META_HOST, "x");
	return request;
}

static struct stream *ask_for(const struct ztt_connect_request *request)
{
	static uint8_t out[ZTT_CONNECT_MAX_BYTES];
	struct stream *stream = open_stream();
	const ssize_t len =
		ztt_connect_request_encode(request, out, sizeof(out));

	assert_true(len > 0);
	ztt_quic_write(&stream->quic, out, (size_t)len);
	return stream;
}

static struct stream *get(void)
{
	const struct ztt_connect_request request = simple("GET", "http://x/");
	struct stream *stream = ask_for(&request);

	ztt_quic_finish(&stream->quic);
	return stream;
}

static bool is_over(const struct stream *stream)
{
	origin_poll();
	return stream->fin || stream->reset || stream->closed;
}

/* The status that was answered, 0: none; and the body. */
static int status_of(const struct stream *stream, const char **ret_body)
{
	static struct ztt_connect_response response;
	ssize_t n = 0;

	*ret_body = "";
	if (stream->text)
		n = ztt_connect_response_decode((uint8_t *)stream->text,
						stream->text_len, &response);
	if (n <= 0 || !response.meta_count)
		return 0;
	*ret_body = stream->text + n;
	return atoi(response.meta[0].value.at);
}

static void check_answer(const struct stream *stream, int status,
			 const char *body)
{
	const char *got;

	until(is_over(stream));
	assert_int_equal(status_of(stream, &got), status);
	if (!strstr(got, body))
		fail_msg("want %s, got %s", body, got);
}

static void check_served(void)
{
	ANSWER(OK);
	origin.then = KEEP;
	check_answer(get(), 200, "hello");
}

static void check_peak(void)
{
	const uint64_t peak = part_peak_bytes();

	assert_true(peak);
#ifndef SANITIZED
	if (peak > PEAK_BYTES)
		fail_msg("the agent held %llu MB",
			 (unsigned long long)(peak / MB));
#endif
}

/* --- registration -------------------------------------------------------- */

static void it_registers_serves_and_unregisters(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		check_served();
	assert_int_equal(origin.count, 1);
	assert_int_equal(registrations, 1);
	kill(part.child.pid, SIGTERM);
	until(part_poll()->child.ended);
	assert_int_equal(unregistrations, 1);
}

static void a_refusal_ends_it_with_the_reason(void **state)
{
	(void)state;
	verdict.refused = true;
	verdict.cause = slice("Unauthorized: go\naway");
	start_agent();
	until(part_poll()->child.ended);
	assert_true(part_said("refused connection 0"));
	assert_true(part_said("Unauthorized: go?away"));
}

static void a_refusal_that_may_pass_is_tried_again(void **state)
{
	(void)state;
	verdict.refused = verdict.should_retry = true;
	verdict.cause = slice("come back later");
	start_agent();
	until(part_said("come back later"));
	until(edge()->ended);
	verdict.refused = false;
	until(part_said("is registered"));
	check_served();
}

static void a_certificate_of_another_ca_ends_it(void **state)
{
	struct ztt_tls *other = new_tls();

	(void)state;
	write_pem(other);
	ztt_tls_free(other);
	start_agent();
	until(part_poll()->child.ended);
	assert_true(part_said("certificate"));
}

static void check_control(const void *data, size_t len)
{
	struct end *end;

	rpc_silent = true;
	start_agent();
	until(edge() && edge()->streams && edge()->streams->text_len > 100);
	end = edge();
	ztt_quic_write(&end->streams->quic, data, len);
	until(end->ended);
	assert_int_equal(end->why.kind, ZTT_QUIC_PEER);
	assert_true(end->why.application);
	until(part_said("connection 0 ended"));
}

static void a_malformed_control_message_ends_the_connection(void **state)
{
	(void)state;
	check_control("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	assert_int_equal(listener.ends[0]->why.code, 1);
}

static void an_oversized_control_message_ends_the_connection(void **state)
{
	(void)state;
	check_control("\0\0\0\0\1\x80\0\0", 8);
	assert_int_equal(listener.ends[0]->why.code, 1);
}

static void an_abort_ends_the_connection(void **state)
{
	uint8_t out[256];
	ssize_t len = ztt_rpc_abort("no", out, sizeof(out));

	(void)state;
	check_control(out, (size_t)len);
}

/* An edge that takes every stream for its own, and garbage as answers. */
static void changed_registration_answers_do_no_harm(void **state)
{
	const struct ztt_rpc_registered good = {.location = slice("test")};
	uint8_t out[1024], bad[1024];
	ssize_t len = ztt_rpc_return_registered(1, &good, out, sizeof(out));
	unsigned seed = 77;

	(void)state;
	for (int i = 0; i < 200 && edge()->quic; i++) {
		memcpy(bad, out, (size_t)len);
		seed = seed * 1664525U + 1013904223U;
		bad[8 + (seed >> 8) % (size_t)(len - 8)] ^=
			(uint8_t)(1 << (seed >> 29));
		for (struct stream *s = edge()->streams; s; s = s->next)
			if (s->quic.id == 0)
				ztt_quic_write(&s->quic, bad, (size_t)len);
	}
	for (int i = 0; i < 20; i++)
		run_slice(UINT64_MAX, "");
	assert_false(part_said("Sanitizer"));
	ztt_child_stop(&part.child, GRACE_NS);
	part.child.status =
		WIFEXITED(part.child.status) &&
				(WEXITSTATUS(part.child.status) == 0 ||
				 WEXITSTATUS(part.child.status) == 3)
			? 0
			: part.child.status;
}

/* --- requests that are none ---------------------------------------------- */

static void a_malformed_request_is_answered_with_502(void **state)
{
	static const struct {
		const char *at;
		size_t len;
	} rows[] = {
#define ROW(text) {text, sizeof(text) - 1}
		ROW(""),
		ROW("G"),
		ROW("GET / HTTP/1.1\r\n\r\n"),
		ROW("\x0a\x36\xcd\x12\xa1\x3e"),
		ROW("\x0a\x36\xcd\x12\xa1\x3e"
		    "02\0\0\0\0\1\0\0\0\0\0\0\0\0\0"),
		ROW("\x52\xbb\x82\x5c\xdb\x65\0\0\0\0\1\0\0\0\0\0\0\0\0\0"),
		ROW("\x0a\x36\xcd\x12\xa1\x3e"
		    "01\xff\xff\xff\xff\1\0\0\0"),
		ROW("\x0a\x36\xcd\x12\xa1\x3e"
		    "01\0\0\0\0\xff\xff\0\0"),
		ROW("\x0a\x36\xcd\x12\xa1\x3e"
		    "01\0\0\0\0\2\0\0\0"
		    "\xfc\xff\xff\x7f\xff\xff\xff\xff\0\0\0\0\0\0\0\0"),
		ROW("\x0a\x36\xcd\x12\xa1\x3e"
		    "01\0\0\0\0\2\0\0\0"
		    "\0\0\0\0\1\0\0\0\x09\0\0\0\0\0\0\0"), /* type 9 */
		ROW("\x0a\x36\xcd\x12\xa1\x3e"
		    "01\0\0\0\0\1\0\0\0"
		    "\0\0\0\0\0\0\0\0"), /* no method */
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stream *stream = open_stream();

		if (rows[i].len)
			ztt_quic_write(&stream->quic, rows[i].at, rows[i].len);
		ztt_quic_finish(&stream->quic);
		check_answer(stream, 502, "malformed");
		until(stream->closed);
	}
	assert_int_equal(origin.heads, 0);
	check_served();
}

static void check_refused(const struct ztt_connect_request *request)
{
	struct stream *stream = ask_for(request);

	ztt_quic_finish(&stream->quic);
	check_answer(stream, 502, "malformed");
	assert_int_equal(origin.heads, 0);
}

static void no_text_can_split_the_request(void **state)
{
	static const char *const names[] = {"HttpHeader:A\r\nEvil",
					    "HttpHeader:A\nEvil",
					    "HttpHeader:A ",
					    "HttpHeader: A",
					    "HttpHeader:Content-Length ",
					    "HttpHeader:A\t",
					    "HttpHeader:A\x7f"};
	static const char *const values[] = {"a\r\nEvil: 1", "a\nEvil: 1",
					     "a\rEvil: 1", "\x01"};
	static const char *const methods[] = {"",
					      "GET /x HTTP/1.1\r\nA:", "GE T",
					      "GET\n", "GET\t"};
	static const char *const dests[] = {"http://x/ HTTP/1.1\r\nEvil: 1",
					    "http://x/a b", "http://x/a\tb",
					    "/\r\nEvil: 1", "/\n"};
	struct ztt_connect_request request;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		request = simple("GET", "http://x/");
		request.meta[request.meta_count++] = pair(names[i], "1");
		check_refused(&request);
	}
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		request = simple("GET", "http://x/");
		request.meta[request.meta_count++] =
			pair("HttpHeader:A", values[i]);
		check_refused(&request);
		request.meta[--request.meta_count] = pair("", "");
		request.meta[1] = pair(ZTT_META_HOST, values[i]);
		check_refused(&request);
	}
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		request = simple(methods[i], "http://x/");
		check_refused(&request);
	}
	for (size_t i = 0; i < sizeof(dests) / sizeof(dests[0]); i++) {
		request = simple("GET", dests[i]);
		check_refused(&request);
	}
	check_served();
}

static size_t count_of(const char *text, const char *word)
{
	size_t count = 0;

	for (; (text = strcasestr(text, word)); text++)
		count++;
	return count;
}

static void a_length_is_told_once(void **state)
{
	struct ztt_connect_request request = simple("POST", "http://x/");
	struct stream *stream;

	(void)state;
	request.meta[request.meta_count++] =
		pair("HttpHeader:Content-Length", "5");
	request.meta[request.meta_count++] =
		pair("HttpHeader:content-length", "50");
	request.meta[request.meta_count++] =
		pair("HttpHeader:Transfer-Encoding", "chunked");
	stream = ask_for(&request);
	ztt_quic_write(&stream->quic, "hello GET /evil", 15);
	ztt_quic_finish(&stream->quic);
	check_answer(stream, 200, "hello");
	assert_int_equal(count_of(origin.last, "content-length"), 1);
	assert_int_equal(count_of(origin.last, "transfer-encoding"), 0);
	until(origin_poll()->heads == 1);
	assert_null(strstr(origin.last, "evil"));
}

static void tcp_is_refused_unless_allowed(void **state)
{
	static struct ztt_connect_response response;
	struct ztt_connect_request request = {.type = ZTT_CONNECT_TCP};
	struct stream *stream;

	(void)state;
	request.dest = slice(origin.address);
	stream = ask_for(&request);
	until(is_over(stream));
	assert_true(ztt_connect_response_decode((uint8_t *)stream->text,
						stream->text_len,
						&response) > 0);
	assert_non_null(memmem(response.error.at, response.error.len_bytes,
			       "--tcp", 5));
	assert_int_equal(origin_poll()->count, 0);
}

/* --- floods -------------------------------------------------------------- */

static void a_flood_of_requests_is_held_in_bounded_memory(void **state)
{
	struct stream *streams[FLOOD];

	(void)state;
	ANSWER("");
	for (size_t i = 0; i < FLOOD; i++) {
		streams[i] = get();
		if (i % 50 == 0)
			origin_poll();
	}
	until(origin_poll()->heads == FLOOD);
	check_peak();
	for (size_t i = 0; i < FLOOD; i++)
		ztt_quic_reset(&streams[i]->quic, 0);
	until(origin_open_count() == 0);
	check_served();
}

/* A head of 64 KiB but for its last byte, on each of many streams. */
static void a_flood_of_unfinished_heads_is_held_in_bounded_memory(void **state)
{
	static const char head[] = "\x0a\x36\xcd\x12\xa1\x3e"
				   "01"
				   "\0\0\0\0\xff\x1f\0\0";
	static char rest[65500];
	struct stream *streams[1000];
	size_t sent = 0, before = 1;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		streams[i] = open_stream();
		ztt_quic_write(&streams[i]->quic, head, sizeof(head) - 1);
		ztt_quic_write(&streams[i]->quic, rest, sizeof(rest));
		if (i % 10 == 0)
			run_slice(UINT64_MAX, "");
	}
	while (sent == 0 || sent != before) {
		before = sent;
		sent = 0;
		for (int i = 0; i < 100; i++)
			run_slice(UINT64_MAX, "");
		for (size_t i = 0; i < 1000; i++)
			sent += sizeof(rest) - streams[i]->quic.unsent_bytes;
	}
	if (sent > 32 * MB)
		fail_msg("the agent took %zu bytes", sent);
	check_peak();
	for (size_t i = 0; i < 1000; i++)
		ztt_quic_reset(&streams[i]->quic, 0);
	check_served();
}

static void a_download_that_nobody_reads_stops(void **state)
{
	struct stream *stuck[8];
	uint64_t held = 0, before = 1;

	(void)state;
	ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n");
	origin.then = ENDLESS;
	for (size_t i = 0; i < 8; i++) {
		stuck[i] = get();
		stuck[i]->mode = MODE_HOLD;
	}
	while (held == 0 || held != before) {
		before = held;
		held = 0;
		for (int i = 0; i < 100; i++) {
			origin_poll();
			run_slice(UINT64_MAX, "");
		}
		for (size_t i = 0; i < 8; i++)
			held += stuck[i]->held;
	}
	assert_in_range(held, 8 * (512 << 10) / 2, 8 * (512 << 10));
	check_peak();
	check_served();
	for (size_t i = 0; i < 8; i++)
		ztt_quic_reset(&stuck[i]->quic, 0);
	until(origin_open_count() <= 1);
}

static void an_upload_that_the_origin_does_not_read_stops(void **state)
{
	struct ztt_connect_request request = simple("POST", "http://x/");
	struct stream *stream;
	uint64_t before = 0;

	(void)state;
	request.meta[request.meta_count++] =
		pair("HttpHeader:Content-Length", "1000000000");
	origin.then = DEAF;
	ANSWER("");
	stream = ask_for(&request);
	stream->to_send = 1000000000;
	stream_feed(stream);
	until(origin_poll()->heads == 1);
	while (stream->sent != before) {
		before = stream->sent;
		for (int i = 0; i < 100; i++) {
			origin_poll();
			run_slice(UINT64_MAX, "");
		}
	}
	assert_true(stream->sent < 64 * MB);
	check_peak();
	origin.heads = 0;
	check_served();
	ztt_quic_reset(&stream->quic, 0);
	until(origin_open_count() <= 1);
}

/* --- origins ------------------------------------------------------------- */

static void a_reset_of_the_edge_closes_the_origins_connection(void **state)
{
	struct stream *stream;

	(void)state;
	ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf");
	stream = get();
	until((origin_poll(),
	       stream->text_len > 4 &&
		       strcmp(stream->text + stream->text_len - 4, "half") ==
			       0));
	ztt_quic_reset(&stream->quic, 9);
	until(origin_open_count() == 0);
	until(stream->closed);
	check_served();
}

static void an_origin_that_refuses_is_a_bad_gateway(void **state)
{
	(void)state;
	origin_stop_listening();
	check_answer(get(), 502, "cannot be reached");
}

static void an_origin_that_says_nothing_holds_up_no_other(void **state)
{
	struct stream *stream;

	(void)state;
	ANSWER("");
	stream = get();
	until(origin_poll()->heads == 1);
	for (int i = 0; i < 10; i++)
		check_served();
	assert_null(stream->text);
	ztt_quic_reset(&stream->quic, 0);
	until(stream->closed && origin_open_count() == 1);
}

static void check_bad_gateway(const char *answer, size_t len, int then)
{
	origin.answer = answer;
	origin.answer_len = len;
	origin.then = (unsigned)then;
	check_answer(get(), 502, "origin");
}

static void an_answer_that_is_none_is_a_bad_gateway(void **state)
{
	static const char *const rows[] = {
		"garbage\r\n\r\n",
		"HTTP/1.1 xyz\r\n\r\n",
		"HTTP/2 200 OK\r\n\r\n",
		"\r\n\r\n",
		"HTTP/1.1 200 OK\n\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		"Content-Length: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		"Transfer-Encoding: chunked\r\n\r\n"};
	static char large[40000];
	char *at = large;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_bad_gateway(rows[i], strlen(rows[i]), KEEP);
	check_bad_gateway("", 0, BREAK);
	check_bad_gateway("", 0, RESET);
	check_bad_gateway("HTTP/1.1 200", 12, BREAK);
	check_bad_gateway("HTTP/1.1 200", 12, RESET);

	memset(large, 'a', sizeof(large));
	memcpy(large, "HTTP/1.1 200 OK\r\nA: ", 20);
	check_bad_gateway(large, sizeof(large), KEEP);
	at += sprintf(at, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 150; i++)
		at += sprintf(at, "A%d: b\r\n", i);
	at += sprintf(at, "\r\n");
	check_bad_gateway(large, (size_t)(at - large), KEEP);
	check_served();
}

static void a_body_that_breaks_off_is_never_a_short_success(void **state)
{
	static const char *const rows[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"4\r\nhalf\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"1000\r\nhalf",
	};
	static const char bad_chunk[] =
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"4\r\nhalf\r\nxyz\r\n";
	struct stream *stream;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		origin.answer = rows[i / 2];
		origin.answer_len = strlen(rows[i / 2]);
		origin.then = i % 2 ? RESET : BREAK;
		stream = get();
		until(is_over(stream));
		if (stream->fin)
			check_answer(stream, 502, "origin");
		else
			assert_true(stream->reset);
	}
	ANSWER(bad_chunk);
	origin.then = KEEP;
	stream = get();
	until(is_over(stream));
	assert_true(stream->reset && !stream->fin);
	check_served();
}

static void interim_answers_are_passed_over(void **state)
{
	static char text[60000];
	char *at = text;

	(void)state;
	for (int i = 0; i < 1000; i++)
		at += sprintf(at, "HTTP/1.1 100 Continue\r\nA: b\r\n\r\n");
	at += sprintf(at, OK);
	origin.answer = text;
	origin.answer_len = (size_t)(at - text);
	check_answer(get(), 200, "hello");
	check_served();
}

/* --- the whole ----------------------------------------------------------- */

static void it_ends_well_with_requests_under_way(void **state)
{
	struct ztt_connect_request request = simple("POST", "http://x/");
	struct stream *stream;

	(void)state;
	request.meta[request.meta_count++] =
		pair("HttpHeader:Content-Length", "1000000000");
	origin.then = DEAF;
	ANSWER("");
	for (int i = 0; i < 10; i++) {
		get();
		stream = ask_for(&request);
		stream->to_send = 1000000;
		stream_feed(stream);
		stream = open_stream();
		ztt_quic_write(&stream->quic, "\x0a\x36\xcd", 3);
	}
	until(origin_poll()->count == 20);
	kill(part.child.pid, SIGTERM);
	until((origin_poll(), part_poll()->child.ended));
	until(edge()->ended);
}

static void an_edge_that_goes_away_takes_its_requests_with_it(void **state)
{
	(void)state;
	ANSWER("");
	for (int i = 0; i < 10; i++)
		get();
	until(origin_poll()->heads == 10);
	ztt_quic_close(edge()->quic, 0, "bye");
	until(origin_open_count() == 0);
	until(part_said("bye"));
}

static void datagrams_of_the_edge_do_no_harm(void **state)
{
	uint8_t data[1400];
	struct ztt_udp udp;
	unsigned seed = 8;

	(void)state;
	assert_int_equal(
		ztt_udp_open(&(struct ztt_udp_plan){.local = &listener.address,
						    .peer = ztt_quic_peer(
							    edge()->quic),
						    .share_port = true},
			     &udp, &err),
		0);
	for (size_t i = 0; i < 300; i++) {
		for (size_t j = 0; j < sizeof(data); j++) {
			seed = seed * 1664525U + 1013904223U;
			data[j] = (uint8_t)(seed >> 16);
		}
		data[0] = (uint8_t)i;
		send(udp.fd, data, i * 4, MSG_NOSIGNAL);
	}
	close(udp.fd);
	check_served();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define ALONE(name) \
	cmocka_unit_test_setup_teardown(name, set_up_only, tear_down)
#define REFUSED(name) \
	cmocka_unit_test_setup_teardown(name, set_up_only, tear_down_refused)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(it_registers_serves_and_unregisters),
		REFUSED(a_refusal_ends_it_with_the_reason),
		ALONE(a_refusal_that_may_pass_is_tried_again),
		REFUSED(a_certificate_of_another_ca_ends_it),
		ALONE(a_malformed_control_message_ends_the_connection),
		ALONE(an_oversized_control_message_ends_the_connection),
		ALONE(an_abort_ends_the_connection),
		CASE(changed_registration_answers_do_no_harm),
		CASE(a_malformed_request_is_answered_with_502),
		CASE(no_text_can_split_the_request),
		CASE(a_length_is_told_once),
		CASE(tcp_is_refused_unless_allowed),
		CASE(a_flood_of_requests_is_held_in_bounded_memory),
		CASE(a_flood_of_unfinished_heads_is_held_in_bounded_memory),
		CASE(a_download_that_nobody_reads_stops),
		CASE(an_upload_that_the_origin_does_not_read_stops),
		CASE(a_reset_of_the_edge_closes_the_origins_connection),
		CASE(an_origin_that_refuses_is_a_bad_gateway),
		CASE(an_origin_that_says_nothing_holds_up_no_other),
		CASE(an_answer_that_is_none_is_a_bad_gateway),
		CASE(a_body_that_breaks_off_is_never_a_short_success),
		CASE(interim_answers_are_passed_over),
		CASE(it_ends_well_with_requests_under_way),
		CASE(an_edge_that_goes_away_takes_its_requests_with_it),
		CASE(datagrams_of_the_edge_do_no_harm),
	};

	if (argc > 1 && strcmp(argv[1], "agent") == 0)
		return ztt_cmd_agent(argc - 1, argv + 1);
	return cmocka_run_group_tests_name("agent_hostile", tests, NULL, NULL);
}
