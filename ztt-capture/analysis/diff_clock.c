#include "ztt-capture/analysis/diff_clock.h"

#include <stdlib.h>

#define SYNCHRONISED_NS INT64_C(1000000000)

/* Of a direction, less what is out of the window. */
struct range {
	bool any;
	int64_t least, median, most;
};

static int by_size(const void *one, const void *other)
{
	int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

	return (a > b) - (a < b);
}

static struct range range_of(int64_t *deltas, size_t count, uint64_t window_ns)
{
	int64_t window = (int64_t)window_ns, median;
	size_t from = 0, to = count;

	if (count == 0)
		return (struct range){0};
	qsort(deltas, count, sizeof(*deltas), by_size);
	median = deltas[count / 2];
	while (deltas[from] < median - window)
		from++;
	while (deltas[to - 1] > median + window)
		to--;
	return (struct range){true, deltas[from], median, deltas[to - 1]};
}

/* The same range as the other end's clock sees it. */
static struct range negative(struct range range)
{
	return (struct range){range.any, -range.most, -range.median,
			      -range.least};
}

/* The sum of both directions' delays does not depend on the clocks: it is more
 * than 0 when A is where what goes up passes first. With one direction alone,
 * clocks that are less than a second apart are taken to be right enough to tell
 * who was first; else it is A. */
static bool a_is_near(struct range up, struct range down, bool same_clock)
{
	int64_t to_b = up.any ? up.median : down.median;

	if (up.any && down.any)
		return up.median - down.median >= 0;
	if (!same_clock && (to_b < -SYNCHRONISED_NS || to_b > SYNCHRONISED_NS))
		return up.any;
	return up.any ? to_b >= 0 : to_b < 0;
}

static int64_t most(int64_t one, int64_t other)
{
	return one > other ? one : other;
}

static struct range less(struct range range, int64_t offset_ns)
{
	if (range.any) {
		range.least -= offset_ns;
		range.median -= offset_ns;
		range.most -= offset_ns;
	}
	return range;
}

static struct ztt_diff_delays delays_of(const struct range *range)
{
	return (struct ztt_diff_delays){range->least, range->most};
}

void ztt_diff_clock_estimate(struct ztt_diff_deltas *deltas, bool same_clock,
			     uint64_t window_ns, struct ztt_diff_clock *ret)
{
	struct range up = range_of(deltas->up, deltas->up_count, window_ns);
	struct range down =
		range_of(deltas->down, deltas->down_count, window_ns);
	struct range to_b, to_a;

	*ret = (struct ztt_diff_clock){
		.a_is_near = a_is_near(up, down, same_clock),
		.offset_known = same_clock || (up.any && down.any),
	};
	to_b = ret->a_is_near ? up : down;
	to_a = negative(ret->a_is_near ? down : up);
	if (to_b.any && to_a.any && !same_clock) {
		ret->offset_ns = (to_b.least - to_a.least) / 2;
		ret->uncertainty_ns =
			(uint64_t)most(0, (to_b.least + to_a.least) / 2);
	} else if (!same_clock) {
		ret->offset_ns = to_b.any ? to_b.least : -to_a.least;
	}
	to_b = less(to_b, ret->offset_ns);
	to_a = less(to_a, -ret->offset_ns);
	ret->up = delays_of(ret->a_is_near ? &to_b : &to_a);
	ret->down = delays_of(ret->a_is_near ? &to_a : &to_b);
}
