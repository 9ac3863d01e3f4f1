#include "ztt-capture/analysis/counter_window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

#define WORDS (ZTT_COUNTER_WINDOW / 64)

void ztt_counter_window_init(struct ztt_counter_window *window, bool began)
{
	*window = (struct ztt_counter_window){.began = began};
}

void ztt_counter_window_release(struct ztt_counter_window *window)
{
	for (unsigned path = 0; path < ZTT_COUNTER_PATHS; path++) {
		free(window->seen[path]);
		window->seen[path] = NULL;
	}
}

static uint64_t *word_of(const struct ztt_counter_window *window, unsigned path,
			 uint64_t counter)
{
	return &window->seen[path][counter / 64 % WORDS];
}

static uint64_t bit_of(uint64_t counter)
{
	return UINT64_C(1) << (counter % 64);
}

static unsigned paths_of(const struct ztt_counter_window *window,
			 uint64_t counter)
{
	unsigned paths = 0;

	for (unsigned path = 0; path < ZTT_COUNTER_PATHS; path++)
		if (window->seen[path] &&
		    *word_of(window, path, counter) & bit_of(counter))
			paths |= 1U << path;
	return paths;
}

static void settle_one(struct ztt_counter_window *window,
		       struct ztt_counter_sums *sums, uint64_t counter)
{
	unsigned paths = paths_of(window, counter);

	sums->seen_by[paths]++;
	for (unsigned path = 0; paths >> path; path++)
		if (paths >> path & 1)
			*word_of(window, path, counter) &= ~bit_of(counter);
}

/* Settles what is below `limit`; nothing above `most` has been seen. */
static void settle_below(struct ztt_counter_window *window,
			 struct ztt_counter_sums *sums, uint64_t limit)
{
	for (; window->next < limit && window->next <= window->most;
	     window->next++)
		settle_one(window, sums, window->next);
	if (window->next < limit) {
		sums->seen_by[0] += limit - window->next;
		window->next = limit;
	}
}

static void begin_at(struct ztt_counter_window *window, uint64_t counter)
{
	window->any = true;
	window->first = window->next = window->began ? 0 : counter;
	window->most = counter;
	window->has_suspect = false;
}

/* A step too far to be believed at once: the next one near it proves it, and
 * what lies between is not known to have been sent. */
static bool step_is_proven(struct ztt_counter_window *window,
			   struct ztt_counter_sums *sums, uint64_t counter)
{
	uint64_t from = window->suspect;

	if (!window->has_suspect || counter <= from ||
	    counter - from > ZTT_COUNTER_WINDOW) {
		window->suspect = counter;
		window->has_suspect = true;
		sums->implausible++;
		return false;
	}
	if (window->any) {
		settle_below(window, sums, window->most + 1);
		sums->breaks++;
	}
	sums->implausible--;
	window->began = false;
	memset(window->path_any, 0, sizeof(window->path_any));
	begin_at(window, counter);
	return true;
}

static void mark(struct ztt_counter_window *window,
		 struct ztt_counter_sums *sums, unsigned path, uint64_t counter)
{
	if (!window->seen[path])
		window->seen[path] = ztt_calloc(WORDS, sizeof(uint64_t));
	*word_of(window, path, counter) |= bit_of(counter);
	if (window->path_any[path] && counter < window->path_most[path])
		sums->reordered[path]++;
	else
		window->path_most[path] = counter;
	window->path_any[path] = true;
}

static enum ztt_counter_news place(struct ztt_counter_window *window,
				   struct ztt_counter_sums *sums, unsigned path,
				   uint64_t counter)
{
	unsigned paths = paths_of(window, counter);

	if (paths >> path & 1) {
		sums->duplicated[path]++;
		return ZTT_COUNTER_DUPLICATE;
	}
	for (unsigned other = 0; paths >> other; other++)
		if (paths >> other & 1)
			sums->ahead[other][path]++;
	mark(window, sums, path, counter);
	return paths ? ZTT_COUNTER_AGAIN : ZTT_COUNTER_NEW;
}

static bool is_far(const struct ztt_counter_window *window, uint64_t counter)
{
	if (!window->any)
		return window->began && counter >= ZTT_COUNTER_STEP_MAX;
	return counter > window->most &&
	       counter - window->most >= ZTT_COUNTER_STEP_MAX;
}

enum ztt_counter_news ztt_counter_window_see(struct ztt_counter_window *window,
					     struct ztt_counter_sums *sums,
					     unsigned path, uint64_t counter)
{
	assert(path < ZTT_COUNTER_PATHS);
	if (counter == UINT64_MAX ||
	    (is_far(window, counter) && !step_is_proven(window, sums, counter)))
		return ZTT_COUNTER_IMPLAUSIBLE;
	if (!window->any)
		begin_at(window, counter);
	if (counter < window->next) {
		bool early = !window->began &&
			     window->most - counter < ZTT_COUNTER_WINDOW &&
			     window->first == window->next;

		if (!early) {
			sums->reordered[path]++;
			sums->late[path]++;
			return ZTT_COUNTER_LATE;
		}
		window->first = window->next = counter;
	}
	if (counter > window->most) {
		if (counter >= ZTT_COUNTER_WINDOW)
			settle_below(window, sums,
				     counter - ZTT_COUNTER_WINDOW + 1);
		window->most = counter;
	}
	return place(window, sums, path, counter);
}

void ztt_counter_window_settle(struct ztt_counter_window *window,
			       struct ztt_counter_sums *sums)
{
	if (!window->any)
		return;
	for (; window->next <= window->most; window->next++)
		sums->seen_by[paths_of(window, window->next)]++;
}

/* Two paths that saw mostly the same counters are hops of one way. */
static bool are_hops(const struct ztt_counter_sums *sums, unsigned one,
		     unsigned other)
{
	uint64_t both = 0, of_one = 0, of_other = 0;

	for (unsigned paths = 1; paths < 1U << ZTT_COUNTER_PATHS; paths++) {
		bool in_one = paths >> one & 1, in_other = paths >> other & 1;

		both += in_one && in_other ? sums->seen_by[paths] : 0;
		of_one += in_one ? sums->seen_by[paths] : 0;
		of_other += in_other ? sums->seen_by[paths] : 0;
	}
	return both > 0 && both * 2 >= (of_one < of_other ? of_one : of_other);
}

static bool is_before(const struct ztt_counter_sums *sums, unsigned one,
		      unsigned other)
{
	uint64_t ahead = sums->ahead[one][other];
	uint64_t behind = sums->ahead[other][one];

	return are_hops(sums, one, other) &&
	       (ahead > behind || (ahead == behind && one < other));
}

static unsigned paths_in_use(const struct ztt_counter_sums *sums)
{
	unsigned in_use = 0;

	for (unsigned paths = 1; paths < 1U << ZTT_COUNTER_PATHS; paths++)
		if (sums->seen_by[paths])
			in_use |= paths;
	return in_use;
}

/* The length of the longest chain of hops that ends at `path`. */
static unsigned depth_of(const struct ztt_counter_sums *sums, unsigned in_use,
			 unsigned path, unsigned bound)
{
	unsigned depth = 1;

	for (unsigned before = 0; bound && in_use >> before; before++) {
		unsigned here;

		if (before == path || !(in_use >> before & 1) ||
		    !is_before(sums, before, path))
			continue;
		here = 1 + depth_of(sums, in_use & ~(1U << path), before,
				    bound - 1);
		depth = here > depth ? here : depth;
	}
	return depth;
}

static void find_hops(const struct ztt_counter_sums *sums,
		      struct ztt_counter_result *result)
{
	unsigned in_use = paths_in_use(sums);

	result->first = result->last = in_use;
	for (unsigned one = 0; in_use >> one; one++) {
		unsigned depth;

		if (!(in_use >> one & 1))
			continue;
		depth = depth_of(sums, in_use, one, ZTT_COUNTER_PATHS);
		result->hops = depth > result->hops ? depth : result->hops;
		for (unsigned other = 0; in_use >> other; other++)
			if (one != other && in_use >> other & 1 &&
			    is_before(sums, one, other)) {
				result->last &= ~(1U << one);
				result->first &= ~(1U << other);
			}
	}
}

void ztt_counter_result(const struct ztt_counter_sums *sums,
			struct ztt_counter_result *ret_result)
{
	struct ztt_counter_result result = {0};

	find_hops(sums, &result);
	result.lost_before = sums->seen_by[0];
	for (unsigned paths = 1; paths < 1U << ZTT_COUNTER_PATHS; paths++) {
		if (paths & result.last)
			result.arrived += sums->seen_by[paths];
		else
			result.lost_between += sums->seen_by[paths];
	}
	result.sent = result.lost_before + result.lost_between + result.arrived;
	for (unsigned path = 0; path < ZTT_COUNTER_PATHS; path++) {
		if (!(result.last >> path & 1))
			continue;
		result.reordered += sums->reordered[path];
		result.duplicated += sums->duplicated[path];
		result.late += sums->late[path];
	}
	*ret_result = result;
}

/* Where the tail begins: behind the greatest counter that the hop saw. */
static uint64_t tail_begins(const struct ztt_counter_window *window,
			    unsigned last)
{
	uint64_t most = 0;
	bool any = false;

	for (unsigned path = 0; path < ZTT_COUNTER_PATHS; path++) {
		if (!(last >> path & 1) || !window->path_any[path])
			continue;
		if (window->path_most[path] > most)
			most = window->path_most[path];
		any = true;
	}
	return any ? most + 1 : window->first;
}

uint64_t ztt_counter_tail(const struct ztt_counter_window *window,
			  unsigned last)
{
	uint64_t at = tail_begins(window, last), tail = 0;

	if (!window->any || at > window->most)
		return 0;
	if (window->most - at >= ZTT_COUNTER_WINDOW) {
		tail = window->most - at - ZTT_COUNTER_WINDOW + 1;
		at += tail;
	}
	for (; at <= window->most; at++)
		tail += paths_of(window, at) != 0;
	return tail;
}
