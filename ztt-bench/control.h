/* What a part tells the run that started it: one JSON object per record on a
 * SOCK_SEQPACKET socket, inherited as the descriptor named by --control. The
 * run only closes its end; a part that was started by hand has no control. */
#ifndef ZTT_BENCH_CONTROL_H
#define ZTT_BENCH_CONTROL_H

#include <jansson.h>
#include <stdint.h>

struct ztt_err;
struct ztt_json;

/* Events, the value of "event":
 *   ready       any part: listens; "address" (and "http" of the edge)
 *   registered  edge: a connector registered; "index", "version"
 *   lost        edge: a registered connection ended; "index", "reason"
 *   begin       load: the measured window begins; "at_ns"
 *   progress    load: "requests", "bytes", "errors" so far in the window
 *   end         load: the window has ended; the results (load.h)
 */
#define ZTT_CONTROL_NONE (-1)
#define ZTT_CONTROL_MAX_BYTES 1048576

/* Begins a record {"event": EVENT; the caller adds members and sends it. */
void ztt_control_begin(struct ztt_json *json, const char *event);

/* Ends, sends and releases the record. With fd ZTT_CONTROL_NONE nothing is
 * sent. -EPIPE: the run is gone; -errno of send otherwise. Blocks while the
 * socket is full. */
int ztt_control_send(int fd, struct ztt_json *json);

/* Receives one record without blocking. *ret_record is a new reference.
 * Returns 1, or 0 when there is none now; -EPIPE at the end; -EPROTO when it is
 * no JSON object with an "event". */
int ztt_control_receive(int fd, json_t **ret_record, struct ztt_err *err);

/* The record's event, "" never NULL. */
const char *ztt_control_event(const json_t *record);

/* A connected pair, both close-on-exec. */
int ztt_control_pair(int *ret_run_fd, int *ret_part_fd, struct ztt_err *err);

#endif
