#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ztt-capture/analysis/quic_loss.h"
#include "ztt-capture/analysis/quic_loss_streams.h"

#define MS 1000000

static struct ztt_quic_space *new_space(void)
{
	return ztt_quic_space_new(
		&(struct ztt_quic_space_plan){.from_start = true});
}

static enum ztt_quic_seen pass(struct ztt_quic_space *space, uint64_t number)
{
	return ztt_quic_space_sent(
		space, &(struct ztt_quic_sent){
			       .number = number,
			       .at_ns = (int64_t)(number % 100000000) * MS,
			       .bytes = 100,
			       .ack_eliciting = true,
			       .acknowledges = ZTT_NUMBER_NONE,
		       });
}

static struct ztt_quic_acked ack(struct ztt_quic_space *space, uint64_t least,
				 uint64_t most)
{
	struct ztt_ack_range range = {least, most};
	struct ztt_quic_acked acked;

	ztt_quic_space_acked(space, &range, 1, &acked);
	return acked;
}

static struct ztt_quic_tally finish(struct ztt_quic_space *space)
{
	struct ztt_quic_tally tally;

	ztt_quic_space_finish(space);
	tally = *ztt_quic_space_tally(space);
	ztt_quic_space_free(space);
	return tally;
}

static void test_nothing_is_lost_when_all_is_acknowledged(void **state)
{
	struct ztt_quic_space *space = new_space();
	struct ztt_quic_tally tally;

	(void)state;
	for (uint64_t n = 0; n < 1000; n++) {
		pass(space, n);
		assert_int_equal(ack(space, 0, n).packets, 1);
	}
	tally = finish(space);
	assert_int_equal(tally.seen, 1000);
	assert_int_equal(tally.lost_after + tally.lost_before_certain, 0);
	assert_int_equal(tally.skipped + tally.unanswered, 0);
	assert_int_equal(tally.in_flight_bytes, 0);
}

static void test_what_is_never_acknowledged_was_lost_after(void **state)
{
	struct ztt_quic_space *space = new_space();
	struct ztt_ack_range ranges[] = {{50, 99}, {0, 48}};
	struct ztt_quic_acked acked;
	struct ztt_quic_tally tally;

	(void)state;
	for (uint64_t n = 0; n < 100; n++)
		pass(space, n);
	ztt_quic_space_acked(space, ranges, 2, &acked);
	assert_int_equal(acked.packets, 99);
	assert_int_equal(acked.sent_ns, 99 * MS);
	tally = finish(space);
	assert_int_equal(tally.lost_after, 1);
	assert_int_equal(tally.in_flight_bytes, 0);
}

static void test_the_last_ones_are_unanswered(void **state)
{
	struct ztt_quic_space *space = new_space();
	struct ztt_quic_tally tally;

	(void)state;
	for (uint64_t n = 0; n < 10; n++)
		pass(space, n);
	ack(space, 0, 6);
	tally = finish(space);
	assert_int_equal(tally.lost_after, 0);
	assert_int_equal(tally.unanswered, 3);
}

static void test_an_acknowledged_gap_was_missed_by_the_capture(void **state)
{
	struct ztt_quic_space *space = new_space();
	struct ztt_quic_tally tally;

	(void)state;
	pass(space, 0);
	pass(space, 2);
	ack(space, 0, 2);
	tally = finish(space);
	assert_int_equal(tally.missed, 1);
	assert_int_equal(tally.skipped + tally.lost_before_certain, 0);
}

static void test_a_lone_gap_without_a_trace_was_skipped(void **state)
{
	struct ztt_quic_space *space = new_space();
	struct ztt_quic_tally tally;

	(void)state;
	for (uint64_t n = 0; n < 600; n++)
		if (n != 300)
			pass(space, n);
	tally = finish(space);
	assert_int_equal(tally.skipped, 1);
	assert_int_equal(tally.lost_before_certain, 0);
}

static void test_two_in_a_row_were_lost_before(void **state)
{
	struct ztt_quic_space *space = new_space();
	struct ztt_quic_tally tally;

	(void)state;
	for (uint64_t n = 0; n < 20; n++)
		if (n != 7 && n != 8)
			pass(space, n);
	tally = finish(space);
	assert_int_equal(tally.lost_before_certain, 2);
}

static void test_a_hole_that_is_filled_later_was_lost_before(void **state)
{
	struct ztt_quic_space *space = new_space();
	struct ztt_quic_streams *streams = ztt_quic_streams_new(space);
	struct ztt_quic_tally tally;

	(void)state;
	for (uint64_t n = 0; n < 20; n++) {
		if (n == 7)
			continue;
		assert_false(
			ztt_quic_streams_data(streams, n, 4, n * 100, 100));
		pass(space, n);
	}
	assert_true(ztt_quic_streams_data(streams, 20, 4, 700, 100));
	pass(space, 20);
	ztt_quic_streams_free(streams);
	tally = finish(space);
	assert_int_equal(tally.lost_before_certain, 1);
	assert_int_equal(tally.skipped, 0);
}

static void test_a_hole_that_is_reordering_is_no_loss(void **state)
{
	static const uint64_t order[] = {0, 1, 2, 6, 4, 3, 5, 7, 8};
	struct ztt_quic_space *space = new_space();
	struct ztt_quic_streams *streams = ztt_quic_streams_new(space);
	struct ztt_quic_tally tally;

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		assert_false(ztt_quic_streams_data(streams, order[i], 4,
						   order[i] * 100, 100));
		pass(space, order[i]);
	}
	ztt_quic_streams_free(streams);
	tally = finish(space);
	assert_int_equal(tally.reordered, 3);
	assert_int_equal(tally.lost_before_certain + tally.skipped, 0);
}

static void test_an_acknowledgement_that_was_due_was_lost_before(void **state)
{
	struct ztt_quic_space *space = new_space(), *peer = new_space();
	struct ztt_quic_sent sent = {.bytes = 30};
	struct ztt_quic_tally tally;

	(void)state;
	ztt_quic_space_peer(space, peer);
	ztt_quic_space_answer_ns(space, 5 * MS);
	for (uint64_t n = 0; n < 40; n++)
		pass(peer, n);
	for (uint64_t n = 0; n < 8; n++) {
		sent.number = n;
		sent.at_ns = (int64_t)n * 4 * MS + 6 * MS;
		sent.acknowledges = n * 4;
		if (n != 5)
			ztt_quic_space_sent(space, &sent);
	}
	tally = finish(space);
	finish(peer);
	assert_int_equal(tally.lost_before_likely, 1);
	assert_int_equal(tally.skipped, 0);
}

static void
test_a_late_acknowledgement_tells_a_spurious_retransmission(void **state)
{
	struct ztt_quic_space *space = new_space();
	struct ztt_ack_range ranges[] = {{5, 9}, {0, 3}};
	struct ztt_quic_acked acked;
	struct ztt_quic_tally tally;

	(void)state;
	for (uint64_t n = 0; n < 10; n++)
		pass(space, n);
	ztt_quic_space_acked(space, ranges, 2, &acked);
	ack(space, 0, 9);
	tally = finish(space);
	assert_int_equal(tally.spurious, 1);
	assert_int_equal(tally.lost_after, 0);
	assert_int_equal(tally.in_flight_bytes, 0);
}

static void test_a_packet_that_comes_again_is_a_duplicate(void **state)
{
	struct ztt_quic_space *space = new_space();
	struct ztt_quic_tally tally;

	(void)state;
	assert_int_equal(pass(space, 0), ZTT_SEEN_NEW);
	assert_int_equal(pass(space, 2), ZTT_SEEN_NEW);
	assert_int_equal(pass(space, 1), ZTT_SEEN_REORDERED);
	assert_int_equal(pass(space, 1), ZTT_SEEN_AGAIN);
	tally = finish(space);
	assert_int_equal(tally.duplicated, 1);
	assert_int_equal(tally.seen, 3);
}

static void test_a_million_packets_need_no_more_memory(void **state)
{
	struct ztt_quic_space *space = new_space();
	struct ztt_quic_tally tally;

	(void)state;
	for (uint64_t n = 0; n < 1000000; n++) {
		if (n % 1000 != 999)
			pass(space, n);
		if (n % 100 == 99 && n % 1000 != 999)
			ack(space, n - n % 1000, n);
	}
	assert_int_equal(pass(space, 0), ZTT_SEEN_LATE);
	tally = finish(space);
	assert_int_equal(tally.seen, 999000);
	assert_int_equal(tally.lost_after, 99000 - 99);
	assert_int_equal(tally.unanswered, 99);
}

static void test_a_jump_of_numbers_is_no_loss(void **state)
{
	struct ztt_quic_space *space = new_space();
	struct ztt_quic_tally tally;

	(void)state;
	pass(space, 0);
	pass(space, UINT64_C(1) << 61);
	ack(space, 0, UINT64_MAX);
	tally = finish(space);
	assert_int_equal(tally.seen, 2);
	assert_int_equal(tally.lost_before_certain, 0);
}

static bool refuse(void *owner, long size_bytes)
{
	unsigned *asked = owner;

	*asked += size_bytes > 0;
	return size_bytes <= 0;
}

static void test_a_budget_that_is_spent_settles_earlier(void **state)
{
	unsigned asked = 0;
	struct ztt_quic_space *space = ztt_quic_space_new(
		&(struct ztt_quic_space_plan){.from_start = true,
					      .reserve = refuse,
					      .owner = &asked});
	struct ztt_quic_tally tally;

	(void)state;
	for (uint64_t n = 0; n < 300; n++)
		pass(space, n);
	assert_int_equal(pass(space, 1), ZTT_SEEN_LATE);
	assert_true(asked > 0);
	tally = finish(space);
	assert_int_equal(tally.seen, 300);
	assert_int_equal(tally.unanswered, 300);
}

/* Random passing and acknowledging against the plainest model. */
static void test_any_order_agrees_with_a_plain_model(void **state)
{
	enum {
		COUNT = 2000
	};
	static bool seen[COUNT], acked[COUNT];

	(void)state;
	for (unsigned seed = 1; seed < 30; seed++) {
		struct ztt_quic_space *space = new_space();
		struct ztt_quic_tally tally;
		uint64_t lost = 0, missed = 0, highest = 0, top = 0;
		uint64_t last_seen = 0;

		srand(seed);
		memset(seen, 0, sizeof(seen));
		memset(acked, 0, sizeof(acked));
		pass(space, 0);
		seen[0] = true;
		for (uint64_t n = 1; n < COUNT; n++) {
			struct ztt_ack_range ranges[8];
			struct ztt_quic_acked told;
			size_t count = 0;
			uint64_t at = n;

			if (rand() % 10) {
				pass(space, n);
				seen[n] = true;
				last_seen = n;
			}
			if (rand() % 4)
				continue;
			while (count < 8 && at > 12) {
				uint64_t most = at - (uint64_t)(rand() % 4);
				uint64_t least = most - (uint64_t)(rand() % 5);

				ranges[count].most = most;
				ranges[count++].least = least;
				for (uint64_t i = least; i <= most; i++)
					acked[i] = true;
				if (most > top)
					top = most;
				at = least - 2;
			}
			ztt_quic_space_acked(space, ranges, count, &told);
		}
		highest = last_seen > top ? last_seen : top;
		for (uint64_t n = 0; n <= highest; n++) {
			lost += seen[n] && !acked[n] && n < top;
			missed += !seen[n] && acked[n];
		}
		tally = finish(space);
		assert_int_equal(tally.lost_after, lost);
		assert_int_equal(tally.missed, missed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_lost_when_all_is_acknowledged),
		cmocka_unit_test(
			test_what_is_never_acknowledged_was_lost_after),
		cmocka_unit_test(test_the_last_ones_are_unanswered),
		cmocka_unit_test(
			test_an_acknowledged_gap_was_missed_by_the_capture),
		cmocka_unit_test(test_a_lone_gap_without_a_trace_was_skipped),
		cmocka_unit_test(test_two_in_a_row_were_lost_before),
		cmocka_unit_test(
			test_a_hole_that_is_filled_later_was_lost_before),
		cmocka_unit_test(test_a_hole_that_is_reordering_is_no_loss),
		cmocka_unit_test(
			test_an_acknowledgement_that_was_due_was_lost_before),
		cmocka_unit_test(
			test_a_late_acknowledgement_tells_a_spurious_retransmission),
		cmocka_unit_test(test_a_packet_that_comes_again_is_a_duplicate),
		cmocka_unit_test(test_a_million_packets_need_no_more_memory),
		cmocka_unit_test(test_a_jump_of_numbers_is_no_loss),
		cmocka_unit_test(test_a_budget_that_is_spent_settles_earlier),
		cmocka_unit_test(test_any_order_agrees_with_a_plain_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
