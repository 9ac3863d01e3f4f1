#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/err.h"
#include "ztt-bench/parts/edge/tunnel.h"

/* A connector's own socket is connected and takes its packets; here come first
 * datagrams, and those that were under way while that socket was made. */
struct datagram {
	struct ztt_message message;
	struct ztt_edge_worker *worker;
	struct ztt_address peer, local;
	size_t len_bytes;
	uint8_t data[];
};

struct handover {
	struct ztt_message message;
	struct ztt_edge_worker *worker;
	int fd;
};

static void receive_datagram(struct ztt_message *message)
{
	struct datagram *d = ZTT_CONTAINER(message, struct datagram, message);

	ztt_edge_datagram(d->worker, &d->peer, &d->local, d->data,
			  d->len_bytes);
	free(d);
}

/* By the peer's port, so that the datagrams of one handshake meet. */
static struct ztt_edge_worker *worker_of(struct ztt_edge *edge,
					 const struct ztt_address *peer)
{
	const uint8_t *port = (const uint8_t *)&peer->storage + 2;
	const size_t hash = (size_t)(port[0] << 8 | port[1]);

	return &edge->workers[hash % edge->worker_count];
}

static void route(struct ztt_edge *edge,
		  const struct ztt_udp_received *received, const uint8_t *data,
		  size_t len_bytes)
{
	struct ztt_edge_worker *worker = worker_of(edge, &received->from);
	struct datagram *d = ztt_alloc(sizeof(*d) + len_bytes);

	d->message.receive = receive_datagram;
	d->worker = worker;
	d->peer = received->from;
	d->local = edge->address;
	if (received->local.len_bytes &&
	    received->local.storage.ss_family == AF_INET)
		memcpy((uint8_t *)&d->local.storage + 4,
		       (const uint8_t *)&received->local.storage + 4, 4);
	else if (received->local.len_bytes)
		memcpy((uint8_t *)&d->local.storage + 8,
		       (const uint8_t *)&received->local.storage + 8, 16);
	d->len_bytes = len_bytes;
	memcpy(d->data, data, len_bytes);
	ztt_loop_post(worker->loop, &d->message);
}

static void negotiate_version(struct ztt_edge *edge,
			      const struct ztt_udp_received *received,
			      const uint8_t *data, size_t len_bytes)
{
	uint8_t out[256];
	const size_t len =
		ztt_quic_version_negotiation(data, len_bytes, out, sizeof(out));

	if (len)
		ztt_udp_send_to(edge->udp.fd, &received->from, out, len);
}

static void on_udp(struct ztt_watch *watch, uint32_t events)
{
	struct ztt_edge *edge =
		ZTT_CONTAINER(watch, struct ztt_edge, udp_watch);
	const struct ztt_udp_received *received;
	int count;

	(void)events;
	count = ztt_udp_receive(watch->fd, edge->batch, &received);
	for (int i = 0; i < count; i++) {
		const struct ztt_udp_received *r = &received[i];

		for (size_t at = 0; at < r->len_bytes; at += r->segment_bytes) {
			const size_t left = r->len_bytes - at;
			const size_t len = left < r->segment_bytes
						   ? left
						   : r->segment_bytes;

			if (ztt_quic_classify(r->data + at, len) ==
			    ZTT_QUIC_FIRST_VERSION)
				negotiate_version(edge, r, r->data + at, len);
			else
				route(edge, r, r->data + at, len);
		}
	}
}

static void receive_eyeball(struct ztt_message *message)
{
	struct handover *h = ZTT_CONTAINER(message, struct handover, message);

	ztt_eyeball_new(h->worker, h->fd);
	free(h);
}

static void on_http(struct ztt_watch *watch, uint32_t events)
{
	struct ztt_edge *edge =
		ZTT_CONTAINER(watch, struct ztt_edge, http_watch);
	struct handover *h;
	int fd;

	(void)events;
	while (ztt_tcp_accept(watch->fd, &fd) == 0) {
		h = ztt_alloc(sizeof(*h));
		h->message.receive = receive_eyeball;
		h->worker = ztt_edge_next_worker(edge);
		h->fd = fd;
		ztt_loop_post(h->worker->loop, &h->message);
	}
}

int ztt_edge_listen(struct ztt_edge *edge, struct ztt_err *err)
{
	const struct ztt_udp_plan plan = {.local = &edge->address,
					  .share_port = true,
					  .no_gro = true};
	struct ztt_loop *loop = edge->workers[0].loop;
	int rc;

	edge->udp_watch = (struct ztt_watch){-1, on_udp};
	edge->http_watch = (struct ztt_watch){-1, on_http};
	rc = ztt_udp_open(&plan, &edge->udp, err);
	if (rc < 0)
		return rc;
	edge->udp_watch.fd = edge->udp.fd;
	edge->batch = ztt_udp_batch_new();
	rc = ztt_tcp_listen(&edge->http_address, &edge->http_watch.fd, err);
	if (rc < 0)
		return rc;
	ztt_address_of_socket(edge->udp.fd, &edge->address);
	ztt_address_of_socket(edge->http_watch.fd, &edge->http_address);
	rc = ztt_loop_watch(loop, &edge->udp_watch, EPOLLIN, err);
	if (rc < 0)
		return rc;
	return ztt_loop_watch(loop, &edge->http_watch, EPOLLIN, err);
}

void ztt_edge_unlisten(struct ztt_edge *edge)
{
	if (edge->udp_watch.fd >= 0)
		close(edge->udp_watch.fd);
	if (edge->http_watch.fd >= 0)
		close(edge->http_watch.fd);
	ztt_udp_batch_free(edge->batch);
}
