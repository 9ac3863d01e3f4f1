/* Byte queues of fixed chunks from a pool: what waits between a stream and a
 * socket. Not thread-safe: a pool and its chains belong to one thread. */
#ifndef ZTT_CHAIN_H
#define ZTT_CHAIN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define ZTT_CHUNK_BYTES 16384

struct ztt_chunk {
	struct ztt_chunk *next;
	uint32_t begin, end; /* of what it holds */
	uint8_t bytes[ZTT_CHUNK_BYTES];
};

/* Free chunks are kept for reuse, at most `keep`; the rest returns to the
 * allocator. */
struct ztt_pool {
	struct ztt_chunk *free;
	size_t free_count, keep;
	size_t used_count; /* chunks in chains */
};

void ztt_pool_init(struct ztt_pool *pool, size_t keep_bytes);
/* Every chain must have been released. */
void ztt_pool_release(struct ztt_pool *pool);

struct ztt_chain {
	struct ztt_pool *pool;
	struct ztt_chunk *first, *last;
	size_t len_bytes;
};

/* A place within a chain: `chunk` NULL is the beginning. Valid until what it
 * points at is dropped. */
struct ztt_cursor {
	struct ztt_chunk *chunk;
	uint32_t at;
};

void ztt_chain_init(struct ztt_chain *chain, struct ztt_pool *pool);
void ztt_chain_release(struct ztt_chain *chain);

/* Room for `want_bytes` more at the end, in at most `vec_max` pieces. Returns
 * how many pieces were set; follow with ztt_chain_commit. */
size_t ztt_chain_reserve(struct ztt_chain *chain, size_t want_bytes,
			 struct iovec *ret_vec, size_t vec_max);
/* `len_bytes` of the reserved room have been filled, from its beginning; the
 * rest is given back. */
void ztt_chain_commit(struct ztt_chain *chain, size_t len_bytes);

void ztt_chain_append(struct ztt_chain *chain, const void *data,
		      size_t len_bytes);

/* Points at up to `max_bytes` from the cursor on (NULL: the beginning), in at
 * most `vec_max` pieces; returns how many were set. */
size_t ztt_chain_peek(const struct ztt_chain *chain,
		      const struct ztt_cursor *cursor, size_t max_bytes,
		      struct iovec *ret_vec, size_t vec_max);
void ztt_chain_advance(const struct ztt_chain *chain, struct ztt_cursor *cursor,
		       size_t len_bytes);

/* Drops the first `len_bytes`. A cursor at or past them stays valid when it is
 * passed here; NULL otherwise. */
void ztt_chain_drop(struct ztt_chain *chain, size_t len_bytes,
		    struct ztt_cursor *cursor);

#endif
