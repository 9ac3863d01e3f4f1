#include "ztt-capture/report/qlog_lost.h"

#include <string.h>

#define BITS 64
#define WINDOW (UINT64_C(64) * ZTT_QLOG_LOST_WORDS)
#define THRESHOLD 3

static uint64_t *word_of(struct ztt_qlog_lost *lost, uint64_t number)
{
	return &lost->words[number / BITS % ZTT_QLOG_LOST_WORDS];
}

/* Forgets so much that `number` fits. */
static void move_to(struct ztt_qlog_lost *lost, uint64_t number)
{
	uint64_t base = (number / BITS + 1) * BITS - WINDOW;

	if (base - lost->base >= WINDOW) {
		memset(lost->words, 0, sizeof(lost->words));
		lost->base = base;
	}
	for (; lost->base < base; lost->base += BITS)
		*word_of(lost, lost->base) = 0;
}

void ztt_qlog_lost_sent(struct ztt_qlog_lost *lost, uint64_t number)
{
	if (number < lost->base)
		return;
	if (number - lost->base >= WINDOW)
		move_to(lost, number);
	*word_of(lost, number) |= UINT64_C(1) << number % BITS;
}

/* Bits least..most, both within one word. */
static uint64_t mask_of(uint64_t least, uint64_t most)
{
	uint64_t above = UINT64_MAX << least % BITS;
	uint64_t below = UINT64_MAX >> (BITS - 1 - most % BITS);

	return above & below;
}

static void clear(struct ztt_qlog_lost *lost, uint64_t least, uint64_t most)
{
	uint64_t top = lost->base + WINDOW - 1;

	if (most < lost->base || least > top)
		return;
	least = least < lost->base ? lost->base : least;
	most = most > top ? top : most;
	while (least <= most) {
		uint64_t end = least | (BITS - 1);

		end = end > most ? most : end;
		*word_of(lost, least) &= ~mask_of(least, end);
		least = end + 1;
	}
}

void ztt_qlog_lost_acked(struct ztt_qlog_lost *lost,
			 const struct ztt_quic_frame *ack)
{
	for (size_t i = 0; i < ack->ack.range_count; i++)
		clear(lost, ack->ack.ranges[i].least, ack->ack.ranges[i].most);
}

bool ztt_qlog_lost_next(struct ztt_qlog_lost *lost, uint64_t largest,
			uint64_t *ret_number)
{
	uint64_t top = lost->base + WINDOW - 1;
	uint64_t most;

	if (largest < lost->base + THRESHOLD)
		return false;
	most = largest - THRESHOLD < top ? largest - THRESHOLD : top;
	for (uint64_t at = lost->base; at <= most; at += BITS) {
		uint64_t end = at + BITS - 1 < most ? at + BITS - 1 : most;
		uint64_t bits = *word_of(lost, at) & mask_of(at, end);

		if (!bits)
			continue;
		*ret_number = at + (uint64_t)__builtin_ctzll(bits);
		*word_of(lost, at) &= ~(bits & -bits);
		return true;
	}
	return false;
}
