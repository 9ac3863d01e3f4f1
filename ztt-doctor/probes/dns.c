#define _GNU_SOURCE
#include "ztt-doctor/probes/dns.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/units.h"
#include "ztt-doctor/doctor.h"
#include "ztt-doctor/probes/dial.h"
#include "ztt-doctor/probes/dns_message.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX_BYTES (64 * 1024)
#define SERVERS_MAX 3 /* as glibc and Go: resolv.conf(5) MAXNS */

struct servers {
	struct ztt_address list[SERVERS_MAX];
	size_t count;
};

/* One question on its way to one server. */
struct exchange {
	const struct ztt_dns_question *question;
	const struct ztt_address *server;
	uint64_t due_ns;
	uint8_t data[ZTT_DNS_MESSAGE_MAX_BYTES];
	size_t len_bytes;
};

int ztt_dns_server_parse(const char *text, unsigned port,
			 struct ztt_address *ret_address, struct ztt_err *err)
{
	const char *colon = strchr(text, ':');
	char with_port[128];

	if (colon && (text[0] != '[' ? !strchr(colon + 1, ':')
				     : strstr(text, "]:") != NULL))
		return ztt_address_parse_numeric(text, ret_address, err);
	snprintf(with_port, sizeof(with_port),
		 colon && text[0] != '[' ? "[%s]:%u" : "%s:%u", text, port);
	return ztt_address_parse_numeric(with_port, ret_address, err);
}

static void read_resolv_conf(char *text, struct servers *servers)
{
	char *line, *word, *rest, *next = text;

	while ((line = strsep(&next, "\n")) && servers->count < SERVERS_MAX) {
		word = strtok_r(line, " \t\r", &rest);
		if (!word || strcmp(word, "nameserver"))
			continue;
		word = strtok_r(NULL, " \t\r", &rest);
		if (word && ztt_dns_server_parse(word, 53,
						 &servers->list[servers->count],
						 NULL) == 0)
			servers->count++;
	}
}

/* Without a file or a server in it, the local one: resolv.conf(5). */
static int find_servers(struct ztt_doctor *doctor, struct servers *servers,
			struct ztt_err *err)
{
	size_t len;
	char *text;

	servers->count = 0;
	if (doctor->plan.resolver) {
		servers->count = 1;
		return ztt_dns_server_parse(doctor->plan.resolver, 53,
					    &servers->list[0], err);
	}
	if (ztt_root_load(doctor->root, RESOLV_CONF, RESOLV_CONF_MAX_BYTES,
			  &text, &len) == 0) {
		read_resolv_conf(text, servers);
		free(text);
	}
	if (servers->count > 0)
		return 0;
	servers->count = 1;
	return ztt_dns_server_parse("127.0.0.1", 53, &servers->list[0], err);
}

static int open_udp(const struct ztt_address *server, int *ret_fd)
{
	int rc = 0, fd = socket(server->storage.ss_family,
				SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&server->storage,
		    server->len_bytes) < 0) {
		rc = -errno;
		close(fd);
	} else {
		*ret_fd = fd;
	}
	return rc;
}

/* Passes over what does not answer the question, be it forged or late. */
static int receive_udp(int fd, struct exchange *exchange, uint64_t due_ns)
{
	for (;;) {
		ssize_t got;
		int rc = ztt_dial_wait(fd, POLLIN, due_ns);

		if (rc < 0)
			return rc;
		got = recv(fd, exchange->data, sizeof(exchange->data), 0);
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		exchange->len_bytes = got < 0 ? 0 : (size_t)got;
		if (ztt_dns_question_is_answered(exchange->question,
						 exchange->data,
						 exchange->len_bytes))
			return 0;
		if (ztt_clock_ns() >= due_ns)
			return -ETIMEDOUT;
	}
}

/* Asks again at half time: a datagram may get lost. */
static int over_udp(struct exchange *exchange)
{
	const uint64_t now_ns = ztt_clock_ns();
	const uint64_t half_ns =
		now_ns + (exchange->due_ns > now_ns
				  ? (exchange->due_ns - now_ns) / 2
				  : 0);
	int fd = -1, rc = open_udp(exchange->server, &fd);

	if (rc < 0)
		return rc;
	for (int i = 0; i < 2; i++) {
		if (send(fd, exchange->question->data,
			 exchange->question->len_bytes, MSG_NOSIGNAL) < 0)
			rc = -errno;
		else
			rc = receive_udp(fd, exchange,
					 i == 0 ? half_ns : exchange->due_ns);
		if (rc != -ETIMEDOUT)
			break;
	}
	close(fd);
	return rc;
}

static int read_fully(int fd, uint8_t *at, size_t len, uint64_t due_ns)
{
	while (len > 0) {
		ssize_t got;
		int rc = ztt_dial_wait(fd, POLLIN, due_ns);

		if (rc < 0)
			return rc;
		got = recv(fd, at, len, 0);
		if (got == 0)
			return -EPROTO;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (got > 0) {
			at += got;
			len -= (size_t)got;
		}
		if (len > 0 && ztt_clock_ns() >= due_ns)
			return -ETIMEDOUT;
	}
	return 0;
}

/* A length of two bytes goes before each message: RFC 1035 section 4.2.2. */
static int over_tcp(struct exchange *exchange)
{
	const size_t len = exchange->question->len_bytes;
	uint8_t framed[2 + ZTT_DNS_QUESTION_MAX_BYTES], prefix[2];
	int fd, rc = ztt_dial_tcp(exchange->server, exchange->due_ns, &fd,
				  NULL);

	if (rc < 0)
		return rc;
	framed[0] = (uint8_t)(len >> 8);
	framed[1] = (uint8_t)len;
	memcpy(framed + 2, exchange->question->data, len);
	if (send(fd, framed, len + 2, MSG_NOSIGNAL) != (ssize_t)len + 2)
		rc = -EPROTO;
	if (rc == 0)
		rc = read_fully(fd, prefix, sizeof(prefix), exchange->due_ns);
	if (rc == 0) {
		exchange->len_bytes = (size_t)(prefix[0] << 8 | prefix[1]);
		rc = read_fully(fd, exchange->data, exchange->len_bytes,
				exchange->due_ns);
	}
	close(fd);
	if (rc == 0 &&
	    !ztt_dns_question_is_answered(exchange->question, exchange->data,
					  exchange->len_bytes))
		rc = -EPROTO;
	return rc;
}

static int ask_server(struct exchange *exchange,
		      struct ztt_dns_answer *ret_answer, struct ztt_err *err)
{
	const uint64_t from_ns = ztt_clock_ns();
	char server[ZTT_ADDRESS_LEN], took[ZTT_UNITS_LEN];
	const char *by = "UDP";
	int rc = over_udp(exchange);

	ztt_address_text(exchange->server, server);
	if (rc == 0 &&
	    ztt_dns_is_truncated(exchange->data, exchange->len_bytes)) {
		by = "TCP, for the answer is too long for UDP";
		rc = over_tcp(exchange);
	}
	if (rc == -ETIMEDOUT) {
		ztt_units_ns(took, (double)(ztt_clock_ns() - from_ns));
		return ztt_err_set(err, rc, "no answer from %s in %s (%s)",
				   server, took, by);
	}
	if (rc < 0)
		return ztt_err_set(err, rc, "resolver %s: %s (%s)", server,
				   rc == -EPROTO ? "a broken answer"
						 : strerror(-rc),
				   by);
	rc = ztt_dns_answer_read(exchange->question, exchange->data,
				 exchange->len_bytes, ret_answer, err);
	return rc < 0 ? ztt_err_prefix(err, rc, "resolver %s", server) : 0;
}

/* What a server does not know ends it; where it fails, the next is asked, each
 * with an equal share of the time that is left. */
static int ask_servers(struct ztt_doctor *doctor, const struct servers *servers,
		       struct exchange *exchange, struct ztt_dns_answer *answer,
		       struct ztt_err *err)
{
	const uint64_t due_ns = ztt_doctor_due_ns(doctor);
	int rc = -ETIMEDOUT;

	for (size_t i = 0; i < servers->count; i++) {
		const uint64_t now_ns = ztt_clock_ns();
		const uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;

		exchange->server = &servers->list[i];
		exchange->due_ns = now_ns + left_ns / (servers->count - i);
		rc = ask_server(exchange, answer, err);
		if (rc == 0 || rc == -ENOENT)
			break;
	}
	return rc;
}

int ztt_dns_ask(struct ztt_doctor *doctor, const char *name,
		enum ztt_dns_type type, struct ztt_dns_answer *ret_answer,
		struct ztt_err *err)
{
	const uint64_t from_ns = ztt_clock_ns();
	struct ztt_dns_question question;
	struct exchange *exchange;
	struct servers servers;
	int rc = ztt_dns_question_init(&question, name, type, err);

	if (rc == 0)
		rc = find_servers(doctor, &servers, err);
	if (rc < 0)
		return rc;
	exchange = ztt_alloc(sizeof(*exchange));
	exchange->question = &question;
	rc = ask_servers(doctor, &servers, exchange, ret_answer, err);
	free(exchange);
	if (rc < 0)
		return ztt_err_prefix(err, rc, "%s %s", ztt_dns_type_name(type),
				      name);
	ret_answer->took_ns = ztt_clock_ns() - from_ns;
	return 0;
}
