/* /echo: the body of the request, or every WebSocket message, comes back. */
#ifndef ZTT_ORIGIN_ECHO_H
#define ZTT_ORIGIN_ECHO_H

struct ztt_http1_head;
struct ztt_origin_conn;

/* Begins the answer and sets `step`; the body comes back while it arrives. */
void ztt_origin_echo_begin(struct ztt_origin_conn *conn);

/* Answers an upgrade to WebSocket and sets `step`. -EINVAL: it is no such
 * request, nothing is answered. */
int ztt_origin_websocket_begin(struct ztt_origin_conn *conn,
			       const struct ztt_http1_head *head);

#endif
