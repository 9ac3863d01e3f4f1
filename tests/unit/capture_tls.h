/* A TLS 1.3 session between two ends in memory (GnuTLS), written down as what went over the wire, with
 * its key log; and frames of it for the decoder. */
#ifndef ZTT_TESTS_CAPTURE_TLS_H
#define ZTT_TESTS_CAPTURE_TLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gnutls/gnutls.h>

#include "doctor_tls_peer.h"
#include "ztt-capture/flow/flows.h"

#define WRITES_MAX 256

struct tls_wire {
	struct {
		bool up;
		uint8_t *data;
		size_t len;
	} writes[WRITES_MAX];
	size_t count;
	char keys[2048];
};

struct tls_end {
	gnutls_session_t session;
	struct tls_wire *wire;
	struct tls_end *other;
	bool up;
	uint8_t inbox[262144];
	size_t inbox_len;
};

static struct tls_wire *tls_keys_into; /* the callback has no owner */

static inline ssize_t tls_push(gnutls_transport_ptr_t owner, const void *data,
			       size_t len)
{
	struct tls_end *end = owner;
	struct tls_wire *wire = end->wire;

	assert_true(wire->count < WRITES_MAX);
	assert_true(end->other->inbox_len + len <= sizeof(end->inbox));
	wire->writes[wire->count].up = end->up;
	wire->writes[wire->count].data = malloc(len);
	wire->writes[wire->count].len = len;
	memcpy(wire->writes[wire->count++].data, data, len);
	memcpy(end->other->inbox + end->other->inbox_len, data, len);
	end->other->inbox_len += len;
	return (ssize_t)len;
}

static inline ssize_t tls_pull(gnutls_transport_ptr_t owner, void *data,
			       size_t len)
{
	struct tls_end *end = owner;

	if (end->inbox_len == 0) {
		gnutls_transport_set_errno(end->session, EAGAIN);
		return -1;
	}
	if (len > end->inbox_len)
		len = end->inbox_len;
	memcpy(data, end->inbox, len);
	end->inbox_len -= len;
	memmove(end->inbox, end->inbox + len, end->inbox_len);
	return (ssize_t)len;
}

static inline int tls_log_key(gnutls_session_t session, const char *label,
			      const gnutls_datum_t *secret)
{
	char *at = tls_keys_into->keys + strlen(tls_keys_into->keys);
	gnutls_datum_t random, theirs;

	gnutls_session_get_random(session, &random, &theirs);
	at += sprintf(at, "%s ", label);
	for (size_t i = 0; i < random.size; i++)
		at += sprintf(at, "%02x", random.data[i]);
	at += sprintf(at, " ");
	for (size_t i = 0; i < secret->size; i++)
		at += sprintf(at, "%02x", secret->data[i]);
	sprintf(at, "\n");
	return 0;
}

static inline void tls_open(struct tls_end *end, struct tls_end *other,
			    struct tls_wire *wire, bool up, const char *cipher)
{
	char priority[256];

	end->wire = wire;
	end->other = other;
	end->up = up;
	snprintf(priority, sizeof(priority),
		 "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+%s:-GROUP-ALL:"
		 "+GROUP-SECP256R1",
		 cipher);
	gnutls_init(&end->session, (up ? GNUTLS_CLIENT : GNUTLS_SERVER) |
					   GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS);
	assert_int_equal(gnutls_priority_set_direct(end->session, priority,
						    NULL),
			 0);
	gnutls_transport_set_ptr(end->session, end);
	gnutls_transport_set_push_function(end->session, tls_push);
	gnutls_transport_set_pull_function(end->session, tls_pull);
}

/* What each of the two sends, in turn, after the handshake. */
struct tls_say {
	bool up, update; /* a KeyUpdate before it */
	const void *data;
	size_t len;
};

static inline void tls_run(struct tls_wire *wire, const char *cipher,
			   const struct tls_say *says, size_t count)
{
	static struct tls_end client, server;
	static uint8_t sink[65536];
	gnutls_certificate_credentials_t mine;
	struct test_tls_peer peer;
	int a = -1, b = -1;

	memset(wire, 0, sizeof(*wire));
	memset(&client, 0, sizeof(client));
	memset(&server, 0, sizeof(server));
	tls_keys_into = wire;
	tls_open(&client, &server, wire, true, cipher);
	tls_open(&server, &client, wire, false, cipher);
	test_tls_certificate(&peer, "edge.example", 1, 4000000000);
	gnutls_certificate_allocate_credentials(&mine);
	gnutls_credentials_set(client.session, GNUTLS_CRD_CERTIFICATE, mine);
	gnutls_credentials_set(server.session, GNUTLS_CRD_CERTIFICATE,
			       peer.credentials);
	gnutls_session_set_keylog_function(client.session, tls_log_key);
	for (int i = 0; i < 20 && (a || b); i++) {
		a = a ? gnutls_handshake(client.session) : 0;
		b = b ? gnutls_handshake(server.session) : 0;
	}
	assert_int_equal(a, 0);
	assert_int_equal(b, 0);
	for (size_t i = 0; i < count; i++) {
		struct tls_end *from = says[i].up ? &client : &server;

		if (says[i].update)
			assert_int_equal(
				gnutls_session_key_update(from->session, 0), 0);
		assert_int_equal(gnutls_record_send(from->session, says[i].data,
						    says[i].len),
				 says[i].len);
		while (gnutls_record_recv(from->other->session, sink,
					  sizeof(sink)) > 0)
			;
	}
	gnutls_bye(client.session, GNUTLS_SHUT_WR);
	gnutls_deinit(client.session);
	gnutls_deinit(server.session);
	gnutls_certificate_free_credentials(mine);
	gnutls_certificate_free_credentials(peer.credentials);
}

static inline void tls_wire_free(struct tls_wire *wire)
{
	for (size_t i = 0; i < wire->count; i++)
		free(wire->writes[i].data);
}

/* A TCP connection's two sequence numbers, and a clock. */
struct tcp_feed {
	struct ztt_flows *flows;
	uint16_t client_port, server_port;
	uint32_t next[2]; /* by `up` */
	int64_t at_ns;
	uint64_t number;
	unsigned hops;          /* places that show each frame; 0: one */
	uint16_t segment_bytes; /* as PACKET_VNET_HDR tells */
};

static inline void tcp_send(struct tcp_feed *feed, bool up, uint32_t sequence,
			    unsigned flags, const uint8_t *data, size_t len)
{
	static uint8_t packet[40 + 65536];
	const size_t whole = 40 + len;
	const uint32_t ack = flags == 2 ? 0 : feed->next[!up];
	struct ztt_frame frame;
	const uint8_t head[40] = {
		0x45,
		0,
		(uint8_t)(whole >> 8),
		(uint8_t)whole,
		[8] = 64,
		[9] = 6,
		[12] = 10,
		[15] = up ? 1 : 2,
		[16] = 10,
		[19] = up ? 2 : 1,
		[20] = (uint8_t)((up ? feed->client_port : feed->server_port) >>
				 8),
		[21] = (uint8_t)(up ? feed->client_port : feed->server_port),
		[22] = (uint8_t)((up ? feed->server_port : feed->client_port) >>
				 8),
		[23] = (uint8_t)(up ? feed->server_port : feed->client_port),
		[24] = (uint8_t)(sequence >> 24),
		[25] = (uint8_t)(sequence >> 16),
		[26] = (uint8_t)(sequence >> 8),
		[27] = (uint8_t)sequence,
		[28] = (uint8_t)(ack >> 24),
		[29] = (uint8_t)(ack >> 16),
		[30] = (uint8_t)(ack >> 8),
		[31] = (uint8_t)ack,
		[32] = 0x50,
		[33] = (uint8_t)flags,
		[34] = 1,
	};

	memcpy(packet, head, sizeof(head));
	if (len)
		memcpy(packet + sizeof(head), data, len);
	feed->at_ns += 1000000;
	frame = (struct ztt_frame){
		.number = ++feed->number,
		.at_ns = feed->at_ns,
		.link = ZTT_LINK_RAW,
		.captured_bytes = (uint32_t)whole,
		.length_bytes = (uint32_t)whole,
		.data = packet,
	};
	frame.has_vnet = feed->segment_bytes;
	if (len > feed->segment_bytes)
		frame.segment_bytes = feed->segment_bytes;
	do {
		ztt_flows_frame(feed->flows, &frame);
	} while (++frame.interface < feed->hops);
}

static inline void tcp_open(struct tcp_feed *feed, struct ztt_flows *flows)
{
	*feed = (struct tcp_feed){.flows = flows,
				  .client_port = 40000,
				  .server_port = 7844,
				  .hops = feed->hops,
				  .segment_bytes = feed->segment_bytes,
				  .next = {5000, 0xfffffc00}};
	tcp_send(feed, true, feed->next[1]++, 2, NULL, 0);
	tcp_send(feed, false, feed->next[0]++, 2 | 16, NULL, 0);
	tcp_send(feed, true, feed->next[1], 16, NULL, 0);
}

/* The next bytes of one side, in segments of at most `segment`. */
static inline void tcp_data(struct tcp_feed *feed, bool up, const uint8_t *data,
			    size_t len, size_t segment)
{
	for (size_t at = 0; at < len; at += segment) {
		size_t part = len - at < segment ? len - at : segment;

		tcp_send(feed, up, feed->next[up], 16, data + at, part);
		feed->next[up] += (uint32_t)part;
	}
}

#endif
