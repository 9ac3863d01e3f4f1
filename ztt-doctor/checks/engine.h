/* What the checks of the engine have in common. */
#ifndef ZTT_DOCTOR_CHECKS_ENGINE_H
#define ZTT_DOCTOR_CHECKS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "ztt-doctor/engine/processes.h"

struct ztt_doctor;
struct ztt_finding;

/* The processes that run a tunnel. */
size_t ztt_engine_running(struct ztt_doctor *doctor);

/* A setting that a process, the unit or config.yml gives, in this order, or
 * what the bundle says; false when none does: then the default holds. */
bool ztt_engine_setting(struct ztt_doctor *doctor, const char *name, char *out,
			size_t cap_bytes);

#endif
