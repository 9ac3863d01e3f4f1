/* Runs checks: those that wait side by side, the others meanwhile. */
#ifndef ZTT_DOCTOR_RUN_H
#define ZTT_DOCTOR_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "ztt-doctor/report/report.h"

struct ztt_doctor;

/* Answers the `count` checks of `checks` into `ret_answers`, in their order. A
 * check whose needs are not met is skipped with the reason; one that is not
 * done by doctor->deadline_ns is unknown, and its thread left behind: then
 * *ret_left is true, nothing that checks use may be freed, and the process has
 * to end by _exit(). `progress` NULL: none is shown. */
void ztt_run_checks(struct ztt_doctor *doctor,
		    const struct ztt_check *const *checks, size_t count,
		    struct ztt_answer *ret_answers, FILE *progress,
		    bool *ret_left);

#endif
