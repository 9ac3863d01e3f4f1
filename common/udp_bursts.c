#include "udp_bursts.h"

#include <errno.h>
#include <string.h>

#include "err.h"

uint8_t *ztt_udp_bursts_room(struct ztt_udp_bursts *bursts, size_t most_bytes)
{
	if (bursts->count == ZTT_UDP_BURSTS_MAX ||
	    bursts->len_bytes + most_bytes > ZTT_UDP_BURSTS_BYTES)
		return NULL;
	return bursts->bytes + bursts->len_bytes;
}

static bool may_join(const struct ztt_udp_burst *burst, size_t len_bytes)
{
	return len_bytes <= burst->segment_bytes &&
	       burst->len_bytes % burst->segment_bytes == 0 &&
	       burst->len_bytes / burst->segment_bytes < ZTT_UDP_SEGMENTS_MAX &&
	       burst->len_bytes + len_bytes <= ZTT_UDP_SEND_MAX_BYTES;
}

bool ztt_udp_bursts_add(struct ztt_udp_bursts *bursts, size_t len_bytes,
			bool gso)
{
	const uint8_t *packet = bursts->bytes + bursts->len_bytes;
	struct ztt_udp_burst *last =
		bursts->count ? &bursts->list[bursts->count - 1] : NULL;

	bursts->len_bytes += len_bytes;
	if (gso && last && may_join(last, len_bytes)) {
		last->len_bytes += len_bytes;
		return false;
	}
	bursts->list[bursts->count++] =
		(struct ztt_udp_burst){packet, len_bytes, len_bytes};
	return true;
}

static size_t send_list(struct ztt_udp_bursts *bursts,
			const struct ztt_udp *udp)
{
	size_t done = 0;
	int sent;

	while (done < bursts->count) {
		sent = ztt_udp_send(udp, bursts->list + done,
				    bursts->count - done);
		if (sent == -EAGAIN)
			break;
		if (sent < 0)
			bursts->refused = sent;
		done += sent > 0 ? (size_t)sent : 1;
	}
	return done;
}

static struct ztt_udp_bursts *copy_rest(const struct ztt_udp_bursts *bursts,
					size_t done)
{
	struct ztt_udp_bursts *rest = ztt_alloc(sizeof(*rest));

	rest->count = 0;
	rest->len_bytes = 0;
	rest->refused = 0;
	for (size_t i = done; i < bursts->count; i++) {
		struct ztt_udp_burst burst = bursts->list[i];

		memcpy(rest->bytes + rest->len_bytes, burst.data,
		       burst.len_bytes);
		burst.data = rest->bytes + rest->len_bytes;
		rest->len_bytes += burst.len_bytes;
		rest->list[rest->count++] = burst;
	}
	return rest;
}

struct ztt_udp_bursts *ztt_udp_bursts_send(struct ztt_udp_bursts *bursts,
					   const struct ztt_udp *udp)
{
	const size_t done = send_list(bursts, udp);
	struct ztt_udp_bursts *rest =
		done < bursts->count ? copy_rest(bursts, done) : NULL;

	bursts->count = 0;
	bursts->len_bytes = 0;
	return rest;
}
