#include "common/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/err.h"

static struct ztt_err err;

static void text_and_back(void **state)
{
	static const char *const texts[] = {"127.0.0.1:7844", "[::1]:7844",
					    "0.0.0.0:0", "[::]:65535",
					    "[2001:db8::1]:1"};
	char out[ZTT_ADDRESS_LEN];
	struct ztt_address address;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(ztt_address_parse_numeric(texts[i], &address,
							   &err),
				 0);
		assert_string_equal(ztt_address_text(&address, out), texts[i]);
	}
}

static void the_longest_address_fits(void **state)
{
	static const char longest[] =
		"[2001:db8:ffff:ffff:ffff:ffff:255.255.255.255]:65535";
	char out[ZTT_ADDRESS_LEN];
	struct ztt_address address;

	(void)state;
	assert_int_equal(ztt_address_parse_numeric(longest, &address, &err), 0);
	ztt_address_text(&address, out);
	assert_non_null(strstr(out, "]:65535"));
}

static void what_has_another_form_is_refused(void **state)
{
	static const char *const texts[] = {"",
					    ":",
					    "127.0.0.1",
					    "7844",
					    "127.0.0.1:",
					    ":7844",
					    "[]:7844",
					    "[::1:7844",
					    "[::1]",
					    "[:7844",
					    "[::1]:http",
					    "127.0.0.1:65536",
					    "127.0.0.1:99999",
					    "127.0.0.1: 80",
					    "127.0.0.1:+80",
					    "127.0.0.1:-1"};
	struct ztt_address address = {.len_bytes = 77};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(ztt_address_parse(texts[i], &address, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, "HOST:PORT"));
		assert_int_equal(address.len_bytes, 77);
	}
}

static void a_host_of_any_length_is_no_overflow(void **state)
{
	struct ztt_address address;
	char text[1024];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + sizeof(text) - 4, ":80", 4);
	assert_int_equal(ztt_address_parse_numeric(text, &address, &err),
			 -EINVAL);
}

static void what_does_not_resolve_says_why(void **state)
{
	struct ztt_address address;

	(void)state;
	assert_int_equal(ztt_address_parse_numeric("localhost:80", &address,
						   &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "localhost:80"));
	assert_int_equal(ztt_address_parse_numeric("1.2.3.4.5:80", &address,
						   &err),
			 -ENOENT);
}

static void localhost_resolves(void **state)
{
	struct ztt_address address;
	char out[ZTT_ADDRESS_LEN];

	(void)state;
	if (ztt_address_parse("localhost:80", &address, &err) < 0) {
		print_message("skip: %s\n", err.text);
		skip();
	}
	ztt_address_text(&address, out);
	assert_true(strcmp(out, "127.0.0.1:80") == 0 ||
		    strcmp(out, "[::1]:80") == 0);
}

static void addresses_are_compared_by_host_and_port(void **state)
{
	static const char *const texts[] = {"127.0.0.1:1", "127.0.0.1:2",
					    "127.0.0.2:1", "[::1]:1",
					    "[::1]:2",     "[::2]:1"};
	const size_t count = sizeof(texts) / sizeof(texts[0]);
	struct ztt_address a, b;

	(void)state;
	memset(&a, 0xff, sizeof(a));
	memset(&b, 0, sizeof(b));
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			ztt_address_parse_numeric(texts[i], &a, &err);
			ztt_address_parse_numeric(texts[j], &b, &err);
			assert_int_equal(ztt_address_equal(&a, &b), i == j);
		}
}

static int listen_anywhere(struct ztt_address *ret_address)
{
	int fd = -1;

	ztt_address_parse_numeric("127.0.0.1:0", ret_address, &err);
	assert_int_equal(ztt_tcp_listen(ret_address, &fd, &err), 0);
	assert_int_equal(ztt_address_of_socket(fd, ret_address), 0);
	return fd;
}

static void a_connection_is_accepted_once(void **state)
{
	struct ztt_address address, peer, own;
	int fd = listen_anywhere(&address), client, server;
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	(void)state;
	assert_int_equal(ztt_tcp_accept(fd, &server), -EAGAIN);
	assert_int_equal(ztt_tcp_connect(&address, &client, &err), 0);
	assert_int_equal(poll(&ready, 1, 5000), 1);
	assert_int_equal(ztt_tcp_accept(fd, &server), 0);
	assert_int_equal(ztt_address_of_socket(server, &peer), 0);
	assert_true(ztt_address_equal(&peer, &address));
	assert_int_equal(ztt_address_of_socket(client, &own), 0);
	assert_false(ztt_address_equal(&own, &address));
	assert_int_equal(ztt_tcp_accept(fd, &server), -EAGAIN);
	assert_int_equal(ztt_address_of_socket(-1, &own), -EBADF);
	close(client);
	close(server);
	close(fd);
}

static void a_port_in_use_says_how_to_find_its_owner(void **state)
{
	struct ztt_address address;
	int fd = listen_anywhere(&address), second = -1;
	char out[ZTT_ADDRESS_LEN];

	(void)state;
	assert_int_equal(ztt_tcp_listen(&address, &second, &err), -EADDRINUSE);
	assert_int_equal(second, -1);
	assert_non_null(strstr(err.text, ztt_address_text(&address, out)));
	assert_non_null(strstr(err.text, "ss -ltnp"));
	close(fd);
}

static void an_address_of_another_host_cannot_be_listened_on(void **state)
{
	struct ztt_address address;
	int fd = -1;

	(void)state;
	ztt_address_parse_numeric("192.0.2.1:0", &address, &err);
	assert_int_equal(ztt_tcp_listen(&address, &fd, &err), -EADDRNOTAVAIL);
	assert_non_null(strstr(err.text, "192.0.2.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_back),
		cmocka_unit_test(the_longest_address_fits),
		cmocka_unit_test(what_has_another_form_is_refused),
		cmocka_unit_test(a_host_of_any_length_is_no_overflow),
		cmocka_unit_test(what_does_not_resolve_says_why),
		cmocka_unit_test(localhost_resolves),
		cmocka_unit_test(addresses_are_compared_by_host_and_port),
		cmocka_unit_test(a_connection_is_accepted_once),
		cmocka_unit_test(a_port_in_use_says_how_to_find_its_owner),
		cmocka_unit_test(
			an_address_of_another_host_cannot_be_listened_on),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
