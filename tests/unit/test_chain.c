#include "common/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODEL_BYTES (1 << 20)
#define STEPS 4000
#define VEC_MAX 7

/* What the chain must hold: flat[0 .. len), of which the cursor has passed
 * `sent`. */
struct model {
	uint8_t *flat;
	size_t len, sent;
	uint8_t next;
	unsigned seed;
};

static unsigned draw(struct model *model, unsigned below)
{
	model->seed = model->seed * 1664525U + 1013904223U;
	return (model->seed >> 8) % below;
}

/* Mostly small, sometimes at the edges of a chunk, sometimes several chunks. */
static size_t draw_len(struct model *model)
{
	switch (draw(model, 4)) {
	case 0:
		return draw(model, 16);
	case 1:
		return ZTT_CHUNK_BYTES - 1 + draw(model, 3);
	case 2:
		return draw(model, 5 * ZTT_CHUNK_BYTES);
	default:
		return draw(model, 2000);
	}
}

static void fill(struct model *model, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = model->flat[model->len++] = model->next++;
}

static void append(struct model *model, struct ztt_chain *chain, size_t len)
{
	uint8_t *data = malloc(len + 1);

	fill(model, data, len);
	ztt_chain_append(chain, data, len);
	free(data);
}

static void reserve(struct model *model, struct ztt_chain *chain, size_t want)
{
	struct iovec vec[VEC_MAX];
	const size_t vec_max = 1 + draw(model, VEC_MAX);
	const size_t count = ztt_chain_reserve(chain, want, vec, vec_max);
	size_t room = 0, left, part;

	assert_true(count <= vec_max);
	assert_true(!want || count);
	for (size_t i = 0; i < count; i++) {
		assert_true(vec[i].iov_len);
		room += vec[i].iov_len;
	}
	assert_true(room <= want);
	assert_true(room == want || count == vec_max);
	left = draw(model, 3) ? room : draw(model, (unsigned)room + 1);
	room = left;
	for (size_t i = 0; left; i++, left -= part) {
		part = left < vec[i].iov_len ? left : vec[i].iov_len;
		fill(model, vec[i].iov_base, part);
	}
	ztt_chain_commit(chain, room);
}

static void drop(struct model *model, struct ztt_chain *chain,
		 struct ztt_cursor *cursor, size_t len)
{
	if (len > model->sent)
		len = model->sent;
	ztt_chain_drop(chain, len, cursor);
	model->len -= len;
	model->sent -= len;
	memmove(model->flat, model->flat + len, model->len);
}

static void advance(struct model *model, const struct ztt_chain *chain,
		    struct ztt_cursor *cursor, size_t len)
{
	if (len > model->len - model->sent)
		len = model->len - model->sent;
	ztt_chain_advance(chain, cursor, len);
	model->sent += len;
}

/* From the cursor, or without one from the beginning, as far as asked. */
static void compare(struct model *model, const struct ztt_chain *chain,
		    const struct ztt_cursor *cursor, size_t most,
		    size_t vec_max)
{
	struct iovec vec[VEC_MAX];
	const size_t from = cursor ? model->sent : 0;
	const size_t count = ztt_chain_peek(chain, cursor, most, vec, vec_max);
	size_t at = from;

	assert_true(count <= vec_max);
	for (size_t i = 0; i < count; i++) {
		assert_true(vec[i].iov_len);
		assert_true(at + vec[i].iov_len <= model->len);
		assert_memory_equal(vec[i].iov_base, model->flat + at,
				    vec[i].iov_len);
		at += vec[i].iov_len;
	}
	assert_true(at - from <= most);
	if (count < vec_max)
		assert_true(at - from == most || at == model->len);
	assert_int_equal(chain->len_bytes, model->len);
}

static void step(struct model *model, struct ztt_chain *chain,
		 struct ztt_cursor *cursor)
{
	const size_t len = draw_len(model);

	switch (draw(model, 5)) {
	case 0:
		if (model->len + len <= MODEL_BYTES)
			append(model, chain, len);
		break;
	case 1:
		if (model->len + len <= MODEL_BYTES)
			reserve(model, chain, len);
		break;
	case 2:
		advance(model, chain, cursor, 2 * len);
		break;
	case 3:
		drop(model, chain, cursor, 2 * len);
		break;
	default:
		compare(model, chain, cursor, len, 1 + draw(model, VEC_MAX));
		compare(model, chain, NULL, SIZE_MAX, VEC_MAX);
	}
}

static void any_sequence_is_as_a_flat_array(void **state)
{
	struct model model = {.flat = malloc(MODEL_BYTES)};
	struct ztt_cursor cursor;
	struct ztt_chain chain;
	struct ztt_pool pool;

	(void)state;
	ztt_pool_init(&pool, 4 * ZTT_CHUNK_BYTES);
	for (unsigned seed = 1; seed <= 8; seed++) {
		model.seed = seed;
		model.len = model.sent = 0;
		cursor = (struct ztt_cursor){NULL, 0};
		ztt_chain_init(&chain, &pool);
		for (int i = 0; i < STEPS; i++)
			step(&model, &chain, &cursor);
		advance(&model, &chain, &cursor, SIZE_MAX);
		drop(&model, &chain, &cursor, SIZE_MAX);
		assert_int_equal(chain.len_bytes, 0);
		assert_int_equal(pool.used_count, 0);
		ztt_chain_release(&chain);
	}
	ztt_pool_release(&pool);
	free(model.flat);
}

static void an_emptied_chain_holds_no_memory(void **state)
{
	struct ztt_cursor cursor = {NULL, 0};
	struct ztt_chain chain;
	struct ztt_pool pool;

	(void)state;
	ztt_pool_init(&pool, 0);
	ztt_chain_init(&chain, &pool);
	ztt_chain_append(&chain, "abc", 3);
	ztt_chain_advance(&chain, &cursor, 3);
	ztt_chain_drop(&chain, 3, &cursor);
	assert_int_equal(pool.used_count, 0);
	assert_int_equal(pool.free_count, 0);
	assert_null(cursor.chunk);

	ztt_chain_append(&chain, "de", 2);
	ztt_chain_advance(&chain, &cursor, 1);
	ztt_chain_drop(&chain, 1, &cursor);
	assert_int_equal(chain.len_bytes, 1);
	ztt_chain_release(&chain);
	assert_int_equal(pool.used_count, 0);
	ztt_pool_release(&pool);
}

static void what_was_reserved_and_not_filled_is_given_back(void **state)
{
	struct iovec vec[VEC_MAX];
	struct ztt_chain chain;
	struct ztt_pool pool;

	(void)state;
	ztt_pool_init(&pool, 0);
	ztt_chain_init(&chain, &pool);
	ztt_chain_append(&chain, "x", 1);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(ztt_chain_reserve(&chain, 5 * ZTT_CHUNK_BYTES,
						   vec, VEC_MAX),
				 6);
		assert_int_equal(pool.used_count, 6);
		ztt_chain_commit(&chain, 0);
		assert_int_equal(pool.used_count, 1);
	}
	assert_int_equal(chain.len_bytes, 1);
	ztt_chain_release(&chain);
	ztt_pool_release(&pool);
}

static void the_pool_keeps_no_more_than_told(void **state)
{
	uint8_t data[4 * ZTT_CHUNK_BYTES] = {0};
	struct ztt_chain chain;
	struct ztt_pool pool;

	(void)state;
	ztt_pool_init(&pool, 2 * ZTT_CHUNK_BYTES);
	ztt_chain_init(&chain, &pool);
	ztt_chain_append(&chain, data, sizeof(data));
	assert_int_equal(pool.used_count, 4);
	ztt_chain_release(&chain);
	assert_int_equal(pool.used_count, 0);
	assert_int_equal(pool.free_count, 2);
	ztt_chain_append(&chain, data, 1);
	assert_int_equal(pool.free_count, 1);
	ztt_chain_release(&chain);
	ztt_pool_release(&pool);
}

/* Retransmission reads again what the cursor has passed. */
static void a_cursor_outlives_what_is_dropped_before_it(void **state)
{
	static uint8_t data[3 * ZTT_CHUNK_BYTES];
	struct ztt_cursor cursor = {NULL, 0};
	struct ztt_chain chain;
	struct ztt_pool pool;
	struct iovec vec;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i / 251);
	ztt_pool_init(&pool, 0);
	ztt_chain_init(&chain, &pool);
	ztt_chain_append(&chain, data, sizeof(data));
	ztt_chain_advance(&chain, &cursor, ZTT_CHUNK_BYTES);
	ztt_chain_drop(&chain, ZTT_CHUNK_BYTES, &cursor);
	assert_int_equal(ztt_chain_peek(&chain, &cursor, 100, &vec, 1), 1);
	assert_memory_equal(vec.iov_base, data + ZTT_CHUNK_BYTES, 100);
	ztt_chain_advance(&chain, &cursor, ZTT_CHUNK_BYTES + 7);
	ztt_chain_drop(&chain, 9, &cursor);
	assert_int_equal(ztt_chain_peek(&chain, &cursor, 100, &vec, 1), 1);
	assert_memory_equal(vec.iov_base, data + 2 * ZTT_CHUNK_BYTES + 7, 100);
	ztt_chain_release(&chain);
	ztt_pool_release(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_sequence_is_as_a_flat_array),
		cmocka_unit_test(an_emptied_chain_holds_no_memory),
		cmocka_unit_test(
			what_was_reserved_and_not_filled_is_given_back),
		cmocka_unit_test(the_pool_keeps_no_more_than_told),
		cmocka_unit_test(a_cursor_outlives_what_is_dropped_before_it),
	};

	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
