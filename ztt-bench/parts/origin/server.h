/* The origin's threads: the first accepts and deals the connections out in
 * turn, every one serves its own. */
#ifndef ZTT_ORIGIN_SERVER_H
#define ZTT_ORIGIN_SERVER_H

struct ztt_err;
struct ztt_origin_server; /* opaque */

#define ZTT_ORIGIN_THREADS_MAX 64

/* Takes `listen_fd` over, also on failure, and starts `threads` threads (1 to
 * ZTT_ORIGIN_THREADS_MAX), which inherit the caller's signal mask. -errno of
 * epoll_create1 or pthread_create. */
int ztt_origin_server_start(int listen_fd, unsigned threads,
			    struct ztt_origin_server **ret_server,
			    struct ztt_err *err);

/* Ends every connection and thread; blocks until they are gone. */
void ztt_origin_server_stop(struct ztt_origin_server *server);

#endif
