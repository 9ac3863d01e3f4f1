/* CLOCK_MONOTONIC in nanoseconds: the only clock that durations are taken
 * from. */
#ifndef ZTT_CLOCK_H
#define ZTT_CLOCK_H

#include <stdint.h>
#include <time.h>

#define ZTT_NS_PER_S UINT64_C(1000000000)
#define ZTT_NS_PER_MS UINT64_C(1000000)
#define ZTT_NS_PER_US UINT64_C(1000)
#define ZTT_NEVER UINT64_MAX /* a due time that does not come */

static inline uint64_t ztt_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * ZTT_NS_PER_S + (uint64_t)now.tv_nsec;
}

#endif
