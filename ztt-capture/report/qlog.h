/* `ztt-capture qlog`: what was seen of QUIC connections as qlog, from the
 * vantage point of the network with the client's flow: what the client sent is
 * packet_sent, what the server sent is packet_received
 * (draft-ietf-quic-qlog-main-schema, VantagePoint). */
#ifndef ZTT_CAPTURE_QLOG_H
#define ZTT_CAPTURE_QLOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ztt-capture/flow/observer.h"
#include "ztt-capture/report/filter.h"

struct ztt_err;
struct ztt_qlog; /* opaque */

enum ztt_qlog_version {
	/* 0.3 as JSON, one trace for each connection: what qvis opens. Events
	 * wait in an unnamed temporary file until the end. */
	ZTT_QLOG_03,
	/* draft-ietf-quic-qlog-quic-events-14 as JSON-SEQ, one trace, every
	 * event with its connection's group_id; written as it goes. */
	ZTT_QLOG_14,
};

struct ztt_qlog_plan {
	FILE *out;
	enum ztt_qlog_version version;
	const struct ztt_filter *filter; /* copied; NULL: every packet */
	const char *of; /* what was read, for the title; NULL: nothing */
};

/* "0.3" or "14". -EINVAL. */
int ztt_qlog_version_parse(const char *text, enum ztt_qlog_version *ret_version,
			   struct ztt_err *err);

/* -errno: 0.3 and no temporary file. Opens it: before privileges and system
 * calls are given up. */
int ztt_qlog_new(const struct ztt_qlog_plan *plan, struct ztt_qlog **ret_qlog,
		 struct ztt_err *err);
void ztt_qlog_free(struct ztt_qlog *qlog);

/* An observer's function; `qlog` is a struct ztt_qlog *. Needs frames. Memory:
 * 8 KiB for each connection. */
void ztt_qlog_packet(void *qlog, const struct ztt_packet *packet);

/* Writes what is left; -errno when writing failed at any time. The connections
 * that packets came with must still be there. */
int ztt_qlog_finish(struct ztt_qlog *qlog, struct ztt_err *err);

uint64_t ztt_qlog_events(const struct ztt_qlog *qlog);

#endif
