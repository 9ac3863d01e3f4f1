/* The same function for several items at once, a thread with a small stack for
 * each. */
#ifndef ZTT_DOCTOR_SIDE_BY_SIDE_H
#define ZTT_DOCTOR_SIDE_BY_SIDE_H

#include <stddef.h>

/* Calls run(item) for each of `count` items of `size_bytes` and returns when
 * all have returned; one after the other where no thread can be had. */
void ztt_side_by_side(void (*run)(void *item), void *items, size_t size_bytes,
		      size_t count);

#endif
