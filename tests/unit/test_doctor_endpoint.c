/* engine/endpoint: what an engine says, over loopback and in files. */
#include "doctor_root.h"

#include <pthread.h>

#include "common/address.h"
#include "common/err.h"
#include "ztt-doctor/engine/endpoint.h"

#define TUNNEL "11111111-2222-3333-4444-555555555555"

/* Answers each connection with the same bytes, then closes it. */
struct server {
	int fd;
	struct ztt_address address;
	const char *answer;
	pthread_t thread;
};

static void *serve(void *arg)
{
	struct server *server = arg;

	for (;;) {
		char request[2048];
		int fd = accept(server->fd, NULL, NULL);

		if (fd < 0)
			return NULL;
		if (read(fd, request, sizeof(request)) > 0)
			assert_true(write(fd, server->answer,
					  strlen(server->answer)) > 0);
		shutdown(fd, SHUT_WR);
		while (read(fd, request, sizeof(request)) > 0)
			;
		close(fd);
	}
}

static void server_begin(struct server *server, const char *answer)
{
	struct ztt_address any;

	assert_int_equal(ztt_address_parse("127.0.0.1:0", &any, NULL), 0);
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(server->fd >= 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&any.storage,
			      any.len_bytes),
			 0);
	assert_int_equal(listen(server->fd, 8), 0);
	assert_int_equal(ztt_address_of_socket(server->fd, &server->address),
			 0);
	server->answer = answer;
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server),
			 0);
}

static void server_end(struct server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
}

static int get(const char *answer, unsigned *ret_status, char **ret_body)
{
	struct server server;
	size_t len;
	int rc;

	server_begin(&server, answer);
	rc = ztt_endpoint_get(&server.address, "/ready",
			      ztt_clock_ns() + 5 * ZTT_NS_PER_S, ret_status,
			      ret_body, &len, NULL);
	server_end(&server);
	return rc;
}

static void test_bodies_by_length_by_close_and_chunked(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 503 x\r\nContent-Length: 5\r\n\r\nhello, more",
		"HTTP/1.1 503 x\r\nConnection: close\r\n\r\nhello",
		"HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\n"
		"2\r\nhe\r\n3;x\r\nllo\r\n0\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		unsigned status;
		char *body;

		assert_int_equal(get(answers[i], &status, &body), 0);
		assert_int_equal(status, 503);
		assert_string_equal(body, "hello");
		free(body);
	}
}

static void test_broken_answers_are_errors(void **state)
{
	static const char *const answers[] = {
		"SSH-2.0-x\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
		"HTTP/1.1 200 OK\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		unsigned status;
		char *body;

		assert_int_equal(get(answers[i], &status, &body), -EPROTO);
	}
}

static void test_tunnel_state(void **state)
{
	static const char text[] =
		"{\"tunnelID\":\"" TUNNEL "\",\"connectorID\":\"c\","
		"\"connections\":[{\"isConnected\":true,\"protocol\":1,"
		"\"edgeAddress\":\"192.0.2.1\"},{\"isConnected\":true,"
		"\"edgeAddress\":\"192.0.2.2\",\"index\":1},{\"index\":2}]}";
	struct ztt_endpoint endpoint = {0};

	(void)state;
	assert_int_equal(ztt_endpoint_read_tunnel(&endpoint, text,
						  sizeof(text) - 1),
			 0);
	assert_string_equal(endpoint.tunnel_id, TUNNEL);
	assert_int_equal(endpoint.connection_count, 3);
	assert_true(endpoint.connections[0].connected);
	assert_false(endpoint.connections[0].http2);
	assert_true(endpoint.connections[1].http2);
	assert_int_equal(endpoint.connections[1].index, 1);
	assert_false(endpoint.connections[2].connected);
	assert_int_equal(ztt_endpoint_read_tunnel(&endpoint, "[]", 2),
			 -EBADMSG);
	assert_int_equal(ztt_endpoint_read_ready(&endpoint, "{}", 2), -EBADMSG);
}

static void test_metrics(void **state)
{
	static const char text[] =
		"# HELP build_info x\nbuild_info{goversion=\"go1\",revision="
		"\"r\",type=\"\",version=\"2026.8.2\"} 1\n"
		"x_cloudflared_tunnel_ha_connections 9\n"
		"cloudflared_tunnel_ha_connections 4\n";
	struct ztt_endpoint endpoint = {.ha_gauge = -1};

	(void)state;
	assert_int_equal(ztt_endpoint_read_metrics(&endpoint, text,
						   sizeof(text) - 1),
			 0);
	assert_string_equal(endpoint.version, "2026.8.2");
	assert_int_equal(endpoint.ha_gauge, 4);
	assert_int_equal(ztt_endpoint_read_metrics(&endpoint, "", 0), -EBADMSG);
}

/* On the live root alone is anybody asked. */
static void ask(const char *metrics, struct ztt_doctor *doctor,
		struct ztt_root **ret_root)
{
	assert_int_equal(ztt_root_open(NULL, ret_root, NULL), 0);
	*doctor = (struct ztt_doctor){
		.root = *ret_root,
		.facts = ztt_facts_new(),
		.plan = {.metrics = metrics, .timeout_ns = ZTT_NS_PER_S},
		.deadline_ns = ztt_clock_ns() + 30 * ZTT_NS_PER_S,
	};
}

static void test_a_running_engine_is_asked(void **state)
{
	struct server server;
	struct ztt_doctor doctor;
	struct ztt_root *root;
	char at[ZTT_ADDRESS_LEN];

	(void)state;
	server_begin(&server, "HTTP/1.1 503 x\r\nConnection: close\r\n\r\n"
			      "{\"status\":503,\"readyConnections\":0}");
	ask(ztt_address_text(&server.address, at), &doctor, &root);
	assert_int_equal(ztt_endpoints(&doctor)->count, 1);
	assert_int_equal(ztt_endpoints(&doctor)->list[0].ready_status, 503);
	assert_int_equal(ztt_endpoints(&doctor)->list[0].ready_connections, 0);
	assert_false(ztt_endpoints(&doctor)->list[0].has_connections);
	ztt_facts_free(doctor.facts);
	ztt_root_free(root);
	server_end(&server);
}

static void test_who_answers_otherwise_is_no_engine(void **state)
{
	struct server server;
	struct ztt_doctor doctor;
	struct ztt_root *root;
	char at[ZTT_ADDRESS_LEN];

	(void)state;
	server_begin(&server, "HTTP/1.1 200 OK\r\n\r\n<html>");
	ask(ztt_address_text(&server.address, at), &doctor, &root);
	assert_int_equal(ztt_endpoints(&doctor)->count, 0);
	assert_non_null(
		strstr(ztt_endpoints(&doctor)->problem, "not cloudflared"));
	ztt_facts_free(doctor.facts);
	ztt_root_free(root);
	server_end(&server);
}

static void test_files_stand_for_it_in_a_copy(void **state)
{
	struct test_host host;

	(void)state;
	test_host_begin(&host);
	test_host_file(&host, "/engine/ready.json",
		       "{\"status\":200,\"readyConnections\":2}", 0644);
	assert_int_equal(ztt_endpoints(&host.doctor)->count, 1);
	assert_int_equal(ztt_endpoints(&host.doctor)->list[0].ready_connections,
			 2);
	test_host_end(&host);
	test_host_begin(&host);
	assert_int_equal(ztt_endpoints(&host.doctor)->count, 0);
	test_host_end(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies_by_length_by_close_and_chunked),
		cmocka_unit_test(test_broken_answers_are_errors),
		cmocka_unit_test(test_tunnel_state),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_a_running_engine_is_asked),
		cmocka_unit_test(test_who_answers_otherwise_is_no_engine),
		cmocka_unit_test(test_files_stand_for_it_in_a_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
