/* Between the files of qlog: one event's text, and what is remembered of a
 * connection. */
#ifndef ZTT_CAPTURE_QLOG_EVENT_H
#define ZTT_CAPTURE_QLOG_EVENT_H

#include "ztt-capture/report/qlog.h"
#include "ztt-capture/report/qlog_lost.h"
#include "ztt-capture/report/qlog_spool.h"
#include "ztt-capture/report/report_buffer.h"

#define ZTT_QLOG_TUPLES_MAX 4
#define ZTT_QLOG_GROUP_LEN 64

struct ztt_qlog_connection {
	const struct ztt_connection *connection;
	char group[ZTT_QLOG_GROUP_LEN]; /* the client's first DCID in hex */
	bool told_client, told_server;  /* parameters */
	uint64_t frame;                 /* of the last datagram, 0: none */
	unsigned segment;
	unsigned generation[2]; /* keys, of client and server */
	uint8_t ecn[2];         /* last told; 255: none */
	struct {
		struct ztt_endpoint client, server;
	} tuples[ZTT_QLOG_TUPLES_MAX]; /* a ring */
	uint64_t tuple_count, tuple;   /* met; in use */
	int64_t last_ns;               /* times do not go back in 0.3 */
	struct ztt_qlog_lost lost;
	struct ztt_qlog_chain chain; /* 0.3 */
};

struct ztt_qlog_event {
	struct ztt_buffer *out;
	enum ztt_qlog_version version;
	const struct ztt_qlog_connection *of;
	int64_t since_ns;
};

/* {"time":..,"name":..,"data":{ ; `data` members follow, then the end. The name
 * has its category of 0.3 or "quic". */
void ztt_qlog_begin(const struct ztt_qlog_event *event, const char *category,
		    const char *name);
void ztt_qlog_end(const struct ztt_qlog_event *event);

/* Members of an object: a comma, unless it is the first, and the key. */
void ztt_qlog_key(struct ztt_buffer *out, const char *key);
void ztt_qlog_uint(struct ztt_buffer *out, const char *key, uint64_t value);
/* Text of our own. */
void ztt_qlog_word(struct ztt_buffer *out, const char *key, const char *word);
void ztt_qlog_hex(struct ztt_buffer *out, const char *key, const uint8_t *bytes,
		  size_t len_bytes);

/* Whole events. */
void ztt_qlog_started(const struct ztt_qlog_event *event);
void ztt_qlog_tuple(const struct ztt_qlog_event *event,
		    const struct ztt_endpoint *client,
		    const struct ztt_endpoint *server);
void ztt_qlog_parameters(const struct ztt_qlog_event *event, bool server);
void ztt_qlog_key_updated(const struct ztt_qlog_event *event,
			  const struct ztt_packet *packet);
void ztt_qlog_datagram(const struct ztt_qlog_event *event,
		       const struct ztt_packet *packet, bool ecn);
void ztt_qlog_packet_event(const struct ztt_qlog_event *event,
			   const struct ztt_packet *packet);
void ztt_qlog_closed(const struct ztt_qlog_event *event,
		     const struct ztt_packet *packet,
		     const struct ztt_quic_frame *frame);
void ztt_qlog_packet_lost(const struct ztt_qlog_event *event, uint64_t number);

/* {"frame_type":...} */
void ztt_qlog_frame(struct ztt_buffer *out, enum ztt_qlog_version version,
		    const struct ztt_packet *packet,
		    const struct ztt_quic_frame *frame);
/* "error" or "error_code" of a CONNECTION_CLOSE of type 0x1c: its name. NULL:
 * none. `out` is for those of TLS. */
#define ZTT_QLOG_ERROR_LEN 24
const char *ztt_qlog_transport_error(uint64_t code,
				     char out[ZTT_QLOG_ERROR_LEN]);
/* CRC32C (RFC 3309's polynomial) of a datagram: which packets came in one. */
uint32_t ztt_qlog_checksum(const uint8_t *data, size_t len_bytes);

#endif
