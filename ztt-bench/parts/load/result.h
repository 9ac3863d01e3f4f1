/* What a load measured, and how the run reads it from the "end" event. */
#ifndef ZTT_LOAD_RESULT_H
#define ZTT_LOAD_RESULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct ztt_hist;
struct ztt_json;

enum ztt_load_error {
	ZTT_LOAD_CONNECT,  /* no connection */
	ZTT_LOAD_STATUS,   /* answered with a status of 400 or more */
	ZTT_LOAD_PROTOCOL, /* answered with what is no HTTP/1.1 response */
	ZTT_LOAD_SHORT,    /* the connection ended before the response did */
	ZTT_LOAD_TIMEOUT,  /* no byte moved for the timeout */
	ZTT_LOAD_ERRORS,   /* how many kinds there are */
};

/* "connect", "status", ...: the keys in JSON. */
extern const char *const ztt_load_error_names[ZTT_LOAD_ERRORS];

/* Counts the measured window alone. A request is one that was answered in full
 * within it, with a status below 400. */
struct ztt_load_result {
	uint64_t at_ns; /* when the window ended, CLOCK_MONOTONIC */
	uint64_t duration_ns;
	uint64_t requests;
	uint64_t bytes_down; /* of bodies, as they arrived; not of errors */
	uint64_t bytes_up;   /* of bodies, as the kernel took them */
	uint64_t errors[ZTT_LOAD_ERRORS];
	char first_error[sizeof(((struct ztt_err *)0)->text)]; /* or "" */
	uint64_t late; /* open loop: due before the end, and not sent */
	unsigned threads;
	struct ztt_hist *latency; /* from when a request was due; owned */
	struct ztt_hist *service; /* from when it was sent; owned */
};

void ztt_load_result_init(struct ztt_load_result *result);
void ztt_load_result_release(struct ztt_load_result *result);

uint64_t ztt_load_result_errors(const struct ztt_load_result *result);

/* Whether an open loop fell behind its schedule: more requests were left unsent
 * than the streams would have taken in one go. */
bool ztt_load_result_is_behind(const struct ztt_load_result *result,
			       unsigned streams);

/* Writes the members of an "end" event into the object that is open. */
void ztt_load_result_write(const struct ztt_load_result *result,
			   struct ztt_json *json);

/* Reads an "end" event into an initialised, empty result. -EPROTO: a member is
 * missing or out of range; `result` may be half filled then. */
int ztt_load_result_read(const json_t *record, struct ztt_load_result *result,
			 struct ztt_err *err);

#endif
