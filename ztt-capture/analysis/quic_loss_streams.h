/* What stream offsets tell of loss: data that is sent again, and holes where a
 * packet is missing. New data of a stream is sent in the order of its offsets,
 * so that an offset below one that a lower packet number carried is sent again.
 * Of fixed size: 256 streams at a time and 64 holes. */
#ifndef ZTT_CAPTURE_QUIC_LOSS_STREAMS_H
#define ZTT_CAPTURE_QUIC_LOSS_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ztt_quic_space;
struct ztt_quic_streams; /* opaque, about 14 KB */

#define ZTT_QUIC_STREAMS_BYTES 16384 /* at most, to reserve */

/* One direction's; `space` is borrowed: told of holes that were filled. */
struct ztt_quic_streams *ztt_quic_streams_new(struct ztt_quic_space *space);
void ztt_quic_streams_free(struct ztt_quic_streams *streams);

/* Stream data in packet `number`; returns whether it was sent before. */
bool ztt_quic_streams_data(struct ztt_quic_streams *streams, uint64_t number,
			   uint64_t stream_id, uint64_t offset, size_t bytes);

#endif
