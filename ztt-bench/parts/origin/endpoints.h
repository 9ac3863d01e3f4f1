/* What the origin serves, by path. */
#ifndef ZTT_ORIGIN_ENDPOINTS_H
#define ZTT_ORIGIN_ENDPOINTS_H

#include <stdio.h>

struct ztt_http1_head;
struct ztt_origin_conn;

/* Chooses the endpoint of a request: sets `answer`, which is called when the
 * body has been read, `param`, and `step` where the endpoint reads the body
 * itself. Only called with an empty `out`. */
void ztt_origin_route(struct ztt_origin_conn *conn,
		      const struct ztt_http1_head *head);

/* One line per endpoint. */
void ztt_origin_print_endpoints(FILE *out);

#endif
