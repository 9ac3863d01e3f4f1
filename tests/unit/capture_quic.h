/* The least that follows QUIC connections through a capture: what the decoders
 * need to be told, and what came of each packet. */
#ifndef ZTT_TESTS_CAPTURE_QUIC_H
#define ZTT_TESTS_CAPTURE_QUIC_H

#include "capture_pcap.h"

#include <errno.h>
#include <stdbool.h>

#include "ztt-capture/decode/crypto_stream.h"
#include "ztt-capture/decode/key_log.h"
#include "ztt-capture/decode/quic_frame.h"
#include "ztt-capture/decode/quic_packet.h"
#include "ztt-capture/decode/tls_hello.h"

#define SERVER_PORT 7844
#define WALK_CONNECTIONS 8

enum {
	LEVEL_INITIAL,
	LEVEL_HANDSHAKE,
	LEVEL_1RTT,
	LEVELS
};

struct walk_side {
	struct ztt_quic_keys *keys[LEVELS];
	uint64_t expected[LEVELS];
	struct ztt_crypto_stream *crypto[LEVELS];
	size_t cid_bytes; /* that its own packets' receiver chose */
	struct ztt_hello hello;
	bool has_hello;
	uint64_t frames;
};

struct walk_connection {
	uint16_t client_port;
	struct ztt_cid first_dcid, keyed_dcid;
	uint32_t version;          /* of the Initial keys */
	struct walk_side sides[2]; /* 0 from the client, 1 from the server */
	bool retried, retry_is_authentic;
};

struct walk {
	struct walk_connection connections[WALK_CONNECTIONS];
	size_t connection_count;
	struct ztt_key_log *log;
	bool guess_ciphers;
	unsigned opened, failed, super_datagrams, malformed, generations;
	/* Each opened packet, with its frames; may be NULL. */
	void (*packet)(void *owner, unsigned frame,
		       const struct ztt_quic_header *header,
		       const struct ztt_quic_opened *opened);
	void *owner;
};

static inline struct walk_connection *walk_find(struct walk *walk,
						uint16_t port)
{
	for (size_t i = 0; i < walk->connection_count; i++)
		if (walk->connections[i].client_port == port)
			return &walk->connections[i];
	assert_true(walk->connection_count < WALK_CONNECTIONS);
	walk->connections[walk->connection_count].client_port = port;
	return &walk->connections[walk->connection_count++];
}

static inline void walk_initial(struct walk_connection *connection,
				const struct ztt_quic_header *header,
				const struct ztt_cid *dcid)
{
	connection->keyed_dcid = *dcid;
	connection->version = header->version;
	for (int i = 0; i < 2; i++) {
		struct walk_side *side = &connection->sides[i];

		ztt_quic_keys_free(side->keys[LEVEL_INITIAL]);
		side->keys[LEVEL_INITIAL] =
			ztt_quic_keys_initial(header->version,
					      &connection->keyed_dcid, i == 1);
	}
}

static inline void walk_secrets(struct walk *walk,
				struct walk_connection *connection,
				uint32_t version)
{
	static const enum ztt_secret_kind kinds[2][LEVELS] = {
		{0, ZTT_SECRET_CLIENT_HANDSHAKE, ZTT_SECRET_CLIENT_TRAFFIC},
		{0, ZTT_SECRET_SERVER_HANDSHAKE, ZTT_SECRET_SERVER_TRAFFIC},
	};
	const struct ztt_hello *server = &connection->sides[1].hello;
	const uint8_t *secret;
	size_t len_bytes = 0;

	for (int i = 0; i < 2; i++)
		for (int level = 1; level < LEVELS; level++) {
			secret = ztt_key_log_find(
				walk->log, connection->sides[0].hello.random,
				kinds[i][level], &len_bytes);
			if (secret && !connection->sides[i].keys[level])
				connection->sides[i].keys[level] =
					ztt_quic_keys_of_secret(
						version,
						walk->guess_ciphers
							? 0
							: server->cipher_suite,
						secret, len_bytes);
		}
}

static inline void walk_crypto(struct walk *walk,
			       struct walk_connection *connection, int from,
			       int level, uint32_t version,
			       const struct ztt_quic_frame *frame)
{
	struct walk_side *side = &connection->sides[from];
	const uint8_t *message;
	size_t len_bytes;

	if (!side->crypto[level])
		side->crypto[level] = ztt_crypto_stream_new();
	assert_int_equal(ztt_crypto_stream_add(side->crypto[level],
					       frame->offset, frame->data,
					       frame->data_bytes),
			 0);
	while (ztt_crypto_stream_next(side->crypto[level], &message,
				      &len_bytes) == 1) {
		const int result =
			ztt_hello_parse(message, len_bytes, true, &side->hello);

		assert_int_not_equal(result, -EPROTO);
		side->has_hello |= result == 0;
		if (from == 1 && message[0] == ZTT_TLS_SERVER_HELLO &&
		    !side->hello.retry_request)
			walk_secrets(walk, connection, version);
	}
}

static inline void walk_frames(struct walk *walk,
			       struct walk_connection *connection, int from,
			       int level, uint32_t version,
			       const struct ztt_quic_opened *opened)
{
	struct ztt_bytes payload =
		ztt_bytes_of(opened->payload, opened->payload_bytes);
	struct ztt_quic_frame frame;
	int result;

	while ((result = ztt_quic_frame_next(&payload, &frame)) == 1) {
		connection->sides[from].frames++;
		if (frame.type == 0x06)
			walk_crypto(walk, connection, from, level, version,
				    &frame);
	}
	walk->malformed += result < 0;
}

static inline void walk_opened(struct walk *walk,
			       struct walk_connection *connection,
			       const struct pcap_datagram *datagram, int from,
			       const struct ztt_quic_header *header)
{
	const int level = header->type == ZTT_PACKET_INITIAL ? LEVEL_INITIAL
			  : header->type == ZTT_PACKET_HANDSHAKE
				  ? LEVEL_HANDSHAKE
				  : LEVEL_1RTT;
	struct walk_side *side = &connection->sides[from];
	static uint8_t out[1 << 16];
	struct ztt_quic_opened opened;

	if (!side->keys[level] ||
	    ztt_quic_unprotect(side->keys[level], header, side->expected[level], out,
			  &opened) < 0) {
		if (datagram->len_bytes > 1452)
			walk->super_datagrams++;
		else
			walk->failed++;
		return;
	}
	walk->opened++;
	if (opened.number >= side->expected[level])
		side->expected[level] = opened.number + 1;
	if (opened.generation > walk->generations)
		walk->generations = opened.generation;
	walk_frames(walk, connection, from, level, connection->version,
		    &opened);
	if (walk->packet)
		walk->packet(walk->owner, datagram->frame, header, &opened);
}

static inline void walk_long(struct walk_connection *connection, int from,
			     const struct ztt_quic_header *header)
{
	if (header->scid.len_bytes > 0 || from == 0)
		connection->sides[1 - from].cid_bytes = header->scid.len_bytes;
	if (from == 0 && header->type == ZTT_PACKET_INITIAL &&
	    !connection->sides[0].keys[0]) {
		connection->first_dcid = header->dcid;
		walk_initial(connection, header, &header->dcid);
	} else if (header->type == ZTT_PACKET_INITIAL &&
		   header->version != connection->version) {
		/* RFC 9368: the server chose another version. */
		walk_initial(connection, header, &connection->keyed_dcid);
	}
	if (header->type == ZTT_PACKET_RETRY) {
		connection->retried = true;
		connection->retry_is_authentic =
			ztt_quic_retry_is_authentic(header,
						    &connection->first_dcid);
		walk_initial(connection, header, &header->scid);
	}
}

static inline void walk_datagram(struct walk *walk,
				 const struct pcap_datagram *datagram)
{
	const int from = datagram->from_port == SERVER_PORT;
	struct walk_connection *connection =
		walk_find(walk, from ? datagram->to_port : datagram->from_port);
	size_t at = 0;

	while (at < datagram->len_bytes) {
		struct ztt_quic_header header;

		if (ztt_quic_header_parse(datagram->payload + at,
					  datagram->len_bytes - at,
					  connection->sides[from].cid_bytes,
					  &header) < 0) {
			walk->failed++;
			return;
		}
		if (header.type != ZTT_PACKET_1RTT)
			walk_long(connection, from, &header);
		if (header.number_offset > 0)
			walk_opened(walk, connection, datagram, from, &header);
		at += header.packet_bytes;
	}
}

/* Walks tests/fixtures/NAME.pcap with NAME.keys. */
static inline void walk_capture(struct walk *walk, const char *name)
{
	struct pcap_datagram datagram;
	struct pcap_file file;
	char path[64];
	size_t len_bytes;
	uint8_t *text;

	snprintf(path, sizeof(path), "%s.keys", name);
	text = fixture_read(path, &len_bytes);
	walk->log = ztt_key_log_new();
	ztt_key_log_add(walk->log, (const char *)text, len_bytes);
	free(text);
	snprintf(path, sizeof(path), "%s.pcap", name);
	pcap_open(&file, path);
	while (pcap_next(&file, &datagram))
		walk_datagram(walk, &datagram);
	free(file.data);
}

static inline void walk_release(struct walk *walk)
{
	for (size_t i = 0; i < walk->connection_count; i++)
		for (int j = 0; j < 2; j++)
			for (int level = 0; level < LEVELS; level++) {
				struct walk_side *side =
					&walk->connections[i].sides[j];

				ztt_quic_keys_free(side->keys[level]);
				ztt_crypto_stream_free(side->crypto[level]);
			}
	ztt_key_log_free(walk->log);
}

#endif
