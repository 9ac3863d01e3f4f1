#define _GNU_SOURCE
#include "common/quic.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "quic_peer.h"

#define MB (UINT64_C(1) << 20)

static struct ztt_tls *server_tls, *client_tls;
static struct end client;

static struct ztt_tls *new_server_tls(void)
{
	static const char *const names[] = {ZTT_TLS_EDGE_NAME, NULL};
	struct ztt_tls *tls = NULL;

	assert_int_equal(ztt_tls_server_new(names, &tls, &err), 0);
	return tls;
}

static struct ztt_tls *new_client_tls(const struct ztt_tls *server)
{
	const int fd = memfd_create("ca", MFD_CLOEXEC);
	struct ztt_tls *tls = NULL;
	char path[64];
	size_t len;
	const char *pem = ztt_tls_ca_pem(server, &len);

	assert_int_equal(write(fd, pem, len), (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(ztt_tls_client_new(path, &tls, &err), 0);
	close(fd);
	return tls;
}

static int set_up(void **state)
{
	(void)state;
	loop_begin();
	server_tls = new_server_tls();
	client_tls = new_client_tls(server_tls);
	listener_open(server_tls);
	memset(&client, 0, sizeof(client));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	end_release(&client);
	listener_close();
	ztt_tls_free(client_tls);
	ztt_tls_free(server_tls);
	loop_end();
	return 0;
}

static struct ztt_quic_plan client_plan(struct end *end)
{
	return (struct ztt_quic_plan){
		.shared = shared,
		.tls = client_tls,
		.alpn = ZTT_TLS_EDGE_ALPN,
		.server_name = ZTT_TLS_EDGE_NAME,
		.peer = listener.address,
		.events = &end_events,
		.owner = end,
	};
}

static void connect_with(struct end *end, const struct ztt_quic_plan *plan)
{
	if (ztt_quic_connect(plan, &end->quic, &err) < 0)
		fail_msg("%s", err.text);
}

static struct end *newest(void)
{
	return listener.count ? listener.ends[listener.count - 1] : NULL;
}

/* Connects, and returns the server's end. */
static struct end *meet(const struct ztt_quic_plan *plan)
{
	connect_with(&client, plan);
	until(client.established && newest() && newest()->established);
	return newest();
}

static struct end *meet_as_usual(void)
{
	const struct ztt_quic_plan plan = client_plan(&client);

	return meet(&plan);
}

/* --- handshakes ---------------------------------------------------------- */

static void a_handshake_establishes_both_sides(void **state)
{
	struct ztt_quic_figures figures;
	struct end *server = meet_as_usual();

	(void)state;
	assert_true(ztt_quic_is_established(client.quic));
	assert_true(ztt_quic_is_established(server->quic));
	assert_true(ztt_address_equal(ztt_quic_peer(client.quic),
				      &listener.address));
	until((ztt_quic_figures(client.quic, &figures), figures.rtt_ns));
	assert_int_equal(figures.version, 1);
	assert_in_range(figures.payload_bytes, 1200, ZTT_QUIC_PAYLOAD_MAX);
	assert_true(figures.window_bytes >= 2 * figures.payload_bytes);
	assert_true(figures.rtt_min_ns && figures.rtt_min_ns < ZTT_NS_PER_S);
}

static void check_ciphers(const char *of_client, const char *of_server,
			  const char *name)
{
	struct ztt_quic_figures figures;
	struct end *server;

	assert_int_equal(ztt_tls_cipher(client_tls, of_client, &err), 0);
	assert_int_equal(ztt_tls_cipher(server_tls, of_server, &err), 0);
	server = meet_as_usual();
	ztt_quic_figures(client.quic, &figures);
	assert_string_equal(figures.cipher, name);
	ztt_quic_figures(server->quic, &figures);
	assert_string_equal(figures.cipher, name);
	server->mode = MODE_ECHO;
	stream_send(&client, 100000);
	until(client.streams->fin);
	assert_int_equal(client.streams->got, 100000);
	assert_false(client.streams->differs);
	ztt_quic_close(client.quic, 0, "");
	until(client.ended && server->ended);
	end_release(&client);
}

static void either_side_chooses_the_cipher(void **state)
{
	(void)state;
	check_ciphers("aes128", "auto", "AES-128-GCM");
	check_ciphers("auto", "aes256", "AES-256-GCM");
	check_ciphers("chacha20", "auto", "CHACHA20-POLY1305");
	check_ciphers("auto", "auto", "AES-128-GCM");
}

static void without_a_cipher_in_common_both_say_so(void **state)
{
	const struct ztt_quic_plan plan = client_plan(&client);

	(void)state;
	ztt_tls_cipher(client_tls, "aes128", &err);
	ztt_tls_cipher(server_tls, "chacha20", &err);
	connect_with(&client, &plan);
	until(client.ended && newest()->ended);
	assert_int_equal(newest()->why.kind, ZTT_QUIC_TLS);
	assert_int_equal(client.why.kind, ZTT_QUIC_PEER);
	assert_false(client.why.application);
	assert_non_null(strstr(newest()->why.text, "in common"));
	assert_non_null(strstr(client.why.text, "in common"));
}

static void check_key_log_line(const char *line)
{
	static const char *const labels[] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
					     "SERVER_HANDSHAKE_TRAFFIC_SECRET",
					     "CLIENT_TRAFFIC_SECRET_0",
					     "SERVER_TRAFFIC_SECRET_0",
					     "EXPORTER_SECRET"};
	char label[64], client_random[128], secret[128];
	bool known = false;

	assert_int_equal(sscanf(line, "%63s %127[0-9a-f] %127[0-9a-f]", label,
				client_random, secret),
			 3);
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		known |= strcmp(label, labels[i]) == 0;
	assert_true(known);
	assert_int_equal(strlen(client_random), 64);
	assert_int_equal(strlen(secret), 64);
	assert_int_equal(strlen(line),
			 strlen(label) + 1 + 64 + 1 + strlen(secret));
}

static void the_key_log_is_in_nss_format_and_alike_on_both_sides(void **state)
{
	char *texts[2] = {NULL, NULL}, *line, *save = NULL;
	size_t lens[2];
	FILE *files[2];
	unsigned lines = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		files[i] = open_memstream(&texts[i], &lens[i]);
		ztt_tls_key_log(i ? server_tls : client_tls, files[i]);
	}
	meet_as_usual();
	for (int i = 0; i < 2; i++) {
		ztt_tls_key_log(i ? server_tls : client_tls, NULL);
		fclose(files[i]);
	}
	for (line = strtok_r(texts[0], "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save), lines++) {
		check_key_log_line(line);
		assert_non_null(strstr(texts[1], line));
	}
	assert_true(lines >= 4);
	free(texts[0]);
	free(texts[1]);
}

static void a_certificate_of_another_ca_is_refused(void **state)
{
	struct ztt_tls *other = new_server_tls();
	struct ztt_tls *misled = new_client_tls(other);
	struct ztt_quic_plan plan = client_plan(&client);

	(void)state;
	plan.tls = misled;
	connect_with(&client, &plan);
	until(client.ended && newest()->ended);
	assert_int_equal(client.why.kind, ZTT_QUIC_TLS);
	assert_non_null(strstr(client.why.text, "certificate"));
	assert_string_equal(ztt_tls_certificate_problem(client.why.certificate),
			    "not signed by the authority that it names");
	assert_int_equal(newest()->why.kind, ZTT_QUIC_PEER);
	assert_false(newest()->why.application);
	assert_non_null(strstr(newest()->why.text, "certificate"));
	assert_false(client.established);
	ztt_tls_free(misled);
	ztt_tls_free(other);
}

static void a_certificate_for_another_name_is_refused(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);

	(void)state;
	plan.server_name = "example.com";
	connect_with(&client, &plan);
	until(client.ended && newest()->ended);
	assert_int_equal(client.why.kind, ZTT_QUIC_TLS);
	assert_non_null(strstr(client.why.text, "certificate"));
	assert_string_equal(ztt_tls_certificate_problem(client.why.certificate),
			    "for another name");
}

static void another_alpn_is_refused(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);

	(void)state;
	plan.alpn = "h3";
	connect_with(&client, &plan);
	until(client.ended && newest()->ended);
	assert_int_equal(newest()->why.kind, ZTT_QUIC_TLS);
	assert_non_null(strstr(newest()->why.text, "ALPN"));
	assert_non_null(strstr(client.why.text, "ALPN"));
}

/* --- streams ------------------------------------------------------------- */

static void check_echo(uint64_t len)
{
	const struct stream *stream = stream_send(&client, len);

	until(stream->fin);
	assert_int_equal(stream->got, len);
	assert_false(stream->differs);
	assert_int_equal(stream->fins, 1);
	until(stream->closed);
}

static void ten_megabytes_come_back_as_they_went(void **state)
{
	struct end *server;

	(void)state;
	listener.proto.mode = MODE_ECHO;
	server = meet_as_usual();
	check_echo(10 * MB);
	until(server->closed == 1);
	assert_int_equal(server->streams->got, 10 * MB);
}

static void segmentation_and_coalescing_can_be_done_without(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);
	struct ztt_quic_figures figures;

	(void)state;
	plan.no_gso = plan.no_gro = true;
	plan.payload_max_bytes = 1200;
	listener.plan.no_gso = listener.plan.no_gro = true;
	listener.proto.mode = MODE_ECHO;
	meet(&plan);
	ztt_quic_figures(client.quic, &figures);
	assert_false(figures.gso || figures.gro);
	assert_int_equal(figures.payload_bytes, 1200);
	check_echo(MB);
}

static void the_server_opens_streams_too(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);
	struct stream *stream;
	struct end *server;

	(void)state;
	client.mode = MODE_ECHO;
	plan.streams_max = 1;
	server = meet(&plan);
	stream = stream_send(server, MB);
	until(stream->closed && client.closed == 1);
	assert_int_equal(stream->got, MB);
	assert_false(stream->differs);
	assert_int_equal(stream->quic.id & 3, 1);
}

static void hundreds_of_streams_go_on_at_once(void **state)
{
	(void)state;
	listener.proto.mode = MODE_ECHO;
	meet_as_usual();
	for (uint64_t i = 0; i < 500; i++)
		stream_send(&client, i * 37);
	until(client.closed == 500);
	for (struct stream *s = client.streams; s; s = s->next) {
		assert_true(s->fin);
		assert_int_equal(s->got, s->to_send);
		assert_false(s->differs);
	}
	until(newest()->closed == 500);
}

static void a_fin_may_come_alone_and_leaves_the_other_way_open(void **state)
{
	struct end *server = meet_as_usual();
	struct stream *stream = stream_send(&client, 0), *other;

	(void)state;
	until(server->streams && server->streams->fin);
	other = server->streams;
	assert_int_equal(other->got, 0);
	assert_int_equal(other->fins, 1);
	assert_false(stream->fin);
	ztt_quic_write(&stream->quic, "after the end", 13);
	other->to_send = 5000;
	stream_feed(other);
	until(stream->fin && stream->closed && other->closed);
	assert_int_equal(stream->got, 5000);
	assert_int_equal(other->got, 0);
}

static void send_64_mb(struct stream *stream)
{
	stream->to_send = 64 * MB;
}

/* Both sides send when one of them gives the stream up. */
static void a_reset_is_told_both_ways(void **state)
{
	struct stream *stream, *other;
	struct end *server;

	(void)state;
	listener.proto.on_stream = send_64_mb;
	server = meet_as_usual();
	stream = stream_send(&client, 64 * MB);
	until(server->opened);
	other = server->streams;
	stream_feed(other);
	until(other->got > MB && stream->got > MB);
	ztt_quic_reset(&stream->quic, 42);
	ztt_quic_reset(&stream->quic, 43);
	until(other->reset);
	assert_int_equal(other->reset_code, 42);
	assert_false(other->fin);
	assert_false(stream->stopped);
	ztt_quic_write(&other->quic, "in vain", 7);
	ztt_quic_finish(&other->quic);
	until(stream->closed && other->closed);
	ztt_quic_reset(&stream->quic, 44);
	assert_true(ztt_quic_is_established(client.quic));
	assert_true(ztt_quic_is_established(server->quic));
}

static void write_in_vain(struct stream *stream)
{
	ztt_quic_write(&stream->quic, "in vain", 7);
}

static void who_still_writes_is_told_that_it_is_not_wanted(void **state)
{
	struct stream *stream = stream_new(&client, MODE_SINK);
	struct end *server;

	(void)state;
	listener.proto.on_reset = write_in_vain;
	server = meet_as_usual();
	assert_int_equal(ztt_quic_open(client.quic, &stream->quic), 0);
	client.opened++;
	ztt_quic_write(&stream->quic, "x", 1);
	until(server->opened);
	ztt_quic_reset(&stream->quic, 42);
	until(server->streams->stopped);
	until(stream->closed && server->streams->closed);
	assert_int_equal(stream->got, 0);
}

static void a_reset_drops_what_was_not_sent(void **state)
{
	struct end *server;
	struct stream *stream;

	(void)state;
	listener.proto.mode = MODE_HOLD;
	server = meet_as_usual();
	stream = stream_send(&client, 64 * MB);
	until(server->streams && server->streams->got);
	ztt_quic_reset(&stream->quic, 1);
	until(server->streams->reset);
	ztt_quic_reset(&server->streams->quic, 1);
	until(stream->closed && server->streams->closed);
	assert_int_equal(stream->quic.out.len_bytes, 0);
	server->mode = MODE_ECHO;
	check_echo(MB);
}

static void streams_that_the_owner_refuses_are_reset(void **state)
{
	(void)state;
	listener.proto.refuse = true;
	meet_as_usual();
	for (int i = 0; i < 300; i++)
		stream_send(&client, 10);
	until(client.closed == 300);
	for (struct stream *s = client.streams; s; s = s->next)
		assert_true(s->reset);
	assert_true(ztt_quic_is_established(client.quic));
}

static void beyond_the_limit_of_streams_is_try_again(void **state)
{
	const struct ztt_quic_plan plan = client_plan(&client);
	struct stream *stream = stream_new(&client, MODE_SINK);
	struct stream third = {.end = &client};
	struct end *server;

	(void)state;
	listener.plan.streams_max = 2;
	connect_with(&client, &plan);
	assert_int_equal(ztt_quic_open(client.quic, &stream->quic), -ENOTCONN);
	until(client.established && newest() && newest()->established);
	server = newest();
	server->mode = MODE_ECHO;
	stream_send(&client, 1);
	assert_int_equal(ztt_quic_open(client.quic, &stream->quic), 0);
	client.opened++;
	assert_int_equal(ztt_quic_open(client.quic, &third.quic), -EAGAIN);
	assert_null(third.quic.quic);
	until(client.closed == 1);
	third.to_send = 10;
	until(ztt_quic_open(client.quic, &third.quic) == 0);
	client.opened++;
	stream_feed(&third);
	until(third.closed);
	assert_int_equal(third.got, 10);
	memset(&third.quic, 0, sizeof(third.quic));
	ztt_quic_close(client.quic, 0, "");
	assert_int_equal(ztt_quic_open(client.quic, &third.quic), -ENOTCONN);
}

/* --- back-pressure ------------------------------------------------------- */

#define BUDGET (1 * MB)
#define STREAM_WINDOW (256 << 10)

static void release_held(struct stream *stream)
{
	const uint64_t held = stream->held;

	stream->mode = MODE_SINK;
	stream->held = 0;
	ztt_quic_consumed(&stream->quic, held);
}

static void a_receiver_that_never_consumes_stops_its_stream_alone(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);
	struct stream *stuck, *other;
	struct end *server;

	(void)state;
	plan.send_budget_bytes = BUDGET;
	listener.plan.stream_window_bytes = STREAM_WINDOW;
	listener.proto.mode = MODE_HOLD;
	server = meet(&plan);
	stuck = stream_send(&client, 4 * MB);
	until(server->streams && server->streams->got == STREAM_WINDOW);
	other = server->streams;
	server->mode = MODE_ECHO;
	check_echo(4 * MB);
	assert_int_equal(other->got, STREAM_WINDOW);
	assert_true(stuck->quic.out.len_bytes <= BUDGET + ZTT_CHUNK_BYTES);
	assert_true(stuck->sent <= STREAM_WINDOW + BUDGET + ZTT_CHUNK_BYTES);
	assert_true(stuck->sent < stuck->to_send);

	server->mode = MODE_HOLD;
	release_held(other);
	until(other->fin);
	assert_int_equal(other->got, 4 * MB);
}

static uint64_t held_by(const struct end *end)
{
	uint64_t held = 0;

	for (struct stream *s = end->streams; s; s = s->next)
		held += s->held;
	return held;
}

static uint64_t waiting_in(const struct end *end)
{
	uint64_t waiting = 0;

	for (struct stream *s = end->streams; s; s = s->next)
		waiting += s->quic.out.len_bytes;
	return waiting;
}

static void all_streams_together_stay_within_window_and_budget(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);
	struct end *server;
	uint64_t before = 1;

	(void)state;
	plan.send_budget_bytes = BUDGET;
	listener.plan.window_bytes = MB;
	listener.plan.stream_window_bytes = STREAM_WINDOW;
	listener.proto.mode = MODE_HOLD;
	server = meet(&plan);
	for (int i = 0; i < 32; i++)
		stream_send(&client, MB / 2);
	while (server->opened < 4 || held_by(server) != before) {
		before = held_by(server);
		for (int i = 0; i < 25; i++)
			run_slice(UINT64_MAX, "");
	}
	/* The window may have grown to four times its size. */
	assert_in_range(held_by(server), STREAM_WINDOW, 5 * MB);
	assert_true(waiting_in(&client) <= BUDGET + 32 * ZTT_CHUNK_BYTES);
	server->mode = MODE_SINK;
	for (struct stream *s = server->streams; s; s = s->next)
		release_held(s);
	until(server->opened == 32);
	for (struct stream *s = server->streams; s; s = s->next) {
		until(s->fin);
		assert_int_equal(s->got, MB / 2);
		assert_false(s->differs);
	}
}

/* --- ends ---------------------------------------------------------------- */

static void a_silent_peer_ends_it_after_the_idle_timeout(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);
	struct end *server;

	(void)state;
	plan.idle_timeout_ns = 200 * ZTT_NS_PER_MS;
	server = meet(&plan);
	stream_send(&client, 10);
	ztt_quic_free(server->quic);
	server->quic = NULL;
	until(client.ended);
	assert_int_equal(client.why.kind, ZTT_QUIC_IDLE);
	assert_non_null(strstr(client.why.text, "idle"));
	assert_true(client.streams->closed);
}

static void keep_alive_prevents_the_idle_timeout(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);
	uint64_t until_ns;

	(void)state;
	plan.idle_timeout_ns = 100 * ZTT_NS_PER_MS;
	plan.keep_alive_ns = 20 * ZTT_NS_PER_MS;
	meet(&plan);
	until_ns = ztt_clock_ns() + 300 * ZTT_NS_PER_MS;
	until(ztt_clock_ns() > until_ns);
	assert_false(client.ended);
	assert_false(newest()->ended);
}

static void the_peer_learns_code_and_reason(void **state)
{
	struct end *server = meet_as_usual();

	(void)state;
	stream_send(&client, 10);
	ztt_quic_close(client.quic, 7, "so\nlong");
	ztt_quic_close(client.quic, 8, "too late");
	assert_false(ztt_quic_is_established(client.quic));
	until(client.ended && server->ended);
	assert_int_equal(client.why.kind, ZTT_QUIC_CLOSED);
	assert_int_equal(client.why.code, 7);
	assert_true(client.streams->closed);
	assert_int_equal(server->why.kind, ZTT_QUIC_PEER);
	assert_true(server->why.application);
	assert_int_equal(server->why.code, 7);
	assert_non_null(strstr(server->why.text, "so?long"));
}

static void a_reason_of_any_length_is_cut(void **state)
{
	struct end *server = meet_as_usual();
	char reason[2000];

	(void)state;
	memset(reason, 'x', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	ztt_quic_close(server->quic, 1, reason);
	until(client.ended && server->ended);
	assert_int_equal(client.why.kind, ZTT_QUIC_PEER);
	assert_non_null(strstr(client.why.text, "xxxx"));
}

static void where_nothing_listens_it_is_refused(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);
	struct ztt_udp udp;

	(void)state;
	ztt_address_parse_numeric("127.0.0.1:0", &plan.peer, &err);
	assert_int_equal(
		ztt_udp_open(&(struct ztt_udp_plan){.local = &plan.peer}, &udp,
			     &err),
		0);
	ztt_address_of_socket(udp.fd, &plan.peer);
	close(udp.fd);
	connect_with(&client, &plan);
	until(client.ended);
	assert_int_equal(client.why.kind, ZTT_QUIC_REFUSED);
}

static void a_handshake_has_a_time_limit(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);

	(void)state;
	listener.deaf = true;
	plan.handshake_timeout_ns = 50 * ZTT_NS_PER_MS;
	connect_with(&client, &plan);
	until(client.ended);
	assert_int_equal(client.why.kind, ZTT_QUIC_TIMEOUT);
	assert_int_equal(listener.heard, 1);
	assert_int_equal(ztt_quic_classify(listener.datagram,
					   listener.datagram_len),
			 ZTT_QUIC_FIRST_INITIAL);
}

static void an_initial_can_be_as_long_as_a_tunnels(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);

	(void)state;
	plan.initial_bytes = 1252;
	plan.payload_max_bytes = 1252;
	listener.deaf = true;
	plan.handshake_timeout_ns = 50 * ZTT_NS_PER_MS;
	connect_with(&client, &plan);
	until(client.ended);
	assert_int_equal(listener.datagram_len, 1252);
	listener.deaf = false;
	client = (struct end){.quic = NULL};
	plan.handshake_timeout_ns = 0;
	connect_with(&client, &plan);
	until(client.established && newest()->established);
}

static void by_wish_what_this_host_refuses_to_send_ends_it(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);

	(void)state;
	/* Longer than any UDP datagram on a route can be: EMSGSIZE. */
	ztt_address_parse_numeric("127.0.0.1:9", &plan.peer, &err);
	plan.initial_bytes = 65530;
	plan.heed_icmp = true;
	connect_with(&client, &plan);
	until(client.ended);
	assert_int_equal(client.why.kind, ZTT_QUIC_UNREACHABLE);
	assert_int_equal(client.why.code, EMSGSIZE);
}

/* The Initial is sent again after a second, when the old connection has let go
 * of the port. */
static void a_peer_that_begins_anew_replaces_its_connection(void **state)
{
	struct end *server = meet_as_usual(), again = {.quic = NULL};
	struct ztt_quic_plan plan = client_plan(&again);

	(void)state;
	plan.local = *ztt_quic_peer(server->quic);
	ztt_quic_free(client.quic);
	client.quic = NULL;
	connect_with(&again, &plan);
	until(server->ended);
	assert_int_equal(server->why.kind, ZTT_QUIC_REPLACED);
	until(again.established && listener.count == 2);
	end_release(&again);
}

/* --- datagrams from anywhere --------------------------------------------- */

static void fill_random(uint8_t *data, size_t len, unsigned *seed)
{
	for (size_t i = 0; i < len; i++) {
		*seed = *seed * 1664525U + 1013904223U;
		data[i] = (uint8_t)(*seed >> 16);
	}
}

static void garbage_changes_nothing(void **state)
{
	uint8_t data[1500];
	unsigned seed = 99;
	struct end *server;

	(void)state;
	listener.proto.mode = MODE_ECHO;
	server = meet_as_usual();
	for (size_t i = 0; i < 2000; i++) {
		const size_t len = i % sizeof(data);

		fill_random(data, len, &seed);
		if (i & 1)
			data[0] = (uint8_t)(0xc0 | (i & 0x3f));
		if (i & 2 && len > 5)
			memcpy(data + 1, "\0\0\0\1", 4);
		ztt_quic_input(i & 4 ? client.quic : server->quic, data, len);
		ztt_quic_classify(data, len);
	}
	check_echo(MB);
}

/* The descriptor of a socket by its own address. */
static int socket_at(const struct ztt_address *address)
{
	struct ztt_address own;

	for (int fd = 0; fd < 256; fd++)
		if (ztt_address_of_socket(fd, &own) == 0 &&
		    ztt_address_equal(&own, address))
			return fd;
	return -1;
}

/* A network may deliver a datagram twice, and late. */
static void a_first_datagram_that_comes_again_changes_nothing(void **state)
{
	const struct ztt_quic_plan plan = client_plan(&client);
	uint8_t first[2048];
	size_t len;
	int fd;

	(void)state;
	listener.proto.mode = MODE_ECHO;
	connect_with(&client, &plan);
	until(listener.heard);
	len = listener.datagram_len;
	memcpy(first, listener.datagram, len);
	until(client.established && newest()->established);
	fd = socket_at(ztt_quic_peer(newest()->quic));
	assert_true(fd >= 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(send(fd, first, len, 0), (ssize_t)len);
		check_echo(1000);
	}
	assert_false(newest()->ended);
	assert_int_equal(listener.count, 1);
}

static void changed_first_datagrams_begin_nothing_that_lasts(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);
	uint8_t changed[2048];
	struct ztt_address peer;
	unsigned seed = 5;

	(void)state;
	listener.deaf = true;
	connect_with(&client, &plan);
	until(listener.heard);
	ztt_address_parse_numeric("127.0.0.1:9", &peer, &err);
	listener.plan.handshake_timeout_ns = 20 * ZTT_NS_PER_MS;
	for (size_t i = 0; i < 200; i++) {
		memcpy(changed, listener.datagram, listener.datagram_len);
		seed = seed * 1664525U + 1013904223U;
		changed[(seed >> 8) % 64] ^= (uint8_t)(1 + (seed & 0x7f));
		listener_accept(&peer, changed, listener.datagram_len - i);
	}
	for (size_t i = 0; i < listener.count; i++)
		until(listener.ends[i]->ended);
	for (size_t i = 0; i < listener.count; i++)
		assert_false(listener.ends[i]->established);
}

static void accept_refuses_what_is_no_initial(void **state)
{
	struct ztt_quic_plan plan = listener.plan;
	struct ztt_quic *quic = NULL;
	uint8_t data[1300];
	unsigned seed = 3;

	(void)state;
	plan.shared = shared;
	plan.alpn = ZTT_TLS_EDGE_ALPN;
	plan.local = plan.peer = listener.address;
	plan.events = &end_events;
	for (size_t i = 0; i < 300; i++) {
		fill_random(data, sizeof(data), &seed);
		data[0] = (uint8_t)i;
		assert_int_equal(ztt_quic_accept(&plan, data, i * 4, &quic,
						 &err),
				 -EPROTO);
		assert_null(quic);
	}
}

static size_t make_initial(uint8_t *out, uint32_t version, size_t len)
{
	memset(out, 0, len);
	out[0] = 0xc3;
	for (int i = 0; i < 4; i++)
		out[1 + i] = (uint8_t)(version >> (24 - 8 * i));
	out[5] = 8;
	memcpy(out + 6, "DDDDDDDD", 8);
	out[14] = 5;
	memcpy(out + 15, "sssss", 5);
	return len;
}

/* RFC 9000, section 17.2.1 */
static void an_unknown_version_is_answered_with_those_spoken(void **state)
{
	uint8_t initial[1200], out[256];
	size_t len;

	(void)state;
	len = make_initial(initial, 0x1a2a3a4a, 1200);
	assert_int_equal(ztt_quic_classify(initial, len),
			 ZTT_QUIC_FIRST_VERSION);
	len = ztt_quic_version_negotiation(initial, len, out, sizeof(out));
	assert_int_equal(len, 1 + 4 + 1 + 5 + 1 + 8 + 4);
	assert_true(out[0] & 0x80);
	assert_memory_equal(out + 1, "\0\0\0\0\5sssss\10DDDDDDDD\0\0\0\1", 23);

	assert_int_equal(ztt_quic_version_negotiation(initial, 1199, out,
						      sizeof(out)),
			 0);
	assert_int_equal(ztt_quic_version_negotiation(initial, 1200, out, 10),
			 0);
	make_initial(initial, 1, 1200);
	assert_int_equal(ztt_quic_version_negotiation(initial, 1200, out,
						      sizeof(out)),
			 0);
	make_initial(initial, 0, 1200);
	assert_int_equal(ztt_quic_version_negotiation(initial, 1200, out,
						      sizeof(out)),
			 0);
	assert_int_equal(ztt_quic_classify(initial, 1200),
			 ZTT_QUIC_FIRST_OTHER);
	assert_int_equal(ztt_quic_classify(initial, 0), ZTT_QUIC_FIRST_OTHER);
}

static void a_peer_of_another_version_ends_it(void **state)
{
	struct ztt_quic_plan plan = client_plan(&client);
	uint8_t out[64] = {0x80, 0, 0, 0, 0, 0, 16};

	(void)state;
	listener.deaf = true;
	connect_with(&client, &plan);
	until(listener.heard);
	/* Its source ID is empty; ours comes back as the destination's. */
	assert_int_equal(listener.datagram[5], 16);
	memcpy(out + 7, listener.datagram + 6, 16);
	memcpy(out + 23, "\x1a\x2a\x3a\x4a", 4);
	ztt_quic_input(client.quic, out, 27);
	until(client.ended);
	assert_int_equal(client.why.kind, ZTT_QUIC_PROTOCOL);
	assert_non_null(strstr(client.why.text, "version"));
}

/* --- the end of an owner ------------------------------------------------- */

static void open_three(struct end *end)
{
	for (int i = 0; i < 3; i++)
		stream_send(end, MB);
}

static void let_go(struct end *end, int how)
{
	if (!end || !end->quic)
		return;
	if (how == 0)
		ztt_quic_free(end->quic);
	else if (how == 1)
		ztt_quic_abandon(end->quic, 3, "going away");
	else
		ztt_quic_close(end->quic, 3, "going away");
	if (how < 2)
		end->quic = NULL;
}

static void check_let_go(unsigned rounds, int how, bool by_server)
{
	const struct ztt_quic_plan plan = client_plan(&client);
	const size_t before = listener.count;
	struct end *end;

	client.on_established = open_three;
	connect_with(&client, &plan);
	for (unsigned i = 0; i < rounds; i++)
		run_round();
	end = by_server ? listener.count > before ? newest() : NULL : &client;
	let_go(end, how);
	for (int i = 0; i < 3; i++)
		run_round();
	if (how == 2 && end)
		assert_true(end->ended);
	end_release(&client);
	while (listener.count > before) {
		end = listener.ends[--listener.count];
		end_release(end);
		free(end);
	}
}

static void an_owner_can_let_go_in_every_state(void **state)
{
	(void)state;
	listener.proto.mode = MODE_ECHO;
	for (unsigned rounds = 0; rounds < 24; rounds++)
		for (int how = 0; how < 3; how++) {
			check_let_go(rounds, how, false);
			check_let_go(rounds, how, true);
		}
	ztt_quic_free(NULL);
}

static void close_at_once(struct end *end)
{
	if (end->quic)
		ztt_quic_close(end->quic, 5, "no");
}

static void close_on_data(struct stream *stream, bool fin)
{
	(void)fin;
	close_at_once(stream->end);
}

static void an_owner_can_close_in_any_event(void **state)
{
	const struct ztt_quic_plan plan = client_plan(&client);

	(void)state;
	client.on_established = close_at_once;
	connect_with(&client, &plan);
	until(client.ended && newest()->ended);
	assert_int_equal(client.why.kind, ZTT_QUIC_CLOSED);
	end_release(&client);

	listener.proto.on_data = close_on_data;
	connect_with(&client, &plan);
	until(client.established);
	open_three(&client);
	until(client.ended && newest()->ended);
	assert_int_equal(newest()->why.kind, ZTT_QUIC_CLOSED);
	assert_int_equal(client.why.code, 5);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_handshake_establishes_both_sides),
		CASE(either_side_chooses_the_cipher),
		CASE(without_a_cipher_in_common_both_say_so),
		CASE(the_key_log_is_in_nss_format_and_alike_on_both_sides),
		CASE(a_certificate_of_another_ca_is_refused),
		CASE(a_certificate_for_another_name_is_refused),
		CASE(another_alpn_is_refused),
		CASE(ten_megabytes_come_back_as_they_went),
		CASE(segmentation_and_coalescing_can_be_done_without),
		CASE(the_server_opens_streams_too),
		CASE(hundreds_of_streams_go_on_at_once),
		CASE(a_fin_may_come_alone_and_leaves_the_other_way_open),
		CASE(a_reset_is_told_both_ways),
		CASE(who_still_writes_is_told_that_it_is_not_wanted),
		CASE(a_reset_drops_what_was_not_sent),
		CASE(streams_that_the_owner_refuses_are_reset),
		CASE(beyond_the_limit_of_streams_is_try_again),
		CASE(a_receiver_that_never_consumes_stops_its_stream_alone),
		CASE(all_streams_together_stay_within_window_and_budget),
		CASE(a_silent_peer_ends_it_after_the_idle_timeout),
		CASE(keep_alive_prevents_the_idle_timeout),
		CASE(the_peer_learns_code_and_reason),
		CASE(a_reason_of_any_length_is_cut),
		CASE(where_nothing_listens_it_is_refused),
		CASE(a_handshake_has_a_time_limit),
		CASE(an_initial_can_be_as_long_as_a_tunnels),
		CASE(by_wish_what_this_host_refuses_to_send_ends_it),
		CASE(a_peer_that_begins_anew_replaces_its_connection),
		CASE(garbage_changes_nothing),
		CASE(a_first_datagram_that_comes_again_changes_nothing),
		CASE(changed_first_datagrams_begin_nothing_that_lasts),
		CASE(accept_refuses_what_is_no_initial),
		CASE(an_unknown_version_is_answered_with_those_spoken),
		CASE(a_peer_of_another_version_ends_it),
		CASE(an_owner_can_let_go_in_every_state),
		CASE(an_owner_can_close_in_any_event),
	};

	return cmocka_run_group_tests_name("quic", tests, NULL, NULL);
}
