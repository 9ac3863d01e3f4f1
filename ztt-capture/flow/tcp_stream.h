/* One direction of a TCP connection put together in order, in bounded memory:
 * what the capture missed is passed over and counted. */
#ifndef ZTT_CAPTURE_TCP_STREAM_H
#define ZTT_CAPTURE_TCP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Past a gap, at most so many bytes and pieces wait for it to be filled. */
#define ZTT_TCP_HELD_BYTES_MAX 262144
#define ZTT_TCP_HELD_MAX 64

/* Sequence numbers unwrapped: they do not come round. The first of a direction
 * is UINT32_MAX + 1 and its sequence number. */
uint64_t ztt_tcp_first(uint32_t sequence);
uint64_t ztt_tcp_unwrap(uint64_t near, uint32_t sequence);

struct ztt_tcp_stream {
	/* Bytes in order, and how many bytes are missing before the next;
	 * `bytes` are valid during the call. */
	void (*data)(void *owner, const uint8_t *bytes, size_t len_bytes);
	void (*gap)(void *owner, uint64_t len_bytes);
	/* Whether so many bytes more may be held (NULL: always). */
	bool (*reserve)(void *owner, long size_bytes);
	void *owner;

	bool begun;
	uint64_t next; /* the next byte to be given */
	uint64_t acknowledged;
	uint64_t gaps, gap_bytes; /* passed over */

	/* Of flow/tcp_stream.c. */
	uint8_t *window; /* the byte `base` comes first; NULL: nothing held */
	uint64_t base;
	size_t window_bytes;
	struct ztt_tcp_range {
		uint64_t from, to;
	} held[ZTT_TCP_HELD_MAX]; /* apart and rising, all past `next` */
	size_t held_count;
	unsigned waited; /* segments since an acknowledged gap */
};

/* The bytes of a segment at `from` on; `missing_bytes` more belonged to it and
 * were cut from the capture. The first call of a stream that has not begun
 * begins it there. Allocates only for what comes out of order. */
void ztt_tcp_stream_segment(struct ztt_tcp_stream *stream, uint64_t from,
			    const uint8_t *data, size_t len_bytes,
			    size_t missing_bytes);

/* The other side has everything before `to`: a gap before it will not be
 * filled, and is passed over a few segments later. */
void ztt_tcp_stream_acknowledge(struct ztt_tcp_stream *stream, uint64_t to);

/* Gives what is still held, with its gaps, and frees the storage. */
void ztt_tcp_stream_end(struct ztt_tcp_stream *stream);
/* Frees the storage and gives nothing. */
void ztt_tcp_stream_release(struct ztt_tcp_stream *stream);

#endif
