#include "ztt-bench/parts/load/schedule.h"

#include "common/clock.h"

void ztt_load_schedule_init(struct ztt_load_schedule *schedule,
			    uint64_t start_ns, double rate_per_s,
			    unsigned thread, unsigned threads)
{
	schedule->start_ns = start_ns;
	schedule->rate_per_s = rate_per_s;
	schedule->next = thread;
	schedule->step = threads;
}

/* From the index each time: adding up an interval would add up its rounding. */
static uint64_t due_of(const struct ztt_load_schedule *schedule, uint64_t index)
{
	double after_ns =
		(double)index / schedule->rate_per_s * (double)ZTT_NS_PER_S;

	return schedule->start_ns + (uint64_t)after_ns;
}

uint64_t ztt_load_schedule_due(const struct ztt_load_schedule *schedule)
{
	return due_of(schedule, schedule->next);
}

void ztt_load_schedule_take(struct ztt_load_schedule *schedule)
{
	schedule->next += schedule->step;
}

uint64_t ztt_load_schedule_late(const struct ztt_load_schedule *schedule,
				uint64_t now_ns)
{
	uint64_t low = 0, high, middle;

	if (now_ns <= schedule->start_ns)
		return 0;
	high = (uint64_t)((double)(now_ns - schedule->start_ns) *
			  schedule->rate_per_s / (double)ZTT_NS_PER_S) +
	       2;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (due_of(schedule, schedule->next + middle * schedule->step) <
		    now_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
