#include "chain.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

void ztt_pool_init(struct ztt_pool *pool, size_t keep_bytes)
{
	*pool = (struct ztt_pool){.keep = keep_bytes / ZTT_CHUNK_BYTES};
}

void ztt_pool_release(struct ztt_pool *pool)
{
	struct ztt_chunk *chunk;

	assert(pool->used_count == 0);
	while ((chunk = pool->free)) {
		pool->free = chunk->next;
		free(chunk);
	}
	pool->free_count = 0;
}

static struct ztt_chunk *take(struct ztt_pool *pool)
{
	struct ztt_chunk *chunk = pool->free;

	if (chunk) {
		pool->free = chunk->next;
		pool->free_count--;
	} else {
		chunk = ztt_alloc(sizeof(*chunk));
	}
	pool->used_count++;
	chunk->next = NULL;
	chunk->begin = chunk->end = 0;
	return chunk;
}

static void give_back(struct ztt_pool *pool, struct ztt_chunk *chunk)
{
	pool->used_count--;
	if (pool->free_count >= pool->keep) {
		free(chunk);
		return;
	}
	chunk->next = pool->free;
	pool->free = chunk;
	pool->free_count++;
}

void ztt_chain_init(struct ztt_chain *chain, struct ztt_pool *pool)
{
	*chain = (struct ztt_chain){.pool = pool};
}

static void give_back_from(struct ztt_pool *pool, struct ztt_chunk *chunk)
{
	struct ztt_chunk *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		give_back(pool, chunk);
	}
}

void ztt_chain_release(struct ztt_chain *chain)
{
	give_back_from(chain->pool, chain->first);
	ztt_chain_init(chain, chain->pool);
}

static struct ztt_chunk *grow(struct ztt_chain *chain, struct ztt_chunk *after)
{
	struct ztt_chunk *chunk = take(chain->pool);

	if (after)
		after->next = chunk;
	else
		chain->first = chain->last = chunk;
	return chunk;
}

size_t ztt_chain_reserve(struct ztt_chain *chain, size_t want_bytes,
			 struct iovec *ret_vec, size_t vec_max)
{
	struct ztt_chunk *chunk = chain->last;
	size_t count = 0, room;

	while (count < vec_max && want_bytes) {
		if (!chunk || chunk->end == ZTT_CHUNK_BYTES)
			chunk = chunk && chunk->next ? chunk->next
						     : grow(chain, chunk);
		room = ZTT_CHUNK_BYTES - chunk->end;
		if (room > want_bytes)
			room = want_bytes;
		ret_vec[count].iov_base = chunk->bytes + chunk->end;
		ret_vec[count++].iov_len = room;
		want_bytes -= room;
		if (want_bytes && count < vec_max)
			chunk = chunk->next ? chunk->next : grow(chain, chunk);
	}
	return count;
}

void ztt_chain_commit(struct ztt_chain *chain, size_t len_bytes)
{
	struct ztt_chunk *chunk = chain->last;
	uint32_t room, part;

	chain->len_bytes += len_bytes;
	while (chunk) {
		room = ZTT_CHUNK_BYTES - chunk->end;
		part = len_bytes < room ? (uint32_t)len_bytes : room;
		chunk->end += part;
		len_bytes -= part;
		if (!len_bytes || !chunk->next)
			break;
		chunk = chunk->next;
	}
	assert(len_bytes == 0);
	if (!chunk)
		return;
	give_back_from(chain->pool, chunk->next);
	chunk->next = NULL;
	chain->last = chunk;
}

void ztt_chain_append(struct ztt_chain *chain, const void *data,
		      size_t len_bytes)
{
	struct ztt_chunk *chunk = chain->last;
	const uint8_t *at = data;
	uint32_t part;

	chain->len_bytes += len_bytes;
	while (len_bytes) {
		if (!chunk || chunk->end == ZTT_CHUNK_BYTES)
			chain->last = chunk = grow(chain, chunk);
		part = ZTT_CHUNK_BYTES - chunk->end;
		if (part > len_bytes)
			part = (uint32_t)len_bytes;
		memcpy(chunk->bytes + chunk->end, at, part);
		chunk->end += part;
		at += part;
		len_bytes -= part;
	}
}

size_t ztt_chain_peek(const struct ztt_chain *chain,
		      const struct ztt_cursor *cursor, size_t max_bytes,
		      struct iovec *ret_vec, size_t vec_max)
{
	struct ztt_chunk *chunk = chain->first;
	uint32_t at = chunk ? chunk->begin : 0;
	size_t count = 0, part;

	if (cursor && cursor->chunk) {
		chunk = cursor->chunk;
		at = cursor->at;
	}
	while (chunk && count < vec_max && max_bytes) {
		part = chunk->end - at;
		if (part > max_bytes)
			part = max_bytes;
		if (part) {
			ret_vec[count].iov_base = chunk->bytes + at;
			ret_vec[count++].iov_len = part;
			max_bytes -= part;
		}
		chunk = chunk->next;
		at = chunk ? chunk->begin : 0;
	}
	return count;
}

void ztt_chain_advance(const struct ztt_chain *chain, struct ztt_cursor *cursor,
		       size_t len_bytes)
{
	uint32_t left;

	if (!cursor->chunk && chain->first)
		*cursor =
			(struct ztt_cursor){chain->first, chain->first->begin};
	while (len_bytes) {
		left = cursor->chunk->end - cursor->at;
		if (len_bytes <= left) {
			cursor->at += (uint32_t)len_bytes;
			return;
		}
		len_bytes -= left;
		cursor->chunk = cursor->chunk->next;
		cursor->at = cursor->chunk->begin;
	}
}

/* An emptied last chunk is given back too: an idle stream holds no memory. */
void ztt_chain_drop(struct ztt_chain *chain, size_t len_bytes,
		    struct ztt_cursor *cursor)
{
	struct ztt_chunk *chunk;
	uint32_t held;

	assert(len_bytes <= chain->len_bytes);
	chain->len_bytes -= len_bytes;
	while ((chunk = chain->first)) {
		held = chunk->end - chunk->begin;
		if (len_bytes < held) {
			chunk->begin += (uint32_t)len_bytes;
			return;
		}
		len_bytes -= held;
		chain->first = chunk->next;
		if (!chain->first)
			chain->last = NULL;
		if (cursor && cursor->chunk == chunk)
			*cursor = (struct ztt_cursor){
				chain->first,
				chain->first ? chain->first->begin : 0};
		give_back(chain->pool, chunk);
		if (!len_bytes && chain->first &&
		    chain->first->end > chain->first->begin)
			return;
	}
}
