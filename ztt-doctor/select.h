/* Which checks are meant by words such as "udp", "egress.udp". */
#ifndef ZTT_DOCTOR_SELECT_H
#define ZTT_DOCTOR_SELECT_H

#include <stddef.h>

#include "ztt-doctor/check.h"

struct ztt_err;

/* The checks that one of `words` names (an id, or a group for all of its
 * checks; none: all) and `skip` ("ID,GROUP,..." or NULL) does not, in the order
 * of checks.def. The caller frees the array. -EINVAL: a word names none (gives
 * the nearest one); nothing is left. */
int ztt_select(char *const *words, size_t word_count, const char *skip,
	       const struct ztt_check ***ret_checks, size_t *ret_count,
	       struct ztt_err *err);

/* The check with this id. -EINVAL as above. */
int ztt_select_one(const char *id, const struct ztt_check **ret_check,
		   struct ztt_err *err);

#endif
