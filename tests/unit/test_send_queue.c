#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/send_queue.h"

#define BUDGET ((size_t)4 << 20)
#define STREAMS 40

static struct ztt_pool pool;
static struct ztt_send_queue queue;
static struct ztt_quic_stream streams[STREAMS];
static const uint8_t zeros[BUDGET];

static int begin(void **state)
{
	(void)state;
	ztt_pool_init(&pool, 0);
	ztt_send_queue_init(&queue, BUDGET);
	memset(streams, 0, sizeof(streams));
	for (size_t i = 0; i < STREAMS; i++)
		ztt_chain_init(&streams[i].out, &pool);
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (size_t i = 0; i < STREAMS; i++) {
		ztt_send_queue_forget(&queue, &streams[i]);
		ztt_send_queue_acked(&queue, &streams[i],
				     streams[i].out.len_bytes);
	}
	assert_int_equal(queue.out_bytes, 0);
	assert_int_equal(queue.ready_bytes, 0);
	assert_null(queue.first);
	assert_null(queue.hungry_first);
	ztt_pool_release(&pool);
	return 0;
}

static void put(struct ztt_quic_stream *stream, size_t len)
{
	ztt_chain_append(&stream->out, zeros, len);
	stream->taken_bytes += len;
	ztt_send_queue_added(&queue, stream, len);
}

/* Takes what there is room for; how much that was. */
static size_t take(struct ztt_quic_stream *stream)
{
	const size_t room = ztt_send_queue_room(&queue, stream);

	if (room)
		put(stream, room);
	return room;
}

static void the_first_bytes_of_a_stream_need_not_wait(void **state)
{
	(void)state;
	while (take(&streams[0]))
		;
	assert_true(queue.ready_bytes > 0);
	for (size_t i = 1; i < STREAMS; i++)
		assert_int_equal(take(&streams[i]), ZTT_CHUNK_BYTES);
}

/* Two rounds over four hungry streams: each has its turn once in each. */
static void streams_are_fed_in_turn(void **state)
{
	struct ztt_quic_stream *fed[8] = {NULL};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		while (take(&streams[i]))
			;
	for (size_t turn = 0; turn < 8; turn++) {
		for (size_t i = 0; i < 4; i++) {
			ztt_send_queue_written(&queue, &streams[i],
					       streams[i].unsent_bytes, false);
			ztt_send_queue_acked(&queue, &streams[i],
					     streams[i].out.len_bytes);
		}
		fed[turn] = ztt_send_queue_feed(&queue);
		assert_non_null(fed[turn]);
		assert_false(fed[turn]->starved);
		while (take(fed[turn]))
			;
		assert_true(fed[turn]->starved);
		for (size_t i = turn / 4 * 4; i < turn; i++)
			assert_ptr_not_equal(fed[i], fed[turn]);
	}
	assert_memory_equal(fed, fed + 4, 4 * sizeof(fed[0]));
}

static void a_blocked_stream_leaves_its_room_to_others(void **state)
{
	(void)state;
	while (take(&streams[0]))
		;
	ztt_send_queue_block(&queue, &streams[0], true);
	assert_int_equal(queue.ready_bytes, 0);
	assert_null(ztt_send_queue_first(&queue, false));
	assert_true(take(&streams[1]) > 0);
	assert_ptr_equal(ztt_send_queue_first(&queue, false), &streams[1]);
	ztt_send_queue_block(&queue, &streams[0], false);
	assert_true(streams[0].queued);
}

static void the_budget_holds_what_is_not_acknowledged(void **state)
{
	size_t sent = 0;

	(void)state;
	for (;;) {
		const size_t took = take(&streams[0]);

		if (!took && !ztt_send_queue_feed(&queue))
			break;
		sent += took;
		ztt_send_queue_written(&queue, &streams[0],
				       streams[0].unsent_bytes, false);
	}
	assert_in_range(sent, BUDGET, BUDGET + ((size_t)256 << 10));
	ztt_send_queue_acked(&queue, &streams[0], sent);
	assert_ptr_equal(ztt_send_queue_feed(&queue), &streams[0]);
}

static void past_the_budget_a_stream_still_has_a_chunk(void **state)
{
	struct ztt_quic_stream *stream = &streams[1];

	(void)state;
	put(&streams[0], BUDGET);
	ztt_send_queue_block(&queue, &streams[0], true);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(take(stream), ZTT_CHUNK_BYTES);
		assert_int_equal(take(stream), 0);
		assert_null(ztt_send_queue_feed(&queue));
		ztt_send_queue_written(&queue, stream, stream->unsent_bytes,
				       false);
		assert_null(ztt_send_queue_feed(&queue));
		ztt_send_queue_acked(&queue, stream, ZTT_CHUNK_BYTES);
		assert_ptr_equal(ztt_send_queue_feed(&queue), stream);
	}
}

static void an_end_goes_out_without_credit(void **state)
{
	(void)state;
	put(&streams[0], 10);
	streams[1].finishing = true;
	ztt_send_queue_put(&queue, &streams[1]);
	assert_ptr_equal(ztt_send_queue_first(&queue, false), &streams[0]);
	assert_ptr_equal(ztt_send_queue_first(&queue, true), &streams[1]);
	ztt_send_queue_written(&queue, &streams[1], 0, true);
	assert_true(streams[1].finished);
	assert_null(ztt_send_queue_first(&queue, true));
	ztt_send_queue_rotate(&queue);
	assert_ptr_equal(ztt_send_queue_first(&queue, false), &streams[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_first_bytes_of_a_stream_need_not_wait, begin, end),
		cmocka_unit_test_setup_teardown(streams_are_fed_in_turn, begin,
						end),
		cmocka_unit_test_setup_teardown(
			a_blocked_stream_leaves_its_room_to_others, begin, end),
		cmocka_unit_test_setup_teardown(
			the_budget_holds_what_is_not_acknowledged, begin, end),
		cmocka_unit_test_setup_teardown(
			past_the_budget_a_stream_still_has_a_chunk, begin, end),
		cmocka_unit_test_setup_teardown(an_end_goes_out_without_credit,
						begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
