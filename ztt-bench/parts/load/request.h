/* The request heads of a load, made once: sending one costs no formatting. */
#ifndef ZTT_LOAD_REQUEST_H
#define ZTT_LOAD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_load_plan;

struct ztt_load_request {
	char *head;
	size_t head_len_bytes;
	uint64_t body_bytes; /* that follow the head; 0: a GET */
};

/* Those of one direction, one for every part of the mix. */
struct ztt_load_requests {
	struct ztt_load_request *all;
	size_t count;
};

void ztt_load_requests_init(struct ztt_load_requests *requests,
			    const struct ztt_load_plan *plan, bool up);
void ztt_load_requests_release(struct ztt_load_requests *requests);

#endif
