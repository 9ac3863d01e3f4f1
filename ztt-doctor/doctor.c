#include "ztt-doctor/doctor.h"

#include "common/clock.h"

uint64_t ztt_doctor_due_ns(const struct ztt_doctor *doctor)
{
	uint64_t due_ns = ztt_clock_ns() + doctor->plan.timeout_ns;

	return due_ns < doctor->deadline_ns ? due_ns : doctor->deadline_ns;
}
