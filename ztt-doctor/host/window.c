#include "ztt-doctor/host/window.h"

#include <errno.h>
#include <time.h>

#include "common/clock.h"

uint64_t ztt_window_wait(const struct ztt_doctor *doctor)
{
	const uint64_t begin_ns = ztt_clock_ns();
	uint64_t end_ns = begin_ns + doctor->plan.window_ns;
	struct timespec end;

	if (end_ns > doctor->deadline_ns)
		end_ns = doctor->deadline_ns;
	if (end_ns <= begin_ns)
		return 0;
	end.tv_sec = (time_t)(end_ns / ZTT_NS_PER_S);
	end.tv_nsec = (long)(end_ns % ZTT_NS_PER_S);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) ==
	       EINTR)
		continue;
	return ztt_clock_ns() - begin_ns;
}
