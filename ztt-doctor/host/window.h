/* Waiting while counters are watched. */
#ifndef ZTT_DOCTOR_WINDOW_H
#define ZTT_DOCTOR_WINDOW_H

#include <stdint.h>

#include "ztt-doctor/doctor.h"

/* Sleeps for the plan's window, at most until the deadline; how long it was, in
 * nanoseconds, 0 when there was no time left. */
uint64_t ztt_window_wait(const struct ztt_doctor *doctor);

#endif
