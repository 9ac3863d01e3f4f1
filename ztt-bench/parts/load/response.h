/* Follows one HTTP/1.1 response as its bytes arrive, keeping nothing of it. */
#ifndef ZTT_LOAD_RESPONSE_H
#define ZTT_LOAD_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/http1.h"

enum ztt_load_framing {
	ZTT_LOAD_HEAD, /* the head is not complete yet */
	ZTT_LOAD_LENGTH,
	ZTT_LOAD_CHUNKED,
	ZTT_LOAD_TO_CLOSE, /* the body ends with the connection */
};

/* Begins zeroed. */
struct ztt_load_response {
	enum ztt_load_framing framing;
	unsigned status; /* 0: no head yet */
	bool keep_alive;
	bool done;
	uint64_t left_bytes; /* of the body, with ZTT_LOAD_LENGTH */
	uint64_t body_bytes; /* so far */
	struct ztt_http1_chunks chunks;
};

/* Reads from `data` what has arrived and sets `ret_used_bytes` to what it took;
 * what is left needs more bytes after it, or follows the response when it is
 * `done`. -EPROTO: no HTTP/1.1 response; -EMSGSIZE: its head is too large. */
int ztt_load_response_read(struct ztt_load_response *response, const char *data,
			   size_t len_bytes, size_t *ret_used_bytes);

/* Counts `bytes` of the body that were thrown away unread; no more than
 * `left_bytes`. */
void ztt_load_response_skip(struct ztt_load_response *response, uint64_t bytes);

#endif
